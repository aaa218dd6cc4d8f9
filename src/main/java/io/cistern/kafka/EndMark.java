package io.cistern.kafka;

import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A mark at the end of topics, which says whether they were read up to it. A broker that does not say where the end is, is asked
 * again some seconds later. Not thread-safe.
 */
final class EndMark implements BooleanSupplier {

    private static final Logger LOG = LoggerFactory.getLogger(EndMark.class);
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final Supplier<Map<TopicPartition, Long>> askEnds;
    private final Predicate<Map<TopicPartition, Long>> hasReached;
    private final LongSupplier nanoTime;
    private Map<TopicPartition, Long> ends;
    private long askAt;

    EndMark(Supplier<Map<TopicPartition, Long>> askEnds, Predicate<Map<TopicPartition, Long>> hasReached,
            LongSupplier nanoTime) {
        this.askEnds = askEnds;
        this.hasReached = hasReached;
        this.nanoTime = nanoTime;
        this.askAt = nanoTime.getAsLong();
    }

    @Override
    public boolean getAsBoolean() {
        if (ends == null && nanoTime.getAsLong() - askAt >= 0) {
            try {
                ends = askEnds.get();
            } catch (KafkaException e) {
                LOG.debug("No end of the state topics known yet", e);
            }
            askAt = nanoTime.getAsLong() + RETRY_NANOS;
        }
        return ends != null && hasReached.test(ends);
    }
}
