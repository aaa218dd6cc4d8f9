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
 * The partitions of a consumer that have nothing while others have more than a poll takes: they are paused, but for a look
 * now and then.
 *
 * <p>Kafka's client has one fetch on its way to a broker. As long as a part of what it fetched of a partition waits for the
 * next poll, it fetches the others; if these have nothing, the broker keeps that fetch for {@code fetch.max.wait.ms}, and the
 * partition that has much gets nothing until then. So the last partitions of a backlog came at some thousand records a second
 * where records are small, or compressed well.
 */
final class QuietPartitions {

    /** So much later they come while others have much, at the most; each look may cost these the time that a broker waits. */
    private static final long PAUSE_NANOS = Duration.ofSeconds(5).toNanos();
    /** Long enough for a fetch of them to be sent. What it brings is kept by the client until the next look. */
    private static final long LOOK_NANOS = Duration.ofMillis(20).toNanos();

    private final Consumer<?, ?> consumer;
    private final int mostPolled;
    private final LongSupplier nanoTime;
    private final Set<TopicPartition> quiet = new HashSet<>();
    private long changedNanos;

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
        this.changedNanos = nanoTime.getAsLong() - LOOK_NANOS;
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
     * @return whether those that were paused are none any more, and are to be resumed
     */
    boolean look(ConsumerRecords<?, ?> polled) {
        long now = nanoTime.getAsLong();
        long passed = now - changedNanos;
        boolean isBacklog = polled.count() >= mostPolled
            || !quiet.isEmpty() && polled.partitions().stream().anyMatch(partition -> lag(partition) > 0);
        boolean isOver = !quiet.isEmpty() && (!isBacklog || passed >= PAUSE_NANOS);
        if (isOver) {
            quiet.clear();
            changedNanos = now;
        } else if (isBacklog && quiet.isEmpty() && passed >= LOOK_NANOS) {
            Set<TopicPartition> paused = consumer.paused();
            consumer.assignment().stream().filter(partition -> !paused.contains(partition) && lag(partition) == 0)
                .forEach(quiet::add);
            consumer.pause(quiet);
            changedNanos = now;
        }
        return isOver;
    }

    /** As far as the last fetch told; -1 if none did. */
    private long lag(TopicPartition partition) {
        return consumer.currentLag(partition).orElse(-1);
    }
}
