package io.cistern.reload;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.cistern.batch.Record;
import io.cistern.bucket.Bucket;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.LoggerFactory;

/**
 * What a reload would publish: planned and read as the routes do, without a broker, turn after turn of a batch each.
 *
 * @param plan    its plan, or null if there was none
 * @param records the records in the order in which they would be published
 * @param failure what ended it early, or null
 */
record Outcome(Reload reload, Plan plan, List<Record> records, RuntimeException failure) {

    static {
        // The planned line of thousands of reloads would drown everything else.
        ((Logger) LoggerFactory.getLogger(Planner.class)).setLevel(Level.WARN);
    }

    static ReloadRequest request(String topic, String folder, long from, long to) {
        Map<String, Object> asked = new HashMap<>(Map.of("topic", topic, "reIngestionTopic", "target"));
        if (from != Long.MIN_VALUE) {
            asked.put("startDate", Instant.ofEpochMilli(from).toString());
        }
        if (to != Long.MAX_VALUE) {
            asked.put("stopDate", Instant.ofEpochMilli(to).toString());
        }
        return ReloadRequest.ofTopic(asked, ignored -> folder);
    }

    static ReloadRequest request(String file) {
        return ReloadRequest.ofFile(Map.of("fileName", file, "reIngestionTopic", "target"));
    }

    static Outcome of(Bucket bucket, ReloadRequest request) {
        return of(bucket, request, Integer.MAX_VALUE);
    }

    /** The same, with a stop asked for as soon as {@code stopAfter} records would have been published. */
    static Outcome of(Bucket bucket, ReloadRequest request, int stopAfter) {
        LoneReplica replica = new LoneReplica(bucket, request);
        Plan plan = null;
        try {
            plan = replica.plan(stopAfter == 0);
            replica.run(stopAfter);
        } catch (RuntimeException e) {
            return new Outcome(replica.reload(), plan, replica.records(), e);
        }
        return new Outcome(replica.reload(), plan, replica.records(), replica.failure());
    }

    /** The values of the records as text. */
    List<String> values() {
        if (failure != null) {
            throw failure;
        }
        return records.stream().map(Record::getPayload).toList();
    }

    List<Long> offsets() {
        if (failure != null) {
            throw failure;
        }
        return records.stream().map(Record::offset).toList();
    }
}
