package io.cistern.reload;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.ToIntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks now and then whether the target topics of running reloads still exist: a producer waits for a deleted topic as for
 * one whose broker is away.
 */
final class TargetWatch {

    private static final Logger LOG = LoggerFactory.getLogger(TargetWatch.class);
    private static final long INTERVAL_NANOS = Duration.ofSeconds(10).toNanos();
    /** A broker that has just started may not know all topics yet. */
    private static final long CONFIRM_NANOS = Duration.ofSeconds(2).toNanos();

    private final ToIntFunction<String> partitions;
    private final LongSupplier nanoTime;
    private final Map<String, Look> looks = new ConcurrentHashMap<>();

    private record Look(long nextNanos, boolean isMissing) {
    }

    /** @param partitions gives the number of partitions of a topic, 0 if it does not exist; throws if that is not known */
    TargetWatch(ToIntFunction<String> partitions, LongSupplier nanoTime) {
        this.partitions = partitions;
        this.nanoTime = nanoTime;
    }

    /** Whether the target of a reload was missing twice in succession. */
    boolean isGone(String reload, String target) {
        long now = nanoTime.getAsLong();
        Look last = looks.putIfAbsent(reload, new Look(now + INTERVAL_NANOS, false));
        if (last == null || now - last.nextNanos < 0) {
            return false;
        }
        boolean isMissing = false;
        try {
            isMissing = partitions.applyAsInt(target) == 0;
        } catch (RuntimeException e) {
            LOG.debug("Not known whether topic {} exists", target, e);
        }
        looks.put(reload, new Look(nanoTime.getAsLong() + (isMissing ? CONFIRM_NANOS : INTERVAL_NANOS), isMissing));
        return isMissing && last.isMissing;
    }

    void forget(String reload) {
        looks.remove(reload);
    }
}
