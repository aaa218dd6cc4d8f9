package io.cistern.kafka;

import io.cistern.batch.BatchFile;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;

/** How far a partition is, on its consumer's thread; offsets are of the next record. */
final class Position {

    private static final String STORED_TO = "stored to ";

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
    /** In the bucket, but what goes with it could not be published: it is handed out again, and nothing before it is. */
    BatchFile unpublished;
    /** Whether the broker may have committed more than is acknowledged. */
    boolean isUncertain;
    /** Whether records are gone that come next. */
    boolean isCutOff;

    Position(long offset) {
        handedOut = offset;
        acknowledged = offset;
        stored = offset;
    }

    /** Where the next batch starts: behind the last one, over offsets that hold nothing. */
    long startOfNext() {
        return handedOut == acknowledged ? stored : handedOut;
    }

    /** Goes on at {@code first}: what was before it is gone, and no file must look as if there had been nothing. */
    void cutOff(long first) {
        isCutOff = false;
        handedOut = first;
        acknowledged = first;
        stored = first;
    }

    /** What is committed, with a note of where the last batch ended if that is before it. */
    OffsetAndMetadata offsetAndMetadata() {
        return new OffsetAndMetadata(acknowledged, stored < acknowledged ? STORED_TO + stored : "");
    }

    /** Where a partition goes on of which this is committed. */
    static Position of(OffsetAndMetadata committed) {
        Position position = new Position(committed.offset());
        position.committed = committed.offset();
        if (committed.metadata().matches(STORED_TO + "\\d{1,18}")) {
            position.stored = Math.min(position.stored,
                Long.parseLong(committed.metadata().substring(STORED_TO.length())));
        }
        return position;
    }
}
