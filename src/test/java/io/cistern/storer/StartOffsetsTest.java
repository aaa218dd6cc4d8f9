package io.cistern.storer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.testing.BucketFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where partitions start: what arrives after a consumer group's first start is stored, whatever its timestamps. */
class StartOffsetsTest {

    private static final long HOUR = Duration.ofHours(1).toMillis();

    @TempDir
    Path bucket;

    @ParameterizedTest
    @CsvSource({"classic, latest", "consumer, latest", "classic, earliest", "consumer, earliest"})
    void storesAllThatArrivesAfterTheFirstStart(String protocol, String strategy) throws Exception {
        // Given a topic with records, one partition of which stays quiet
        String prefix = "start-" + UUID.randomUUID().toString().substring(0, 8);
        String first = TestKafka.topic(prefix, 2);
        List<String> expected = new ArrayList<>();
        publish(first, 0, 0, strategy.equals("earliest") ? expected : new ArrayList<>(), "there before");
        Map<String, Object> settings = settings(prefix, protocol, strategy);
        try (RunningCistern cistern = RunningCistern.start(settings)) {
            await().until(() -> isAssigned(prefix, first, 2));
            publish(first, 0, 0, expected, "to one partition");
            awaitStored(expected);

            // When a topic is created that the pattern matches, with event times of the past, and a partition is added
            String later = TestKafka.topic(prefix, 1);
            for (int i = 0; i < 20; i++) {
                publish(later, 0, HOUR, expected, "topic while running " + i);
            }
            publish(later, 0, 0, expected, "topic while running, now");
            addPartition(first, 3);
            for (int i = 0; i < 15; i++) {
                publish(first, 2, HOUR, expected, "partition while running " + i);
            }
            awaitStored(expected);
        }

        // And likewise while no storer runs
        String whileDown = TestKafka.topic(prefix, 1);
        addPartition(first, 4);
        publish(whileDown, 0, HOUR, expected, "topic while down");
        publish(first, 3, HOUR, expected, "partition while down");
        publish(first, 1, HOUR, expected, "quiet partition while down");
        try (RunningCistern cistern = RunningCistern.start(settings)) {
            awaitStored(expected);
        }
    }

    private void awaitStored(List<String> expected) {
        await().untilAsserted(() -> assertThat(stored()).containsExactlyInAnyOrderElementsOf(expected));
    }

    private List<String> stored() {
        return BucketFiles.in(bucket, "").stream().flatMap(folder ->
            BucketFiles.allLines(bucket, folder.getFileName().toString()).stream())
            .map(line -> line.get("payload").asText()).toList();
    }

    private Map<String, Object> settings(String prefix, String protocol, String strategy) {
        Map<String, Object> settings = new HashMap<>();
        settings.put("BSS_ROLES", "storer");
        settings.put("KAFKA_BROKERS", TestKafka.broker().bootstrapServers());
        settings.put("KAFKA_GROUP_ID", prefix);
        settings.put("KAFKA_GROUP_PROTOCOL", protocol);
        settings.put("KAFKA_DEQUEUE_STRATEGY", strategy);
        settings.put("BUCKET_TYPE", "file");
        settings.put("BUCKET_NAME", bucket.toString());
        settings.put("BSS_EVENTS_TOPIC", TestKafka.topic("events.of.start", 1));
        settings.put("BSS_CACHE_UPLOAD_TIMEOUT", "300ms");
        // When clients learn of new topics and partitions.
        settings.put("camel.component.kafka.additional-properties[metadata.max.age.ms]", "1000");
        settings.put("bss.topics-config.data-topics-mapping[0].ingestion-pattern", prefix + "\\..*");
        return settings;
    }

    private static boolean isAssigned(String group, String topic, int partitions) throws Exception {
        try (Admin admin = TestKafka.broker().admin()) {
            return admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().stream()
                .flatMap(member -> member.assignment().topicPartitions().stream())
                .filter(partition -> partition.topic().equals(topic)).count() == partitions;
        }
    }

    private static void addPartition(String topic, int count) throws Exception {
        try (Admin admin = TestKafka.broker().admin()) {
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(count))).all().get();
            await().until(() -> admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size() == count);
        }
    }

    private static void publish(String topic, int partition, long age, List<String> expected, String value) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            producer.send(new ProducerRecord<>(topic, partition, System.currentTimeMillis() - age, null, value.getBytes(UTF_8)))
                .get();
        }
        expected.add(value);
    }
}
