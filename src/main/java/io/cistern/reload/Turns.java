package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.bucket.Bucket;
import io.cistern.kafka.Entry;
import io.cistern.kafka.Plans;
import io.cistern.kafka.RecordRefusedException;
import io.cistern.kafka.TaskDesk;
import io.cistern.kafka.TransactionException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Variable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the turns of this process, and keeps what is worth keeping from one to the next of a lane: its open files. */
public final class Turns implements TaskDesk {

    private static final Logger LOG = LoggerFactory.getLogger(Turns.class);
    private static final int MOST_OPEN_LANES = 32;
    private static final int MOST_REMEMBERED = 100_000;
    private static final int ATTEMPTS = 5;
    private static final long LEAST_BYTES = 64 << 10;
    private static final long FIRST_BYTES = 1 << 20;
    /** When a task is looked at again whose plan this process does not understand. */
    private static final long FOREIGN_PAUSE_MILLIS = 60_000;
    private static final long LEFT_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final Settings.Reload settings;
    private final Bucket bucket;
    private final Reloads reloads;
    private final Plans plans;
    /** By the key of its task: the last turn that this process committed. */
    private final Map<String, Long> committed = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
            return size() > MOST_REMEMBERED;
        }
    };
    /** By the key of its task: the reader of a lane whose next turn is expected here, the one left alone longest first. */
    private final Map<String, Open> open = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Open> eldest) {
            if (size() > MOST_OPEN_LANES) {
                eldest.getValue().reader.close();
                return true;
            }
            return false;
        }
    };
    private final ThreadLocal<LaneReader> reading = new ThreadLocal<>();
    private Consumer<Turn> onCommit = turn -> { };
    /** So much that a transaction ends in time, however slow the target is. */
    private volatile long bytesOfATurn = FIRST_BYTES;
    private volatile boolean stopping;

    private record Open(long turn, LaneReader reader, long at) {
    }

    public Turns(Settings settings, Bucket bucket, Reloads reloads, Plans plans) {
        this.settings = settings.reload();
        this.bucket = bucket;
        this.reloads = reloads;
        this.plans = plans;
    }

    @Override
    public Job read(String key, byte[] value) {
        try {
            return new Turn(this, Json.read(value, Task.class));
        } catch (NewerVersionException e) {
            LOG.warn("Task not understood, left to replicas of a newer version: task={} reason={}", Asked.printable(key),
                e.getMessage());
            return new ForeignTask(reloads, key.split("/", 2)[0]);
        }
    }

    TaskDesk.Fitness fitness(Task task) {
        if (stopping) {
            return TaskDesk.Fitness.NOT_YET;
        }
        long done;
        synchronized (this) {
            done = committed.getOrDefault(task.key(), -1L);
        }
        if (reloads.isLeftToOthers(task.reload())) {
            return TaskDesk.Fitness.FOREIGN;
        }
        Reload reload = reloads.find(task.reload());
        if (reload == null && task.request() == null) {
            return reloads.isDeleted(task.reload()) ? TaskDesk.Fitness.OBSOLETE : TaskDesk.Fitness.NOT_YET;
        }
        if (reload == null && !reloads.isUnderstood(task.request())) {
            return TaskDesk.Fitness.FOREIGN;
        }
        boolean isKnown = true;
        if (reload != null && task.isLead()) {
            ReloadState now = reload.state();
            done = Math.max(done, now.stage().turn);
            // What was decided in the turn before must be known, and of one that goes on after its end also that it shall.
            isKnown = now.stage().turn >= task.turn() - 1
                && (!now.stage().phase.isOver() || now.wish().turn() >= task.turn());
        } else if (reload != null) {
            Lane lane = reload.lanes().get(task.lane().number);
            done = Math.max(done, lane == null ? -1 : lane.turn);
            // A lane that was just started.
            isKnown = lane != null && (lane.turn >= task.turn() || !lane.isOver());
        }
        if (done >= task.turn()) {
            return TaskDesk.Fitness.OBSOLETE;
        }
        return isKnown ? TaskDesk.Fitness.READY : TaskDesk.Fitness.NOT_YET;
    }

    /** The reload of a task that is {@link TaskDesk.Fitness#READY}. */
    Reload reload(Task task) {
        Reload reload = reloads.find(task.reload());
        return reload == null ? reloads.read(task.reload(), task.request()) : reload;
    }

    long commitIntervalMillis() {
        return settings.commitInterval().toMillis();
    }

    /** How much may be published in a turn. */
    long bytesOfATurn() {
        return bytesOfATurn;
    }

    /** A turn took so long, its commit included: the next ones are to take about the commit interval, and not much longer. */
    void took(long nanos, long bytes) {
        double perNano = (double) bytes / nanos;
        long inTime = (long) (perNano * 2 * Math.max(100_000_000, settings.commitInterval().toNanos()));
        boolean isInTime = nanos < settings.commitInterval().toNanos() * 2;
        bytesOfATurn = Math.max(LEAST_BYTES, Math.max(inTime, isInTime ? bytesOfATurn : 0));
        if (bytes >= bytesOfATurn / 2 && nanos < settings.commitInterval().toNanos()) {
            bytesOfATurn *= 2;
        }
    }

    String deadLetterTopic() {
        return settings.deadLetterTopic();
    }

    boolean isStopping() {
        return stopping;
    }

    /** No more turns, since the process ends: those that are taken end soon. */
    public void stop() {
        stopping = true;
    }

    /** Leaves all lanes, when no turn is taken any more. */
    public synchronized void close() {
        open.values().forEach(left -> left.reader.close());
        open.clear();
    }

    /**
     * The reader of a turn's lane, where the last turn left it.
     *
     * @throws RuntimeException if it cannot go on
     */
    LaneReader reader(Turn turn) {
        requireBucket(turn.getReload());
        Open left;
        synchronized (this) {
            left = open.remove(turn.task().key());
        }
        LaneReader reader = null;
        if (left != null && left.turn == turn.task().turn()) {
            reader = left.reader;
        } else if (left != null) {
            left.reader.close();
        }
        if (reader == null) {
            reader = newReader(turn.task().reload(), turn.getReload().getRequest(), turn.lane());
        }
        reader.tell(turn);
        reading.set(reader);
        return reader;
    }

    void requireBucket(Reload reload) {
        reloads.requireBucket(reload);
    }

    /** A reader of a lane from where it is. */
    LaneReader newReader(String reload, ReloadRequest request, Lane lane) {
        String key = planKey(reload, lane);
        return new LaneReader(bucket, request, from -> {
            Plans.Part part = plans.readPlan(key, from);
            return new LaneReader.Parts.Found(Json.read(part.value(), PlanPart.class), part.offset());
        }, lane);
    }

    /** Has something told of each turn of a lane that is committed, behind what is told already. */
    void onCommit(Consumer<Turn> told) {
        onCommit = onCommit.andThen(told);
    }

    static String planKey(String reload, Lane lane) {
        return reload + '/' + lane.plan + '/' + lane.number;
    }

    /** A turn is committed: its reader waits for the next one. */
    void committed(Turn turn) {
        onCommit.accept(turn);
        LaneReader reader = reading.get();
        reading.remove();
        synchronized (this) {
            committed.put(turn.task().key(), turn.task().turn());
            if (reader != null && !turn.lane().isOver()) {
                keep(turn, turn.task().turn() + 1, reader);
                return;
            }
        }
        if (reader != null) {
            reader.close();
        }
    }

    /** A turn had nothing to do: its reader waits for the same one. */
    void idle(Turn turn) {
        LaneReader reader = reading.get();
        reading.remove();
        if (reader != null) {
            synchronized (this) {
                keep(turn, turn.task().turn(), reader);
            }
        }
    }

    private void keep(Turn turn, long next, LaneReader reader) {
        long now = System.nanoTime();
        open.values().removeIf(left -> {
            // Its lane went to another process.
            boolean isLeft = now - left.at > LEFT_NANOS;
            if (isLeft) {
                left.reader.close();
            }
            return isLeft;
        });
        open.put(turn.task().key(), new Open(next, reader, now));
    }

    /** These entries are committed. */
    void committed(List<Entry> entries) {
        reloads.committed(entries);
    }

    void committedLead(Task task) {
        synchronized (this) {
            committed.put(task.key(), task.turn());
        }
    }

    /**
     * A step failed. A record that the target refuses is left out where that was asked for, and what is the broker's fault
     * is tried again; else the lane has failed, which halts its reload.
     */
    public void fail(@Variable("turn") Turn turn, @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Throwable reason) {
        LaneReader reader = reading.get();
        if (reader != null) {
            reader.close();
            reading.remove();
        }
        RecordRefusedException refused = null;
        boolean isBrokers = false;
        boolean mayPass = false;
        boolean isForeign = false;
        for (Throwable cause = reason; cause != null; cause = cause.getCause()) {
            refused = cause instanceof RecordRefusedException one ? one : refused;
            isForeign |= cause instanceof NewerVersionException;
            if (cause instanceof TransactionException one) {
                isBrokers = true;
                mayPass |= one.mayPass();
            }
        }
        if (!turn.isInHand()) {
            LOG.warn("A commit failed, what is committed will tell: {} reason={}", turn, reason.getMessage());
            return;
        }
        if (isForeign) {
            turn.hand().undo();
            turn.hand().idle(System.currentTimeMillis() + FOREIGN_PAUSE_MILLIS);
            LOG.warn("Plan not understood, left to replicas of a newer version: {} reason={}", turn, reason.getMessage());
        } else if (turn.isLead()) {
            turn.hand().undo();
            LOG.warn("To be tried again: {} reason={}", turn, reason.toString());
        } else if (refused != null && turn.getReload().getRequest().onError() != ReloadRequest.OnError.STOP
            && turn.refuse(refused)) {
            turn.hand().undo();
            turn.hand().idle(0);
        } else if (isBrokers && refused == null && (mayPass || turn.countFailure() < ATTEMPTS)) {
            turn.hand().undo();
            bytesOfATurn = Math.max(LEAST_BYTES, bytesOfATurn / 4);
            LOG.warn("To be tried again: {} reason={}", turn, reason.getMessage());
        } else {
            turn.fail(reason);
        }
    }

    Entry progress(Reload reload, Lane lane) {
        return new Entry(settings.progressTopic(), null, reload.getId() + '/' + lane.number, Json.write(lane));
    }

    Entry task(Task task, int partition) {
        return new Entry(settings.tasksTopic(), partition, task.key(), Json.write(task));
    }

    Entry noTask(Task task, int partition) {
        return new Entry(settings.tasksTopic(), partition, task.key(), null);
    }
}
