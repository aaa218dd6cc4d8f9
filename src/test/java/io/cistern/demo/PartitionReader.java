package io.cistern.demo;

import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;

import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The records of one topic-partition from its first to the one that was its last when this was made. */
final class PartitionReader implements Iterator<ConsumerRecord<byte[], byte[]>>, AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final TopicPartition partition;
    private final long begin;
    private final long end;
    private Iterator<ConsumerRecord<byte[], byte[]>> polled = List.<ConsumerRecord<byte[], byte[]>>of().iterator();

    PartitionReader(String brokers, TopicPartition partition) {
        this.partition = partition;
        this.consumer = new KafkaConsumer<>(Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers,
                ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 5_000,
                // Closing waits for a fetch that waits for records after the last one.
                ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 20,
                ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed"),
                new ByteArrayDeserializer(), new ByteArrayDeserializer());
        consumer.assign(List.of(partition));
        consumer.seekToBeginning(List.of(partition));
        this.begin = consumer.position(partition);
        this.end = consumer.endOffsets(List.of(partition)).get(partition);
    }

    /** Offset of the first record. */
    long begin() {
        return begin;
    }

    /** Offset after the last record. */
    long end() {
        return end;
    }

    @Override
    public boolean hasNext() {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!polled.hasNext() && consumer.position(partition) < end) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("No record of " + partition + " came in " + PATIENCE.toSeconds()
                        + " s, though it has some from offset " + consumer.position(partition) + " on");
            }
            polled = consumer.poll(Duration.ofMillis(500)).iterator();
        }
        return polled.hasNext();
    }

    @Override
    public ConsumerRecord<byte[], byte[]> next() {
        if (!hasNext()) {
            throw new NoSuchElementException(partition + " ends at offset " + end);
        }
        return polled.next();
    }

    @Override
    public void close() {
        consumer.close();
    }
}
