package io.cistern.bucket;

import io.cistern.batch.Timestamps;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What has to be known of a batch file to pass it over without opening it. It lies in the bucket beside the archive, one
 * empty file for each batch file, and its name says everything, so that a listing is enough:
 *
 * <pre>.cistern/&lt;folder&gt;/&lt;batch file's name without topic and extensions&gt;.&lt;least timestamp&gt;_&lt;greatest timestamp&gt;_&lt;last offset&gt;_&lt;count&gt;</pre>
 *
 * <p>Where there was nothing to be stored right before the first record (markers of transactions, aborted and compacted
 * records), {@code _<from>} is behind it: with this offset the stretch begins that is empty up to the first record. At the
 * end is {@code .<topic id>}, Kafka's id of the topic incarnation, where the broker has such ids, and after it {@code ~<topic
 * tag>}, a hash of the topic's name that tells files of topics in the same folder apart. Versions that do not know the tag
 * ignore such facts, and open the file.
 *
 * <p>These names sort as those of the batch files do, so that both listings are read side by side. Nothing is lost
 * with them: a batch file without one is opened, and its facts are written anew.
 *
 * <p>A file that holds timestamps more than a day from its first one is <em>wide</em>. Its facts are in {@code
 * .cistern/.wide/<folder>/} too, and are so before the file is there. With {@code .cistern/.listed/<folder>/<topic>}, which
 * says that this is true of all files, a reload lists the names around its range only, and all wide files.
 *
 * @param key               the batch file's name without topic and extensions, {@link BatchFileName#key}
 * @param leastTimestamp    over all records, milliseconds since the epoch
 * @param greatestTimestamp over all records, milliseconds since the epoch
 * @param lastOffset        of the last record
 * @param count             how many records
 * @param from              the offset from which on there was nothing before the first record, or {@link #NOT_NOTED}
 * @param topicId           Kafka's id of the topic incarnation of the records, 22 characters; null if it is not known
 * @param topicTag          {@link #tagOf} the topic, 12 characters; null in facts of former versions
 */
public record FileFacts(String key, long leastTimestamp, long greatestTimestamp, long lastOffset, long count, long from,
                        String topicId, String topicTag) {

    /** Nothing is known of what was before the first record; mostly that was the record of another file. */
    public static final long NOT_NOTED = -1;

    /** The folder of these files in the bucket; no folder of batch files has this name. */
    public static final String FOLDER = ".cistern";

    private static final Pattern NAME = Pattern.compile(
        "(.+)\\.(-?\\d{1,19})_(-?\\d{1,19})_(\\d{1,19})_(\\d{1,19})(?:_(\\d{1,19}))?(?:\\.([A-Za-z0-9_-]{22}))?(?:~([A-Za-z0-9_-]{12}))?");

    private static final long DAY = 86_400_000;
    /** Between these, the text of a timestamp sorts as the time does. */
    private static final long FIRST_DAY = Timestamps.parse("0000-01-01T00:00:00Z");
    private static final long BEHIND_LAST_DAY = Timestamps.parse("9999-12-31T00:00:00Z") + DAY;

    /** Facts without a note of what was before the first record, and of an unknown topic incarnation. */
    public FileFacts(String key, long leastTimestamp, long greatestTimestamp, long lastOffset, long count) {
        this(key, leastTimestamp, greatestTimestamp, lastOffset, count, NOT_NOTED, null);
    }

    /** Facts that do not name their topic, as former versions noted them. */
    public FileFacts(String key, long leastTimestamp, long greatestTimestamp, long lastOffset, long count, long from,
                     String topicId) {
        this(key, leastTimestamp, greatestTimestamp, lastOffset, count, from, topicId, null);
    }

    /** The same facts about a file of this topic. */
    public FileFacts withTopic(String topic) {
        return new FileFacts(key, leastTimestamp, greatestTimestamp, lastOffset, count, from, topicId, tagOf(topic));
    }

    /** The first 72 bits of the SHA-256 hash of a topic's name, in base64url: the name itself may be too long for a file's name. */
    public static String tagOf(String topic) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(topic.getBytes(StandardCharsets.UTF_8));
            return Base64.getUrlEncoder().encodeToString(Arrays.copyOf(hash, 9));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Whether both say the same of the records that a file holds. */
    public boolean agreesWith(FileFacts other) {
        return leastTimestamp == other.leastTimestamp && greatestTimestamp == other.greatestTimestamp
            && lastOffset == other.lastOffset && count == other.count;
    }

    /** The folder of the facts of all batch files in {@code folder}. */
    public static String folderFor(String folder) {
        return FOLDER + '/' + folder;
    }

    /** The path in the bucket of these facts about a file in {@code folder}. */
    public String path(String folder) {
        return folderFor(folder) + '/' + name();
    }

    /** The folder of the facts of wide batch files in {@code folder}. */
    public static String wideFolderFor(String folder) {
        return FOLDER + "/.wide/" + folder;
    }

    /** The path in the bucket of what says that all wide files of a topic in {@code folder} are known. */
    public static String listedPath(String folder, String topic) {
        return FOLDER + "/.listed/" + folder + '/' + topic;
    }

    /** Where a listing may start that is to meet all files, but wide ones, with timestamps of {@code from} or later; or null. */
    public static String nameBefore(long from) {
        // A day since files are that wide, and one since others may write their names in another time zone.
        return from < FIRST_DAY + 2 * DAY || from >= BEHIND_LAST_DAY ? null : Timestamps.format(from - 2 * DAY);
    }

    /** Where a listing may end that is to meet all files, but wide ones, with timestamps up to {@code to}; or null. */
    public static String nameBehind(long to) {
        return to < FIRST_DAY || to >= BEHIND_LAST_DAY - 2 * DAY ? null : Timestamps.format(to + 2 * DAY);
    }

    /**
     * Whether timestamps are too far from the first one to find the file by its name.
     *
     * @param firstTimestamp of the first record, milliseconds since the epoch
     */
    public boolean isWide(long firstTimestamp) {
        return firstTimestamp < FIRST_DAY || firstTimestamp >= BEHIND_LAST_DAY
            || leastTimestamp < firstTimestamp - DAY || greatestTimestamp > firstTimestamp + DAY;
    }

    /** The path in the bucket of these facts among those of wide files. */
    public String widePath(String folder) {
        return wideFolderFor(folder) + '/' + name();
    }

    private String name() {
        return key + '.' + leastTimestamp + '_' + greatestTimestamp + '_' + lastOffset + '_' + count
            + (from == NOT_NOTED ? "" : "_" + from) + (topicId == null ? "" : "." + topicId)
            + (topicTag == null ? "" : "~" + topicTag);
    }

    /** Reads a name, without its folder; null if it is none. */
    public static FileFacts parse(String name) {
        Matcher matcher = NAME.matcher(name);
        if (!matcher.matches()) {
            return null;
        }
        try {
            return new FileFacts(matcher.group(1), Long.parseLong(matcher.group(2)), Long.parseLong(matcher.group(3)),
                Long.parseLong(matcher.group(4)), Long.parseLong(matcher.group(5)),
                matcher.group(6) == null ? NOT_NOTED : Long.parseLong(matcher.group(6)),
                // A topic has few ids, and a listing may have a million names.
                matcher.group(7) == null ? null : matcher.group(7).intern(),
                matcher.group(8) == null ? null : matcher.group(8).intern());
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** Whether a record of the file can have a timestamp between both bounds, which count themselves. */
    public boolean mayHold(long from, long to) {
        return greatestTimestamp >= from && leastTimestamp <= to;
    }
}
