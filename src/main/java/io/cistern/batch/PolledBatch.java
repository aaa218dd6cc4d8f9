package io.cistern.batch;

import java.util.Iterator;
import java.util.List;

/**
 * What one poll gave of one topic-partition, on its way into a {@link BatchFile}. Without records it is a tick, which
 * only makes the rotation rule look at the batch file that is open.
 */
public final class PolledBatch implements Batch {

    private final Source source;
    private final String topic;
    private final int partition;
    private final long startOffset;
    private final long nextOffset;
    private final long consumedAt;
    private final String topicId;
    private final Iterable<Record> records;
    private final int count;

    /**
     * @param startOffset the position before these records: where the poll before ended
     * @param nextOffset  the position behind them; records that are not there (gaps, filtered) count as passed
     * @param consumedAt  milliseconds since the epoch
     * @param topicId     the topic incarnation of the records, as Kafka's topic id; null if the broker has none
     * @param records     the records, {@code count} of them
     */
    public PolledBatch(Source source, String topic, int partition, long startOffset, long nextOffset, long consumedAt,
                       String topicId, Iterable<Record> records, int count) {
        this.source = source;
        this.topic = topic;
        this.partition = partition;
        this.startOffset = startOffset;
        this.nextOffset = nextOffset;
        this.consumedAt = consumedAt;
        this.topicId = topicId;
        this.records = records;
        this.count = count;
    }

    @Override
    public PolledBatch withRecords(List<Record> kept) {
        return new PolledBatch(source, topic, partition, startOffset, nextOffset, consumedAt, topicId, kept, kept.size());
    }

    /** Names the topic-partition, and the consumer that has it: what belongs into one batch file. */
    public String getKey() {
        return keyOf(source, topic, partition);
    }

    static String keyOf(Source source, String topic, int partition) {
        return topic + '/' + partition + '@' + source.id();
    }

    @Override
    public String getTopic() {
        return topic;
    }

    @Override
    public int getPartition() {
        return partition;
    }

    @Override
    public int getCount() {
        return count;
    }

    @Override
    public Iterator<Record> iterator() {
        return records.iterator();
    }

    @Override
    public boolean hasTime() {
        return source.hasTime();
    }

    Source source() {
        return source;
    }

    long startOffset() {
        return startOffset;
    }

    long nextOffset() {
        return nextOffset;
    }

    long consumedAt() {
        return consumedAt;
    }

    String topicId() {
        return topicId;
    }

    /** Storing failed before these records were in a batch file: see {@link Source#rewind}. */
    public void rewind() {
        source.rewind(topic, partition);
    }

    @Override
    public String toString() {
        return "polled batch of " + topic + "-" + partition + " from offset " + startOffset;
    }
}
