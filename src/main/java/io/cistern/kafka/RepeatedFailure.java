package io.cistern.kafka;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;

/**
 * Logs a failure that is repeated: the first time, when its reason changes, once a minute while it lasts, and when it is over.
 * Not thread-safe.
 */
final class RepeatedFailure {

    private static final long REPEAT_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final Logger log;
    private final String what;
    private final LongSupplier nanoTime;
    private String reason;
    private long sinceNanos;
    private long loggedNanos;
    private long count;

    /** @param what what fails, as the start of each line: {@code Poll} */
    RepeatedFailure(Logger log, String what, LongSupplier nanoTime) {
        this.log = log;
        this.what = what;
        this.nanoTime = nanoTime;
    }

    void failed(Throwable failure) {
        long now = nanoTime.getAsLong();
        if (count++ == 0) {
            sinceNanos = now;
        }
        // The message may hold an address or an offset that changes with each attempt.
        String current = failure.getClass().getName();
        if (!current.equals(reason) || now - loggedNanos >= REPEAT_NANOS) {
            reason = current;
            loggedNanos = now;
            log.error("{} failed, retrying: failures={} seconds={} reason={}", what, count, seconds(now), failure.toString());
        }
        log.debug("{} failed", what, failure);
    }

    void succeeded() {
        if (count > 0) {
            log.info("{} works again: failures={} seconds={}", what, count, seconds(nanoTime.getAsLong()));
            count = 0;
            reason = null;
        }
    }

    /** How long it has been failing without a success, in nanoseconds; 0 if it works. */
    long lastsNanos() {
        return count == 0 ? 0 : nanoTime.getAsLong() - sinceNanos;
    }

    private long seconds(long now) {
        return TimeUnit.NANOSECONDS.toSeconds(now - sinceNanos);
    }
}
