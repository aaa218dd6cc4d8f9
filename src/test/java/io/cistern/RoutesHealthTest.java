package io.cistern;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ConcurrentModificationException;
import java.util.Set;
import org.apache.camel.CamelContext;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.spring.boot.actuate.health.CamelHealthCheckIndicator;
import org.apache.camel.spring.boot.actuate.health.readiness.CamelReadinessStateHealthIndicator;
import org.apache.camel.support.DefaultRegistry;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.support.StaticListableBeanFactory;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.actuate.health.Status;
import org.springframework.boot.availability.ApplicationAvailabilityBean;

/** Probes that come while Camel starts or stops. */
class RoutesHealthTest {

    /** As it is while it is filled. */
    private static final class Filling extends DefaultRegistry {
        private boolean isFilling = true;

        @Override
        public <T> Set<T> findByType(Class<T> type) {
            if (isFilling) {
                throw new ConcurrentModificationException();
            }
            return super.findByType(type);
        }
    }

    @Test
    void camelsChecksAreAskedOnlyWhileItRuns() throws Exception {
        Filling registry = new Filling();
        try (DefaultCamelContext context = new DefaultCamelContext(registry)) {
            HealthIndicator checks = guarded(context, new CamelHealthCheckIndicator(null, context, "default"));
            HealthIndicator readiness = guarded(context,
                new CamelReadinessStateHealthIndicator(new ApplicationAvailabilityBean(), context));

            assertThat(checks.health().getStatus()).isEqualTo(Status.DOWN);
            assertThat(checks.health().getDetails()).containsEntry("routes", "do not run");
            assertThat(readiness.health().getStatus()).isEqualTo(Status.DOWN);

            registry.isFilling = false;
            context.start();
            assertThat(checks.health().getStatus()).isEqualTo(Status.UP);
            // They are asked: what they say is told.
            assertThat(checks.health().getDetails()).containsEntry("name", "camel-health-check");

            context.stop();
            registry.isFilling = true;
            assertThat(checks.health().getStatus()).isEqualTo(Status.DOWN);
            registry.isFilling = false;
        }
    }

    @Test
    void whatIsNotCamelsIsLeftAsItIs() {
        HealthIndicator own = () -> null;

        assertThat(guarded(null, own)).isSameAs(own);
    }

    private static HealthIndicator guarded(CamelContext context, HealthIndicator indicator) {
        StaticListableBeanFactory beans = new StaticListableBeanFactory();
        if (context != null) {
            beans.addBean("camel", context);
        }
        return (HealthIndicator) new RoutesHealth(beans.getBeanProvider(CamelContext.class))
            .postProcessAfterInitialization(indicator, "indicator");
    }
}
