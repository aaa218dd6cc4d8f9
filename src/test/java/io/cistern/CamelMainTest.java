package io.cistern;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.testing.ApplicationYaml;
import io.cistern.testing.Ports;
import io.cistern.testing.TestKafka;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.function.Function;
import org.apache.camel.main.Main;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same routes and beans on Camel Main, without Spring: it stores, and reloads over HTTP. */
class CamelMainTest {

    @ParameterizedTest
    @ValueSource(strings = {"file", "s3"})
    void storesAndReloadsWithoutSpring(String type) throws Exception {
        // Given
        TestStore store = TestStores.of(type);
        String bucket = "main-" + UUID.randomUUID();
        store.createBucket(bucket);
        String topic = TestKafka.topic("main", 2);
        String events = TestKafka.topic("main.events", 1);
        String target = TestKafka.topic("main.reingestion", 2);
        String group = "main-" + UUID.randomUUID();
        int port = Ports.free();
        Map<String, String> settings = new HashMap<>(Map.of(
            "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(), "KAFKA_GROUP_ID", group,
            "KAFKA_DEQUEUE_STRATEGY", "earliest", "BSS_EVENTS_TOPIC", events, "BSS_CACHE_UPLOAD_TIMEOUT", "300ms",
            "HTTP_PORT", String.valueOf(port), "BSS_HTTP_AUTHENTICATION", "none",
            "bss.topics-config.data-topics-mapping[0].ingestion", topic));
        settings.putAll(store.settings(bucket, store.endpoint()));
        Main main = new Main();
        main.setOverrideProperties(properties(settings));
        main.start();
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            // When
            for (int i = 0; i < 100; i++) {
                producer.send(new ProducerRecord<>(topic, i % 2, ("k" + i).getBytes(UTF_8), ("v" + i).getBytes(UTF_8)));
            }
            producer.flush();
            await().until(() -> TestKafka.lag(group, topic) == 0);

            // Then
            List<String> files = store.keys(bucket).stream().filter(key -> key.startsWith(topic + "/")).toList();
            assertThat(files.stream().flatMap(file -> new String(store.read(bucket, file), UTF_8).lines())).hasSize(100);
            assertThat(TestKafka.records(events)).hasSameSizeAs(files);

            // When
            JsonNode accepted = call(port, "/reingestion/topic", "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\""
                + target + "\",\"partitioning\":\"preserve\"}");
            String id = accepted.get("requestId").asText();
            await().until(() ->
                call(port, "/status-service/" + id, null).get("status").asText().equals("COMPLETE"));

            // Then
            assertThat(values(target)).isEqualTo(values(topic));
        } finally {
            main.stop();
        }
    }

    /** There is nothing there that would ask them. */
    @Test
    void callersThatMustSayWhoTheyAreAreNotServedWithoutSpring() {
        Main main = new Main();
        main.setOverrideProperties(properties(Map.of("KAFKA_BROKERS", "localhost:1", "KAFKA_GROUP_ID", "main",
            "BSS_ROLES", "reloader", "BUCKET_TYPE", "file", "BUCKET_NAME", ".", "HTTP_PORT", String.valueOf(Ports.free()),
            "BSS_HTTP_API_KEYS", "ops:operator:0123456789abcdef")));

        assertThatThrownBy(main::start).rootCause().isInstanceOf(SettingsException.class)
            .hasMessageStartingWith("bss.http.authentication (environment BSS_HTTP_AUTHENTICATION): nothing asks callers");
    }

    private static List<String> values(String topic) {
        return TestKafka.records(topic).stream().map(record -> new String(record.value(), UTF_8)).toList();
    }

    /** What application.yaml says with these settings, in the words of Camel Main, which reads properties. */
    private static Properties properties(Map<String, String> settings) {
        Function<String, String> lookup = ApplicationYaml.lookup(settings);
        Properties properties = new Properties();
        for (String key : ApplicationYaml.keys()) {
            if (key.startsWith("bss.") || key.startsWith("kafka.") || key.startsWith("camel.component.")) {
                properties.put(key, lookup.apply(key));
            }
        }
        settings.forEach(properties::putIfAbsent);
        properties.put("camel.main.routesIncludePattern",
            "file:routes/*.camel.yaml,file:routes/buckets/" + settings.get("BUCKET_TYPE") + ".camel.yaml");
        properties.put("camel.main.streamCachingEnabled", "false");
        properties.put("camel.main.shutdownTimeout", "10");
        properties.put("camel.server.enabled", "true");
        properties.put("camel.server.port", settings.get("HTTP_PORT"));
        return properties;
    }

    private static JsonNode call(int port, String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
            .header("Content-Type", "application/json");
        HttpResponse<String> answer = HttpClient.newHttpClient().send(
            (body == null ? request.GET() : request.POST(HttpRequest.BodyPublishers.ofString(body))).build(),
            HttpResponse.BodyHandlers.ofString());
        return new ObjectMapper().readTree(answer.body());
    }
}
