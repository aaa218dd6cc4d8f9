package io.cistern.reload;

import io.cistern.batch.Batch;
import io.cistern.batch.Record;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * Records read back from batch files, on their way into the topic that the request names. They are read as they are
 * published, without being held; only what looks at them before has them held, so many as make a batch.
 */
final class ReloadBatch implements Batch {

    /** The records of a batch, read as they are asked for. */
    interface Records {

        /** The next one, or null at the end. */
        Record read();

        /** Of keys, values and headers of those that were read. */
        long bytes();

        /** Whether it is enough to hold so many. */
        boolean suffice(int count);
    }

    private final Turn turn;
    private final Reload reload;
    private final String topic;
    private final int partition;
    private final Records source;
    private final Record first;
    /** Null as long as nothing has asked for them. */
    private List<Record> held;
    private boolean isDrained;
    private int count;
    private long bytes;
    /** Headers that are the same for all records. */
    private final List<Record.Header> added;

    /**
     * A batch that is not read yet.
     *
     * @param first read from {@code source} already
     */
    ReloadBatch(Turn turn, String topic, Record first, Records source) {
        this(turn, topic, first.partition(), first, source);
    }

    private ReloadBatch(Turn turn, String topic, int partition, Record first, Records source) {
        this.turn = turn;
        this.reload = turn.getReload();
        this.topic = topic;
        this.partition = partition;
        this.first = first;
        this.source = source;
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
        int before = held().size();
        ReloadBatch left = new ReloadBatch(turn, topic, partition, null, null);
        left.held = kept;
        left.count = kept.size();
        left.bytes = bytes(kept);
        turn.giveBack(before - left.count, bytes - left.bytes);
        return left;
    }

    private synchronized List<Record> held() {
        if (isDrained) {
            throw new IllegalStateException("the records of a batch are not held any more once it is published: a step that "
                + "needs them comes before, or has them held by asking before for ${body.count}");
        }
        if (held == null) {
            List<Record> records = new ArrayList<>();
            for (Record record = first; record != null;
                    record = source.suffice(records.size()) ? null : source.read()) {
                records.add(record);
            }
            held = records;
            count = records.size();
            bytes = source.bytes();
        }
        return held;
    }

    /** Reads its records from where the next batch's come, if nothing has done so yet. */
    synchronized void leave() {
        if (!isDrained) {
            held();
        }
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
    public synchronized int getCount() {
        return isDrained ? count : held().size();
    }

    @Override
    public Iterator<Record> iterator() {
        return held().iterator();
    }

    @Override
    public synchronized Iterator<Record> drain() {
        if (held != null || isDrained) {
            return iterator();
        }
        isDrained = true;
        return new Iterator<>() {

            private Record next = first;

            @Override
            public boolean hasNext() {
                if (next == null) {
                    next = source.read();
                    bytes = source.bytes();
                }
                return next != null;
            }

            @Override
            public Record next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                Record record = next;
                next = null;
                count++;
                return record;
            }
        };
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

    @Override
    public long targetMaxBytes() {
        return reload.stage().targetLimits.maxBytes();
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
    public void sent() {
        turn.sent(count, bytes);
    }

    /** Tells of the records instead of publishing them. */
    public void preview() {
        turn.preview(drain());
        sent();
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
