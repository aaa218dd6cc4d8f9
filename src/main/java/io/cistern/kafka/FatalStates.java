package io.cistern.kafka;

import java.time.Duration;
import java.util.Properties;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordDeserializationException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnreleasedInstanceIdException;

/**
 * Recognizes that a Kafka consumer is in a state that it never leaves. With the group protocol {@code consumer}, a heartbeat
 * that is refused for good makes the member FATAL: one poll throws the reason, and every later poll returns nothing, without an
 * exception. Since the public interface does not name the state, any error of that kind counts, and so does a
 * member that is polled and sends no heartbeats. Used on the consumer's thread.
 *
 * @see <a href="https://github.com/apache/kafka/blob/3.9.1/clients/src/main/java/org/apache/kafka/clients/consumer/internals/HeartbeatRequestManager.java">HeartbeatRequestManager</a>
 */
final class FatalStates {

    /** Polls that fail for so long make no progress with this client. */
    static final Duration FAILING = Duration.ofMinutes(1);
    /** The broker's interval of heartbeats is 15 s at most, unless it is set up otherwise. */
    static final Duration SILENT = Duration.ofMinutes(2);
    private static final long LOOK_NANOS = Duration.ofSeconds(1).toNanos();

    private final boolean isAssignedByBroker;
    private final LongSupplier nanoTime;
    private Consumer<?, ?> client;
    private Metric sinceHeartbeat;
    private long silentSinceNanos;
    private boolean isSilent;
    private long lookedNanos;

    FatalStates(Properties properties, LongSupplier nanoTime) {
        this.isAssignedByBroker = "consumer".equals(properties.get(ConsumerConfig.GROUP_PROTOCOL_CONFIG));
        this.nanoTime = nanoTime;
    }

    /** A new client, whose state is not known yet. */
    void reset(Consumer<?, ?> started) {
        client = started;
        sinceHeartbeat = null;
        isSilent = false;
        lookedNanos = nanoTime.getAsLong();
    }

    /** Whether the client that failed with this can no longer work. */
    boolean isFatal(RuntimeException failure) {
        if (failure instanceof FencedInstanceIdException || failure instanceof UnreleasedInstanceIdException) {
            return true;
        }
        return isAssignedByBroker && failure instanceof ApiException && !(failure instanceof RetriableException)
            && !isOfTopic(failure);
    }

    /** Whether it is a failure of a topic or a record, and not of the client or its group: another client would fail too. */
    static boolean isOfTopic(RuntimeException failure) {
        return failure instanceof TopicAuthorizationException || failure instanceof InvalidTopicException
            || failure instanceof InvalidOffsetException || failure instanceof RecordDeserializationException;
    }

    /** Whether the member has sent no heartbeat for {@link #SILENT}, though the client was polled all the time. */
    boolean isSilent() {
        long now = nanoTime.getAsLong();
        if (!isAssignedByBroker || now - lookedNanos < LOOK_NANOS) {
            return false;
        }
        boolean wasPolled = now - lookedNanos < SILENT.toNanos() / 2;
        lookedNanos = now;
        double seconds = secondsSinceHeartbeat();
        if (seconds >= 0 && seconds < SILENT.toSeconds() || !wasPolled) {
            isSilent = false;
        } else if (!isSilent) {
            isSilent = true;
            silentSinceNanos = now;
        }
        return isSilent && now - silentSinceNanos >= SILENT.toNanos();
    }

    /** Negative if none was sent. */
    private double secondsSinceHeartbeat() {
        if (sinceHeartbeat == null) {
            sinceHeartbeat = client.metrics().entrySet().stream()
                .filter(metric -> metric.getKey().name().equals("last-heartbeat-seconds-ago")
                    && metric.getKey().group().equals("consumer-coordinator-metrics"))
                .map(metric -> (Metric) metric.getValue()).findFirst().orElse(null);
        }
        // A client without this metric is not known to be silent.
        return sinceHeartbeat == null ? 0 : ((Number) sinceHeartbeat.metricValue()).doubleValue();
    }
}
