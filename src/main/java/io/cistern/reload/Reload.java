package io.cistern.reload;

import io.cistern.batch.Timestamps;
import io.cistern.reload.Stage.Phase;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
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
    private static final int MOST_ERRORS = 20;

    private final String id;
    private volatile Task.Accepted accepted;
    private volatile ReloadRequest request;
    private volatile Wish wish = Wish.NONE;
    private volatile Stage stage = new Stage();
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
        return request;
    }

    Task.Accepted accepted() {
        return accepted;
    }

    Wish wish() {
        return wish;
    }

    Stage stage() {
        return stage;
    }

    /** By their numbers. */
    Map<Integer, Lane> lanes() {
        return lanes;
    }

    void accept(Task.Accepted request, ReloadRequest checked) {
        this.request = checked;
        this.accepted = request;
    }

    void wish(Wish wanted) {
        wish = wanted;
    }

    void stage(Stage reached) {
        stage = reached;
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
        return isRunning() ? Status.START : switch (stage.phase) {
            case COMPLETE -> Status.COMPLETE;
            case STOPPED -> Status.STOPPED;
            default -> Status.ERROR;
        };
    }

    /** Whether it is not over, or is about to go on. */
    boolean isRunning() {
        return !stage.phase.isOver() || isToGoOn();
    }

    private boolean isToGoOn() {
        return wish.turn() > stage.turn;
    }

    /** How fast it may be. */
    ReloadRequest.Speed speed() {
        return wish.speed() == null ? request.speed() : wish.speed();
    }

    /** Where a pace that is asked for now starts: with what is due now, or with what comes next; null before the start. */
    ReloadRequest.Beat beat() {
        Stage reached = stage;
        if (reached.startedAt == null) {
            return null;
        }
        long now = (reached.pausedAt == null ? System.currentTimeMillis() : reached.pausedAt) - reached.pausedMillis;
        ReloadRequest.Speed before = speed();
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
        return wish.kind() != Wish.Kind.RUN || stage.phase.isOver() || !failed.isEmpty();
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
        return stage.phase == Phase.RUNNING ? perSecond(2) : 0;
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
        Phase phase = isToGoOn() ? Phase.PAUSED : stage.phase;
        if (phase.isOver() || !isToGoOn() && phase == Phase.PAUSED && wish.kind() == Wish.Kind.PAUSE) {
            return phase.name();
        }
        return switch (wish.kind()) {
            case PAUSE -> "PAUSING";
            case STOP -> "STOPPING";
            case RUN -> phase == Phase.PAUSED ? "RESUMING" : phase.name();
        };
    }

    /** What the status call answers: the contract's fields first. */
    Map<String, Object> describe() {
        Stage now = stage;
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("requestId", id);
        answer.put("request", accepted.asked());
        answer.put("lineIndex", published());
        answer.put("status", getStatus().name());
        answer.put("phase", phase());
        answer.put("startedBy", accepted.startedBy());
        answer.put("recordsRead", sum(lane -> lane.recordsRead));
        if (now.isPlanned) {
            answer.put("filesTotal", now.files);
            answer.put("filesDone", sum(lane -> lane.files));
            answer.put("filesPassedOver", now.passedOver);
            if (now.foreign > 0) {
                answer.put("filesNotOfTheTopic", now.foreign);
            }
            if (now.records >= 0) {
                answer.put("recordsTotal", now.records);
            }
        }
        answer.put("bytes", sum(lane -> lane.bytes));
        answer.put("skipped", sum(lane -> lane.skipped));
        answer.put("deadLetters", sum(lane -> lane.deadLetters));
        answer.put("acceptedAt", Timestamps.format(accepted.acceptedAt()));
        putTime(answer, "startedAt", now.startedAt);
        if (isRunning()) {
            return answer;
        }
        putTime(answer, "endedAt", now.endedAt);
        if (now.error != null) {
            answer.put("message", now.error);
        }
        if (now.badFile != null) {
            answer.put("file", now.badFile);
            answer.put("line", now.badLine);
        }
        return answer;
    }

    /** All that is known. */
    Map<String, Object> detail() {
        Map<String, Object> answer = describe();
        Stage now = stage;
        if (isRunning()) {
            answer.put("recordsPerSecond", Math.round(perSecond(1)));
            double perSecond = perSecond(2);
            long read = sum(lane -> lane.recordsRead);
            if (now.records >= read && perSecond > 0 && now.phase == Phase.RUNNING) {
                answer.put("estimatedEnd", Timestamps.format(System.currentTimeMillis()
                    + (long) ((now.records - read) / perSecond * 1000)));
            }
        } else if (now.startedAt != null && now.endedAt > now.startedAt) {
            answer.put("recordsPerSecond", Math.round(published() * 1000.0 / (now.endedAt - now.startedAt)));
        }
        ReloadRequest.Speed limits = speed();
        putLimit(answer, "recordsPerSecondLimit", limits.recordsPerSecond());
        putLimit(answer, "bytesPerSecondLimit", limits.bytesPerSecond());
        putLimit(answer, "pace", limits.pace());
        List<Map<String, Object>> partitions = new ArrayList<>();
        List<String> errors = new ArrayList<>();
        for (Lane lane : lanes.values()) {
            partitions.add(describe(lane));
            lane.mishaps.stream().limit(MOST_ERRORS - errors.size()).forEach(errors::add);
            if (lane.error != null) {
                errors.add(lane.error);
            }
        }
        answer.put("partitions", partitions);
        answer.put("errors", errors);
        if (request.dryRun()) {
            answer.put("preview", preview());
        }
        return answer;
    }

    private static Map<String, Object> describe(Lane lane) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("partition", lane.partition < 0 ? null : lane.partition);
        answer.put("state", lane.state.name());
        answer.put("filesDone", lane.files);
        answer.put("recordsRead", lane.recordsRead);
        answer.put("published", lane.published);
        answer.put("offset", lane.lastOffset < 0 ? null : lane.lastOffset);
        answer.put("timestamp", lane.timestamp == null ? null : Timestamps.format(lane.timestamp));
        return answer;
    }

    /** What would be published, of a reload that only tells. */
    private Map<String, Object> preview() {
        Preview all = new Preview();
        lanes.values().stream().filter(lane -> lane.preview != null).forEach(lane -> all.add(lane.preview));
        long covered = sum(lane -> lane.covered);
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("files", sum(lane -> lane.files));
        answer.put("records", published());
        answer.put("bytes", sum(lane -> lane.bytes));
        answer.put("recordsInRange", covered);
        answer.put("hitRate", covered == 0 ? null : (double) published() / covered);
        answer.put("firstTimestamp", all.firstTimestamp == null ? null : Timestamps.format(all.firstTimestamp));
        answer.put("lastTimestamp", all.lastTimestamp == null ? null : Timestamps.format(all.lastTimestamp));
        answer.put("recordsByPartition", all.partitions);
        answer.put("recordsByDay", all.days);
        answer.put("samples", all.samples);
        return answer;
    }

    private long sum(ToLongFunction<Lane> figure) {
        return lanes.values().stream().mapToLong(figure).sum();
    }

    private static void putTime(Map<String, Object> answer, String field, Long millis) {
        if (millis != null) {
            answer.put(field, Timestamps.format(millis));
        }
    }

    private static void putLimit(Map<String, Object> answer, String field, double limit) {
        if (limit > 0) {
            answer.put(field, limit);
        }
    }
}
