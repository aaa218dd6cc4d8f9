package io.cistern.reload;

import io.cistern.batch.Timestamps;
import io.cistern.reload.Stage.Phase;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;

/**
 * What the HTTP interface answers about a reload, made of one {@link ReloadState} and one list of lanes, so that the fields of
 * an answer do not contradict each other while the reload goes on.
 *
 * @param notUnderstood      why this replica does not understand the reload; null if it does
 * @param publishedPerSecond records published in a second, over the last seconds
 * @param readPerSecond      records read in a second, over the last seconds
 */
record ReloadReport(String id, ReloadState state, List<Lane> lanes, String notUnderstood, double publishedPerSecond,
                    double readPerSecond) {

    private static final int MOST_ERRORS = 20;

    /** What the status call answers: the contract's fields first. */
    Map<String, Object> describe() {
        Stage stage = state.stage();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("requestId", id);
        answer.put("request", state.accepted().asked());
        answer.put("lineIndex", published());
        answer.put("status", state.status().name());
        answer.put("phase", state.phase());
        answer.put("startedBy", state.accepted().startedBy());
        answer.put("recordsRead", sum(lane -> lane.recordsRead));
        if (stage.isPlanned) {
            answer.put("filesTotal", stage.files);
            answer.put("filesDone", sum(lane -> lane.files));
            answer.put("filesPassedOver", stage.passedOver);
            if (stage.foreign > 0) {
                answer.put("filesNotOfTheTopic", stage.foreign);
            }
            if (stage.otherFolders != null) {
                answer.put("otherFolders", stage.otherFolders);
            }
            if (stage.records >= 0) {
                answer.put("recordsTotal", stage.records);
            }
        }
        answer.put("bytes", sum(lane -> lane.bytes));
        answer.put("skipped", sum(lane -> lane.skipped));
        answer.put("deadLetters", sum(lane -> lane.deadLetters));
        if (!stage.warnings.isEmpty()) {
            answer.put("warnings", stage.warnings);
        }
        answer.put("acceptedAt", Timestamps.format(state.accepted().acceptedAt()));
        putTime(answer, "startedAt", stage.startedAt);
        if (notUnderstood != null) {
            answer.put("message", "This replica does not understand the reload and leaves it to replicas of a newer version: "
                + notUnderstood);
            return answer;
        }
        if (state.isRunning()) {
            return answer;
        }
        putTime(answer, "endedAt", stage.endedAt);
        if (stage.error != null) {
            answer.put("message", stage.error);
        }
        if (stage.badFile != null) {
            answer.put("file", stage.badFile);
            answer.put("line", stage.badLine);
        }
        return answer;
    }

    /** All that is known. */
    Map<String, Object> detail() {
        Map<String, Object> answer = describe();
        Stage stage = state.stage();
        if (state.isRunning()) {
            answer.put("recordsPerSecond", Math.round(publishedPerSecond));
            long read = sum(lane -> lane.recordsRead);
            if (stage.records >= read && readPerSecond > 0 && stage.phase == Phase.RUNNING) {
                answer.put("estimatedEnd", Timestamps.format(System.currentTimeMillis()
                    + (long) ((stage.records - read) / readPerSecond * 1000)));
            }
        } else if (stage.startedAt != null && stage.endedAt != null && stage.endedAt > stage.startedAt) {
            answer.put("recordsPerSecond", Math.round(published() * 1000.0 / (stage.endedAt - stage.startedAt)));
        }
        ReloadRequest.Speed limits = state.speed();
        putLimit(answer, "recordsPerSecondLimit", limits.recordsPerSecond());
        putLimit(answer, "bytesPerSecondLimit", limits.bytesPerSecond());
        putLimit(answer, "pace", limits.pace());
        List<Map<String, Object>> partitions = new ArrayList<>();
        List<String> errors = new ArrayList<>();
        for (Lane lane : lanes) {
            partitions.add(describe(lane));
            lane.mishaps.stream().limit(MOST_ERRORS - errors.size()).forEach(errors::add);
            if (lane.error != null) {
                errors.add(lane.error);
            }
        }
        answer.put("partitions", partitions);
        answer.put("errors", errors);
        if (state.request() != null && state.request().dryRun()) {
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

    /** What a dry run would publish. */
    private Map<String, Object> preview() {
        Preview all = new Preview();
        lanes.stream().filter(lane -> lane.preview != null).forEach(lane -> all.add(lane.preview));
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

    private long published() {
        return sum(lane -> lane.published);
    }

    private long sum(ToLongFunction<Lane> figure) {
        return lanes.stream().mapToLong(figure).sum();
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
