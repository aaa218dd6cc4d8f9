package io.cistern.kafka;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.kafka.common.Uuid;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices state topics that were deleted while the process runs: creates the missing ones, and tells of those that are another
 * incarnation than before. It runs on a thread of its own and outlives every exception.
 */
final class StateTopicMonitor implements Runnable {

    private static final Logger LOG = LoggerFactory.getLogger(StateTopicMonitor.class);
    private static final long REMIND_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final Supplier<Map<String, Uuid>> describe;
    private final Runnable createMissing;
    private final Consumer<Set<String>> onCreatedAgain;
    private final Duration interval;
    private final Map<String, Uuid> known;
    /** Topics that were created again and that nobody was told of without failing. */
    private final Set<String> pending = new TreeSet<>();
    private boolean isClosed;
    private boolean isDue;
    private boolean isFailing;
    private long warnedAt;

    /**
     * @param describe       gives the ids of those state topics that exist
     * @param createMissing  creates those that do not exist
     * @param onCreatedAgain gets the names of topics that were created again; called again with the same names after a failure
     * @param names          of all state topics
     * @param known          the ids of those that exist, as they are followed now
     * @param interval       time between two looks
     */
    StateTopicMonitor(Supplier<Map<String, Uuid>> describe, Runnable createMissing, Consumer<Set<String>> onCreatedAgain,
                      Collection<String> names, Map<String, Uuid> known, Duration interval) {
        this.describe = describe;
        this.createMissing = createMissing;
        this.onCreatedAgain = onCreatedAgain;
        this.known = new HashMap<>();
        // One that was deleted just now is missed as well.
        names.forEach(name -> this.known.put(name, known.getOrDefault(name, Uuid.ZERO_UUID)));
        this.interval = interval;
    }

    /** Looks at the topics soon, since one of them seems to be missing. */
    synchronized void hurry() {
        isDue = true;
        notifyAll();
    }

    /** Ends the thread soon. */
    synchronized void close() {
        isClosed = true;
        notifyAll();
    }

    @Override
    public void run() {
        while (awaitNextLook()) {
            try {
                look();
                isFailing = false;
            } catch (RuntimeException e) {
                if (!isFailing || System.nanoTime() - warnedAt > REMIND_NANOS) {
                    isFailing = true;
                    warnedAt = System.nanoTime();
                    LOG.warn("State topics of reloads cannot be checked, retrying: reason={}", e.toString());
                }
            }
        }
    }

    private synchronized boolean awaitNextLook() {
        long end = System.nanoTime() + interval.toNanos();
        try {
            for (long left = interval.toMillis(); left > 0 && !isClosed && !isDue;) {
                wait(left);
                left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            isClosed = true;
        }
        isDue = false;
        return !isClosed;
    }

    /** Looks at the topics once. */
    void look() {
        Map<String, Uuid> now = describe.get();
        Set<String> missing = new TreeSet<>(known.keySet());
        missing.removeAll(now.keySet());
        if (!missing.isEmpty()) {
            LOG.warn("State topics of reloads were deleted, creating them again: topics={}", missing);
            createMissing.run();
            now = describe.get();
        }
        now.forEach((topic, id) -> {
            if (!id.equals(known.put(topic, id))) {
                pending.add(topic);
            }
        });
        if (!pending.isEmpty()) {
            onCreatedAgain.accept(new HashSet<>(pending));
            pending.clear();
        }
    }
}
