package io.cistern.batch;

import java.util.Iterator;
import java.util.List;

/**
 * Consecutive records of one topic-partition in offset order: the body of the routes' exchanges. Iterating gives the
 * records one by one, so that {@code split: ${body}} works; the edges in {@code io.cistern.kafka} take it whole.
 */
public interface Batch extends Iterable<Record> {

    /** The topic that the records were polled from. */
    String getTopic();

    /** Their partition in it. */
    int getPartition();

    /** How many records. */
    int getCount();

    /** The same batch with these records, some of its own in the same order: what a filter left of it. */
    Batch withRecords(List<Record> records);

    /** The partition that a producer sends {@code record} to; null for the partitioner's choice by key. */
    default Integer targetPartition(Record record) {
        return null;
    }

    /** The timestamp that a producer gives {@code record}, or {@link Record#NO_TIMESTAMP}; null for the time of sending. */
    default Long targetTimestamp(Record record) {
        return record.timestamp();
    }

    /** The headers that a producer gives {@code record}, in order; names may repeat. */
    default List<Record.Header> targetHeaders(Record record) {
        return record.headers();
    }

    /** The extremes of its records; null if they are not known. */
    default RecordExtremes extremes() {
        return null;
    }

    /** The most bytes of a Kafka batch that the topic takes which it is sent to. */
    default long targetMaxBytes() {
        return Long.MAX_VALUE;
    }

    /** Whether a producer with transactions sends it in one. */
    default boolean isTransactional() {
        return true;
    }

    /** Whether a step that failed may be tried again now; see {@link Source#hasTime}. */
    default boolean hasTime() {
        return true;
    }

    /**
     * Its records for the last time. What can be read as it is needed is not held for this, and nothing has them from then
     * on.
     *
     * @throws IllegalStateException if this was done before, and they are not held
     */
    default Iterator<Record> drain() {
        return iterator();
    }

    /** Told by a producer of reloads when all of it is on its way. */
    default void sent() {
    }
}
