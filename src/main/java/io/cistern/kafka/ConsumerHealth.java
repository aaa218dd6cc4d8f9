package io.cistern.kafka;

import io.cistern.Meters;
import io.micrometer.core.instrument.Gauge;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.CamelContext;
import org.apache.camel.health.HealthCheckRegistry;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;
import org.apache.kafka.clients.consumer.ConsumerConfig;

/**
 * Whether each consumer of this process is polled, for the probes of readiness and liveness. A consumer that is not polled for
 * longer than {@code kafka.max-poll-interval} has lost its partitions to others, and the thread that should poll it hangs
 * or has ended. A poll that fails, as while no broker answers, is a poll.
 */
public final class ConsumerHealth extends AbstractHealthCheck {

    private final Set<Watched> consumers = ConcurrentHashMap.newKeySet();

    private record Watched(ReplaceableConsumer consumer, long limitNanos) {

        private boolean isPolled() {
            return consumer.sincePollNanos() <= limitNanos;
        }
    }

    public ConsumerHealth() {
        super("cistern", "polls");
    }

    void add(ReplaceableConsumer consumer, Properties properties) {
        consumers.removeIf(watched -> watched.consumer.isClosed());
        consumers.add(new Watched(consumer, Duration.ofMillis(Long.parseLong(String.valueOf(
            properties.getOrDefault(ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG, 300_000)))).toNanos()));
    }

    /** Whether all consumers that are not closed are polled. */
    public boolean isAlive() {
        return notPolled() == 0;
    }

    private double failingSeconds() {
        return consumers.stream().mapToLong(watched -> watched.consumer.failingNanos()).max().orElse(0) / 1e9;
    }

    private long notPolled() {
        return consumers.stream().filter(watched -> !watched.consumer.isClosed() && !watched.isPolled()).count();
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        long notPolled = notPolled();
        if (notPolled == 0) {
            builder.up();
        } else {
            String reason = "consumers not polled for longer than kafka.max-poll-interval: " + notPolled;
            // Spring Boot shows the details only.
            builder.down().message("polls: " + reason).detail("reason", reason);
        }
    }

    @Override
    public void setCamelContext(CamelContext context) {
        boolean isFirst = getCamelContext() == null;
        super.setCamelContext(context);
        HealthCheckRegistry registry = HealthCheckRegistry.get(context);
        if (isFirst && registry != null) {
            // which sets the context once more
            registry.register(this);
        }
        if (isFirst) {
            Meters.register(Meters.of(context), Gauge.builder("cistern.polls.failing", this, ConsumerHealth::failingSeconds)
                .description("For how long all polls of a consumer have failed").baseUnit("seconds"));
        }
    }
}
