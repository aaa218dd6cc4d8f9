package io.cistern.kafka;

import io.cistern.batch.Record;
import java.util.List;
import java.util.function.Supplier;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.DefaultRecord;
import org.apache.kafka.common.record.DefaultRecordBatch;

/**
 * Which records a topic takes, by its configuration.
 *
 * @param maxBytes    of a record
 * @param needsKeys   whether it takes none without a key
 * @param mostBefore  how long before the time of the broker a timestamp may be, in milliseconds
 * @param mostBehind  how long behind it
 */
public record TopicLimits(long maxBytes, boolean needsKeys, long mostBefore, long mostBehind) {

    /** Takes everything, or nothing is known of it. */
    public static final TopicLimits NONE = new TopicLimits(Long.MAX_VALUE, false, Long.MAX_VALUE, Long.MAX_VALUE);

    /** Bytes that a record, and each of its headers, takes beside what is in them, at the most: lengths, and the batch's head. */
    private static final int OVERHEAD = 100;
    private static final int OVERHEAD_OF_HEADER = 10;

    /**
     * Why it does not take a record.
     *
     * @param headers   that it will have
     * @param bytes     of key, value and its own headers
     * @param age       how long before now its timestamp will be, in milliseconds; 0 if it will have none of its own
     * @return with no contents; null if it takes it, as far as is known
     */
    public String refusal(Record record, Supplier<List<Record.Header>> headers, long bytes, long age) {
        if (needsKeys && record.key() == null) {
            return "takes no record without key, since it is compacted";
        }
        if (bytes > maxBytes || mayBeTooLarge(record, bytes) && size(record, headers.get()) > maxBytes) {
            return "takes no record of more than " + maxBytes + " bytes (max.message.bytes)";
        }
        if (age != 0 && record.timestamp() < Record.NO_TIMESTAMP) {
            return "takes no record with a timestamp before 1970, which producers cannot publish";
        }
        if (age > mostBefore || -age > mostBehind) {
            return "takes no record of that time (message.timestamp." + (age > 0 ? "before" : "after") + ".max.ms)";
        }
        return null;
    }

    private boolean mayBeTooLarge(Record record, long bytes) {
        // Headers that are added are few.
        return maxBytes != Long.MAX_VALUE && bytes + OVERHEAD + (long) OVERHEAD_OF_HEADER * record.headers().size() > maxBytes - 64 * 1024;
    }

    /** The bytes of a batch with this record only: not to be sent to find out, since a producer can try that for ever. */
    private static long size(Record record, List<Record.Header> headers) {
        Header[] copies = headers.stream().map(header -> new RecordHeader(header.key(), header.value())).toArray(Header[]::new);
        return DefaultRecordBatch.RECORD_BATCH_OVERHEAD + (long) DefaultRecord.sizeInBytes(0, 0,
            record.key() == null ? -1 : record.key().length, record.value() == null ? -1 : record.value().length, copies);
    }
}
