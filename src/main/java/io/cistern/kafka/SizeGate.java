package io.cistern.kafka;

import io.cistern.batch.Record;
import io.cistern.batch.RecordExtremes;

/** Passes all records, and tells those that are large for their topic, which must not share a Kafka batch with others. */
record SizeGate(long maxBytes, Codec usual) implements Gate {

    /** Headers that a reload adds to a record take less. */
    private static final int MOST_ADDED_BYTES = 64 * 1024;

    @Override
    public boolean isOrdinary(Record record) {
        return maxBytes == Long.MAX_VALUE || RecordExtremes.bound(record) + MOST_ADDED_BYTES <= maxBytes;
    }

    @Override
    public Codec codec(Record record) {
        return usual;
    }

    @Override
    public boolean passesOver(Coordinates record, Exception reason) {
        return false;
    }

    @Override
    public void acknowledged() {
        // Nothing depends on it.
    }
}
