package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.batch.BadLineException;
import io.cistern.batch.Timestamps;
import io.cistern.kafka.Entry;
import io.cistern.kafka.ReloadLog;
import io.cistern.kafka.TopicLimits;
import io.cistern.kafka.Topics;
import io.cistern.reload.Stage.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.camel.Body;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leads a reload: has it planned, starts its lanes, has them go on after a rest, and says what became of it. The task to
 * lead a reload is in the hands of one process at a time.
 */
public final class Lead {

    private static final Logger LOG = LoggerFactory.getLogger(Lead.class);
    private static final long PATIENCE_MILLIS = 300;
    private static final long LOOK_AGAIN_MILLIS = 200;

    private final Settings.Reload settings;
    private final Planner planner;
    private final Turns turns;
    private final Topics topics;
    private final ReloadLog log;
    private final ReloadEvents events;
    private final PlanExecutor<Planned> plans;
    private final TargetWatch targets;
    private Consumer<Phase> onEnd = phase -> { };

    /** A plan that is written down, and where the first parts of its lanes are. */
    private record Planned(String name, Plan plan, List<Long> firstParts, int targetPartitions,
                           TopicLimits targetLimits, TopicLimits deadLetterLimits, int batchBytes,
                           List<String> warnings) {
    }

    public Lead(Settings settings, Planner planner, Turns turns, Topics topics, ReloadLog log, ReloadEvents events) {
        this.settings = settings.reload();
        this.planner = planner;
        this.turns = turns;
        this.topics = topics;
        this.log = log;
        this.events = events;
        this.targets = new TargetWatch(topics::partitions, System::nanoTime);
        this.plans = new PlanExecutor<>(Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "reload-planning");
            thread.setDaemon(true);
            return thread;
        }), System::nanoTime);
    }

    /** Has something told of how reloads ended that this process led. */
    void onEnd(Consumer<Phase> told) {
        onEnd = told;
    }

    /** Does what is to be done for a reload now, and ends the turn. */
    public void lead(@Body Turn turn) throws InterruptedException {
        Reload reload = turn.getReload();
        Stage stage = reload.stage().copy();
        List<Entry> entries = new ArrayList<>();
        boolean goesOn = stage.phase.isOver();
        if (goesOn) {
            // Asked to go on after its end.
            stage.phase = stage.isPlanned ? Phase.PAUSED : Phase.PLANNING;
            stage.pausedAt = stage.endedAt;
            stage.endedAt = null;
            stage.error = null;
            stage.badFile = null;
            stage.badLine = null;
        }
        if (!stage.isPlanned) {
            if (!plan(turn, reload, stage, entries)) {
                turn.hand().idle(System.currentTimeMillis() + LOOK_AGAIN_MILLIS);
                return;
            }
        } else if (!watch(turn, reload, stage, entries) && !goesOn) {
            turn.hand().idle(System.currentTimeMillis() + LOOK_AGAIN_MILLIS);
            return;
        }
        stage.turn = turn.task().turn();
        if (turn.task().request() != null) {
            entries.add(new Entry(settings.requestsTopic(), null, reload.getId() + "/request",
                Json.write(turn.task().request())));
        }
        // Whoever knows of a lane that it runs knows this too.
        entries.add(0, new Entry(settings.progressTopic(), null, reload.getId(), Json.write(stage)));
        entries.add(stage.phase.isOver() ? turns.noTask(turn.task(), turn.hand().partition())
            : turns.task(new Task(reload.getId(), turn.task().turn() + 1, 0, null, null), turn.hand().partition()));
        turn.hand().commit(entries);
        turns.committed(entries);
        turns.committedLead(turn.task());
        if (stage.isPlanned || stage.phase.isOver()) {
            plans.forget(reload.getId());
        }
        if (stage.phase.isOver()) {
            targets.forget(reload.getId());
            onEnd.accept(stage.phase);
            LOG.info("Reload ended: id={} status={} seconds={}{}", reload.getId(), stage.phase,
                (stage.endedAt - reload.accepted().acceptedAt()) / 1000.0, stage.error == null ? "" : " reason=" + stage.error);
        }
    }

    /** Whether there is anything to tell: it is planned, or will never be. */
    private boolean plan(Turn turn, Reload reload, Stage stage, List<Entry> entries) throws InterruptedException {
        if (reload.wish().kind() == Wish.Kind.STOP) {
            end(reload, stage, Phase.STOPPED, entries);
            return true;
        }
        CompletableFuture<Planned> plan = plans.plan(reload.getId(), isLeft -> plan(reload, isLeft));
        Planned planned;
        try {
            planned = plan.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            return false;
        } catch (CancellationException e) {
            plans.forget(reload.getId());
            return false;
        } catch (ExecutionException e) {
            plans.forget(reload.getId());
            fail(stage, e.getCause());
            end(reload, stage, Phase.ERROR, entries);
            return true;
        }
        stage.isPlanned = true;
        stage.phase = Phase.RUNNING;
        stage.startedAt = System.currentTimeMillis();
        stage.lanes = planned.plan.lanes().size();
        stage.files = planned.plan.files();
        stage.records = planned.plan.records();
        stage.passedOver = planned.plan.passedOver();
        stage.foreign = planned.plan.foreign();
        stage.otherFolders = planned.plan.otherFolders().isEmpty() ? null : planned.plan.otherFolders();
        stage.firstTimestamp = planned.plan.firstTimestamp();
        stage.targetPartitions = planned.targetPartitions;
        stage.targetLimits = planned.targetLimits;
        stage.deadLetterLimits = planned.deadLetterLimits;
        stage.warnings = planned.warnings;
        stage.warnings.forEach(warning -> LOG.warn("Reload: id={} {}", reload.getId(), warning));
        stage.batchBytes = planned.batchBytes;
        for (int i = 0; i < stage.lanes; i++) {
            Lane lane = new Lane();
            lane.number = i;
            lane.plan = planned.name;
            lane.partition = planned.plan.lanes().get(i).number();
            lane.firstPart = planned.firstParts.get(i);
            lane.part = lane.firstPart;
            start(reload, lane, entries);
        }
        events.add(entries, "started", reload, stage);
        if (stage.lanes == 0) {
            end(reload, stage, Phase.COMPLETE, entries);
        }
        return true;
    }

    private void start(Reload reload, Lane lane, List<Entry> entries) {
        lane.state = Lane.State.RUNNING;
        entries.add(turns.progress(reload, lane));
        entries.add(turns.task(new Task(reload.getId(), lane.turn + 1, 0, lane, null),
            Task.partition(reload.getId(), lane.number, log.tasksPartitions())));
    }

    /** @param isLeft whether the task to lead the reload seems to have gone to another replica */
    private Planned plan(Reload reload, BooleanSupplier isLeft) {
        turns.requireBucket(reload);
        ReloadRequest request = reload.getRequest();
        int targetPartitions = topics.partitions(request.target());
        if (targetPartitions == 0) {
            throw new IllegalStateException("reIngestionTopic: topic " + request.target() + " does not exist");
        }
        BooleanSupplier stop = () -> turns.isStopping() || isLeft.getAsBoolean()
            || reload.wish().kind() == Wish.Kind.STOP || reload.stage().isPlanned;
        Plan plan = planner.plan(request, targetPartitions, stop);
        if (stop.getAsBoolean()) {
            throw new CancellationException();
        }
        String name = UUID.randomUUID().toString();
        List<Future<Long>> firstParts = new ArrayList<>();
        List<Future<Long>> all = new ArrayList<>();
        for (int i = 0; i < plan.lanes().size(); i++) {
            Lane lane = new Lane();
            lane.plan = name;
            lane.number = i;
            String key = Turns.planKey(reload.getId(), lane);
            boolean isFirst = true;
            for (PlanPart part : (Iterable<PlanPart>) Plan.parts(plan.lanes().get(i), request.topic())::iterator) {
                Future<Long> written = log.writePlan(key, Json.write(part));
                all.add(written);
                if (isFirst) {
                    firstParts.add(written);
                    isFirst = false;
                }
            }
        }
        try {
            for (Future<Long> written : all) {
                written.get();
            }
            List<Long> offsets = new ArrayList<>();
            for (Future<Long> written : firstParts) {
                offsets.add(written.get());
            }
            // What is left of the plan is short.
            Plan summary = new Plan(plan.lanes().stream().map(lane -> new Plan.Partition(lane.number(), List.of())).toList(),
                plan.files(), plan.records(), plan.passedOver(), plan.foreign(), plan.firstTimestamp(), plan.otherFolders());
            boolean hasDeadLetters = request.onError() == ReloadRequest.OnError.DEAD_LETTER;
            return new Planned(name, summary, offsets, targetPartitions, topics.limits(request.target()),
                hasDeadLetters ? topics.limits(settings.deadLetterTopic()) : TopicLimits.NONE,
                topics.batchBytes(published(request), request.preservePartitions() ? 1 : targetPartitions),
                warnings(request, plan));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("The plan cannot be written: " + e.getCause().getMessage(), e.getCause());
        }
    }

    /** What the target will do with the records that is not an error, and that nobody wants. */
    private List<String> warnings(ReloadRequest request, Plan plan) {
        if (plan.lanes().isEmpty() || !request.originalTimestamps()) {
            return List.of();
        }
        OptionalLong retention = topics.retentionByTimestamp(request.target());
        long oldest = Math.max(plan.firstTimestamp(), request.from());
        if (retention.isEmpty() || System.currentTimeMillis() - oldest <= retention.getAsLong()) {
            return List.of();
        }
        return List.of("topic " + request.target() + " deletes records " + retention.getAsLong()
            + " ms after their timestamps (retention.ms), and the records to reload begin at " + Timestamps.format(oldest)
            + ": those that are older than that are deleted soon after they are published");
    }

    private List<String> published(ReloadRequest request) {
        return request.onError() == ReloadRequest.OnError.DEAD_LETTER
            ? List.of(request.target(), settings.deadLetterTopic()) : List.of(request.target());
    }

    /** Whether there is anything to tell. */
    private boolean watch(Turn turn, Reload reload, Stage stage, List<Entry> entries) {
        List<Lane> lanes = List.copyOf(reload.lanes().values());
        if (lanes.size() < stage.lanes || lanes.stream().anyMatch(lane -> !lane.isOver())) {
            if (!targets.isGone(reload.getId(), reload.getRequest().target())) {
                return false;
            }
            stage.error = "reIngestionTopic: topic " + reload.getRequest().target() + " does not exist any more";
            end(reload, stage, Phase.ERROR, entries);
            return true;
        }
        if (lanes.stream().allMatch(lane -> lane.state == Lane.State.DONE)) {
            end(reload, stage, Phase.COMPLETE, entries);
            return true;
        }
        if (stage.phase == Phase.PAUSED) {
            Wish.Kind wanted = reload.wish().kind();
            if (wanted == Wish.Kind.STOP) {
                end(reload, stage, Phase.STOPPED, entries);
                return true;
            }
            if (wanted == Wish.Kind.PAUSE) {
                return false;
            }
            stage.phase = Phase.RUNNING;
            stage.pausedMillis += System.currentTimeMillis() - stage.pausedAt;
            stage.pausedAt = null;
            for (Lane lane : lanes) {
                if (lane.state != Lane.State.DONE) {
                    Lane resumed = lane.copy();
                    resumed.error = null;
                    resumed.badFile = null;
                    resumed.badLine = null;
                    resumed.creditAt = System.currentTimeMillis();
                    start(reload, resumed, entries);
                }
            }
            events.add(entries, "resumed", reload, stage);
            return true;
        }
        for (Lane lane : lanes) {
            if (lane.state == Lane.State.FAILED) {
                stage.error = lane.error;
                stage.badFile = lane.badFile;
                stage.badLine = lane.badLine;
                end(reload, stage, Phase.ERROR, entries);
                return true;
            }
        }
        if (reload.wish().kind() == Wish.Kind.STOP) {
            end(reload, stage, Phase.STOPPED, entries);
        } else {
            // Lanes that were left for a pause go on in the next turn if that is over already.
            stage.phase = Phase.PAUSED;
            stage.pausedAt = System.currentTimeMillis();
            events.add(entries, "paused", reload, stage);
        }
        return true;
    }

    private void end(Reload reload, Stage stage, Phase how, List<Entry> entries) {
        stage.phase = how;
        stage.endedAt = System.currentTimeMillis();
        events.add(entries, switch (how) {
            case COMPLETE -> "finished";
            case STOPPED -> "stopped";
            default -> "failed";
        }, reload, stage);
    }

    private static void fail(Stage stage, Throwable reason) {
        Throwable cause = reason;
        for (Throwable next = reason; next != null; next = next.getCause()) {
            if (next instanceof BadLineException bad) {
                cause = bad;
                stage.badFile = bad.file();
                stage.badLine = bad.line();
            }
        }
        stage.error = cause.getMessage() == null ? cause.getClass().getSimpleName() : ServerPaths.hide(cause.getMessage());
    }
}
