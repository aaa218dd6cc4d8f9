package io.cistern.kafka;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.apache.kafka.common.KafkaException;

/**
 * Knows the topic ids of a consumer's topics, and finds topics that were deleted and created again: Kafka gives each topic
 * incarnation an id of its own (KIP-516), while its offsets start at 0 again and may pass the former ones before the next
 * fetch.
 *
 * <p>The broker is asked only after a metadata update of the consumer, since the consumer cannot fetch another incarnation
 * before. It is asked again a few times after that: the broker that answers may learn of a new topic later than the broker
 * that the consumer has its metadata from. Not thread-safe.
 */
final class TopicIdTracker {

    /** After a metadata update: when the broker is asked again. */
    private static final long[] CHECK_AGAIN_NANOS = {Duration.ofSeconds(1).toNanos(), Duration.ofSeconds(5).toNanos(),
        Duration.ofSeconds(15).toNanos()};

    private final Function<Collection<String>, Map<String, String>> broker;
    private final LongSupplier metadataUpdates;
    private final LongSupplier nanoTime;
    private final Map<String, String> ids = new HashMap<>();
    /** The metadata updates that {@link #ids} are known to follow; -1 if the broker is to be asked in any case. */
    private long checkedUpdates = -1;
    private long updatedNanos;
    private int checksAgain = CHECK_AGAIN_NANOS.length;

    /**
     * @param broker          gives the ids of topics by their names, without topics that do not exist; throws {@link
     *                        KafkaException} if the broker does not answer
     * @param metadataUpdates how many metadata updates the consumer has had
     * @param nanoTime        as {@link System#nanoTime}
     */
    TopicIdTracker(Function<Collection<String>, Map<String, String>> broker, LongSupplier metadataUpdates,
                   LongSupplier nanoTime) {
        this.broker = broker;
        this.metadataUpdates = metadataUpdates;
        this.nanoTime = nanoTime;
    }

    /** The id of a topic, as last seen; null if the broker has none, as brokers before 2.8. */
    String idOf(String topic) {
        return ids.get(topic);
    }

    /** Asks the broker at the next check in any case. */
    void invalidate() {
        checkedUpdates = -1;
    }

    /** Whether topics may have changed since the last check, or one of these is not known. */
    boolean isDue(Set<String> topics) {
        return metadataUpdates.getAsLong() != checkedUpdates || isDueAgain(nanoTime.getAsLong())
            || !ids.keySet().containsAll(topics);
    }

    /**
     * Checks topics, if that is due.
     *
     * @param topics all topics of the consumer: the next check is due after the next metadata update
     * @return those that were deleted and created again since; {@link #idOf} gives their new ids from now on
     * @throws KafkaException if the broker does not answer; the same is checked again next time
     */
    Set<String> recreated(Set<String> topics) {
        long updates = metadataUpdates.getAsLong();
        long now = nanoTime.getAsLong();
        boolean isUpdated = updates != checkedUpdates;
        if (!isDue(topics)) {
            return Set.of();
        }
        Set<String> recreated = new HashSet<>();
        Map<String, String> found = broker.apply(topics);
        for (String topic : topics) {
            String before = ids.get(topic);
            String id = found.getOrDefault(topic, before);
            ids.put(topic, id);
            if (before != null && !before.equals(id)) {
                recreated.add(topic);
            }
        }
        checkedUpdates = updates;
        if (isUpdated) {
            updatedNanos = now;
            checksAgain = 0;
        } else {
            while (isDueAgain(now)) {
                checksAgain++;
            }
        }
        return recreated;
    }

    private boolean isDueAgain(long now) {
        return checksAgain < CHECK_AGAIN_NANOS.length && now - updatedNanos >= CHECK_AGAIN_NANOS[checksAgain];
    }
}
