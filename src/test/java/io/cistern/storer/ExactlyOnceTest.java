package io.cistern.storer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.broker.EmbeddedKafka;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;

/** With {@code bss.exactly-once}, readers of committed records see what goes with a file once, or not yet. */
class ExactlyOnceTest {

    /** No codec makes the larger ones small enough for the topic that takes small ones. */
    private static final List<String> VALUES = IntStream.range(0, 20).mapToObj(i -> i + new Random(i).ints('A', 'Z' + 1)
        .limit(100 * i).mapToObj(Character::toString).collect(Collectors.joining())).toList();

    @TempDir
    private Path folder;
    private final String topic = "once." + UUID.randomUUID();
    private final String events = topic + ".events";
    private final String first = topic + ".first";
    private final String second = topic + ".second";

    @Test
    void nothingIsSeenOfAFileUntilAllThatGoesWithItIsPublished() throws Exception {
        // Given a second post-ingestion topic that takes small records only
        EmbeddedKafka kafka = TestKafka.broker();
        createTopics(kafka, Map.of(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, "1000"));
        publish(kafka);
        try (RunningCistern cistern = RunningCistern.start(settings(kafka, "routes"))) {
            // When its records are published in vain, and undone
            await().until(() ->
                TestKafka.records(kafka, first, "read_uncommitted").size() >= 2 * VALUES.size());
            assertThat(TestKafka.records(first)).isEmpty();
            assertThat(TestKafka.records(second)).isEmpty();
            assertThat(TestKafka.records(events)).isEmpty();
            assertThat(TestKafka.lag(topic, topic)).isEqualTo(VALUES.size());

            // Then all of it is there once it can be
            try (Admin admin = kafka.admin()) {
                admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, second),
                    List.of(new AlterConfigOp(new ConfigEntry(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, "100000"),
                        AlterConfigOp.OpType.SET)))).all().get();
            }
            await().until(() -> TestKafka.lag(topic, topic) == 0);
            checkOnce(kafka);
            assertThat(stored()).as("files, each of them put once").hasSameSizeAs(TestKafka.records(events));
        }
    }

    @Test
    void aBrokerThatIsGoneWhenTheTransactionIsCommittedLeavesNothingOutAndNothingTwice() throws Exception {
        // Given time between what is published and its commit
        FileSystemUtils.copyRecursively(Path.of("routes"), folder.resolve("routes"));
        Path storer = folder.resolve("routes/storer.camel.yaml");
        Files.writeString(storer, Files.readString(storer).replace("              - script:\n                  id: acknowledge\n",
            """
                          - delay:
                              id: linger
                              asyncDelayed: false
                              expression:
                                constant:
                                  expression: "3000"
                          - script:
                              id: acknowledge
            """));
        try (EmbeddedKafka kafka = new EmbeddedKafka().start()) {
            createTopics(kafka, Map.of());
            Map<String, Object> settings = settings(kafka, folder.resolve("routes").toString());
            // How long a commit waits for a broker
            settings.put("camel.component.kafka.additional-properties[max.block.ms]", "1000");
            try (RunningCistern cistern = RunningCistern.start(settings); Admin admin = kafka.admin()) {
                // and no other commit on its way, which would be waited for
                await().until(() -> !admin.listConsumerGroupOffsets(topic).partitionsToOffsetAndMetadata().get().isEmpty());
                publish(kafka);
                await().until(() ->
                    TestKafka.records(kafka, second, "read_uncommitted").size() == VALUES.size());

                // When
                kafka.stop();
                Thread.sleep(Duration.ofSeconds(5).toMillis());
                kafka.start();

                // Then
                await().until(() -> TestKafka.lag(kafka, topic, topic) == 0);
                checkOnce(kafka);
                assertThat(stored()).hasSizeGreaterThanOrEqualTo(2);
            }
        }
    }

    private void createTopics(EmbeddedKafka kafka, Map<String, String> configsOfSecond) {
        kafka.createTopic(topic, 1);
        kafka.createTopic(events, 1);
        kafka.createTopic(first, 1);
        kafka.createTopic(second, 1, configsOfSecond);
    }

    private void publish(EmbeddedKafka kafka) {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
            Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, kafka.bootstrapServers()),
            new ByteArraySerializer(), new ByteArraySerializer())) {
            VALUES.forEach(value -> producer.send(new ProducerRecord<>(topic, value.getBytes(UTF_8))));
        }
    }

    private Map<String, Object> settings(EmbeddedKafka kafka, String routes) throws Exception {
        Files.createDirectories(folder.resolve("bucket"));
        return new HashMap<>(Map.ofEntries(
            Map.entry("cistern.routes", "file:" + routes),
            Map.entry("KAFKA_BROKERS", kafka.bootstrapServers()),
            Map.entry("KAFKA_GROUP_ID", topic),
            Map.entry("BSS_ROLES", "storer"),
            Map.entry("BSS_EXACTLY_ONCE", "true"),
            Map.entry("BSS_POST_INGESTION_REFUSED", "hold"),
            Map.entry("BUCKET_TYPE", "file"),
            Map.entry("BUCKET_NAME", folder.resolve("bucket").toString()),
            Map.entry("BSS_EVENTS_TOPIC", events),
            Map.entry("BSS_CACHE_UPLOAD_TIMEOUT", "500ms"),
            Map.entry("BSS_REST_AFTER_FAILURE", "500ms"),
            Map.entry("LOG_LEVEL", "ERROR"),
            Map.entry("bss.topics-config.data-topics-mapping[0].ingestion", topic),
            Map.entry("bss.topics-config.data-topics-mapping[0].post-ingestion[0]", first),
            Map.entry("bss.topics-config.data-topics-mapping[0].post-ingestion[1]", second)));
    }

    private List<Path> stored() {
        return BucketFiles.in(folder.resolve("bucket"), topic);
    }

    private void checkOnce(EmbeddedKafka kafka) throws Exception {
        for (String copy : List.of(first, second)) {
            assertThat(TestKafka.records(kafka, copy, "read_committed"))
                .extracting(record -> new String(record.value(), UTF_8)).isEqualTo(VALUES);
        }
        int count = 0;
        for (var event : TestKafka.records(kafka, events, "read_committed")) {
            assertThat(event.headers()).isEmpty();
            var fields = new ObjectMapper().readTree(event.value());
            assertThat(fields.get("batchOffsetStart").asInt()).isEqualTo(count);
            count += fields.get("batchSize").asInt();
            assertThat(folder.resolve("bucket").resolve(fields.get("filePath").asText())).exists();
        }
        assertThat(count).isEqualTo(VALUES.size());
    }
}
