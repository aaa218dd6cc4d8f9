package io.cistern.kafka;

import io.cistern.batch.BatchFile;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;

/** How far a partition is, on its consumer's thread; offsets are of the next record. */
final class Position {

    /** What is committed with an offset: where the last batch ended, and the topic incarnation that the offset belongs to. */
    private static final Pattern METADATA =
        Pattern.compile("(?:stored to (\\d{1,18}))?(?:, )?(?:topic id ([A-Za-z0-9_-]{22}))?");

    long handedOut;
    long acknowledged;
    /** Where the last batch ended: from there to what is acknowledged there was nothing to be stored. */
    long stored;
    /** What the broker has said that it has committed, or -1. */
    long committed = -1;
    /** What the broker was asked to commit and has not answered, or -1. */
    long committing = -1;
    long restUntilNanos;
    boolean rests;
    /** Closed, but not stored or not published: it is handed out again, and nothing before it is. */
    BatchFile unpublished;
    /** Whether the broker may have committed more than is acknowledged. */
    boolean isUncertain;
    /** Polled after {@link #unpublished}, and not to be read again: handed out after it. */
    final List<PolledPartition> heldBack = new ArrayList<>();
    /** Whether its records could not be read, and it is not known yet that they can. */
    boolean isUnreadable;
    /** Where the partition starts again once everything that is held of it is stored; null if it goes on. */
    PartitionRestart restart;
    /** The topic incarnation of these offsets; null if the broker has no topic ids. */
    final String topicId;

    Position(long offset, String topicId) {
        handedOut = offset;
        acknowledged = offset;
        stored = offset;
        this.topicId = topicId;
    }

    /** Where the next batch starts: behind the last one, over offsets that hold nothing. */
    long startOfNext() {
        return handedOut == acknowledged ? stored : handedOut;
    }

    /** What is committed, with a note of where the last batch ended if that is before it, and of the topic incarnation. */
    OffsetAndMetadata offsetAndMetadata() {
        String ended = stored < acknowledged ? "stored to " + stored : "";
        String incarnation = topicId == null ? "" : "topic id " + topicId;
        return new OffsetAndMetadata(acknowledged, ended + (ended.isEmpty() || incarnation.isEmpty() ? "" : ", ") + incarnation);
    }

    /** Whether an offset was committed for a topic incarnation that is known. */
    static boolean hasTopicId(OffsetAndMetadata committed) {
        Matcher metadata = METADATA.matcher(committed.metadata());
        return metadata.matches() && metadata.group(2) != null;
    }

    /**
     * Where a partition goes on of which this is committed.
     *
     * @param topicId the topic incarnation of the partition now, or null
     * @return null if the offset was committed for another incarnation of the topic
     */
    static Position of(OffsetAndMetadata committed, String topicId) {
        Position position = new Position(committed.offset(), topicId);
        position.committed = committed.offset();
        Matcher metadata = METADATA.matcher(committed.metadata());
        if (metadata.matches()) {
            if (metadata.group(2) != null && topicId != null && !topicId.equals(metadata.group(2))) {
                return null;
            }
            if (metadata.group(1) != null) {
                position.stored = Math.min(position.stored, Long.parseLong(metadata.group(1)));
            }
        }
        return position;
    }
}
