package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.batch.Record;
import io.cistern.bucket.Bucket;
import io.cistern.kafka.Entry;
import io.cistern.kafka.Plans;
import io.cistern.kafka.ReloadLog;
import io.cistern.kafka.TaskDesk;
import io.cistern.kafka.TaskInHand;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * A replica without a broker: what it commits is what it knows. Each turn is a batch of three records, held or read as it is
 * needed, so that files end within batches and batches within files; and a lane goes from one turn to the next either in the
 * same process, with its files open, or in another one.
 */
final class LoneReplica implements TaskInHand, Plans {

    private static final String ID = "00000000-0000-0000-0000-000000000001";

    private final Bucket bucket;
    private final ReloadRequest request;
    private final Settings settings;
    private final Reloads reloads;
    private final List<Part> parts = new ArrayList<>();
    private final List<String> keysOfParts = new ArrayList<>();
    private final List<Record> records = new ArrayList<>();
    private final List<List<Long>> offsetsOfBatches = new ArrayList<>();
    private final List<Record> deadLetters = new ArrayList<>();
    private Turns turns;
    private Batches batches;
    private Entry next;
    private TaskDesk.Job inHand;
    private RuntimeException failure;
    private boolean holds;

    LoneReplica(Bucket bucket, ReloadRequest request) {
        this.bucket = bucket;
        this.request = request;
        Map<String, String> values = new HashMap<>(Map.of(
            "bss.reload.batch-records", "3", "bss.reload.batch-bytes", "1MB", "bss.reload.commit-interval", "0ms",
            "bss.reload.concurrency", "1", "bss.reload.requests-topic", "requests", "bss.reload.progress-topic", "progress",
            "bss.reload.tasks-topic", "tasks", "bss.reload.plans-topic", "plans"));
        if (request.folder() != null) {
            values.put("bss.topics-config.data-topics-mapping[0].ingestion", request.topic());
            values.put("bss.topics-config.data-topics-mapping[0].bucket-folder", request.folder());
        }
        settings = new Settings(values::get);
        reloads = new Reloads(settings, new Requests(settings, bucket, null, null), new ReloadLog(settings, null));
        know(new Entry("requests", 0, ID + "/request", Json.write(new Task.Accepted(request.asAsked(), 0, "http", ":"))));
        moveToAnotherProcess();
    }

    private void moveToAnotherProcess() {
        turns = new Turns(settings, bucket, reloads, this);
        batches = new Batches(settings, turns, new Compaction(settings, bucket, turns));
    }

    Plan plan(boolean isStopped) {
        Plan plan = new Planner(bucket).plan(request, 64, () -> isStopped);
        Stage stage = new Stage();
        stage.phase = Stage.Phase.RUNNING;
        stage.isPlanned = true;
        stage.startedAt = 0L;
        stage.turn = 1;
        stage.lanes = plan.lanes().size();
        stage.files = plan.files();
        stage.records = plan.records();
        stage.passedOver = plan.passedOver();
        stage.foreign = plan.foreign();
        stage.targetPartitions = 64;
        know(new Entry("progress", 0, ID, Json.write(stage)));
        for (int i = 0; i < plan.lanes().size(); i++) {
            Lane lane = new Lane();
            lane.plan = "plan";
            lane.number = i;
            lane.partition = plan.lanes().get(i).number();
            lane.firstPart = parts.size();
            lane.part = lane.firstPart;
            for (PlanPart part : Plan.parts(plan.lanes().get(i), request.topic()).toList()) {
                keysOfParts.add(Turns.planKey(ID, lane));
                parts.add(new Part(parts.size(), Json.write(part)));
            }
            know(new Entry("progress", 0, ID + "/" + i, Json.write(lane)));
        }
        return plan;
    }

    /** Runs lane after lane to its end, or until so many records are through. */
    void run(int stopAfter) {
        for (Lane lane : List.copyOf(reload().lanes().values())) {
            next = new Entry("tasks", 0, ID + "/" + lane.number, Json.write(new Task(ID, 1, 0, lane, null)));
            while (next != null) {
                take(stopAfter);
            }
        }
    }

    private void take(int stopAfter) {
        if (records.size() % 2 == 0) {
            turns.close();
            moveToAnotherProcess();
        }
        Turn turn = (Turn) turns.read(next.key(), next.value());
        inHand = turn;
        turn.begin(this);
        List<Record> published = new ArrayList<>();
        for (Iterator<ReloadBatch> all = batches.of(turn); all.hasNext();) {
            ReloadBatch batch = all.next();
            if (batch == null) {
                break;
            }
            List<Long> offsets = new ArrayList<>();
            Iterator<Record> read = holds || offsetsOfBatches.size() % 2 == 1 ? batch.iterator() : batch.drain();
            read.forEachRemaining(record -> {
                published.add(record);
                offsets.add(record.offset());
            });
            batch.sent();
            offsetsOfBatches.add(offsets);
        }
        records.addAll(published);
        if (records.size() >= stopAfter) {
            know(new Entry("requests", 0, ID + "/wish", Json.write(new Wish(Wish.Kind.STOP, null, 0))));
        }
        if (turn.failure() != null) {
            failure = turn.failure();
        }
        turn.end();
        if (next == null) {
            turns.close();
        }
    }

    /** A turn that nothing came of yet. */
    Turn turn() {
        Turn turn = (Turn) turns.read("", Json.write(new Task(ID, 1, 0, new Lane(), null)));
        inHand = turn;
        turn.begin(this);
        return turn;
    }

    Reload reload() {
        return reloads.find(ID);
    }

    /** Has all batches held from now on. */
    void hold() {
        holds = true;
    }

    List<Record> records() {
        return records;
    }

    List<List<Long>> batches() {
        return offsetsOfBatches;
    }

    List<Record> deadLetters() {
        return deadLetters;
    }

    /** What ended a lane early, or null. */
    RuntimeException failure() {
        return failure;
    }

    private void know(Entry entry) {
        reloads.read(entry.topic(), entry.key(), entry.value(), 0);
    }

    @Override
    public int partition() {
        return 0;
    }

    @Override
    public boolean isInHand(TaskDesk.Job job) {
        return inHand == job;
    }

    @Override
    public void publish(String topic, Record record, List<Record.Header> headers) {
        deadLetters.add(record);
    }

    @Override
    public void commit(List<Entry> entries) {
        inHand = null;
        for (Entry entry : entries) {
            if (entry.topic().equals("tasks")) {
                next = entry.value() == null ? null : entry;
            } else {
                know(entry);
            }
        }
    }

    @Override
    public void undo() {
        throw new IllegalStateException();
    }

    @Override
    public void idle(long until) {
        inHand = null;
    }

    @Override
    public Part readPlan(String key, long from) {
        for (int i = (int) from; i < parts.size(); i++) {
            if (keysOfParts.get(i).equals(key)) {
                return parts.get(i);
            }
        }
        throw new IllegalStateException("There is no part of the plan from " + from + " on for " + key);
    }
}
