package io.cistern.kafka;

import io.cistern.batch.Record;
import io.cistern.batch.RecordExtremes;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Which records a topic takes, by its configuration.
 *
 * @param maxBytes    of a batch, as it is sent
 * @param needsKeys   whether it takes no record without a key
 * @param mostBefore  how long before the time of the broker a timestamp may be, in milliseconds
 * @param mostBehind  how long after it
 * @param storedWith  the codec that the topic stores batches with; null if it keeps the codec of the producer
 */
public record TopicLimits(long maxBytes, boolean needsKeys, long mostBefore, long mostBehind, Codec storedWith) {

    /** Takes everything, or nothing is known of it. */
    public static final TopicLimits NONE = new TopicLimits(Long.MAX_VALUE, false, Long.MAX_VALUE, Long.MAX_VALUE, null);

    /** Headers that a reload adds to a record take less. */
    private static final int MOST_ADDED_BYTES = 64 * 1024;
    /** A codec at a high level makes a record smaller by less than this factor than at the usual level. */
    private static final int GAIN_OF_HIGH_LEVEL = 2;

    /**
     * Why the topic does not take a record, its size aside.
     *
     * @param age how long before now its timestamp will be, in milliseconds; 0 if it will have none of its own
     * @return a reason without contents; null if the topic takes it, as far as is known
     */
    public String refusal(Record record, long age) {
        if (needsKeys && record.key() == null) {
            return "takes no record without key, since it is compacted";
        }
        if (age != 0 && record.timestamp() < Record.NO_TIMESTAMP) {
            return "takes no record with a timestamp before 1970, which producers cannot publish";
        }
        if (age > mostBefore || -age > mostBehind) {
            return "takes no record of that time (message.timestamp." + (age > 0 ? "before" : "after") + ".max.ms)";
        }
        return null;
    }

    /** Why the topic does not take a record of which {@link #codec} says that it is too large. */
    public String tooLarge() {
        return "takes no record of more than " + maxBytes + " bytes (max.message.bytes)";
    }

    /**
     * The codec with which a record is small enough: the usual one if possible, else none, else one that makes it smaller.
     * A record that a producer compressed may be larger than the limit when it is read.
     *
     * @param headers that it will have
     * @param bytes   of key, value and its own headers
     * @return null if it is too large with any codec
     */
    public Codec codec(Record record, Supplier<List<Record.Header>> headers, long bytes, Codec usual) {
        if (maxBytes == Long.MAX_VALUE
                || bytes + MOST_ADDED_BYTES <= maxBytes && RecordExtremes.bound(record) + MOST_ADDED_BYTES <= maxBytes) {
            return usual;
        }
        List<Record.Header> all = headers.get();
        Set<Codec> codecs = storedWith != null ? EnumSet.of(storedWith) : EnumSet.of(usual, Codec.NONE);
        // The usual one comes first.
        if (codecs.contains(usual) && RecordSize.of(record, all, usual) <= maxBytes) {
            return usual;
        }
        for (Codec codec : codecs) {
            if (codec != usual && RecordSize.of(record, all, codec) <= maxBytes) {
                return codec;
            }
        }
        return storedWith == null ? codecOfLarge(record, all) : null;
    }

    private Codec codecOfLarge(Record record, List<Record.Header> headers) {
        long size = RecordSize.of(record, headers, Codec.ZSTD);
        if (size <= maxBytes) {
            return Codec.ZSTD;
        }
        // The high level is slow: it is tried only where it may be enough.
        return size / GAIN_OF_HIGH_LEVEL <= maxBytes && RecordSize.of(record, headers, Codec.ZSTD_HIGH) <= maxBytes
            ? Codec.ZSTD_HIGH : null;
    }
}
