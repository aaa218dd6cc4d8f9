package io.cistern;

import io.cistern.kafka.ConsumerHealth;
import org.apache.camel.CamelContext;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.stereotype.Component;

/**
 * Whether the consumers are polled, for Spring Boot's liveness probe, which includes no other check of Camel: an outage of the
 * broker or the bucket is no reason to restart the process.
 */
@Component("consumers")
final class ConsumersIndicator implements HealthIndicator {

    private final ObjectProvider<CamelContext> context;

    ConsumersIndicator(ObjectProvider<CamelContext> context) {
        this.context = context;
    }

    @Override
    public Health health() {
        CamelContext camel = context.getObject();
        ConsumerHealth consumers = camel.isStarted()
            ? camel.getRegistry().lookupByNameAndType("consumerHealth", ConsumerHealth.class) : null;
        return consumers == null || consumers.isAlive() ? Health.up().build()
            : Health.down().withDetail("consumers", "not polled for longer than kafka.max-poll-interval").build();
    }
}
