package io.cistern.batch;

import io.cistern.bucket.BatchFileName;
import io.cistern.bucket.Content;
import io.cistern.bucket.FileFacts;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A batch that becomes a file: the aggregate step's body. It holds the file's bytes and what has to be known of it, and
 * knows which offsets are stored with it. Used by the thread that polled its records only.
 */
public final class BatchFile implements Batch, Content {

    private final Source source;
    private final String topic;
    private final int partition;
    private final Destination destination;
    private final Compression compression;
    private final BatchFileWriter writer;
    private final OpenBatches openBatches;
    private final long startOffset;
    private final long openedNanos;
    private final long consumedAt;
    private final String topicId;
    private long nextOffset;
    private long firstOffset;
    private long lastOffset;
    private long firstTimestamp;
    private long lastTimestamp;
    private final RecordExtremes extremes = new RecordExtremes();
    private int count;
    /** Why it is to be closed when its consumer looks at it next, or null. */
    private Rotation.Reason wanted;
    private boolean stored;
    private boolean rewound;
    private Rotation.Reason rotatedBy;

    /**
     * Where the records of an ingestion topic go.
     *
     * @param folder        the folder of its batch files, without a slash at the end
     * @param postIngestion the topics that get the records once they are stored, perhaps none
     */
    public record Destination(String folder, List<String> postIngestion) {
    }

    BatchFile(PolledBatch first, Destination destination, Compression compression, LineWriter lines,
              OpenBatches openBatches, long openedNanos) {
        this.source = first.source();
        this.topic = first.getTopic();
        this.partition = first.getPartition();
        this.destination = destination;
        this.compression = compression;
        this.writer = new BatchFileWriter(compression, lines, openBatches.chunks());
        this.openBatches = openBatches;
        this.startOffset = first.startOffset();
        this.nextOffset = first.startOffset();
        this.openedNanos = openedNanos;
        this.consumedAt = first.consumedAt();
        this.topicId = first.topicId();
    }

    /**
     * Encodes the records of a poll behind those that are there.
     *
     * @throws IllegalStateException if they do not follow them
     */
    void append(PolledBatch polled) {
        if (polled.startOffset() != nextOffset) {
            throw new IllegalStateException("Offsets " + nextOffset + " to " + polled.startOffset() + " of " + topic + "-"
                + partition + " did not reach the batch file: a step of the storer's route left them out");
        }
        for (Record record : polled) {
            writer.append(record);
            long timestamp = record.timestamp();
            if (count++ == 0) {
                firstOffset = record.offset();
                firstTimestamp = timestamp;
            }
            lastOffset = record.offset();
            lastTimestamp = timestamp;
            extremes.add(record);
        }
        nextOffset = polled.nextOffset();
    }

    /** Asks for the batch to be closed when its consumer looks at it next. */
    public void want(Rotation.Reason reason) {
        wanted = reason;
    }

    Rotation.Reason wanted() {
        return wanted;
    }

    void finish(Rotation.Reason reason) {
        rotatedBy = reason;
        writer.finish();
    }

    /** Bytes of memory that it takes. */
    public long heldBytes() {
        return writer.heldBytes();
    }

    /** Bytes by which that grows, at the most, when this many bytes of text are appended. */
    long growth(long bytes) {
        return writer.growth(bytes);
    }

    long openedNanos() {
        return openedNanos;
    }

    Source source() {
        return source;
    }

    /** The position behind its last record. */
    public long nextOffset() {
        return nextOffset;
    }

    /** Names the topic-partition, and the consumer that has it. */
    public String getKey() {
        return PolledBatch.keyOf(source, topic, partition);
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

    /** Bytes of the file. */
    @Override
    public long getLength() {
        return writer.length();
    }

    /** Which rule closed it; null while it is open. */
    public Rotation.Reason getRotatedBy() {
        return rotatedBy;
    }

    private String getName() {
        return BatchFileName.format(topic, partition, firstTimestamp, firstOffset, consumedAt, compression);
    }

    /** Its path in the bucket. */
    public String getPath() {
        return destination.folder() + '/' + getName();
    }

    private FileFacts facts() {
        return new FileFacts(BatchFileName.parse(getName(), topic).key(), extremes.leastTimestamp(), extremes.greatestTimestamp(),
            lastOffset, count, startOffset < firstOffset ? startOffset : FileFacts.NOT_NOTED, topicId).withTopic(topic);
    }

    /** The path of the empty file whose name says what is in this one. */
    public String getFactsPath() {
        return facts().path(destination.folder());
    }

    /** Whether it holds timestamps that its name does not let expect; see {@link FileFacts}. */
    public boolean isWide() {
        return facts().isWide(firstTimestamp);
    }

    /** The path of the empty file that a wide one needs before it is there itself. */
    public String getWidePath() {
        return facts().widePath(destination.folder());
    }

    /** The topic incarnation of its records, as Kafka's topic id; null if the broker has none. */
    public String getTopicId() {
        return topicId;
    }

    /** The topics that get the records once they are stored, perhaps none. */
    public List<String> getPostIngestion() {
        return destination.postIngestion();
    }

    @Override
    public RecordExtremes extremes() {
        return extremes;
    }

    /** The file's bytes; each call gives a stream of its own. */
    @Override
    public InputStream getInputStream() {
        return writer.inputStream();
    }

    /** The event that tells of the file, first and last in the order of offsets. */
    public Map<String, Object> getEvent() {
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("filePath", getPath());
        event.put("batchTimeStart", Timestamps.format(firstTimestamp));
        event.put("batchTimeEnd", Timestamps.format(lastTimestamp));
        event.put("batchOffsetStart", firstOffset);
        event.put("batchOffsetEnd", lastOffset);
        event.put("batchSize", count);
        return event;
    }

    /** The records, read back from the file's bytes: what is forwarded is what is stored. */
    @Override
    public Iterator<Record> iterator() {
        try {
            return new BatchFileReader(getPath(), getInputStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Not possible: the records are encoded. A filter belongs before the aggregate step. */
    @Override
    public Batch withRecords(List<Record> records) {
        throw new UnsupportedOperationException("A batch file cannot be filtered: filter before it is aggregated");
    }

    /**
     * The file is in the bucket, its event and its post-ingestion copies are acknowledged: its offsets may be
     * committed, and its memory is free.
     *
     * @throws IllegalStateException as {@link Source#acknowledge} does, and if it was rewound
     */
    public void acknowledge() {
        if (rewound) {
            throw new IllegalStateException(this + " is read again, and cannot be acknowledged");
        }
        long behindLast = count > 0 ? lastOffset + 1 : startOffset;
        if (count > 0) {
            source.acknowledge(topic, partition, startOffset, behindLast, true);
        }
        if (behindLast < nextOffset) {
            // So that the next file notes that between them nothing was to be stored.
            source.acknowledge(topic, partition, behindLast, nextOffset, false);
        }
        openBatches.release(this);
        writer.release();
    }

    /** The file is in the bucket: should what follows fail, it is not put there again. */
    public void noteStored() {
        stored = true;
    }

    public boolean isStored() {
        return stored;
    }

    /**
     * Storing failed. The file is handed out again if its consumer keeps it, see {@link Source#keep}; else its memory is free,
     * and its records are read again, see {@link Source#rewind}.
     */
    public void rewind() {
        if (source.keep(this)) {
            return;
        }
        rewound = true;
        openBatches.release(this);
        source.rewind(topic, partition);
    }

    @Override
    public boolean hasTime() {
        return source.hasTime();
    }

    @Override
    public String toString() {
        return "batch file of " + topic + "-" + partition + " from offset " + startOffset;
    }
}
