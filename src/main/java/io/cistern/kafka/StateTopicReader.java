package io.cistern.kafka;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the topics of requests and progress from their start and on as they grow, until it is closed. It runs on a thread of its
 * own and outlives every exception: it retries what Kafka reports, and replaces a client that fails in another way. An
 * {@code Error} ends the thread by way of its handler of uncaught exceptions.
 */
final class StateTopicReader implements Runnable {

    private static final Logger LOG = LoggerFactory.getLogger(StateTopicReader.class);
    private static final Duration POLL = Duration.ofMillis(200);
    private static final long MOST_BACKOFF_MILLIS = 2_000;
    private static final long REMIND_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final Supplier<Consumer<byte[], byte[]>> newConsumer;
    private final ReloadLog.Reader reader;
    private final Duration backoff;
    /** Offsets of the next records. */
    private final Map<TopicPartition, Long> positions = new ConcurrentHashMap<>();
    private volatile List<TopicPartition> partitions;
    private volatile Consumer<byte[], byte[]> consumer;
    private volatile boolean isClosed;
    private volatile boolean isToReassign;
    /** Topics to be read from their start by the next consumer; guarded by this reader. */
    private final Set<String> createdAgain = new HashSet<>();
    /** How many times in a row it has failed. */
    private int failures;
    private long warnedAt;

    /**
     * @param newConsumer makes a consumer, which is closed here
     * @param partitions  to read
     * @param reader      gets each record on the thread of this reader
     * @param backoff     pause after a failure; after each further one in a row twice as long, up to two seconds
     */
    StateTopicReader(Supplier<Consumer<byte[], byte[]>> newConsumer, List<TopicPartition> partitions, ReloadLog.Reader reader,
                     Duration backoff) {
        this.newConsumer = newConsumer;
        this.partitions = partitions;
        this.reader = reader;
        this.backoff = backoff;
    }

    /** The partitions that are read. */
    List<TopicPartition> partitions() {
        return partitions;
    }

    /**
     * Reads topics that were created again from their start.
     *
     * @param topics     the topics
     * @param partitions to read from now on, those of other topics included
     */
    void reassign(Set<String> topics, List<TopicPartition> partitions) {
        synchronized (this) {
            this.partitions = partitions;
            createdAgain.addAll(topics);
            isToReassign = true;
        }
        wakeup();
    }

    /** Whether everything before these offsets was read. */
    boolean hasReached(Map<TopicPartition, Long> ends) {
        return !isToReassign
            && ends.entrySet().stream().allMatch(end -> positions.getOrDefault(end.getKey(), -1L) >= end.getValue());
    }

    /**
     * Waits until everything before these offsets was read.
     *
     * @return whether that is so in time
     */
    boolean awaitReached(Map<TopicPartition, Long> ends, Duration timeout) throws InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        synchronized (positions) {
            while (!hasReached(ends)) {
                if (System.nanoTime() - deadline > 0) {
                    return false;
                }
                positions.wait(POLL.toMillis());
            }
        }
        return true;
    }

    /** Ends the thread soon. */
    void close() {
        isClosed = true;
        wakeup();
    }

    private void wakeup() {
        Consumer<byte[], byte[]> polling = consumer;
        if (polling != null) {
            polling.wakeup();
        }
    }

    @Override
    public void run() {
        while (!isClosed) {
            try (Consumer<byte[], byte[]> opened = newConsumer.get()) {
                consumer = opened;
                assign(opened);
                while (!isClosed && !isToReassign) {
                    poll(opened);
                }
            } catch (WakeupException e) {
                LOG.trace("Woken up to end, or to read other partitions");
            } catch (InterruptException e) {
                isClosed = true;
            } catch (RuntimeException e) {
                failed(e);
            }
        }
    }

    private void assign(Consumer<byte[], byte[]> opened) {
        List<TopicPartition> assigned;
        synchronized (this) {
            assigned = partitions;
            // Not before: the poll of the former consumer may still be noting its positions.
            positions.keySet().removeIf(partition -> createdAgain.contains(partition.topic()));
            createdAgain.clear();
            isToReassign = false;
        }
        opened.assign(assigned);
        for (TopicPartition partition : assigned) {
            Long position = positions.get(partition);
            if (position == null) {
                opened.seekToBeginning(Set.of(partition));
            } else {
                opened.seek(partition, position);
            }
        }
    }

    private void poll(Consumer<byte[], byte[]> opened) {
        try {
            ConsumerRecords<byte[], byte[]> polled = opened.poll(POLL);
            polled.forEach(this::read);
            notePositions(opened, opened.assignment());
            succeeded();
        } catch (WakeupException | InterruptException e) {
            throw e;
        } catch (KafkaException e) {
            failed(e);
        }
    }

    private void notePositions(Consumer<byte[], byte[]> opened, Collection<TopicPartition> assigned) {
        for (TopicPartition partition : assigned) {
            long position = opened.position(partition);
            if (!isToReassign) {
                positions.put(partition, position);
            }
        }
        synchronized (positions) {
            positions.notifyAll();
        }
    }

    private void read(ConsumerRecord<byte[], byte[]> record) {
        if (record.key() == null) {
            return;
        }
        try {
            reader.read(record.topic(), new String(record.key(), StandardCharsets.UTF_8), record.value(), record.timestamp());
        } catch (RuntimeException e) {
            LOG.error("Record of a state topic skipped: topic={} offset={} reason={}", record.topic(), record.offset(),
                e.toString());
        }
    }

    private void succeeded() {
        if (failures > 0) {
            failures = 0;
            LOG.info("State of reloads is read again");
        }
    }

    /** Warns when reading begins to fail, and then once a minute. */
    private void failed(RuntimeException reason) {
        if (failures++ == 0 || System.nanoTime() - warnedAt > REMIND_NANOS) {
            warnedAt = System.nanoTime();
            LOG.warn("State of reloads cannot be read, retrying: reason={}", reason.toString());
        }
        try {
            Thread.sleep(Math.min(MOST_BACKOFF_MILLIS, backoff.toMillis() << Math.min(failures, 10)));
        } catch (InterruptedException e) {
            isClosed = true;
            Thread.currentThread().interrupt();
        }
    }
}
