package io.cistern.reload;

import io.cistern.kafka.TopicLimits;
import java.util.List;

/** Where a reload as a whole is: written by who leads it. */
final class Stage extends NewerFields {

    enum Phase {
        PLANNING, RUNNING, PAUSED, COMPLETE, STOPPED, ERROR;

        boolean isOver() {
            return this == COMPLETE || this == STOPPED || this == ERROR;
        }
    }

    Phase phase = Phase.PLANNING;
    /** The turn of the task that wrote it. */
    long turn;
    boolean isPlanned;
    int lanes;
    long files;
    /** How many records the files hold, or -1 if that is not known. */
    long records = -1;
    long passedOver;
    long foreign;
    /** Folders with files of the topic that are not read; null if none is known. */
    List<String> otherFolders;
    /** The least timestamp that may come, milliseconds since the epoch. */
    long firstTimestamp;
    int targetPartitions;
    TopicLimits targetLimits = TopicLimits.NONE;
    TopicLimits deadLetterLimits = TopicLimits.NONE;
    /** What its user has to know beforehand, though it runs. */
    List<String> warnings = List.of();
    /** The most bytes of a batch of Kafka's that the topics take which are published to. */
    int batchBytes = Integer.MAX_VALUE;

    /** All in milliseconds (since the epoch); null or 0 if not yet. */
    Long startedAt;
    Long pausedAt;
    long pausedMillis;
    Long endedAt;

    String error;
    String badFile;
    Long badLine;

    /** What the pace of the request starts with; null before the start. */
    ReloadRequest.Beat firstBeat() {
        return startedAt == null ? null : new ReloadRequest.Beat(startedAt, firstTimestamp);
    }

    Stage copy() {
        return Json.read(Json.write(this), Stage.class);
    }
}
