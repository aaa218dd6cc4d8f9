package io.cistern.reload;

import io.cistern.batch.Batch;
import io.cistern.batch.Record;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** Records read back from batch files, on their way into the topic that the request names. */
final class ReloadBatch implements Batch {

    private final Turn turn;
    private final Reload reload;
    private final String topic;
    private final int partition;
    private final List<Record> records;
    private final long bytes;
    /** Headers that are the same for all records. */
    private final List<Record.Header> added;

    /** @param bytes of keys, values and headers of the records */
    ReloadBatch(Turn turn, String topic, int partition, List<Record> records, long bytes) {
        this.turn = turn;
        this.reload = turn.getReload();
        this.topic = topic;
        this.partition = partition;
        this.records = records;
        this.bytes = bytes;
        this.added = added();
    }

    private List<Record.Header> added() {
        ReloadRequest.Shape shape = reload.getRequest().shape();
        if (!shape.provenance()) {
            return shape.headers();
        }
        List<Record.Header> headers = new ArrayList<>(shape.headers());
        headers.add(header("cistern.reload.id", reload.getId()));
        if (topic != null) {
            headers.add(header("cistern.topic", topic));
        }
        return headers;
    }

    @Override
    public ReloadBatch withRecords(List<Record> kept) {
        long left = bytes(kept);
        turn.giveBack(records.size() - kept.size(), bytes - left);
        return new ReloadBatch(turn, topic, partition, kept, left);
    }

    /** The reload that it is of. */
    Reload getReload() {
        return reload;
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

    /** The record's own headers, then those that the request adds to every record, then where the record comes from. */
    @Override
    public List<Record.Header> targetHeaders(Record record) {
        boolean provenance = reload.getRequest().shape().provenance();
        if (added.isEmpty() && !provenance) {
            return record.headers();
        }
        List<Record.Header> headers = new ArrayList<>(record.headers().size() + added.size() + 3);
        headers.addAll(record.headers());
        headers.addAll(added);
        if (provenance) {
            headers.add(header("cistern.partition", record.partition()));
            headers.add(header("cistern.offset", record.offset()));
            headers.add(header("cistern.timestamp", record.timestamp()));
        }
        return headers;
    }

    private static Record.Header header(String name, Object value) {
        return new Record.Header(name, value.toString().getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Told of a record that cannot be reloaded: what the request says is done about it, and it is to be left out.
     *
     * @param reason nothing of its contents
     * @throws IllegalStateException if it is to end the reload
     */
    void mishap(Record record, String reason) {
        turn.mishap(record, reason);
    }

    @Override
    public boolean isTransactional() {
        return reload.getRequest().delivery() == ReloadRequest.Delivery.EXACTLY_ONCE;
    }

    @Override
    public void sending() {
        turn.sending(records.size(), bytes);
    }

    /** Tells of the records instead of publishing them. */
    public void preview() {
        turn.preview(records);
    }

    private static long bytes(List<Record> records) {
        long bytes = 0;
        for (Record record : records) {
            bytes += bytes(record);
        }
        return bytes;
    }

    /** The bytes of key, value and headers. */
    static long bytes(Record record) {
        long bytes = length(record.key()) + length(record.value());
        for (Record.Header header : record.headers()) {
            bytes += header.key().length() + length(header.value());
        }
        return bytes;
    }

    private static long length(byte[] bytes) {
        return bytes == null ? 0 : bytes.length;
    }
}
