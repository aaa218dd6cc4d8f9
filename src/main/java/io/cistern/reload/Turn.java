package io.cistern.reload;

import io.cistern.batch.BadLineException;
import io.cistern.batch.DamagedFileException;
import io.cistern.batch.Record;
import io.cistern.kafka.Codec;
import io.cistern.kafka.Coordinates;
import io.cistern.kafka.Entry;
import io.cistern.kafka.RecordRefusedException;
import io.cistern.kafka.TaskDesk;
import io.cistern.kafka.TaskInHand;
import io.cistern.kafka.TopicLimits;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.camel.CamelExchangeException;

/**
 * A task that is worked on for a moment: the body of an exchange. What it publishes, how far it came and the next task of
 * its kind are committed together at its end.
 */
public final class Turn implements TaskDesk.Job, LaneReader.Mishaps {

    private static final int MOST_MISHAPS = 5;
    private static final long LOOK_AGAIN_MILLIS = 1000;
    /** What is published at a pace is so much together at the least: a commit each. */
    private static final long LEAST_PACE_MILLIS = 50;

    private final Turns turns;
    private final Task task;
    /** What the target said of records that it did not take when this was tried before. */
    private final Map<Coordinates, String> refused = new HashMap<>();
    private int failures;
    /** The record whose size was looked at last, and the codec that it needs. */
    private Record sized;
    private Codec codecOfSized;
    private Reload reload;
    private TaskInHand hand;
    private Lane lane;
    private ReloadRequest.Speed speed;
    private long beganNanos;
    private long begunAt;
    private long deadline;
    private long bytesSent;
    private int refusedMet;
    private long waitUntil;
    private boolean isThrough;
    private boolean isAsleep;
    private RuntimeException failure;

    Turn(Turns turns, Task task) {
        this.turns = turns;
        this.task = task;
    }

    @Override
    public long due() {
        return task.due();
    }

    @Override
    public TaskDesk.Fitness fitness() {
        return turns.fitness(task);
    }

    @Override
    public int batchBytes() {
        return turns.reload(task).stage().batchBytes;
    }

    @Override
    public Codec codec() {
        return task.isLead() ? null : task.lane().codec;
    }

    @Override
    public void begin(TaskInHand given) {
        hand = given;
        reload = turns.reload(task);
        lane = task.isLead() ? null : task.lane().copy();
        beganNanos = System.nanoTime();
        begunAt = System.currentTimeMillis();
        deadline = begunAt + turns.commitIntervalMillis();
        bytesSent = 0;
        isThrough = false;
        isAsleep = false;
        failure = null;
        waitUntil = 0;
        refusedMet = 0;
        if (lane != null) {
            lane.turn = task.turn();
            lane.codec = null;
            sized = null;
            // None for one that only tells: it publishes nothing.
            speed = reload.getRequest().dryRun() ? ReloadRequest.Speed.UNLIMITED : reload.speed();
            takeCredit();
        }
    }

    /** Whether it is about a reload as a whole: to plan it, to watch it, to end it. */
    public boolean isLead() {
        return task.isLead();
    }

    /** What it is about. */
    public Reload getReload() {
        return reload;
    }

    /** Why it goes no further, or null. */
    RuntimeException failure() {
        return failure;
    }

    Task task() {
        return task;
    }

    Lane lane() {
        return lane;
    }

    /** How often it has failed, this time included. */
    int countFailure() {
        return ++failures;
    }

    boolean isInHand() {
        return hand.isInHand(this);
    }

    TaskInHand hand() {
        return hand;
    }

    /** Where a limit is, this lane has its share of it, since it had its last turn, but not for longer than some seconds. */
    private void takeCredit() {
        double share = Math.max(1, reload.lanesRunning());
        Long startedAt = reload.stage().startedAt;
        long since = lane.creditAt > 0 ? lane.creditAt : startedAt == null ? begunAt : startedAt;
        double seconds = Math.max(0, begunAt - since) / 1000.0;
        lane.creditAt = begunAt;
        lane.recordCredit = credit(lane.recordCredit, speed.recordsPerSecond() / share, seconds);
        lane.byteCredit = credit(lane.byteCredit, speed.bytesPerSecond() / share, seconds);
        if (!hasCredit()) {
            waitUntil = begunAt + Math.max(
                millisUntilCredit(lane.recordCredit, speed.recordsPerSecond() / share),
                millisUntilCredit(lane.byteCredit, speed.bytesPerSecond() / share));
        }
    }

    private static double credit(double left, double perSecond, double seconds) {
        return perSecond == 0 ? 0 : Math.min(Math.max(1, perSecond * 5), left + perSecond * seconds);
    }

    private static long millisUntilCredit(double credit, double perSecond) {
        return perSecond == 0 || credit >= 1 ? 0
            : (long) Math.min(LOOK_AGAIN_MILLIS, Math.ceil((1 - credit) / perSecond * 1000));
    }

    /** Whether more may be read now, when so many bytes were read that are not sent; asked now and then. */
    boolean mayGoOn(long bytesRead) {
        return System.currentTimeMillis() < deadline && bytesSent + bytesRead < turns.bytesOfATurn() && !turns.isStopping()
            && !reload.isHalted();
    }

    /** Whether one more may be published in this turn. */
    boolean hasRoom() {
        // What the target refuses undoes a turn: what comes before is committed.
        boolean hasRoom = hasCredit() && (refused.isEmpty() || refusedMet < refused.size());
        if (!hasCredit() && waitUntil == 0) {
            waitUntil = deadline;
        }
        return hasRoom;
    }

    private boolean hasCredit() {
        return (speed.recordsPerSecond() == 0 || lane.recordCredit >= 1)
            && (speed.bytesPerSecond() == 0 || lane.byteCredit >= 1);
    }

    /** A record was taken for publishing. */
    void take(long bytes) {
        giveBack(-1, -bytes);
    }

    /** What was taken comes to so much less. */
    void giveBack(long records, long bytes) {
        lane.recordCredit += speed.recordsPerSecond() == 0 ? 0 : records;
        lane.byteCredit += speed.bytesPerSecond() == 0 ? 0 : bytes;
    }

    /** When a record is due at the pace that was asked for, milliseconds since the epoch; 0 for at once. */
    long dueAt(Record record) {
        Stage stage = reload.stage();
        if (speed.pace() == 0 || stage.startedAt == null) {
            return 0;
        }
        ReloadRequest.Beat beat = speed.since() == null ? stage.firstBeat() : speed.since();
        return beat.at() + stage.pausedMillis + (long) ((record.timestamp() - beat.timestamp()) / speed.pace());
    }

    /** Nothing more can be done before a time. */
    void waitUntil(long time) {
        waitUntil = Math.min(Math.max(time, begunAt + LEAST_PACE_MILLIS), System.currentTimeMillis() + LOOK_AGAIN_MILLIS);
    }

    /** It waits for something that others do: nothing was read. */
    void sleep(long millis) {
        isAsleep = true;
        waitUntil = System.currentTimeMillis() + millis;
    }

    /** The lane is at its end. */
    void through() {
        isThrough = true;
    }

    /** It goes no further than this, though what came before is good. */
    void failed(RuntimeException reason) {
        failure = reason;
    }

    /** Why the target does not take a record; null if it does as far as is known. */
    String refusal(Record record, long bytes) {
        String reason = targetRefusal(record, bytes);
        if (reason != null) {
            return "topic " + reload.getRequest().target() + ' ' + reason + ": that of partition " + record.partition()
                + " at offset " + record.offset();
        }
        reason = refused.isEmpty() ? null : refused.get(Coordinates.of(record));
        if (reason != null) {
            refusedMet++;
        }
        return reason;
    }

    private String targetRefusal(Record record, long bytes) {
        TopicLimits limits = reload.stage().targetLimits;
        boolean keepsTimestamp = reload.getRequest().originalTimestamps() && record.timestamp() != Record.NO_TIMESTAMP;
        String reason = limits.refusal(record, keepsTimestamp ? begunAt - record.timestamp() : 0);
        return reason != null || codecOf(record, bytes) != null ? reason : limits.tooLarge();
    }

    /** The codec with which the target takes a record; null if it is too large with any. */
    private Codec codecOf(Record record, long bytes) {
        if (record != sized) {
            sized = record;
            codecOfSized = reload.stage().targetLimits.codec(record, () -> headersOf(record), bytes, hand.codec());
        }
        return codecOfSized;
    }

    /**
     * Whether a record has to wait for the next turn, since its topic takes it only with another codec than that of this turn:
     * a turn is one transaction, which has one producer.
     */
    boolean needsOtherCodec(Record record, long bytes) {
        Codec needed = codecOf(record, bytes);
        if (reload.getRequest().dryRun()) {
            return false;
        }
        if (isDeadLetter() && targetRefusal(record, bytes) != null) {
            needed = reload.stage().deadLetterLimits.codec(record, () -> deadLetterHeaders(record, targetRefusal(record, bytes)),
                bytes, hand.codec());
        }
        if (needed == null || needed == hand.codec()) {
            return false;
        }
        lane.codec = needed;
        return true;
    }

    /** The headers that a record will have in the target. */
    private List<Record.Header> headersOf(Record record) {
        return new ReloadBatch(this, reload.getRequest().topic(), record, null).targetHeaders(record);
    }

    /** It is to be done again without a record; false if it was without it already. */
    boolean refuse(RecordRefusedException refusal) {
        return refused.put(refusal.record(), refusal.getMessage()) == null;
    }

    /**
     * A record cannot be published: what was asked for such a case is done, and it is to be left out.
     *
     * @param reason with the record's coordinates
     * @throws IllegalStateException if it is to end the reload
     */
    void mishap(Record record, String reason) {
        boolean isDeadLetter = isDeadLetter();
        List<Record.Header> headers = isDeadLetter ? deadLetterHeaders(record, reason) : List.of();
        if (isDeadLetter) {
            requireDeadLetter(record, headers, reason);
        }
        if (pass(reason)) {
            hand.publish(turns.deadLetterTopic(), record, headers);
        } else if (reload.getRequest().onError() == ReloadRequest.OnError.STOP) {
            throw new IllegalStateException(reason);
        }
    }

    private boolean isDeadLetter() {
        return reload.getRequest().onError() == ReloadRequest.OnError.DEAD_LETTER && !reload.getRequest().dryRun();
    }

    private List<Record.Header> deadLetterHeaders(Record record, String reason) {
        List<Record.Header> headers = new ArrayList<>(record.headers());
        headers.addAll(coordinates(reason));
        headers.add(header("cistern.partition", record.partition()));
        headers.add(header("cistern.offset", record.offset()));
        headers.add(header("cistern.timestamp", record.timestamp()));
        return headers;
    }

    /** Throws IllegalStateException if the dead-letter topic does not take a record either: it would fail this turn for ever. */
    private void requireDeadLetter(Record letter, List<Record.Header> headers, String reason) {
        TopicLimits limits = reload.stage().deadLetterLimits;
        String refusal = limits.refusal(letter, 0);
        if (refusal == null && limits.codec(letter, () -> headers, ReloadBatch.bytes(letter), hand.codec()) != hand.codec()) {
            refusal = limits.tooLarge();
        }
        if (refusal != null) {
            throw new IllegalStateException(reason + "; dead-letter topic " + turns.deadLetterTopic() + " " + refusal);
        }
    }

    @Override
    public void badLine(BadLineException bad) {
        passLine(bad, bad.file(), bad.line(), bad.bytes());
    }

    @Override
    public void damagedFile(DamagedFileException damaged) {
        passLine(damaged, damaged.file(), damaged.line(), null);
    }

    /** As {@link #mishap}, but throws what it is given. */
    private void passLine(RuntimeException reason, String file, long line, byte[] bytes) {
        List<Record.Header> headers = coordinates(reason.getMessage());
        headers.add(header("cistern.file", file));
        headers.add(header("cistern.line", line));
        Record letter = new Record(-1, -1, -1, Record.TimestampType.NO_TIMESTAMP_TYPE, null, bytes, List.of());
        if (isDeadLetter()) {
            requireDeadLetter(letter, headers, reason.getMessage());
        }
        if (pass(reason.getMessage())) {
            hand.publish(turns.deadLetterTopic(), letter, headers);
        } else if (reload.getRequest().onError() == ReloadRequest.OnError.STOP) {
            throw reason;
        }
    }

    /** Counts what is passed over; whether it is to be a dead letter. */
    private boolean pass(String reason) {
        ReloadRequest.OnError how = reload.getRequest().onError();
        if (how == ReloadRequest.OnError.STOP) {
            return false;
        }
        if (lane.mishaps.size() < MOST_MISHAPS) {
            lane.mishaps.add(reason);
        }
        if (how == ReloadRequest.OnError.SKIP || reload.getRequest().dryRun()) {
            lane.skipped++;
            return false;
        }
        lane.deadLetters++;
        return true;
    }

    private List<Record.Header> coordinates(String reason) {
        List<Record.Header> headers = new ArrayList<>();
        headers.add(header("cistern.reload.id", reload.getId()));
        headers.add(header("cistern.reason", reason));
        if (reload.getRequest().topic() != null) {
            headers.add(header("cistern.topic", reload.getRequest().topic()));
        }
        return headers;
    }

    private static Record.Header header(String name, Object value) {
        return new Record.Header(name, value.toString().getBytes(StandardCharsets.UTF_8));
    }

    /** A batch is on its way to the target. */
    void sent(int count, long bytes) {
        lane.published += count;
        lane.bytes += bytes;
        bytesSent += bytes;
    }

    /** A batch would go to the target. */
    void preview(Iterator<Record> records) {
        if (lane.preview == null) {
            lane.preview = new Preview();
        }
        records.forEachRemaining(record -> lane.preview.add(reload.getRequest().topic(), record));
    }

    /** Ends the turn of a lane: commits it, with the next one if there is more to do. */
    public void end() {
        if (isAsleep) {
            turns.idle(this);
            hand.idle(waitUntil);
            return;
        }
        if (failure != null) {
            note(failure);
        } else if (isThrough) {
            lane.state = Lane.State.DONE;
        } else if (reload.isHalted()) {
            lane.state = Lane.State.PARKED;
        } else if (waitUntil > 0 && lane.recordsRead == task.lane().recordsRead
            && lane.skipped + lane.deadLetters == task.lane().skipped + task.lane().deadLetters) {
            turns.idle(this);
            hand.idle(waitUntil);
            return;
        }
        commit();
        turns.took(System.nanoTime() - beganNanos, bytesSent);
        turns.committed(this);
    }

    /** Notes that the lane failed where it is. */
    void note(Throwable reason) {
        Throwable cause = reason;
        while (cause instanceof CamelExchangeException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        for (Throwable next = reason; next != null; next = next.getCause()) {
            if (next instanceof BadLineException bad) {
                cause = bad;
                lane.badFile = bad.file();
                lane.badLine = bad.line();
            } else if (next instanceof DamagedFileException damaged) {
                cause = damaged;
                lane.badFile = damaged.file();
                lane.badLine = damaged.line();
            } else if (next instanceof RecordRefusedException) {
                cause = next;
            }
        }
        lane.error = cause.getMessage() == null ? cause.getClass().getSimpleName() : ServerPaths.hide(cause.getMessage());
        lane.state = Lane.State.FAILED;
    }

    /** Ends the turn with a failure: nothing of it is published. */
    void fail(Throwable reason) {
        hand.undo();
        lane = task.lane().copy();
        lane.turn = task.turn();
        note(reason);
        commit();
        turns.committed(this);
    }

    private void commit() {
        List<Entry> entries = new ArrayList<>();
        entries.add(turns.progress(reload, lane));
        entries.add(lane.isOver() ? turns.noTask(task, hand.partition())
            : turns.task(new Task(task.reload(), task.turn() + 1, waitUntil, lane, null), hand.partition()));
        hand.commit(entries);
        turns.committed(entries);
    }

    @Override
    public String toString() {
        return "turn " + task.turn() + " of " + task.key();
    }
}
