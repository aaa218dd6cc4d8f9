package io.cistern.bucket;

import io.cistern.Settings;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.health.HealthCheckRegistry;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** Says in the readiness probe whether the bucket can be used; asked of the store at most every ten seconds. */
public final class BucketHealth extends AbstractHealthCheck {

    private static final long REMEMBERED_NANOS = 10_000_000_000L;

    private final Bucket bucket;
    private final boolean write;
    private long askedAt;
    private boolean asked;
    private RuntimeException failure;

    public BucketHealth(Bucket bucket, Settings settings) {
        super("cistern", "bucket");
        this.bucket = bucket;
        this.write = settings.roles().contains(Settings.Role.STORER);
    }

    @Override
    public boolean isLiveness() {
        return false;
    }

    @Override
    protected synchronized void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        if (!asked || System.nanoTime() - askedAt > REMEMBERED_NANOS) {
            try {
                bucket.check(write);
                failure = null;
            } catch (RuntimeException e) {
                failure = e;
            }
            asked = true;
            askedAt = System.nanoTime();
        }
        if (failure == null) {
            builder.up();
        } else {
            builder.down().message("The bucket cannot be used: " + StoreFailure.reason(failure));
        }
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
