package io.cistern.kafka;

import io.cistern.Meters;
import io.cistern.Settings;
import io.cistern.batch.Batch;
import io.cistern.batch.Record;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides what becomes of a stored record whose post-ingestion topic does not take it, as {@code bss.post-ingestion-refused}
 * says: its copy is left out with a log line and a metric, or the batch is held until the topic takes it. A topic is asked
 * for its limits before anything of a batch is sent.
 */
public final class RefusedCopies implements Gate.Factory, CamelContextAware {

    private static final Logger LOG = LoggerFactory.getLogger("io.cistern.storer");
    private static final String METRIC = "cistern.post.ingestion.refused";
    private static final int MAX_OFFSETS_LOGGED = 10;

    private final Settings settings;
    private final TopicLimitsCache limits;
    private final TopicBackoff backoff;
    private final long maxRequestBytes;
    /** What brokers have refused within transactions, by target and source partition: reasons by offset. */
    private final Map<String, Map<Long, String>> refusedByBroker = new ConcurrentHashMap<>();
    private CamelContext camelContext;
    private MeterRegistry meters;

    public RefusedCopies(Settings settings, Topics topics) {
        this.settings = settings;
        this.limits = new TopicLimitsCache(topics::limits, System::nanoTime);
        this.backoff = new TopicBackoff(settings.storer().restAfterFailure(), System::nanoTime);
        this.maxRequestBytes = Long.parseLong(settings.value("kafka.max-request-size"));
    }

    /** Whether a refused copy is left out, rather than its batch held. */
    boolean areLeftOut() {
        return settings.storer().refusedCopies() == Settings.RefusedCopies.SKIP;
    }

    @Override
    public Gate gate(String target, Batch batch, Codec usual) {
        CopyGate gate = new CopyGate(batch, limits.limits(target), () -> limits.freshLimits(target), maxRequestBytes, usual,
            refusedByBroker.getOrDefault(key(target, batch), Map.of()), refusal -> areLeftOut(),
            refusals -> report(target, batch, refusals));
        if (!areLeftOut() && (batch.extremes() == null || !gate.areOrdinary(batch.extremes()))) {
            requireAll(target, batch, gate);
        }
        return gate;
    }

    /** A batch that is held is sent as a whole or not at all: what is sent again and again would be there many times. */
    private static void requireAll(String target, Batch batch, CopyGate gate) {
        for (Record record : batch) {
            CopyGate.Refusal refusal = gate.isOrdinary(record) ? null : gate.refusal(record);
            if (refusal != null) {
                throw new RecordRefusedException(Coordinates.of(record), "topic " + target
                    + " did not take the record of offset " + record.offset() + " of " + batch.getTopic() + "-"
                    + batch.getPartition() + ": it " + refusal.reason(), null);
            }
        }
    }

    /** Remembers a record that failed its transaction, so that the next one is without it; false if this one was already. */
    boolean refusedByBroker(String target, Batch batch, Coordinates record, String reason) {
        return refusedByBroker.computeIfAbsent(key(target, batch), key -> new ConcurrentHashMap<>())
            .put(record.offset(), String.valueOf(reason)) == null;
    }

    /** Forgets such records of a batch that is through, since a topic of that name may be another one later. */
    void forget(String target, Batch batch) {
        if (!refusedByBroker.isEmpty()) {
            refusedByBroker.remove(key(target, batch));
        }
    }

    private static String key(String target, Batch batch) {
        return target + '/' + batch.getTopic() + '/' + batch.getPartition();
    }

    private void report(String target, Batch batch, List<CopyGate.Refusal> refusals) {
        counter(target).increment(refusals.size());
        Map<String, List<CopyGate.Refusal>> byReason = refusals.stream().collect(
            Collectors.groupingBy(CopyGate.Refusal::reason, LinkedHashMap::new, Collectors.toList()));
        byReason.forEach((reason, same) -> LOG.warn("Copies refused, the records are stored: target={} topic={} partition={}"
            + " records={} offsets={} reason={}", target, batch.getTopic(), batch.getPartition(), same.size(),
            same.stream().limit(MAX_OFFSETS_LOGGED).map(refusal -> String.valueOf(refusal.offset()))
                .collect(Collectors.joining(",")) + (same.size() > MAX_OFFSETS_LOGGED ? ",..." : ""), reason));
    }

    private Counter counter(String target) {
        return Counter.builder(METRIC).baseUnit("records").tag("target", target)
            .description("Stored records that their post-ingestion topic did not take").register(meters);
    }

    @Override
    public void requireAvailable(String topic) {
        backoff.requireAvailable(topic);
    }

    @Override
    public void answered(String topic, Throwable failure, long nanos) {
        backoff.answered(topic, failure, nanos);
    }

    @Override
    public void setCamelContext(CamelContext context) {
        camelContext = context;
        meters = Meters.of(context);
        // An alert sees the first refusal only if the metric was there before.
        settings.mappings().forEach(mapping -> mapping.postIngestion().forEach(this::counter));
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }
}
