package io.cistern.reload;

import io.cistern.batch.Compression;
import io.cistern.bucket.BatchFileName;
import io.cistern.bucket.FileFacts;

/**
 * A batch file that a plan will open, in few bytes: a plan may hold a million.
 */
class PlannedFile {

    final int partition;
    final long firstTimestamp;
    /** The first record's offset. */
    final long firstOffset;
    /** The last record's offset, or -1 if it is not known. */
    final long lastOffset;
    final long consumedAt;
    /** How many records, or -1 if it is not known. */
    final long count;
    /** The topic incarnation of its records, as Kafka's topic id; null if it is not known. */
    final String topicId;
    /** The folder that it lies in; null for the topic's own. */
    private final String folder;
    /** Null where the name follows from the rest, as it does for files of our own. */
    private final String oddName;
    private final byte compression;

    /**
     * @param name        the file's name without folder
     * @param parsed      what the name says
     * @param firstOffset of the first record, also where the name does not say it
     * @param facts       what is known, or null
     */
    PlannedFile(String name, BatchFileName parsed, long firstOffset, FileFacts facts) {
        this(null, name, parsed, firstOffset, facts);
    }

    /** The same of a file in another folder than the topic's own; null for that. */
    PlannedFile(String folder, String name, BatchFileName parsed, long firstOffset, FileFacts facts) {
        this.folder = folder;
        this.partition = parsed.partition();
        this.firstTimestamp = parsed.firstTimestamp();
        this.firstOffset = firstOffset;
        this.consumedAt = parsed.consumedAt();
        this.lastOffset = facts == null ? -1 : facts.lastOffset();
        this.count = facts == null ? -1 : facts.count();
        this.topicId = facts == null ? null : facts.topicId();
        this.compression = (byte) Compression.ofFileName(name).ordinal();
        this.oddName = name.equals(name(parsed.topic())) ? null : name;
    }

    /** A file that was asked for by its path, and of which nothing else matters. */
    PlannedFile(String path) {
        partition = -1;
        firstTimestamp = 0;
        firstOffset = 0;
        lastOffset = -1;
        consumedAt = 0;
        count = -1;
        topicId = null;
        compression = 0;
        folder = null;
        oddName = path;
    }

    PlanPart.File asPart(String topic) {
        return new PlanPart.File(folder == null ? name(topic) : path(folder, topic), firstOffset, count);
    }

    /** The folder that it lies in, where the topic's own is {@code own}. */
    String folder(String own) {
        return folder == null ? own : folder;
    }

    /** Its path in the bucket, where the topic's own folder is {@code own}. */
    String path(String own, String topic) {
        return folder(own) + '/' + name(topic);
    }

    /** Whether both files are known to be of different incarnations of their topic. */
    boolean isOfOtherIncarnation(PlannedFile other) {
        return topicId != null && other.topicId != null && !topicId.equals(other.topicId);
    }

    /** Whether both files are known to be of the same incarnation of their topic. */
    boolean isOfSameIncarnation(PlannedFile other) {
        return topicId != null && topicId.equals(other.topicId);
    }

    String name(String topic) {
        return oddName != null ? oddName : BatchFileName.format(topic, partition, firstTimestamp, firstOffset, consumedAt,
            Compression.values()[compression]);
    }
}
