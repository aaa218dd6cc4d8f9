package io.cistern.kafka;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.LongSupplier;

/** Keeps the limits of topics for a while, so that the broker is asked for them now and then only. */
final class TopicLimitsCache {

    private static final long MAX_AGE_NANOS = Duration.ofSeconds(60).toNanos();
    /** Limits that are about to be the reason of a refusal must not be older. */
    private static final long FRESH_NANOS = Duration.ofSeconds(2).toNanos();

    private final Function<String, TopicLimits> read;
    private final LongSupplier nanoTime;
    private final Map<String, Known> known = new ConcurrentHashMap<>();

    private record Known(TopicLimits limits, long nanos) {
    }

    /** @param read asks the broker for the limits of a topic */
    TopicLimitsCache(Function<String, TopicLimits> read, LongSupplier nanoTime) {
        this.read = read;
        this.nanoTime = nanoTime;
    }

    /** The limits of a topic, as they were not long ago. */
    TopicLimits limits(String topic) {
        return limits(topic, MAX_AGE_NANOS);
    }

    /** The limits of a topic, as they are now: an operator may have raised them. */
    TopicLimits freshLimits(String topic) {
        return limits(topic, FRESH_NANOS);
    }

    private TopicLimits limits(String topic, long maxAge) {
        Known last = known.get(topic);
        if (last == null || nanoTime.getAsLong() - last.nanos > maxAge) {
            last = new Known(read.apply(topic), nanoTime.getAsLong());
            known.put(topic, last);
        }
        return last.limits;
    }
}
