package io.cistern.batch;

import java.util.List;

/** The extremes of the records of a batch: from these it is known whether a limit can concern any of them. */
public final class RecordExtremes {

    /** Bytes of a Kafka batch and a record beside key, value and headers, and of a header beside its name and value, at most. */
    private static final int OVERHEAD = 100;
    private static final int HEADER_OVERHEAD = 10;
    /** Bytes that a character of a header's name takes in UTF-8, at most. */
    private static final int CHARACTER_BYTES = 3;

    private long largestBytes;
    private boolean hasKeyless;
    private long leastTimestamp = Long.MAX_VALUE;
    private long greatestTimestamp = Long.MIN_VALUE;

    /** A bound of the bytes that a record takes as the only one of a Kafka batch without compression. */
    public static long bound(Record record) {
        long bytes = OVERHEAD + (long) length(record.key()) + length(record.value());
        List<Record.Header> headers = record.headers();
        if (!headers.isEmpty()) {
            for (Record.Header header : headers) {
                bytes += HEADER_OVERHEAD + (long) CHARACTER_BYTES * header.key().length() + length(header.value());
            }
        }
        return bytes;
    }

    private static int length(byte[] bytes) {
        return bytes == null ? 0 : bytes.length;
    }

    void add(Record record) {
        largestBytes = Math.max(largestBytes, bound(record));
        hasKeyless |= record.key() == null;
        leastTimestamp = Math.min(leastTimestamp, record.timestamp());
        greatestTimestamp = Math.max(greatestTimestamp, record.timestamp());
    }

    /** The bound of the largest record. */
    public long largestBytes() {
        return largestBytes;
    }

    /** Whether a record has no key. */
    public boolean hasKeyless() {
        return hasKeyless;
    }

    /** The least timestamp, milliseconds since the epoch. */
    public long leastTimestamp() {
        return leastTimestamp;
    }

    /** The greatest timestamp. */
    public long greatestTimestamp() {
        return greatestTimestamp;
    }
}
