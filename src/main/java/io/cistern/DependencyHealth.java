package io.cistern;

import io.cistern.bucket.BucketException;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.health.HealthCheckRegistry;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** Says in the readiness probe whether something that Cistern needs can be used; asks at most every ten seconds. */
public abstract class DependencyHealth extends AbstractHealthCheck {

    private static final long REMEMBERED_NANOS = 10_000_000_000L;

    private long askedAt;
    private boolean asked;
    private Exception failure;

    /** @param id names it among the health checks */
    protected DependencyHealth(String id) {
        super("cistern", id);
    }

    /**
     * Asks whether it can be used.
     *
     * @throws Exception if not; the innermost cause's message says why
     */
    protected abstract void ask() throws Exception;

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected synchronized void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        if (!getCamelContext().getStatus().isStarted()) {
            // Nothing can be asked yet, which is not worth remembering.
            builder.down().message(getId() + ": not started");
            return;
        }
        if (!asked || System.nanoTime() - askedAt > REMEMBERED_NANOS) {
            try {
                ask();
                failure = null;
            } catch (Exception e) {
                failure = e;
            }
            asked = true;
            askedAt = System.nanoTime();
        }
        if (failure == null) {
            builder.up();
        } else {
            String reason = reason(failure);
            // Spring Boot shows the details only.
            builder.down().message(getId() + ": " + reason).detail("reason", reason);
        }
    }

    /** Why it cannot be used, as the details of the probe tell it. */
    protected String reason(Exception failure) {
        return BucketException.reason(failure);
    }

    @Override
    public void setCamelContext(CamelContext context) {
        boolean first = getCamelContext() == null;
        super.setCamelContext(context);
        HealthCheckRegistry registry = HealthCheckRegistry.get(context);
        if (first && registry != null) {
            // which sets the context once more
            registry.register(this);
        }
    }
}
