package io.cistern.guarantees;

import io.cistern.guarantees.Journal.Topic;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Looks about every second at what the group has committed, and then at what came out: whatever lies below a committed
 * offset must be there by then. All its methods exclude each other.
 */
final class Watcher implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final int READ_AGAIN = 2;

    private final Cluster cluster;
    private final Journal journal;
    private final Load load;
    private final Checker checker;
    private final Random random;
    private final Map<String, Topic> byPostIngestion = new HashMap<>();
    private final KafkaConsumer<byte[], byte[]> out;
    private final List<TopicPartition> outPartitions;
    private final Map<String, Integer> outTopics;

    /** @param outTopics events and post-ingestion topics with their numbers of partitions, which do not change */
    Watcher(Cluster cluster, Journal journal, Load load, Checker checker, Map<String, Integer> outTopics, long seed) {
        this.cluster = cluster;
        this.journal = journal;
        this.load = load;
        this.checker = checker;
        this.random = new Random(seed);
        Load.TOPICS.forEach(topic -> topic.postIngestion().forEach(post -> byPostIngestion.put(post, topic)));
        out = consumer(cluster.brokers());
        outPartitions = partitions(outTopics);
        this.outTopics = outTopics;
        out.assign(outPartitions);
        out.seekToBeginning(outPartitions);
    }

    private static List<TopicPartition> partitions(Map<String, Integer> topics) {
        return topics.entrySet().stream().flatMap(topic -> IntStream.range(0, topic.getValue())
            .mapToObj(partition -> new TopicPartition(topic.getKey(), partition))).toList();
    }

    private static KafkaConsumer<byte[], byte[]> consumer(String brokers) {
        return new KafkaConsumer<>(Map.of("bootstrap.servers", brokers, "isolation.level", "read_committed",
            "enable.auto.commit", false, "auto.offset.reset", "none", "default.api.timeout.ms", 5_000,
            "fetch.max.wait.ms", 50, "fetch.max.bytes", 20_000_000, "max.partition.fetch.bytes", 4_000_000,
            "max.poll.records", 5_000), new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** Looks once; whether that was possible. */
    synchronized boolean look() {
        try {
            Map<TopicPartition, OffsetAndMetadata> committed = committed();
            lookIntoBucket();
            readOut();
            Load.TOPICS.forEach(topic -> IntStream.range(0, load.partitions(topic)).forEach(partition -> {
                OffsetAndMetadata offset = committed.get(new TopicPartition(topic.name(), partition));
                if (offset != null) {
                    checker.committed(journal.place(topic, partition), offset.offset());
                }
            }));
            readSomeAgain();
            return true;
        } catch (KafkaException | ExecutionException | TimeoutException brokerIsAway) {
            return false;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private Map<TopicPartition, OffsetAndMetadata> committed()
        throws ExecutionException, InterruptedException, TimeoutException {
        return cluster.admin().listConsumerGroupOffsets(Cluster.GROUP).partitionsToOffsetAndMetadata()
            .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    private void lookIntoBucket() {
        for (String path : cluster.paths()) {
            if (!path.startsWith(".") && !checker.knows(path)) {
                byte[] bytes = cluster.read(path);
                // A listing may name a file that is not there yet; what stays away is missed at the end.
                if (bytes != null) {
                    checker.batchFile(path, bytes);
                }
            }
        }
    }

    /** Reads events and copies up to where they end now. */
    private void readOut() {
        Map<TopicPartition, Long> ends = out.endOffsets(outPartitions, PATIENCE);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (outPartitions.stream().anyMatch(partition -> out.position(partition, PATIENCE) < ends.get(partition))) {
            for (ConsumerRecord<byte[], byte[]> record : out.poll(Duration.ofMillis(100))) {
                tell(record);
            }
            if (System.nanoTime() > deadline) {
                throw new KafkaException("The broker does not answer");
            }
        }
    }

    private void tell(ConsumerRecord<byte[], byte[]> record) {
        if (record.topic().equals(Cluster.EVENTS)) {
            checker.event(record.key(), record.value());
        } else {
            checker.copy(byPostIngestion.get(record.topic()), record.topic(), outTopics.get(record.topic()), record);
        }
    }

    private void readSomeAgain() {
        List<String> paths = checker.paths();
        for (int i = 0; i < READ_AGAIN && !paths.isEmpty(); i++) {
            String path = paths.get(random.nextInt(paths.size()));
            checker.readAgain(path, cluster.read(path));
        }
    }

    /** How far the group is behind what topics hold, over all partitions, or those of one topic. */
    synchronized long lag(List<Topic> topics) {
        try {
            Map<TopicPartition, OffsetAndMetadata> committed = committed();
            Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
            topics.forEach(topic -> IntStream.range(0, load.partitions(topic))
                .forEach(partition -> ends.put(new TopicPartition(topic.name(), partition), OffsetSpec.latest())));
            long lag = 0;
            var found = cluster.admin().listOffsets(ends).all().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            for (var end : found.entrySet()) {
                OffsetAndMetadata offset = committed.get(end.getKey());
                lag += end.getValue().offset() - (offset == null ? 0 : offset.offset());
            }
            return lag;
        } catch (ExecutionException | TimeoutException brokerIsAway) {
            return Long.MAX_VALUE;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Reads an ingestion topic, all of whose records are acknowledged, and settles what is not known of them. */
    synchronized void settle(Topic topic) {
        read(Map.of(topic.name(), load.partitions(topic)),
            record -> checker.published(journal.place(topic, record.partition()), record));
    }

    /** Deletes the topic and creates it again: a new life. What of the former one was not stored is lost. */
    synchronized void recreate(Topic topic, Runnable deleteAndCreate) {
        deleteAndCreate.run();
        journal.newLife(topic);
    }

    /** Waits until no transaction is open in events and post-ingestion topics, then reads them to their end. */
    synchronized void readOutAll(Duration atMost) throws InterruptedException, ExecutionException {
        long deadline = System.nanoTime() + atMost.toNanos();
        Map<TopicPartition, OffsetSpec> latest = outPartitions.stream()
            .collect(Collectors.toMap(partition -> partition, partition -> OffsetSpec.latest()));
        var all = cluster.admin().listOffsets(latest).all().get();
        while (outPartitions.stream().anyMatch(partition ->
            out.endOffsets(List.of(partition), PATIENCE).get(partition) < all.get(partition).offset())) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("A transaction stays open in the events or a post-ingestion topic");
            }
            Thread.sleep(100);
        }
        lookIntoBucket();
        readOut();
    }

    /** All that a plain consumer sees of topics with these numbers of partitions. */
    void read(Map<String, Integer> topics, Consumer<ConsumerRecord<byte[], byte[]>> each) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(cluster.brokers())) {
            List<TopicPartition> partitions = new ArrayList<>(partitions(topics));
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                consumer.poll(Duration.ofMillis(100)).forEach(each);
            }
        }
    }

    /** Reads every file again that was ever seen. */
    synchronized void readAllAgain() {
        checker.paths().forEach(path -> checker.readAgain(path, cluster.read(path)));
    }

    @Override
    public synchronized void close() {
        out.close(Duration.ZERO);
    }
}
