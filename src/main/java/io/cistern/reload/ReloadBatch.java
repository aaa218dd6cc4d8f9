package io.cistern.reload;

import io.cistern.batch.Batch;
import io.cistern.batch.Record;
import java.util.Iterator;
import java.util.List;

/** Records read back from batch files, on their way into the topic that the request names. */
final class ReloadBatch implements Batch {

    private final Reload reload;
    private final String topic;
    private final int partition;
    private final List<Record> records;

    ReloadBatch(Reload reload, String topic, int partition, List<Record> records) {
        this.reload = reload;
        this.topic = topic;
        this.partition = partition;
        this.records = records;
    }

    @Override
    public ReloadBatch withRecords(List<Record> kept) {
        return new ReloadBatch(reload, topic, partition, kept);
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
        return records.size();
    }

    @Override
    public Iterator<Record> iterator() {
        return records.iterator();
    }

    @Override
    public Integer targetPartition(Record record) {
        return reload.getRequest().preservePartitions() ? record.partition() : null;
    }

    @Override
    public Long targetTimestamp(Record record) {
        return reload.getRequest().originalTimestamps() ? Batch.super.targetTimestamp(record) : null;
    }

    @Override
    public void published(int count) {
        reload.published(count);
    }
}
