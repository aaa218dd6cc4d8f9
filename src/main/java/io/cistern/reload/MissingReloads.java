package io.cistern.reload;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Tells reloads that were deleted from those that this process has not read of yet. A reload without a record counts as deleted
 * only when the state topics were read up to where they ended after it was missed first, and a minute is over: so long
 * other replicas may need to write again what was lost with a state topic.
 */
final class MissingReloads {

    private static final int MOST_REMEMBERED = 10_000;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final Supplier<BooleanSupplier> newMark;
    private final LongSupplier nanoTime;
    private final Map<String, Missed> missed = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Missed> eldest) {
            return size() > MOST_REMEMBERED;
        }
    };

    /** Since when a reload is missed, and whether the state topics were read up to where they ended after that. */
    private record Missed(long since, BooleanSupplier isRead) {
    }

    /**
     * @param newMark  gives a mark at the end of the state topics; the mark says whether they were read up to it
     * @param nanoTime the time in nanoseconds
     */
    MissingReloads(Supplier<BooleanSupplier> newMark, LongSupplier nanoTime) {
        this.newMark = newMark;
        this.nanoTime = nanoTime;
    }

    /** Whether a reload of which there is no record was deleted. */
    synchronized boolean isDeleted(String id) {
        Missed since = missed.computeIfAbsent(id, ignored -> new Missed(nanoTime.getAsLong(), newMark.get()));
        return nanoTime.getAsLong() - since.since > PATIENCE_NANOS && since.isRead.getAsBoolean();
    }

    /** A record of the reload was read. */
    synchronized void found(String id) {
        missed.remove(id);
    }
}
