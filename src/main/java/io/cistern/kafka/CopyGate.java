package io.cistern.kafka;

import io.cistern.batch.Batch;
import io.cistern.batch.Record;
import io.cistern.batch.RecordExtremes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** Compares the records of a batch with the limits of a post-ingestion topic, and collects those that it does not take. */
final class CopyGate implements Gate {

    /** What brokers take of a batch by default: larger records are sent alone where the limits of a topic are not known. */
    private static final long USUAL_MAX_BYTES = 1048588;

    private final Batch batch;
    private final Supplier<TopicLimits> freshLimits;
    private final long maxRequestBytes;
    private final Codec usual;
    private final Map<Long, String> refusedByBroker;
    private final Predicate<Refusal> passesOver;
    private final Consumer<List<Refusal>> report;
    private final List<Refusal> refusals = new ArrayList<>();
    private TopicLimits limits;
    /** Of the record that was looked at last. */
    private Outcome outcome;

    /** A record that the topic does not take. */
    record Refusal(long offset, String reason) {
    }

    /** Either the codec to send a record with, or the reason why the topic does not take it. */
    private record Outcome(Codec codec, String refusal) {
    }

    /**
     * @param limits          of the topic, perhaps a while ago
     * @param freshLimits     gives those of now
     * @param maxRequestBytes of a record, as the producer takes it, without compression
     * @param refusedByBroker reasons by offset, where a transaction failed for a record before
     * @param passesOver      whether a refused record is passed over
     * @param report          takes the records that were passed over, when all others are acknowledged
     */
    CopyGate(Batch batch, TopicLimits limits, Supplier<TopicLimits> freshLimits, long maxRequestBytes, Codec usual,
             Map<Long, String> refusedByBroker, Predicate<Refusal> passesOver, Consumer<List<Refusal>> report) {
        this.batch = batch;
        this.limits = limits;
        this.freshLimits = freshLimits;
        this.maxRequestBytes = maxRequestBytes;
        this.usual = usual;
        this.refusedByBroker = refusedByBroker;
        this.passesOver = passesOver;
        this.report = report;
    }

    @Override
    public long maxBytes() {
        return Math.min(maxRequestBytes, limits.maxBytes() == Long.MAX_VALUE ? USUAL_MAX_BYTES : limits.maxBytes());
    }

    /** Whether no record of a batch with these extremes can break a limit. */
    boolean areOrdinary(RecordExtremes extremes) {
        long now = System.currentTimeMillis();
        return extremes.largestBytes() <= maxBytes() && !(limits.needsKeys() && extremes.hasKeyless())
            && (extremes.leastTimestamp() == Record.NO_TIMESTAMP || isInTime(extremes.leastTimestamp(), now))
            && extremes.leastTimestamp() >= Record.NO_TIMESTAMP
            && isInTime(extremes.greatestTimestamp(), now);
    }

    private boolean isInTime(long timestamp, long now) {
        return now - timestamp <= limits.mostBefore() && timestamp - now <= limits.mostBehind();
    }

    @Override
    public boolean isOrdinary(Record record) {
        return refusedByBroker.isEmpty() && RecordExtremes.bound(record) <= maxBytes() && !(limits.needsKeys() && record.key() == null)
            && record.timestamp() >= Record.NO_TIMESTAMP
            && (limits.mostBefore() == Long.MAX_VALUE && limits.mostBehind() == Long.MAX_VALUE
                || record.timestamp() == Record.NO_TIMESTAMP || isInTime(record.timestamp(), System.currentTimeMillis()));
    }

    @Override
    public Codec codec(Record record) {
        Refusal refusal = refusal(record);
        if (refusal == null) {
            return outcome.codec;
        }
        if (passesOver.test(refusal)) {
            pass(refusal);
            return null;
        }
        return usual;
    }

    /** Why the topic does not take a record; null if it does. */
    Refusal refusal(Record record) {
        String known = refusedByBroker.get(record.offset());
        outcome = known != null ? new Outcome(null, known) : look(record);
        if (outcome.refusal != null && known == null) {
            limits = freshLimits.get();
            outcome = look(record);
        }
        return outcome.refusal == null ? null : new Refusal(record.offset(), outcome.refusal);
    }

    private Outcome look(Record record) {
        String refusal = limits.refusal(record,
            record.timestamp() == Record.NO_TIMESTAMP ? 0 : System.currentTimeMillis() - record.timestamp());
        if (refusal != null) {
            return new Outcome(null, refusal);
        }
        long bytes = RecordExtremes.bound(record);
        if (bytes > maxRequestBytes) {
            return new Outcome(null, "gets no record of more than " + maxRequestBytes + " bytes (kafka.max-request-size)");
        }
        Codec codec = limits.codec(record, () -> batch.targetHeaders(record), bytes, usual);
        return codec == null ? new Outcome(null, limits.tooLarge()) : new Outcome(codec, null);
    }

    private synchronized void pass(Refusal refusal) {
        refusals.add(refusal);
    }

    @Override
    public boolean passesOver(Coordinates record, Exception reason) {
        Refusal refusal = new Refusal(record.offset(), String.valueOf(reason.getMessage()));
        boolean isPassed = passesOver.test(refusal);
        if (isPassed) {
            pass(refusal);
        }
        return isPassed;
    }

    @Override
    public synchronized void acknowledged() {
        if (!refusals.isEmpty()) {
            report.accept(List.copyOf(refusals));
            refusals.clear();
        }
    }
}
