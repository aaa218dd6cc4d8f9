package io.cistern.reload;

import io.cistern.kafka.Codec;
import java.util.ArrayList;
import java.util.List;

/**
 * How far the records of one source partition are in a reload, and what came of them. The position is in files, so that
 * whoever goes on publishes nothing twice: it says which files are begun, and how many of their lines are done.
 */
final class Lane extends NewerFields {

    /** Waiting for its turns; left for the time being; through; or ended by a failure. */
    enum State { RUNNING, PARKED, DONE, FAILED }

    /** A file that is begun: {@code lines} of it are done. */
    record Begun(String name, long firstOffset, long count, long lines) {
    }

    /** Names its plan, whose parts are in the plans topic. */
    String plan;
    /** Its number in the reload, from 0. */
    int number;
    /** The source partition, or -1 where it is not known beforehand. */
    int partition;
    State state = State.RUNNING;
    /** Counts the turns: a task of a turn that is past is of no use any more. */
    long turn;

    /** The offset of the first part of the lane's plan. */
    long firstPart;
    /** The offset of the part of the plan that is read now, and the next file in it. */
    long part;
    int nextFile;
    int life;
    List<Begun> begun = new ArrayList<>();
    /** The offset of the record that was read last, and the hashes of all that came at it: copies of these come no more. */
    long lastOffset = -1;
    int[] atLastOffset = {};

    /** How many records were in the range that was asked for. */
    long covered;
    long files;
    long recordsRead;
    long published;
    long bytes;
    long skipped;
    long deadLetters;
    /** The timestamp of the record that was read last, milliseconds since the epoch; null if there is none. */
    Long timestamp;

    /** The codec that the next record has to be sent with; null for the usual one. */
    Codec codec;

    /** What may be published now where there is a limit, as of a time in milliseconds since the epoch. */
    double recordCredit;
    double byteCredit;
    long creditAt;

    /** Why it failed, and in which line of which file. */
    String error;
    String badFile;
    Long badLine;
    /** The first things that went wrong and were passed over. */
    List<String> mishaps = new ArrayList<>();
    /** What would be published, for a reload that only tells; else null. */
    Preview preview;

    /** A copy, so that a turn that comes to nothing leaves no trace. */
    Lane copy() {
        return Json.read(Json.write(this), Lane.class);
    }

    /** Goes back to the start of its files. */
    void restart() {
        part = firstPart;
        nextFile = 0;
        life = 0;
        files = 0;
        begun = new ArrayList<>();
        lastOffset = -1;
        atLastOffset = new int[0];
    }

    boolean isOver() {
        return state != State.RUNNING;
    }
}
