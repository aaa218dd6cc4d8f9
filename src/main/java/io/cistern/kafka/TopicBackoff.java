package io.cistern.kafka;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.apache.kafka.common.errors.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers the topics that did not acknowledge in time. Until their back-off is over nobody waits for them again: the
 * thread that would wait has other partitions, of other topics.
 */
final class TopicBackoff {

    private static final Logger LOG = LoggerFactory.getLogger(TopicBackoff.class);
    /** A thread spends one part in four of its time on a topic that does not answer. */
    private static final int FACTOR = 3;
    private static final long MAX_NANOS = Duration.ofSeconds(30).toNanos();

    private final long minNanos;
    private final LongSupplier nanoTime;
    private final Map<String, Long> untilNanos = new ConcurrentHashMap<>();

    /** @param min the shortest back-off */
    TopicBackoff(Duration min, LongSupplier nanoTime) {
        this.minNanos = min.toNanos();
        this.nanoTime = nanoTime;
    }

    /** Throws {@link TopicUnavailableException} if a topic is not to be waited for now. */
    void requireAvailable(String topic) {
        Long until = untilNanos.isEmpty() ? null : untilNanos.get(topic);
        if (until != null && until - nanoTime.getAsLong() > 0) {
            throw new TopicUnavailableException("topic " + topic + " did not acknowledge in time, and is tried again later");
        }
    }

    /** A topic has acknowledged something after so long, or failed to. */
    void answered(String topic, Throwable failure, long nanos) {
        if (failure == null) {
            if (!untilNanos.isEmpty() && untilNanos.remove(topic) != null) {
                LOG.info("Topic acknowledges again: topic={}", topic);
            }
            return;
        }
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof TimeoutException) {
                long backoff = Math.max(minNanos, Math.min(MAX_NANOS, FACTOR * nanos));
                untilNanos.put(topic, nanoTime.getAsLong() + backoff);
                LOG.warn("Topic did not acknowledge in time: topic={} waited={}ms backoff={}ms", topic,
                    Duration.ofNanos(nanos).toMillis(), Duration.ofNanos(backoff).toMillis());
                return;
            }
        }
    }
}
