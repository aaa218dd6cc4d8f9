package io.cistern.bucket;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What has to be known of a batch file to pass it over without opening it. It lies in the bucket beside the archive, one
 * empty file for each batch file, and its name says everything, so that a listing is enough:
 *
 * <pre>.cistern/&lt;folder&gt;/&lt;batch file's name without topic and extensions&gt;.&lt;least timestamp&gt;_&lt;greatest timestamp&gt;_&lt;last offset&gt;_&lt;count&gt;</pre>
 *
 * <p>These names sort as those of the batch files do, so that both listings are read side by side. Nothing is lost
 * with them: a batch file without one is opened, and its facts are written anew.
 *
 * @param key               the batch file's name without topic and extensions, {@link BatchFileName#key}
 * @param leastTimestamp    over all records, milliseconds since the epoch
 * @param greatestTimestamp over all records, milliseconds since the epoch
 * @param lastOffset        of the last record
 * @param count             how many records
 */
public record FileFacts(String key, long leastTimestamp, long greatestTimestamp, long lastOffset, long count) {

    /** The folder of these files in the bucket; no folder of batch files starts with a dot. */
    public static final String FOLDER = ".cistern";

    private static final Pattern NAME = Pattern.compile(
        "(.+)\\.(-?\\d{1,19})_(-?\\d{1,19})_(\\d{1,19})_(\\d{1,19})");

    /** The folder of the facts of all batch files in {@code folder}. */
    public static String folderFor(String folder) {
        return FOLDER + '/' + folder;
    }

    /** The path in the bucket of these facts about a file in {@code folder}. */
    public String path(String folder) {
        return folderFor(folder) + '/' + key + '.'
            + leastTimestamp + '_' + greatestTimestamp + '_' + lastOffset + '_' + count;
    }

    /** Reads a name, without its folder; null if it is none. */
    public static FileFacts parse(String name) {
        Matcher matcher = NAME.matcher(name);
        if (!matcher.matches()) {
            return null;
        }
        try {
            return new FileFacts(matcher.group(1), Long.parseLong(matcher.group(2)), Long.parseLong(matcher.group(3)),
                Long.parseLong(matcher.group(4)), Long.parseLong(matcher.group(5)));
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** Whether a record of the file can have a timestamp between both bounds, which count themselves. */
    public boolean mayHold(long from, long to) {
        return greatestTimestamp >= from && leastTimestamp <= to;
    }
}
