package io.cistern;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.cistern.testing.BucketFiles;
import io.cistern.testing.Ports;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.StartupProblems;
import io.cistern.testing.TestKafka;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is checked before anything starts, and the ends of a process: refused, and stopped. */
class StartupCheckTest {

    private static final String MAPPING = "bss.topics-config.data-topics-mapping";

    @TempDir
    private static Path folder;
    private static Path bucket;
    private static String topic;
    private static String events;

    @BeforeAll
    static void prepare() throws IOException {
        bucket = Files.createDirectory(folder.resolve("bucket"));
        topic = TestKafka.topic("startup", 1);
        events = TestKafka.topic("startup.events", 1);
    }

    @Test
    void whatIsRightIsLeftAsItWas() throws IOException {
        Path empty = Files.createDirectory(folder.resolve("empty"));
        for (String roles : List.of("storer,reloader", "storer", "reloader")) {
            assertThat(problems(right("BSS_ROLES", roles, "BUCKET_NAME", empty.toString()))).isEmpty();
        }
        // The storer has tried to write: an empty file, that no listing shows
        try (var files = Files.walk(empty)) {
            assertThat(files.filter(Files::isRegularFile)).containsExactly(empty.resolve(".cistern/.probe"));
        }
    }

    @Test
    void settingsTopicsAndBucketAreToldTogether() {
        assertThat(problems(right("BSS_RETRIES", "many", "BSS_EVENTS_TOPIC", "no-events", "KAFKA_GROUP_ID", "",
            MAPPING + "[0].ingestion", "no-ingestion", MAPPING + "[0].post-ingestion[0]", "no-post",
            "BUCKET_NAME", folder + "/no-bucket"))).containsExactlyInAnyOrder(
            "bss.retries (environment BSS_RETRIES): expected a whole number from 0 to 100, not \"many\"",
            "kafka.group-id (environment KAFKA_GROUP_ID): is required",
            "bss.events-topic (environment BSS_EVENTS_TOPIC): topic no-events does not exist",
            MAPPING + ": ingestion topic no-ingestion does not exist",
            MAPPING + ": post-ingestion topic no-post does not exist",
            "bss.bucket.name (environment BUCKET_NAME): the bucket cannot be used: NotDirectoryException: " + folder
                + "/no-bucket is no folder; create it first");
    }

    @Test
    void whatReloadsNeedIsToldTogether() {
        String right = "{\"topic\": \"orders\", \"reIngestionTopic\": \"no-target\", \"customSelectorName\": \"paid\"}";
        String schedule = "bss.reload.schedule.request (environment BSS_RELOAD_SCHEDULE_REQUEST): ";
        assertThat(problems(right("BSS_ROLES", "reloader", "BSS_RELOAD_EVENTS_TOPIC", "no-events",
            "BSS_RELOAD_DEAD_LETTER_TOPIC", "no-letters", "BSS_RELOAD_SCHEDULE_PERIOD", "1h",
            "BSS_RELOAD_SCHEDULE_REQUEST", right, "BUCKET_NAME", folder + "/no-bucket"))).containsExactlyInAnyOrder(
            "bss.reload.events-topic (environment BSS_RELOAD_EVENTS_TOPIC): topic no-events does not exist",
            "bss.reload.dead-letter-topic (environment BSS_RELOAD_DEAD_LETTER_TOPIC): topic no-letters does not exist",
            schedule + "topic no-target does not exist",
            schedule + "customSelectorName: there is no such selector",
            "bss.bucket.name (environment BUCKET_NAME): the bucket cannot be used: NotDirectoryException: " + folder
                + "/no-bucket is no folder; create it first");
        assertThat(problems(right("BSS_ROLES", "reloader", "BSS_RELOAD_SCHEDULE_PERIOD", "1h", "BSS_RELOAD_SCHEDULE_REQUEST",
            right.replace("customSelectorName", "customSelector"), "KAFKA_BROKERS", "", "BSS_RELOAD_BATCH_RECORDS", "0")))
            .hasSize(3).anySatisfy(problem -> assertThat(problem).startsWith(schedule + "Unknown field customSelector: "));
    }

    @Test
    void topicsThatAreNotUsedNeedNotBeThere() {
        assertThat(problems(right("BSS_ENABLE_POST_INGESTION", "false", MAPPING + "[0].post-ingestion[0]", "no-post",
            MAPPING + "[1].ingestion-pattern", "none-yet-.*"))).isEmpty();
        assertThat(problems(right("BSS_ROLES", "reloader", "BSS_EVENTS_TOPIC", "no-events", MAPPING + "[0].ingestion",
            "no-ingestion"))).isEmpty();
    }

    @Test
    void aBrokerThatDoesNotAnswerIsToldInTime() throws IOException {
        for (String brokers : List.of("127.0.0.1:" + Ports.free(), "no-such-host.invalid:9092")) {
            long start = System.nanoTime();
            assertThat(problems(right("KAFKA_BROKERS", brokers, "KAFKA_START_TIMEOUT", "2s"))).singleElement().asString()
                .startsWith("camel.component.kafka.brokers (environment KAFKA_BROKERS): " + brokers + " cannot be used: ");
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
        }
        assertThat(problems(right("KAFKA_BROKERS", "localhost"))).singleElement().asString().isEqualTo(
            "camel.component.kafka.brokers (environment KAFKA_BROKERS): expected host:port, with commas between, not \"localhost\"");
    }

    @Test
    void aStartNamesTheSettingOfAWrongPort() {
        for (String port : List.of("99999", "abc", "")) {
            assertThatThrownBy(() -> RunningCistern.start(right("HTTP_PORT", port))).isInstanceOfSatisfying(SettingsException.class,
                e -> assertThat(e.problems()).containsExactly("server.port (environment HTTP_PORT): expected a port from 1 to"
                    + " 65535, or 0 for any free one, not \"" + port + '"'));
        }
    }

    @Test
    void noSecretIsTold() {
        assertThat(problems(right("KAFKA_USERNAME", "alice", "KAFKA_PASSWORD", "hunter\"2\\", "KAFKA_START_TIMEOUT", "2s")))
            .singleElement().asString().contains("KAFKA_BROKERS", "the listener has no SASL: see kafka.username (environment"
                + " KAFKA_USERNAME)").doesNotContain("hunter");
        assertThat(problems(right("KAFKA_USERNAME", "alice", "KAFKA_PASSWORD", "hunter2", "KAFKA_SASL_MECHANISM", "NONSENSE",
            "KAFKA_START_TIMEOUT", "2s"))).isNotEmpty().allSatisfy(problem -> assertThat(problem).doesNotContain("hunter"));
    }

    @Test
    void aBucketThatCannotBeUsedIsToldByItsVariable() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        assertThat(problems(right("BUCKET_TYPE", "ftp"))).singleElement().asString().startsWith(
            "bss.bucket.type (environment BUCKET_TYPE): there is no backend ftp");
        assertThat(problems(right("BUCKET_TYPE", "../buckets/file"))).singleElement().asString().startsWith(
            "bss.bucket.type (environment BUCKET_TYPE): expected the name of a file in routes/buckets");
        assertThat(problems(right("BUCKET_NAME", file.toString()))).singleElement().asString().startsWith(
            "bss.bucket.name (environment BUCKET_NAME): the bucket cannot be used: ").contains(file + " is no folder");
        // Nobody can write there, root included; reading is enough for the reloader.
        assertThat(problems(right("BUCKET_NAME", "/proc"))).singleElement().asString().startsWith(
            "bss.bucket.name (environment BUCKET_NAME): the bucket cannot be used: ").contains("/proc");
        assertThat(problems(right("BUCKET_NAME", "/proc", "BSS_ROLES", "reloader"))).isEmpty();
    }

    @Test
    void aSelectorThatCannotBeReadKeepsTheReloaderFromStarting() throws IOException {
        Path selectors = Files.createDirectories(folder.resolve("broken/selectors"));
        Files.writeString(selectors.resolve("jq.jq"), ".amount >");
        Files.writeString(selectors.resolve("groovy.groovy"), "def x = {");
        Files.writeString(selectors.resolve("jsonpath.jsonpath"), "$[?(");
        Files.writeString(selectors.resolve("simple.simple"), "${body} == ");
        Files.writeString(selectors.resolve("kotlin.kts"), "true");
        Files.writeString(selectors.resolve("twice.jq"), "true");
        Files.writeString(selectors.resolve("twice.simple"), "true");
        Map<String, String> settings = right("CONFIGURATIONS_PATH", folder.resolve("broken").toString());

        SettingsException refusal = catchThrowableOfType(SettingsException.class, () -> RunningCistern.start(settings).close());

        assertThat(refusal.problems()).hasSize(6);
        for (String file : List.of("jq.jq", "groovy.groovy", "jsonpath.jsonpath", "simple.simple", "kotlin.kts",
            "twice.simple")) {
            assertThat(refusal.problems()).filteredOn(problem -> problem.startsWith(selectors.resolve(file) + ": "))
                .as(file).hasSize(1);
        }
    }

    @Test
    void eachRoleHasItsOwnRoutesOnly() {
        // A storer has no calls, so that there need be no callers.
        try (RunningCistern storer = RunningCistern.start(right("BSS_ROLES", "storer", "BSS_HTTP_AUTHENTICATION", "required"))) {
            assertThat(routes(storer)).contains("storer", "rewind-batch", "bucket-put")
                .noneMatch(id -> id.contains("reload"));
            RunningCistern.Answer answer = storer.call("GET", "/status/folders", null);
            assertThat(answer.status()).isEqualTo(401);
            assertThat(answer.body().size()).isEqualTo(2);
            assertThat(storer.call("GET", "/actuator/health", null).body().get("status").asText()).isEqualTo("UP");
            assertThat(storer.call("GET", "/actuator/prometheus", null).response().body()).contains("jvm_memory_used_bytes");
        }
        try (RunningCistern reloader = RunningCistern.start(Map.of("BSS_ROLES", "reloader", "BUCKET_TYPE", "file",
            "BUCKET_NAME", bucket.toString(), "KAFKA_BROKERS", TestKafka.broker().bootstrapServers()))) {
            assertThat(routes(reloader)).contains("reload", "reload-topic", "bucket-list")
                .doesNotContain("storer", "store-batch-file");
            // Once its consumers are in their group
            await().until(() -> reloader.call("GET", "/actuator/health", null).body()
                .get("status").asText().equals("UP"));
        }
    }

    @Test
    void aProcessThatIsSetUpWrongEndsWithAListAndACode() throws Exception {
        Path output = folder.resolve("refused.log");
        Process process = process(output, Map.of("KAFKA_PASSWORD", "hunter2", "BUCKET_TYPE", "file", "BUCKET_NAME", "nowhere",
            "HTTP_PORT", "0", "BSS_CACHE_UPLOAD_TIMOUT", "5s", "KAFKA_SERVICE_HOST", "10.0.0.1"));
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).isEqualTo(1);
        assertThat(Files.readString(output).lines().filter(line -> line.contains(": unknown, "))).singleElement().asString()
            .contains("WARN", "BSS_CACHE_UPLOAD_TIMOUT").endsWith("the nearest known variable is BSS_CACHE_UPLOAD_TIMEOUT");
        assertThat(Files.readString(output)).contains(
            "Cistern cannot start as it is set up:",
            "  - camel.component.kafka.brokers (environment KAFKA_BROKERS): is required\n",
            "  - kafka.group-id (environment KAFKA_GROUP_ID): is required\n",
            "  - bss.http.authentication (environment BSS_HTTP_AUTHENTICATION): callers must say who they are, and none is known:",
            "  - kafka.username (environment KAFKA_USERNAME): is missing: name and password belong together\n",
            "  - bss.events-topic (environment BSS_EVENTS_TOPIC): is required\n",
            "  - bss.topics-config.data-topics-mapping (environment BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_INGESTION): is required",
            "  - bss.bucket.name (environment BUCKET_NAME): the bucket cannot be used: ")
            .doesNotContain("hunter2").doesNotContain("\tat ");
    }

    @Test
    void anUnknownOptionStartsNothing() throws Exception {
        Path output = folder.resolve("option.log");
        Process process = process(output, right(), "--chek");
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).isEqualTo(2);
        assertThat(Files.readString(output)).isEqualTo(
            "--chek: unknown option, the nearest known one is --check; settings are given as --key=value\n");
    }

    @Test
    void aProcessThatIsStoppedStoresWhatItHolds() throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int i = 0; i < 50; i++) {
                producer.send(new ProducerRecord<>(topic, ("k" + i).getBytes(UTF_8), ("v" + i).getBytes(UTF_8)));
            }
        }
        String group = "stopped-" + UUID.randomUUID();
        int port = Ports.free();
        Map<String, String> settings = right("KAFKA_GROUP_ID", group, "KAFKA_DEQUEUE_STRATEGY", "earliest",
            "BSS_CACHE_UPLOAD_TIMEOUT", "1h", "HTTP_PORT", "" + port, "SHUTDOWN_TIMEOUT_SECONDS", "20");
        settings.put("BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_INGESTION", settings.remove(MAPPING + "[0].ingestion"));
        settings.put("BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_BUCKETFOLDER", "stopped");
        Path output = folder.resolve("stopped.log");
        Process process = process(output, settings);
        try {
            await().until(() -> {
                assertThat(process.isAlive()).as(Files.readString(output)).isTrue();
                get(port, "/actuator/health/readiness");
                return get(port, "/actuator/prometheus").lines().anyMatch(line -> line.startsWith("camel_exchanges_total")
                    && line.contains("routeId=\"storer\"") && !line.endsWith(" 0.0"));
            });
            // A probe that came while it started does not keep it from being ready.
            await().atMost(Duration.ofSeconds(3)).until(() ->
                get(port, "/actuator/health/readiness").startsWith("{\"status\":\"UP\""));
            assertThat(TestKafka.lag(group, topic)).isEqualTo(50);
            assertThat(BucketFiles.in(bucket, "stopped")).isEmpty();

            process.destroy();

            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).as("128 + SIGTERM").isEqualTo(143);
        assertThat(BucketFiles.allLines(bucket, "stopped")).hasSize(50);
        assertThat(TestKafka.lag(group, topic)).isZero();
        assertThat(TestKafka.records(events)).hasSize(1);
        assertThat(Files.readString(output)).contains("rotatedBy=STOP").doesNotContain("WARN").doesNotContain("ERROR");
    }

    private static List<String> problems(Map<String, String> settings) {
        return StartupProblems.of(settings);
    }

    /** The application as a process of its own, with nothing but these variables in its environment. */
    private static Process process(Path output, Map<String, String> environment, String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), CisternApplication.class.getName()));
        command.addAll(List.of(args));
        ProcessBuilder builder = new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().clear();
        builder.environment().putAll(environment);
        return builder.start();
    }

    private static String get(int port, String path) {
        try {
            return HttpClient.newHttpClient().send(HttpRequest.newBuilder(
                URI.create("http://localhost:" + port + path)).build(),
                HttpResponse.BodyHandlers.ofString()).body();
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static List<String> routes(RunningCistern cistern) {
        return cistern.context().getBean(CamelContext.class).getRoutes().stream()
            .map(Route::getRouteId).toList();
    }

    /** Settings of which nothing is wrong, with these over them, name by name. */
    private static Map<String, String> right(String... more) {
        Map<String, String> settings = new HashMap<>(Map.of("KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "KAFKA_GROUP_ID", "startup", "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(),
            "BSS_EVENTS_TOPIC", events, MAPPING + "[0].ingestion", topic, "BSS_HTTP_AUTHENTICATION", "none"));
        for (int i = 0; i < more.length; i += 2) {
            settings.put(more[i], more[i + 1]);
        }
        return settings;
    }
}
