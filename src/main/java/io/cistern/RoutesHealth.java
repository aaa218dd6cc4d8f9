package io.cistern;

import org.apache.camel.CamelContext;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.stereotype.Component;

/**
 * Keeps probes, which come whenever they like, from asking Camel's health checks before all of them are there: Camel's registry
 * must not be read while it is filled or emptied.
 */
@Component
final class RoutesHealth implements BeanPostProcessor {

    private final ObjectProvider<CamelContext> context;

    RoutesHealth(ObjectProvider<CamelContext> context) {
        this.context = context;
    }

    @Override
    public Object postProcessAfterInitialization(Object bean, String name) {
        if (bean instanceof HealthIndicator checks && bean.getClass().getName().startsWith("org.apache.camel.")) {
            return (HealthIndicator) () -> context.getObject().isStarted() ? checks.health()
                : Health.down().withDetail("routes", "do not run").build();
        }
        return bean;
    }
}
