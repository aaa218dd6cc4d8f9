package io.cistern;

import io.cistern.batch.OpenBatches;
import io.cistern.reload.Reloads;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.support.LifecycleStrategySupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Before the routes stop: has what is held stored by the consumers' own threads, within the shutdown timeout, and the
 * reloads ended between two batches. What is not stored in time is read again by the next process.
 */
public final class GracefulStop extends LifecycleStrategySupport implements CamelContextAware {

    private static final Logger LOG = LoggerFactory.getLogger(GracefulStop.class);

    private final OpenBatches openBatches;
    private final Reloads reloads;
    private CamelContext camelContext;

    public GracefulStop(OpenBatches openBatches, Reloads reloads) {
        this.openBatches = openBatches;
        this.reloads = reloads;
    }

    @Override
    public void onContextStopping(CamelContext context) {
        reloads.stopAll();
        openBatches.drain();
        long timeout = TimeUnit.SECONDS.toNanos(context.getShutdownStrategy().getTimeout());
        long start = System.nanoTime();
        long end = start + timeout * 4 / 5;
        try {
            while (!openBatches.isEmpty() && System.nanoTime() - end < 0) {
                Thread.sleep(10);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        // The routes have what is left of the time.
        context.getShutdownStrategy().setTimeout(
            Math.max(1, TimeUnit.NANOSECONDS.toSeconds(timeout - (System.nanoTime() - start))));
        if (!openBatches.isEmpty()) {
            LOG.warn("Not all that is held could be stored in time; it will be read again: bytes={}", openBatches.heldBytes());
        }
    }

    @Override
    public void setCamelContext(CamelContext context) {
        if (camelContext == null) {
            camelContext = context;
            // which sets the context once more
            context.addLifecycleStrategy(this);
        }
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }
}
