package io.cistern.kafka;

import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;

/**
 * The partitions of a consumer that have nothing while others have more than a poll takes: once the consumer is kept waiting
 * for them they are paused, but for a look now and then.
 *
 * <p>Kafka's client has one fetch on its way to a broker. As long as a part of what it fetched of a partition waits for the
 * next poll, it fetches the others; if these have nothing, the broker keeps that fetch for {@code fetch.max.wait.ms}, and the
 * partition that has much gets nothing until then. So the last partitions of a backlog came at some thousand records a second
 * where records are small, or compressed well.
 */
final class QuietPartitions {

    /** A broker that has records answers sooner. */
    private static final long KEPT_WAITING_NANOS = Duration.ofMillis(100).toNanos();
    /** So much later they come while others have much, at the most; each look may cost these the time that a broker waits. */
    private static final long PAUSE_NANOS = Duration.ofSeconds(5).toNanos();
    /** Long enough for a fetch of them to be sent. What it brings is kept by the client until the next look. */
    private static final long LOOK_NANOS = Duration.ofMillis(20).toNanos();

    private final Consumer<?, ?> consumer;
    private final int mostPolled;
    private final LongSupplier nanoTime;
    private final Set<TopicPartition> quiet = new HashSet<>();
    private long changedNanos;
    /** For polls since the last one that gave something. */
    private long waitedNanos;
    /** Whether there is more behind what the last poll gave. */
    private boolean hasMore;
    /** Whether that was waited for once, as it was there already. */
    private boolean isKeptWaiting;

    /**
     * None yet.
     *
     * @param mostPolled records of a poll, at the most
     * @param nanoTime   as {@link System#nanoTime}
     */
    QuietPartitions(Consumer<?, ?> consumer, int mostPolled, LongSupplier nanoTime) {
        this.consumer = consumer;
        this.mostPolled = mostPolled;
        this.nanoTime = nanoTime;
        this.changedNanos = nanoTime.getAsLong();
    }

    boolean contains(TopicPartition partition) {
        return quiet.contains(partition);
    }

    /** Not the consumer's any more, or not yet. */
    void forget(Collection<TopicPartition> partitions) {
        quiet.removeAll(partitions);
    }

    /**
     * Looks at what the last poll gave, and pauses partitions by it.
     *
     * @param tookNanos of that poll
     * @return whether those that were paused are none any more, and are to be resumed
     */
    boolean look(ConsumerRecords<?, ?> polled, long tookNanos) {
        waitedNanos += tookNanos;
        isKeptWaiting |= hasMore && waitedNanos >= KEPT_WAITING_NANOS;
        if (!polled.isEmpty()) {
            waitedNanos = 0;
            hasMore = polled.count() >= mostPolled || polled.partitions().stream().anyMatch(partition -> lag(partition) > 0);
        } else if (waitedNanos >= PAUSE_NANOS) {
            hasMore = false;
        }
        isKeptWaiting &= hasMore;
        long passed = nanoTime.getAsLong() - changedNanos;
        boolean isOver = !quiet.isEmpty() && (!hasMore || passed >= PAUSE_NANOS);
        if (isOver) {
            quiet.clear();
            changedNanos += passed;
        } else if (isKeptWaiting && quiet.isEmpty() && passed >= LOOK_NANOS) {
            Set<TopicPartition> paused = consumer.paused();
            consumer.assignment().stream().filter(partition -> !paused.contains(partition) && lag(partition) == 0)
                .forEach(quiet::add);
            consumer.pause(quiet);
            changedNanos += passed;
            // Else it was something else that was waited for.
            isKeptWaiting = !quiet.isEmpty();
        }
        return isOver;
    }

    /** As far as the last fetch told; -1 if none did. */
    private long lag(TopicPartition partition) {
        return consumer.currentLag(partition).orElse(-1);
    }
}
