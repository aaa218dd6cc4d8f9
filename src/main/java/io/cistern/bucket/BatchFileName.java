package io.cistern.bucket;

import io.cistern.batch.Compression;
import io.cistern.batch.Timestamps;
import java.time.DateTimeException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The name of a batch file, {@code <ISO timestamp of the first record>_<topic>_<partition>_<offset of the first
 * record>_<epoch millis when consumed>.txt} with the compression's extension behind it, as the reference system defined
 * it. Names of its versions before 1.2 lack the offset.
 *
 * @param firstTimestamp milliseconds since the epoch
 * @param topic          the ingestion topic
 * @param partition      its partition
 * @param firstOffset    the offset of the first record, or {@link #UNKNOWN}
 * @param consumedAt     milliseconds since the epoch
 * @param key            the name without topic and extensions, letter for letter: what {@link FileFacts} are named by
 */
public record BatchFileName(long firstTimestamp, String topic, int partition, long firstOffset, long consumedAt,
                            String key) {

    /** The first offset of a file whose name does not tell it. */
    public static final long UNKNOWN = -1;

    private static final Pattern WITH_OFFSET = Pattern.compile("([^_]+)_(.+)(_(\\d{1,10})_(\\d{1,19})_(\\d{1,19}))");
    private static final Pattern WITHOUT_OFFSET = Pattern.compile("([^_]+)_(.+)(_(\\d{1,10})_(\\d{1,19}))");

    /** The name, without its folder, of a new batch file. */
    public static String format(String topic, int partition, long firstTimestamp, long firstOffset, long consumedAt,
                                Compression compression) {
        return Timestamps.format(firstTimestamp) + '_' + topic + '_' + partition + '_' + firstOffset + '_' + consumedAt
            + ".txt" + compression.extension();
    }

    /** The name, without its folder, of the file of this {@link #key}. */
    public static String ofKey(String key, String topic, Compression compression) {
        int behindTimestamp = key.indexOf('_');
        return key.substring(0, behindTimestamp) + '_' + topic + key.substring(behindTimestamp) + ".txt"
            + compression.extension();
    }

    /**
     * Reads a name, without its folder.
     *
     * @param topic the ingestion topic whose folder the file lies in: it tells a topic that ends with {@code _7} from a
     *              partition; null to take the name as one that has an offset where both readings are possible
     * @return null if it is no batch file of that topic
     */
    public static BatchFileName parse(String name, String topic) {
        Compression compression = Compression.ofFileName(name);
        if (compression == null) {
            return null;
        }
        String stem = name.substring(0, name.length() - ".txt".length() - compression.extension().length());
        BatchFileName parsed = parse(WITH_OFFSET.matcher(stem), topic, true);
        return parsed != null ? parsed : parse(WITHOUT_OFFSET.matcher(stem), topic, false);
    }

    private static BatchFileName parse(Matcher stem, String topic, boolean hasOffset) {
        if (!stem.matches() || topic != null && !topic.equals(stem.group(2))) {
            return null;
        }
        try {
            return new BatchFileName(Timestamps.parse(stem.group(1)), stem.group(2),
                Integer.parseInt(stem.group(4)),
                hasOffset ? Long.parseLong(stem.group(5)) : UNKNOWN,
                Long.parseLong(stem.group(hasOffset ? 6 : 5)),
                stem.group(1) + stem.group(3));
        } catch (DateTimeException | NumberFormatException e) {
            return null;
        }
    }
}
