package io.cistern.guarantees;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Offsets without a record, wherever they come from: the lag goes to zero, and what comes back is what was committed. */
class OffsetGapsTest {

    private static final int PARTITIONS = 3;
    private static final byte[] VALUE = "v".getBytes(UTF_8);

    @TempDir
    private Path bucket;
    private final String group = "gaps-" + UUID.randomUUID();
    private final String topic = "gaps." + UUID.randomUUID().toString().substring(0, 8);

    @Test
    void recordsThatCompactionLeftComeBack() throws Exception {
        // Given a topic of which compaction has taken the most, at its start and in between
        TestKafka.broker().createTopic(topic, PARTITIONS, Map.of("cleanup.policy", "compact", "segment.ms", "100",
            "min.cleanable.dirty.ratio", "0.01", "max.compaction.lag.ms", "100"));
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int i = 0; i < 300; i++) {
                // Few keys, but for one record in between
                byte[] key = (i % 100 == 50 ? "once " + i : "key " + i % 7).getBytes(UTF_8);
                for (int partition = 0; partition < PARTITIONS; partition++) {
                    producer.send(new ProducerRecord<>(topic, partition, key, VALUE));
                }
            }
            await().pollInterval(Duration.ofMillis(200)).until(() -> {
                // A segment is compacted when there is a newer one.
                for (int partition = 0; partition < PARTITIONS; partition++) {
                    producer.send(new ProducerRecord<>(topic, partition, "last".getBytes(UTF_8), VALUE)).get();
                }
                return TestKafka.records(topic).size() < 25 * PARTITIONS;
            });
        }
        List<String> left = contents(topic);
        assertThat(left).hasSizeGreaterThan(10 * PARTITIONS - 1);

        try (RunningCistern cistern = start()) {
            awaitNoLag();
            // The last key may have been compacted once more, before it was stored or after.
            assertThat(reloaded(cistern)).containsAll(left.stream().filter(record -> contents(topic).contains(record)).toList());
            assertThat(left).containsAll(reloaded(cistern));
        }
    }

    @Test
    void aTopicThatEndsWithMarkersOfTransactionsHasNoLag() throws Exception {
        // Given a partition with one committed record and markers behind it, one with aborted records only, an empty one
        TestKafka.broker().createTopic(topic, PARTITIONS);
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(Map.of(
            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, TestKafka.broker().bootstrapServers(),
            ProducerConfig.TRANSACTIONAL_ID_CONFIG, group), new ByteArraySerializer(), new ByteArraySerializer());
            RunningCistern cistern = start()) {
            producer.initTransactions();
            transaction(producer, true, 0);
            for (int i = 0; i < 3; i++) {
                transaction(producer, false, 0, 1, 1);
            }
            awaitNoLag();
            assertThat(reloaded(cistern)).isEqualTo(contents(topic)).hasSize(1);

            // When a transaction is open, nothing behind its start is stored or committed
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(topic, 1, null, VALUE)).get();
            try (KafkaProducer<byte[], byte[]> other = TestKafka.producer()) {
                other.send(new ProducerRecord<>(topic, 1, null, "behind it".getBytes(UTF_8))).get();
                other.send(new ProducerRecord<>(topic, 2, null, VALUE)).get();
            }
            await().until(() -> TestKafka.lag(group, topic) == 2);
            producer.abortTransaction();

            // Then it goes on by itself when it ends
            awaitNoLag();
            assertThat(reloaded(cistern)).isEqualTo(contents(topic)).hasSize(3);
        }
        // And a storer that starts at the markers has no lag either
        try (RunningCistern cistern = start()) {
            awaitNoLag();
            assertThat(reloaded(cistern)).isEqualTo(contents(topic));
        }
    }

    @Test
    void whatRetentionTakesWhileTheStorerWaitsIsPassedOver() throws Exception {
        // Given a storer that cannot store
        TestKafka.broker().createTopic(topic, PARTITIONS);
        Path obstacle = Files.createFile(bucket.resolve(topic));
        try (RunningCistern cistern = start(); Admin admin = TestKafka.broker().admin()) {
            publish(10);
            await().during(Duration.ofSeconds(2))
                .until(() -> TestKafka.lag(group, topic) == 10 * PARTITIONS);

            // When some records of one partition go, all of another one, and none of the third
            admin.deleteRecords(Map.of(new TopicPartition(topic, 0), RecordsToDelete.beforeOffset(5),
                new TopicPartition(topic, 1), RecordsToDelete.beforeOffset(10))).all().get();
            List<String> left = contents(topic);
            assertThat(left).hasSize(15);
            Files.delete(obstacle);

            // Then
            awaitNoLag();
            assertThat(reloaded(cistern)).containsAll(left);

            // When records go that are stored already, nothing happens
            admin.deleteRecords(Map.of(new TopicPartition(topic, 2), RecordsToDelete.beforeOffset(10))).all().get();
            publish(1);
            awaitNoLag();
            assertThat(reloaded(cistern)).containsAll(left).containsAll(contents(topic)).doesNotHaveDuplicates();
        }
    }

    private void publish(int each) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int i = 0; i < each; i++) {
                for (int partition = 0; partition < PARTITIONS; partition++) {
                    producer.send(new ProducerRecord<>(topic, partition, null, (each + " " + i).getBytes(UTF_8))).get();
                }
            }
        }
    }

    private void transaction(KafkaProducer<byte[], byte[]> producer, boolean commit, int... partitions) {
        producer.beginTransaction();
        for (int partition : partitions) {
            producer.send(new ProducerRecord<>(topic, partition, null, VALUE));
        }
        producer.flush();
        if (commit) {
            producer.commitTransaction();
        } else {
            producer.abortTransaction();
        }
    }

    private RunningCistern start() {
        return RunningCistern.start(Map.of("KAFKA_BROKERS", TestKafka.broker().bootstrapServers(), "KAFKA_GROUP_ID", group,
            "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "BSS_EVENTS_TOPIC", TestKafka.topic("gaps.events", 1),
            "BSS_CACHE_UPLOAD_TIMEOUT", "200ms", "BSS_REST_AFTER_FAILURE", "300ms", "BSS_RETRY_DELAY", "10ms",
            "bss.topics-config.data-topics-mapping[0].ingestion", topic));
    }

    private void awaitNoLag() {
        await().until(() -> TestKafka.lag(group, topic) == 0);
    }

    private List<String> reloaded(RunningCistern cistern) {
        String target = TestKafka.topic("gaps.again", PARTITIONS);
        assertThat(cistern.reload("/reingestion/topic", "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\"" + target
            + "\",\"partitioning\":\"preserve\"}").get("status").asText()).isEqualTo("COMPLETE");
        return contents(target);
    }

    private static List<String> contents(String topic) {
        return TestKafka.records(topic).stream().map(record -> record.partition() + " " + TestKafka.contents(record)).toList();
    }
}
