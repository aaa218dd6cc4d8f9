package io.cistern;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.TestKafka;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;

/** The jar as a user starts it: in an empty folder, with the environment, and with routes and settings beside it. */
class PackagedJarIT {

    private static final Path JAR = Path.of("target", "cistern.jar").toAbsolutePath();

    @TempDir
    private Path folder;
    private Path bucket;
    private String topic;
    private String events;
    private String group;
    private int port;

    @BeforeEach
    void prepare() throws IOException {
        bucket = Files.createDirectory(folder.resolve("bucket"));
        topic = TestKafka.topic("jar", 2);
        events = TestKafka.topic("jar.events", 1);
        group = "jar-" + UUID.randomUUID();
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
    }

    @Test
    void storesAndReloadsWithItsPackedRoutes() throws Exception {
        String target = TestKafka.topic("jar.reingestion", 2);
        Process process = start(folder, JAR);
        try {
            publish("one", "two", "three");
            awaitNoLag(process);
            assertThat(payloads()).containsExactlyInAnyOrder("one", "two", "three");
            assertThat(TestKafka.records(events)).hasSameSizeAs(BucketFiles.in(bucket, topic));

            String id = call("/reingestion/topic", "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\"" + target + "\"}")
                .get("requestId").asText();
            await().atMost(Duration.ofSeconds(30)).until(() ->
                call("/status-service/" + id, null).get("status").asText().equals("COMPLETE"));
            assertThat(TestKafka.records(target)).extracting(record -> new String(record.value(), UTF_8))
                .containsExactlyInAnyOrder("one", "two", "three");
        } finally {
            stop(process);
        }
    }

    @Test
    void takesRoutesAndSettingsThatLieBesideItOrInTheWorkingFolder() throws Exception {
        // Given a jar with edited routes and settings beside it, and a working folder that says something else
        Path home = Files.createDirectory(folder.resolve("home"));
        Path jar = Files.copy(JAR, home.resolve("cistern.jar"));
        FileSystemUtils.copyRecursively(Path.of("routes"), home.resolve("routes"));
        Path steps = home.resolve("routes/storer-steps.camel.yaml");
        Files.writeString(steps, Files.readString(steps).replace("\"Stored: file=", "\"Archived: file="));
        Files.writeString(home.resolve("application.yaml"), "bss:\n  events-topic: of-nobody\n  compression: gzip\n");
        Path work = Files.createDirectories(folder.resolve("work/config")).getParent();
        Files.writeString(work.resolve("config/application.yaml"), "bss:\n  events-topic: " + events + "\n");

        Process process = start(work, jar);
        try {
            publish("one");
            awaitNoLag(process);
        } finally {
            stop(process);
        }

        assertThat(Files.readString(work.resolve("output.log"))).contains("Archived: file=").doesNotContain("Stored: file=");
        assertThat(BucketFiles.in(bucket, topic)).allMatch(file -> file.toString().endsWith(".txt.gz")).hasSize(1);
        assertThat(TestKafka.records(events)).hasSize(1);
    }

    private Process start(Path work, Path jar) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx256m", "-jar", jar.toString());
        builder.directory(work.toFile()).redirectErrorStream(true).redirectOutput(work.resolve("output.log").toFile());
        builder.environment().keySet().removeIf(name -> name.matches("(BSS|BUCKET|KAFKA|HTTP|S3|LOG|SPRING)_.*"));
        builder.environment().putAll(Map.of(
            "HTTP_PORT", String.valueOf(port), "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "KAFKA_GROUP_ID", group, "KAFKA_DEQUEUE_STRATEGY", "earliest", "BUCKET_TYPE", "file",
            "BUCKET_NAME", bucket.toString(), "BSS_CACHE_UPLOAD_TIMEOUT", "500ms",
            "BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_INGESTION", topic));
        if (work.equals(folder)) {
            builder.environment().put("BSS_EVENTS_TOPIC", events);
        }
        return builder.start();
    }

    private static void stop(Process process) throws InterruptedException {
        process.destroy();
        if (!process.waitFor(40, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("The jar did not stop");
        }
    }

    private void awaitNoLag(Process process) {
        await().atMost(Duration.ofSeconds(90)).until(() -> {
            assertThat(process.isAlive()).isTrue();
            return TestKafka.lag(group, topic) == 0;
        });
    }

    private List<String> payloads() {
        return BucketFiles.allLines(bucket, topic).stream().map(line -> line.get("payload").asText()).toList();
    }

    private void publish(String... values) {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (String value : values) {
                producer.send(new ProducerRecord<>(topic, value.getBytes(UTF_8), value.getBytes(UTF_8)));
            }
        }
    }

    private JsonNode call(String path, String body) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
            .header("Content-Type", "application/json");
        return new ObjectMapper().readTree(HttpClient.newHttpClient().send(
            (body == null ? request.GET() : request.POST(HttpRequest.BodyPublishers.ofString(body))).build(),
            HttpResponse.BodyHandlers.ofString()).body());
    }
}
