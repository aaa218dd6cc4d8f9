package io.cistern;

import io.cistern.batch.OpenBatches;
import io.cistern.kafka.ReloadLog;
import io.cistern.reload.Turns;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.support.LifecycleStrategySupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Before the routes stop: has what is held stored by the consumers' own threads, within the shutdown timeout, and the
 * turns of reloads ended between two batches, so that another replica, or this one when it comes back, goes on with them.
 * What is not stored in time is read again by the next process.
 */
public final class GracefulStop extends LifecycleStrategySupport implements CamelContextAware {

    private static final Logger LOG = LoggerFactory.getLogger(GracefulStop.class);

    private final OpenBatches openBatches;
    private final Turns turns;
    private final ReloadLog reloadLog;
    private CamelContext camelContext;

    public GracefulStop(OpenBatches openBatches, Turns turns, ReloadLog reloadLog) {
        this.openBatches = openBatches;
        this.turns = turns;
        this.reloadLog = reloadLog;
    }

    @Override
    public void onContextStopping(CamelContext context) {
        turns.stop();
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
    public void onContextStopped(CamelContext context) {
        turns.close();
        reloadLog.stop();
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
