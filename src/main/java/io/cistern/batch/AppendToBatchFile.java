package io.cistern.batch;

import io.cistern.Settings;
import org.apache.camel.AggregationStrategy;
import org.apache.camel.Exchange;

/**
 * The aggregate step's strategy: encodes the records of each poll into the batch file that is open for them. A closed file
 * that comes again, since it could not be stored or published, passes through.
 */
public final class AppendToBatchFile implements AggregationStrategy {

    private final Settings settings;
    private final OpenBatches openBatches;
    /** A buffer for each consumer thread, shared by its batches. */
    private final ThreadLocal<LineWriter> lines;

    public AppendToBatchFile(Settings settings, OpenBatches openBatches) {
        this.settings = settings;
        this.openBatches = openBatches;
        boolean tagsReloaded = settings.storer().reloaded() == Settings.Reloaded.TAG;
        this.lines = ThreadLocal.withInitial(() -> new LineWriter(tagsReloaded));
    }

    @Override
    public Exchange aggregate(Exchange open, Exchange polled) {
        if (open == null && polled.getMessage().getBody() instanceof BatchFile file && file.getRotatedBy() != null) {
            return polled;
        }
        if (!(polled.getMessage().getBody() instanceof PolledBatch batch)) {
            throw new IllegalStateException("A step before the aggregate step left no batch: see keepRecords for filters");
        }
        Exchange result = open;
        if (open == null) {
            BatchFile file = new BatchFile(batch, settings.destination(batch.getTopic()),
                settings.storer().compression(), lines.get(), openBatches, System.nanoTime());
            result = polled;
            result.getMessage().setBody(file);
            // What remembers a poll would have its records in memory for as long as the file is open.
            result.getVariables().values().removeIf(PolledBatch.class::isInstance);
        }
        BatchFile file = result.getMessage().getBody(BatchFile.class);
        file.append(batch);
        openBatches.hold(file);
        return result;
    }
}
