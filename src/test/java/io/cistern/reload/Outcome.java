package io.cistern.reload;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.cistern.Settings;
import io.cistern.batch.Record;
import io.cistern.bucket.Bucket;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.slf4j.LoggerFactory;

/**
 * What a reload would publish: planned and read as the route {@code reload} does, without a broker.
 *
 * @param plan    its plan, or null if there was none
 * @param records the records in the order in which they would be published
 * @param failure what ended it early, or null
 */
record Outcome(Reload reload, Plan plan, List<Record> records, RuntimeException failure) {

    /** Batches of three records, so that files end within batches and batches within files. */
    static final Settings SETTINGS = new Settings(Map.of("bss.reload.batch-records", "3",
        "bss.reload.batch-bytes", "1MB")::get);

    static {
        // The planned line of thousands of reloads would drown everything else.
        ((Logger) LoggerFactory.getLogger(Planner.class)).setLevel(Level.WARN);
    }

    static ReloadRequest request(String topic, String folder, long from, long to) {
        return new ReloadRequest(topic, folder, null, "target", from, to, null, false, 64, true, Map.of());
    }

    static ReloadRequest request(String file) {
        return new ReloadRequest(null, null, file, "target", Long.MIN_VALUE, Long.MAX_VALUE, null, false, 64, true, Map.of());
    }

    static Outcome of(Bucket bucket, ReloadRequest request) {
        return of(bucket, new Reload(request), Integer.MAX_VALUE);
    }

    /** The same, with a stop asked for as soon as {@code stopAfter} records would have been published. */
    static Outcome of(Bucket bucket, Reload reload, int stopAfter) {
        List<Record> records = new ArrayList<>();
        Plan plan = null;
        try {
            plan = new Planner(bucket).plan(reload);
            Batches batches = new Batches(SETTINGS, bucket);
            for (Iterator<Plan.Run> runs = plan.runs(); runs.hasNext();) {
                for (Iterator<ReloadBatch> ofRun = batches.of(runs.next(), reload); ofRun.hasNext();) {
                    ofRun.next().forEach(records::add);
                    if (records.size() >= stopAfter) {
                        reload.requestStop();
                    }
                }
            }
        } catch (RuntimeException e) {
            return new Outcome(reload, plan, records, e);
        }
        return new Outcome(reload, plan, records, null);
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
