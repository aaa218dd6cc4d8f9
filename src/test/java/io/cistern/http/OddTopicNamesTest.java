package io.cistern.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.net.URLEncoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Topics of names that a folder bucket could not hold or hid: they are stored, listed, audited and reloaded as any other. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OddTopicNamesTest {

    private static final String MAPPING = "bss.topics-config.data-topics-mapping";

    @TempDir
    private static Path bucket;
    private final String suffix = UUID.randomUUID().toString().substring(0, 8);
    private final String target = "odd.target." + suffix;
    private RunningCistern cistern;

    Stream<String> topics() {
        return Stream.of(".27" + suffix, "l".repeat(241) + suffix, ".." + suffix, suffix + ".", ".cistern", ".wide", "probe");
    }

    @BeforeAll
    void store() {
        Map<String, String> settings = new HashMap<>(Map.of("KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "KAFKA_GROUP_ID", "odd-" + suffix, "KAFKA_DEQUEUE_STRATEGY", "earliest", "BUCKET_TYPE", "file",
            "BUCKET_NAME", bucket.toString(), "BSS_EVENTS_TOPIC", TestKafka.topic("odd.events", 1),
            "BSS_CACHE_UPLOAD_TIMEOUT", "500ms", "BSS_RELOAD_GROUP_ID", "odd.reload." + suffix,
            "BSS_HTTP_AUTHENTICATION", "none"));
        settings.put(MAPPING + "[0].ingestion-pattern", "[.l]*(27)?" + suffix + "\\.?");
        settings.put(MAPPING + "[1].ingestion", ".cistern");
        settings.put(MAPPING + "[2].ingestion", ".wide");
        settings.put(MAPPING + "[3].ingestion", "probe");
        TestKafka.broker().createTopic(target, 1, Map.of());
        topics().forEach(topic -> TestKafka.broker().createTopic(topic, 1, Map.of()));
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            topics().forEach(topic -> {
                for (int i = 0; i < 3; i++) {
                    producer.send(new ProducerRecord<>(topic, null, (topic + i).getBytes(UTF_8)));
                }
            });
        }
        cistern = RunningCistern.start(settings);
    }

    @AfterAll
    void stop() {
        cistern.close();
    }

    @ParameterizedTest
    @MethodSource("topics")
    void isStoredListedAuditedAndReloaded(String topic) throws Exception {
        String folder = topic.equals(".cistern") || topic.equals(".wide") ? topic + "~" : topic;
        String path = "/status/" + URLEncoder.encode(folder, UTF_8);
        await().untilAsserted(() -> assertThat(TestKafka.lag("odd-" + suffix, topic)).isZero());

        List<String> folders = new ArrayList<>();
        cistern.call("GET", "/status/folders", null).body().forEach(name -> folders.add(name.asText()));
        assertThat(folders).contains(folder).doesNotContain(".cistern", ".wide");
        assertThat(cistern.call("GET", path + "/count", null).body().asInt()).isPositive();
        JsonNode audit = cistern.call("GET", path + "/coverage", null).body();
        assertThat(audit.get("records").asInt()).as("%s", audit).isEqualTo(3);
        assertThat(audit.get("holes").asInt()).isZero();
        assertThat(audit.get("topics")).hasSize(1);
        assertThat(audit.get("topics").get(0).get("topic").asText()).isEqualTo(topic);

        int before = TestKafka.records(target).size();
        JsonNode done = cistern.reload("/reingestion/topic", "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\"" + target
            + "\",\"startDate\":\"2020-01-01T00:00:00Z\"}");
        assertThat(done.get("status").asText()).as("%s", done).isEqualTo("COMPLETE");
        assertThat(TestKafka.records(target).stream().skip(before).map(record -> new String(record.value(), UTF_8)))
            .containsExactly(topic + 0, topic + 1, topic + 2);
        // With their facts, which no name keeps from being written
        try (Stream<Path> facts = Files.list(bucket.resolve(".cistern").resolve(folder))) {
            assertThat(facts.filter(Files::isRegularFile)).isNotEmpty();
        }
    }
}
