package io.cistern;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.testing.Markdown;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.FileSystemUtils;

/** From a topic into the bucket and back, byte for byte, with each kind of bucket; seen by the store's own client. */
class RoundTripTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    @ParameterizedTest
    @ValueSource(strings = {"file", "s3", "azure", "google", "sftp"})
    void whatIsPublishedIsStoredAnnouncedPassedOnAndReloadedByteForByte(String type, @TempDir Path routes) throws Exception {
        // Given
        TestStore store = TestStores.of(type);
        // The stores of the others hold their files in memory.
        int largest = type.equals("file") ? 10_000_000 : 1_000_000;
        String bucket = "round-trip-" + UUID.randomUUID();
        store.createBucket(bucket);
        String topic = TestKafka.topic("orders", 3);
        String post = TestKafka.topic("orders.post", 3);
        String target = TestKafka.topic("orders.reingestion", 3);
        String events = TestKafka.topic("events", 1);
        String group = "round-trip-" + UUID.randomUUID();
        List<ProducerRecord<byte[], byte[]>> published = awkwardRecords(topic, 3, largest);
        Map<String, String> settings = new HashMap<>(store.settings(bucket, store.endpoint()));
        settings.putAll(Map.of("KAFKA_BROKERS", TestKafka.broker().bootstrapServers(), "KAFKA_GROUP_ID", group,
            "BSS_EVENTS_TOPIC", events, "BSS_CACHE_UPLOAD_TIMEOUT", "1s",
            "bss.topics-config.data-topics-mapping[0].ingestion", topic,
            "bss.topics-config.data-topics-mapping[0].bucket-folder", "orders",
            "bss.topics-config.data-topics-mapping[0].post-ingestion[0]", post));

        if (type.equals("sftp")) {
            // A backend that is not there is a file that is added.
            FileSystemUtils.copyRecursively(Path.of("routes"), routes);
            Files.writeString(routes.resolve("buckets/sftp.camel.yaml"),
                Markdown.yamlBehind("docs/extending.md", "## A store of your own"));
            settings.put("cistern.routes", "file:" + routes);
        }

        try (RunningCistern cistern = RunningCistern.start(settings)) {
            // When
            publish(published);
            await().until(() -> TestKafka.lag(group, topic) == 0);

            // Then the files hold each record once, in order, under names of the contract
            List<ConsumerRecord<byte[], byte[]>> source = TestKafka.records(topic);
            assertThat(source).hasSameSizeAs(published);
            Map<String, List<JsonNode>> files = files(store, bucket);
            assertThat(files.values().stream().flatMap(List::stream)
                .map(line -> line.get("partition").asInt() + "/" + line.get("offset").asLong()))
                .containsExactlyInAnyOrderElementsOf(source.stream().map(RoundTripTest::coordinates).toList());
            files.forEach((file, lines) -> {
                JsonNode first = lines.get(0);
                assertThat(file).matches("orders/" + first.get("timestamp").asText() + "_" + topic + "_"
                    + first.get("partition").asInt() + "_" + first.get("offset").asLong() + "_\\d{13}\\.txt");
                assertThat(lines).extracting(line -> line.get("offset").asLong()).isSorted();
            });

            // And each file has its event
            assertThatEventsTell(events, topic, files);

            // And the post-ingestion topic has the same records
            assertThat(TestKafka.records(post).stream().map(TestKafka::contents))
                .containsExactlyInAnyOrderElementsOf(source.stream().map(TestKafka::contents).toList());

            // And a reload gives them back, partition by partition
            JsonNode status = cistern.reload("/reingestion/topic", "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\""
                + target + "\",\"partitioning\":\"preserve\"}");
            assertThat(status.get("status").asText()).isEqualTo("COMPLETE");
            assertThat(status.get("lineIndex").asInt()).isEqualTo(published.size());
            assertThat(TestKafka.records(target).stream().map(record -> record.partition() + " " + TestKafka.contents(record)))
                .containsExactlyElementsOf(
                    source.stream().map(record -> record.partition() + " " + TestKafka.contents(record)).toList());

            // And what is there can be asked for
            assertThat(cistern.call("GET", "/status/folders", null).body()).hasSize(1)
                .allMatch(folder -> folder.asText().equals("orders"));
            assertThat(cistern.call("GET", "/status/orders/count", null).body().toString()).contains("" + files.size());
            assertThat(cistern.call("GET", "/actuator/health/readiness", null).status()).isEqualTo(200);
        }
    }

    private static void assertThatEventsTell(String events, String topic, Map<String, List<JsonNode>> files) throws IOException {
        Map<String, JsonNode> ofFiles = new TreeMap<>();
        for (ConsumerRecord<byte[], byte[]> event : TestKafka.records(events)) {
            assertThat(new String(event.key(), UTF_8)).matches(
                Pattern.quote("{\"topic\": \"" + topic + "\", \"partition\": ") + "[012]}");
            JsonNode value = JSON.readTree(event.value());
            assertThat(value.fieldNames()).toIterable().containsExactly("filePath", "batchTimeStart", "batchTimeEnd",
                "batchOffsetStart", "batchOffsetEnd", "batchSize");
            assertThat(ofFiles.put(value.get("filePath").asText(), value)).isNull();
        }
        assertThat(ofFiles.keySet()).isEqualTo(files.keySet());
        ofFiles.forEach((file, event) -> {
            List<JsonNode> lines = files.get(file);
            JsonNode last = lines.get(lines.size() - 1);
            assertThat(event.get("batchTimeStart")).isEqualTo(lines.get(0).get("timestamp"));
            assertThat(event.get("batchTimeEnd")).isEqualTo(last.get("timestamp"));
            assertThat(event.get("batchOffsetStart").asLong()).isEqualTo(lines.get(0).get("offset").asLong());
            assertThat(event.get("batchOffsetEnd").asLong()).isEqualTo(last.get("offset").asLong());
            assertThat(event.get("batchSize").asInt()).isEqualTo(lines.size());
        });
    }

    /** The lines of all batch files of a bucket, by the files' paths. */
    private static Map<String, List<JsonNode>> files(TestStore store, String bucket) throws IOException {
        Map<String, List<JsonNode>> files = new TreeMap<>();
        for (String key : store.keys(bucket)) {
            if (!key.startsWith(".cistern/")) {
                String text = new String(store.read(bucket, key), UTF_8);
                assertThat(text).endsWith("\n");
                List<JsonNode> lines = new ArrayList<>();
                for (String line : text.split("\n")) {
                    lines.add(JSON.readTree(line));
                }
                files.put(key, lines);
            }
        }
        return files;
    }

    private static List<ProducerRecord<byte[], byte[]>> awkwardRecords(String topic, int partitions, int largest) {
        Random random = new Random(7);
        byte[] binary = new byte[1000];
        random.nextBytes(binary);
        byte[] large = new byte[largest];
        Arrays.fill(large, (byte) '"');
        List<byte[]> values = Arrays.asList(bytes("{\"id\":42,\"name\":\"Ünï çødé \\\"quoted\\\"\"}"), null, new byte[0], binary,
            new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80}, bytes("line\nbreak\u2028\u0000\t"), large, bytes("null"));
        List<byte[]> keys = Arrays.asList(bytes("\"42\""), null, new byte[0], Arrays.copyOf(binary, 20), bytes("null"));
        long start = Instant.parse("2022-11-14T13:26:37.728Z").toEpochMilli();
        List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
        for (int i = 0; i < 120; i++) {
            ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, i % partitions,
                start + random.nextInt(1_000_000) - 500_000, keys.get(i % keys.size()), values.get(i % values.size()));
            if (i % 3 == 0) {
                record.headers().add("trace", bytes("one")).add("trace", bytes("two")).add("CamelFileName", bytes("../x"))
                    .add("null", null).add("empty", new byte[0]).add("quote \" and\nline", binary);
            }
            records.add(record);
        }
        return records;
    }

    private static void publish(List<ProducerRecord<byte[], byte[]>> records) {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            records.forEach(producer::send);
        }
    }

    private static String coordinates(ConsumerRecord<byte[], byte[]> record) {
        return record.partition() + "/" + record.offset();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }
}
