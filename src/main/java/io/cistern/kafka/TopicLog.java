package io.cistern.kafka;

import java.io.Closeable;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * What Kafka still has of a topic: committed records only, as the storer reads them. Every call throws {@link
 * KafkaException} if no broker answers in time, or one refuses. Not thread-safe.
 */
public final class TopicLog implements Closeable {

    /** Answers of a broker, in bytes: one record is wanted, and a broker gives a batch that is larger too. */
    private static final int FETCH_BYTES = 64 * 1024;
    private static final Duration POLL = Duration.ofMillis(200);

    /**
     * A record that Kafka has.
     *
     * @param timestamp milliseconds since the epoch
     */
    public record Found(long offset, long timestamp) {
    }

    private final String topic;
    private final int partitions;
    private final String topicId;
    private final Duration timeout;
    private final Consumer<byte[], byte[]> consumer;

    TopicLog(Properties connection, String topic, int partitions, String topicId, Duration timeout) {
        this.topic = topic;
        this.partitions = partitions;
        this.topicId = topicId;
        this.timeout = timeout;
        Properties properties = new Properties();
        properties.putAll(connection);
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        properties.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 1);
        properties.put(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, FETCH_BYTES);
        properties.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 100);
        consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** How many partitions the topic has. */
    public int partitions() {
        return partitions;
    }

    /** Kafka's id of the topic; null if the broker has none. */
    public String topicId() {
        return topicId;
    }

    /** The offset from which on Kafka has kept the records of a partition. */
    public long beginning(int partition) {
        TopicPartition asked = new TopicPartition(topic, partition);
        return consumer.beginningOffsets(List.of(asked), timeout).get(asked);
    }

    /** The offset behind the last record of a partition that can be read. */
    public long end(int partition) {
        TopicPartition asked = new TopicPartition(topic, partition);
        return consumer.endOffsets(List.of(asked), timeout).get(asked);
    }

    /**
     * The first record between two offsets, both included, that Kafka has; null if it has none.
     *
     * @param to less than {@link #end}
     */
    public Found first(int partition, long from, long to) {
        TopicPartition asked = new TopicPartition(topic, partition);
        consumer.assign(List.of(asked));
        long position = Math.max(from, beginning(partition));
        consumer.seek(asked, position);
        long deadline = System.nanoTime() + timeout.toNanos();
        while (position <= to) {
            try {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    return record.offset() > to ? null : new Found(record.offset(), record.timestamp());
                }
            } catch (OffsetOutOfRangeException e) {
                // Deleted meanwhile.
                consumer.seek(asked, beginning(partition));
            }
            long reached = consumer.position(asked, timeout);
            if (reached != position) {
                deadline = System.nanoTime() + timeout.toNanos();
            } else if (System.nanoTime() > deadline) {
                throw new KafkaException("Topic " + topic + ", partition " + partition + ": the broker gave nothing of"
                    + " offset " + position + " in time");
            }
            position = reached;
        }
        return null;
    }

    @Override
    public void close() {
        consumer.close(Duration.ZERO);
    }
}
