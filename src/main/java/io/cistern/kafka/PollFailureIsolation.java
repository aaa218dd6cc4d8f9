package io.cistern.kafka;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.LongSupplier;
import org.apache.kafka.common.TopicPartition;

/**
 * Finds the partition whose records make polls fail, as a damaged record batch does: Kafka's client names it in the text of
 * the exception only, and gives no records of any other partition while it is read. Half of the suspects are held back from
 * the next polls; the polls fail again if the partition is among the rest. Not thread-safe.
 */
final class PollFailureIsolation {

    /** Polls without a failure for so long clear the partitions that were read: more than a broker keeps a fetch waiting. */
    private static final long CLEARED_NANOS = Duration.ofSeconds(3).toNanos();

    private final LongSupplier nanoTime;
    /** Those that may be the one; empty while no poll has failed. */
    private List<TopicPartition> suspects = List.of();
    /** How many of the suspects are read, from the first one on. */
    private int read;
    private long sinceNanos;

    /** @param nanoTime as {@link System#nanoTime} */
    PollFailureIsolation(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** Whether a poll has failed, and the partition that made it fail is not found yet. */
    boolean isActive() {
        return !suspects.isEmpty();
    }

    /** Whether a partition must not be read for now. */
    boolean isHeldBack(TopicPartition partition) {
        return suspects.indexOf(partition) >= read;
    }

    /**
     * A poll has failed.
     *
     * @param fetchable the partitions that were read by it
     * @return the partition that makes polls fail, or null if that is not known yet
     */
    TopicPartition failed(Collection<TopicPartition> fetchable) {
        suspects = suspects.isEmpty() ? new ArrayList<>(fetchable) : new ArrayList<>(suspects.subList(0, read));
        if (suspects.size() == 1) {
            TopicPartition found = suspects.get(0);
            end();
            return found;
        }
        readHalf();
        return null;
    }

    /**
     * A poll has not failed.
     *
     * @return whether other partitions than before are held back now
     */
    boolean succeeded() {
        if (suspects.isEmpty() || nanoTime.getAsLong() - sinceNanos < CLEARED_NANOS) {
            return false;
        }
        suspects = new ArrayList<>(suspects.subList(read, suspects.size()));
        readHalf();
        return true;
    }

    /**
     * The partitions of the consumer change: the search starts again with the next failure.
     *
     * @return whether partitions were held back that may be read again
     */
    boolean reset() {
        boolean wasActive = isActive();
        end();
        return wasActive;
    }

    private void readHalf() {
        read = (suspects.size() + 1) / 2;
        sinceNanos = nanoTime.getAsLong();
    }

    private void end() {
        suspects = List.of();
        read = 0;
    }
}
