package io.cistern;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.PackagedCistern;
import io.cistern.testing.TestKafka;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.FileSystemUtils;

/** The jar as a user starts it: in an empty folder, with the environment, and with routes and settings beside it. */
class PackagedJarIT {

    @TempDir
    private Path folder;
    private Path bucket;
    private String topic;
    private String events;
    private String group;

    @BeforeEach
    void prepare() throws IOException {
        bucket = Files.createDirectory(folder.resolve("bucket"));
        topic = TestKafka.topic("jar", 2);
        events = TestKafka.topic("jar.events", 1);
        group = "jar-" + UUID.randomUUID();
    }

    @Test
    void takesRoutesAndSettingsThatLieBesideItOrInTheWorkingFolder() throws Exception {
        // Given a jar with edited routes and settings beside it, and a working folder that says something else
        Path home = Files.createDirectory(folder.resolve("home"));
        Path jar = Files.copy(PackagedCistern.JAR, home.resolve("cistern.jar"));
        FileSystemUtils.copyRecursively(Path.of("routes"), home.resolve("routes"));
        Path steps = home.resolve("routes/storer-store.camel.yaml");
        Files.writeString(steps, Files.readString(steps).replace("\"Stored: file=", "\"Archived: file="));
        Files.writeString(home.resolve("application.yaml"), "bss:\n  events-topic: of-nobody\n  compression: gzip\n");
        Path work = Files.createDirectories(folder.resolve("work/config")).getParent();
        String output;
        Files.writeString(work.resolve("config/application.yaml"), "bss:\n  events-topic: " + events + "\n");

        try (PackagedCistern cistern = start(work, jar, "256m",
            Map.of("BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString()))) {
            publish("one");
            awaitNoLag(cistern);
            output = cistern.output();
        }

        assertThat(output).contains("Archived: file=").doesNotContain("Stored: file=");
        assertThat(BucketFiles.in(bucket, topic)).allMatch(file -> file.toString().endsWith(".txt.gz")).hasSize(1);
        assertThat(TestKafka.records(events)).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"file", "s3", "azure", "google"})
    void storesAndReloadsWithItsPackedRoutesAndTheEnvironmentAlone(String type) throws Exception {
        TestStore store = TestStores.of(type);
        String name = "jar-" + UUID.randomUUID();
        store.createBucket(name);
        String target = TestKafka.topic("jar.reingestion", 2);
        try (PackagedCistern cistern = start(folder, PackagedCistern.JAR, "256m", store.settings(name, store.endpoint()))) {
            publish("one", "two", "three");
            awaitNoLag(cistern);
            List<String> files = store.keys(name).stream().filter(key -> key.startsWith(topic + "/")).toList();
            assertThat(TestKafka.records(events)).hasSameSizeAs(files);
            assertThat(files.stream().map(file -> new String(store.read(name, file), UTF_8)).collect(Collectors.joining()))
                .contains("\"one\"", "\"two\"", "\"three\"");

            reload(cistern, target, 30);
            assertThat(TestKafka.records(target)).extracting(record -> new String(record.value(), UTF_8))
                .containsExactlyInAnyOrder("one", "two", "three");
        }
    }

    @Test
    void reloadsAFileThatIsLargerThanItsHeap() throws Exception {
        // Given 180 MB, and a heap of 128
        TestStore store = TestStores.s3();
        String name = "jar-" + UUID.randomUUID();
        store.createBucket(name);
        Instant start = Instant.parse("2022-11-14T13:26:37.728Z");
        String payload = "x".repeat(100_000);
        StringBuilder lines = new StringBuilder(190_000_000);
        for (int offset = 0; offset < 1800; offset++) {
            lines.append(BatchFiles.line(0, offset, start, "" + offset, payload)).append('\n');
        }
        store.write(name, topic + "/" + BatchFiles.name(start, topic, 0, 0), lines.toString().getBytes(UTF_8));
        String target = TestKafka.topic("jar.large", 1);
        Map<String, String> settings = new HashMap<>(store.settings(name, store.endpoint()));
        settings.put("BSS_ROLES", "reloader");
        try (PackagedCistern cistern = start(folder, PackagedCistern.JAR, "128m", settings)) {
            await().ignoreExceptions().until(() ->
                cistern.call("/actuator/health/readiness", null).get("status").asText().equals("UP"));
            reload(cistern, target, 120);
        }
        // Then
        assertThat(TestKafka.records(target)).hasSize(1800).allMatch(record -> record.value().length == 100_000);
    }

    @Test
    void auditsWithNothingButTheBucketsSettings() throws Exception {
        // Given files between which one is lost
        Instant start = Instant.parse("2022-11-14T13:26:37.728Z");
        for (int offset : new int[] {0, 2}) {
            BatchFiles.write(bucket, "orders", BatchFiles.name(start.plusSeconds(offset), "orders", 0, offset),
                List.of(BatchFiles.line(0, offset, start.plusSeconds(offset), null, "v")));
        }
        Path out = folder.resolve("report.json");
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-jar", PackagedCistern.JAR.toString(), "--audit=orders", "--format=json").directory(folder.toFile())
            .redirectOutput(out.toFile()).redirectError(folder.resolve("output.log").toFile());
        builder.environment().clear();
        builder.environment().putAll(Map.of("BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString()));

        Process process = builder.start();
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }

        assertThat(process.exitValue()).as(Files.readString(folder.resolve("output.log"))).isEqualTo(1);
        assertThat(new ObjectMapper().readTree(out.toFile()).at("/topics/0/partitions/0/gaps").toString())
            .isEqualTo("[{\"from\":1,\"to\":1,\"kind\":\"unknown\"}]");
    }

    private void reload(PackagedCistern cistern, String target, int seconds) throws Exception {
        String id = cistern.call("/reingestion/topic", "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\"" + target
            + "\",\"timestamps\":\"now\"}").get("requestId").asText();
        await().atMost(Duration.ofSeconds(seconds)).until(() -> {
            JsonNode status = cistern.call("/status-service/" + id, null);
            assertThat(status.get("status").asText()).as(status.toString()).isNotEqualTo("ERROR");
            return status.get("status").asText().equals("COMPLETE");
        });
    }

    private PackagedCistern start(Path work, Path jar, String heap, Map<String, String> more) {
        Map<String, String> settings = new HashMap<>(Map.of("KAFKA_GROUP_ID", group, "BSS_CACHE_UPLOAD_TIMEOUT", "500ms",
            "BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_INGESTION", topic));
        settings.putAll(more);
        if (work.equals(folder)) {
            settings.put("BSS_EVENTS_TOPIC", events);
        }
        return new PackagedCistern(work, jar, heap, settings);
    }

    private void awaitNoLag(PackagedCistern cistern) {
        await().until(() -> {
            assertThat(cistern.isAlive()).as(cistern::output).isTrue();
            return TestKafka.lag(group, topic) == 0;
        });
    }

    private void publish(String... values) {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (String value : values) {
                producer.send(new ProducerRecord<>(topic, value.getBytes(UTF_8), value.getBytes(UTF_8)));
            }
        }
    }
}
