package io.cistern.reload;

import io.cistern.reload.Stage.Phase;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A reload, as far as this process knows of it: what was asked, what is wanted of it since, and how far it is. */
public final class Reload {

    /** The statuses of the contract; START from the answer on until the end. */
    public enum Status { START, COMPLETE, STOPPED, ERROR }

    /** What an answer may have as its phase before the end. */
    static final Set<String> UNFINISHED = Set.of("PLANNING", "RUNNING", "PAUSING", "PAUSED", "RESUMING", "STOPPING");
    /** What an answer may have as its phase. */
    static final Set<String> PHASES = Stream.concat(UNFINISHED.stream(), Stream.of("COMPLETE", "STOPPED", "ERROR"))
        .collect(Collectors.toSet());
    private static final long RATE_MILLIS = 15_000;

    private final String id;
    private volatile ReloadState state = ReloadState.UNKNOWN;
    /** Its records in the state topics that this process does not understand, and why: those of a newer version. */
    private final Map<String, String> notUnderstood = new ConcurrentSkipListMap<>();
    private volatile boolean isLost;
    private final Map<Integer, Lane> lanes = new ConcurrentSkipListMap<>();
    /** The numbers of those that failed, and of those that take turns. */
    private final Set<Integer> failed = ConcurrentHashMap.newKeySet();
    private final Set<Integer> running = ConcurrentHashMap.newKeySet();
    /** When how many records were published and read, over the last seconds. */
    private final Deque<long[]> rate = new ArrayDeque<>();

    Reload(String id) {
        this.id = id;
    }

    /** Names it, a UUID. */
    public String getId() {
        return id;
    }

    /** What was asked, checked; null as long as that is not known. */
    public ReloadRequest getRequest() {
        return state.request();
    }

    /** What is known of it as a whole: whoever needs more than one part of it reads this once. */
    ReloadState state() {
        return state;
    }

    Task.Accepted accepted() {
        return state.accepted();
    }

    Wish wish() {
        return state.wish();
    }

    Stage stage() {
        return state.stage();
    }

    /** Whether this process understands all records of it that it has read: else it leaves it to others. */
    boolean isUnderstood() {
        return notUnderstood.isEmpty();
    }

    /** Whether a request of it was read, understood or not. */
    boolean hasRequest() {
        return accepted() != null || notUnderstood.containsKey(Reloads.REQUEST);
    }

    /** Why it is not understood; null if it is. */
    String whyNotUnderstood() {
        return notUnderstood.values().stream().findFirst().orElse(null);
    }

    /** A record of it was understood. */
    void understood(String record) {
        notUnderstood.remove(record);
    }

    /**
     * A record of it was not understood.
     *
     * @return whether all records were understood before
     */
    boolean notUnderstood(String record, String reason) {
        boolean isFirst = notUnderstood.isEmpty();
        notUnderstood.put(record, reason);
        return isFirst;
    }

    /** By their numbers. */
    Map<Integer, Lane> lanes() {
        return lanes;
    }

    /** @param checked null if the request is not understood */
    synchronized void accept(Task.Accepted request, ReloadRequest checked) {
        state = state.with(request, checked);
    }

    synchronized void wish(Wish wanted) {
        state = state.with(wanted);
    }

    synchronized void stage(Stage reached) {
        state = state.with(reached);
    }

    /** @param at milliseconds since the epoch */
    void lane(Lane lane, long at) {
        lanes.put(lane.number, lane);
        keep(failed, lane.number, lane.state == Lane.State.FAILED);
        keep(running, lane.number, lane.state == Lane.State.RUNNING);
        synchronized (rate) {
            rate.add(new long[] {at, published(), sum(one -> one.recordsRead)});
            while (rate.size() > 2 && rate.getFirst()[0] < at - RATE_MILLIS) {
                rate.removeFirst();
            }
        }
    }

    private static void keep(Set<Integer> numbers, int number, boolean isIn) {
        if (isIn) {
            numbers.add(number);
        } else {
            numbers.remove(number);
        }
    }

    /** The status of the contract. */
    public Status getStatus() {
        return state.status();
    }

    /** Whether it is not over, or is about to go on. */
    boolean isRunning() {
        return state.isRunning();
    }

    /** How fast it may be. */
    ReloadRequest.Speed speed() {
        return state.speed();
    }

    /** Where a pace that is asked for now starts: with what is due now, or with what comes next; null before the start. */
    ReloadRequest.Beat beat() {
        ReloadState now = state;
        return beat(now.stage(), now.speed());
    }

    private ReloadRequest.Beat beat(Stage reached, ReloadRequest.Speed before) {
        if (reached.startedAt == null) {
            return null;
        }
        long now = (reached.pausedAt == null ? System.currentTimeMillis() : reached.pausedAt) - reached.pausedMillis;
        if (before.pace() > 0) {
            ReloadRequest.Beat beat = before.since() == null ? reached.firstBeat() : before.since();
            return new ReloadRequest.Beat(now, beat.timestamp() + (long) ((now - beat.at()) * before.pace()));
        }
        return new ReloadRequest.Beat(now, lanes.values().stream().filter(lane -> !lane.isOver())
            .mapToLong(lane -> lane.timestamp == null ? reached.firstTimestamp : lane.timestamp)
            .min().orElse(reached.firstTimestamp));
    }

    /** Whether its lanes are to take no more turns: asked for, or since one of them failed. */
    boolean isHalted() {
        ReloadState now = state;
        return now.wish().kind() != Wish.Kind.RUN || now.stage().phase.isOver() || !failed.isEmpty();
    }

    /** The lanes that take turns. */
    long lanesRunning() {
        return running.size();
    }

    long published() {
        return lanes.values().stream().mapToLong(lane -> lane.published).sum();
    }

    /** How many records were read, those included that are not published. */
    long recordsRead() {
        return sum(lane -> lane.recordsRead);
    }

    /** How many of them come in a second now. */
    double recordsReadPerSecond() {
        return stage().phase == Phase.RUNNING ? perSecond(2) : 0;
    }

    /** @param what 1 for what is published, 2 for what is read */
    private double perSecond(int what) {
        synchronized (rate) {
            if (rate.size() < 2) {
                return 0;
            }
            long millis = rate.getLast()[0] - rate.getFirst()[0];
            return millis <= 0 ? 0 : (rate.getLast()[what] - rate.getFirst()[what]) * 1000.0 / millis;
        }
    }

    String phase() {
        return state.phase();
    }

    /** Whether a state topic was created again since, and no replica has restored its records. */
    boolean isLost() {
        return isLost;
    }

    void setLost(boolean lost) {
        isLost = lost;
    }

    /** What is answered about it, of one moment. */
    ReloadReport report() {
        return new ReloadReport(id, state, List.copyOf(lanes.values()), whyNotUnderstood(), perSecond(1), perSecond(2));
    }

    /** What the status call answers. */
    Map<String, Object> describe() {
        return report().describe();
    }

    /** All that is known. */
    Map<String, Object> detail() {
        return report().detail();
    }

    private long sum(ToLongFunction<Lane> figure) {
        return lanes.values().stream().mapToLong(figure).sum();
    }
}
