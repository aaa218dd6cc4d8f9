package io.cistern.kafka;

import org.apache.kafka.common.TopicPartition;

/**
 * Polled records of a partition that are not in a batch file yet.
 *
 * @param startOffset the position before these records
 * @param nextOffset  the position after them
 * @param consumedAt  milliseconds since the epoch
 * @param topicId     the topic incarnation that they belong to, or null if the broker has no topic ids
 */
record PolledPartition(TopicPartition partition, PolledRecords records, long startOffset, long nextOffset, long consumedAt,
                       String topicId) {

    /** The first {@code count} records. */
    PolledPartition head(int count) {
        return count == records.polled().size() ? this
            : new PolledPartition(partition, records.part(0, count), startOffset, records.offset(count - 1) + 1, consumedAt, topicId);
    }

    /** What follows {@link #head}; null if nothing does. */
    PolledPartition tail(int count) {
        int size = records.polled().size();
        return count == size ? null : new PolledPartition(partition, records.part(count, size), records.offset(count - 1) + 1,
            nextOffset, consumedAt, topicId);
    }
}
