package io.cistern;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.testing.Ports;
import io.cistern.testing.TestKafka;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --check}: what it tells, that it leaves everything as it was, and the code that it ends with. */
class CheckCommandTest {

    private static final String MAPPING = "bss.topics-config.data-topics-mapping";

    @TempDir
    private Path folder;
    private Path bucket;
    private String topic;
    private String events;
    private String group;

    private record Ended(int code, String out, String err) {

        List<String> findings() throws IOException {
            List<String> findings = new ArrayList<>();
            for (JsonNode finding : new ObjectMapper().readTree(out).get("findings")) {
                findings.add(finding.get("outcome").asText() + " " + finding.get("what").asText() + " "
                    + finding.get("which").asText() + ": " + finding.get("found").asText());
            }
            return findings;
        }
    }

    @BeforeEach
    void prepare() throws IOException {
        bucket = Files.createDirectory(folder.resolve("bucket"));
        topic = TestKafka.topic("check", 3);
        events = TestKafka.topic("check.events", 1);
        group = topic + ".reload";
    }

    @Test
    void whatIsRightIsToldAndLeftAsItWas() throws Exception {
        Ended ended = check(Map.of(), "--format=json");

        assertThat(ended.code).as(ended.out).isZero();
        assertThat(ended.findings()).element(3).asString().startsWith("right broker "
            + TestKafka.broker().bootstrapServers() + " (PLAINTEXT): 1 node of cluster ");
        assertThat(ended.findings()).filteredOn(finding -> !finding.contains(" broker ")).containsExactly(
            "right settings application.yaml and the environment: roles: storer,reloader; ingestion topics or patterns: 1",
            "right http who may call: API keys: 1; users: 0; tokens: none",
            "right http port 0: it is free",
            "right topic " + topic + " (ingestion): 3 partitions",
            "right topic " + events + " (events of files): 1 partition",
            "right group check (storer): 0 consumers in it",
            "right topic " + group + ".plans (state of reloads): does not exist, and is made at the start",
            "right topic " + group + ".progress (state of reloads): does not exist, and is made at the start",
            "right topic " + group + ".requests (state of reloads): does not exist, and is made at the start",
            "right topic " + group + ".tasks (state of reloads): does not exist, and is made at the start",
            "right group " + group + " (reloader): 0 consumers in it",
            "right bucket file " + bucket + ": it answers, and permits that",
            "unknown bucket file " + bucket + ": whether files can be written, and are read as they were written: --write puts"
                + " the empty file .cistern/.probe, and a small file that it reads back and deletes, as each start of a storer does",
            "right selectors none: all of them can be used");
        assertThat(files(bucket)).isEmpty();
        try (var admin = TestKafka.broker().admin()) {
            assertThat(admin.listTopics().names().get()).noneMatch(name -> name.startsWith(group));
        }
    }

    @Test
    void withWriteItPutsWhatAStartPuts() throws Exception {
        Ended ended = check(Map.of("BSS_ROLES", "storer"), "--write");

        assertThat(ended.code).as(ended.out).isZero();
        assertThat(ended.out).contains("listed it, and looked for a file, and wrote .cistern/.probe and a small file that was read back").endsWith("Nothing is wrong.\n");
        assertThat(files(bucket)).containsExactly(bucket.resolve(".cistern/.probe"));
    }

    @Test
    void whatIsWrongIsToldTogetherAndEndsItWithOne() throws Exception {
        Path selectors = Files.createDirectories(folder.resolve("configurations/selectors"));
        Files.writeString(selectors.resolve("broken.jq"), ".amount >");
        Ended ended = check(Map.of("BSS_RETRIES", "many", "BSS_EVENTS_TOPIC", "no-events", "BUCKET_NAME", folder + "/nowhere",
            MAPPING + "[1].ingestion", "no-ingestion", "CONFIGURATIONS_PATH", folder + "/configurations"));

        assertThat(ended.code).isEqualTo(1);
        assertThat(ended.out.lines().filter(line -> line.startsWith("wrong")).toList()).hasSize(5)
            .anyMatch(line -> line.contains("settings") && line.contains("bss.retries"))
            .anyMatch(line -> line.contains("topic") && line.contains("no-events (events of files)") && line.endsWith("does not exist"))
            .anyMatch(line -> line.contains("no-ingestion (ingestion)"))
            .anyMatch(line -> line.contains("bucket") && line.contains("nowhere is no folder"))
            .anyMatch(line -> line.contains("selectors") && line.contains("broken.jq"));
        assertThat(ended.out).endsWith("5 wrong.\n");
    }

    @Test
    void triesTheHttpPort() throws Exception {
        try (ServerSocket used = new ServerSocket(0)) {
            Ended ended = check(Map.of("HTTP_PORT", "" + used.getLocalPort()), "--format=json");
            assertThat(ended.code).isEqualTo(1);
            assertThat(ended.findings()).filteredOn(finding -> finding.startsWith("wrong")).singleElement().asString()
                .startsWith("wrong http port " + used.getLocalPort() + ": server.port (environment HTTP_PORT): cannot be opened: ");
        }
        for (String port : List.of("99999", "abc")) {
            assertThat(check(Map.of("HTTP_PORT", port), "--format=json").findings())
                .filteredOn(finding -> finding.startsWith("wrong")).containsExactly("wrong http port: server.port (environment"
                    + " HTTP_PORT): expected a port from 1 to 65535, or 0 for any free one, not \"" + port + '"');
        }
    }

    @Test
    void refusesAUrlAsABroker() throws Exception {
        Ended ended = check(Map.of("KAFKA_BROKERS", "http://" + TestKafka.broker().bootstrapServers()), "--format=json");
        assertThat(ended.findings()).filteredOn(finding -> finding.startsWith("wrong")).singleElement().asString()
            .contains("camel.component.kafka.brokers (environment KAFKA_BROKERS): expected host:port, with commas between");
    }

    @Test
    void warnsOfApiKeysThatProtectNothing() throws Exception {
        String warning = "unknown http who may call: bss.http.authentication (environment BSS_HTTP_AUTHENTICATION): is none, so that"
            + " bss.http.api-keys (environment BSS_HTTP_API_KEYS) protect nothing: everybody who reaches the port may do everything";
        assertThat(check(Map.of("BSS_HTTP_AUTHENTICATION", "none"), "--format=json").findings()).contains(warning);
        assertThat(check(Map.of("BSS_HTTP_AUTHENTICATION", "none", "BSS_HTTP_API_KEYS", ""), "--format=json").findings())
            .noneMatch(finding -> finding.contains("protect nothing"));
    }

    @Test
    void namesUnknownKeysAndVariables() throws Exception {
        Ended ended = check(Map.of("BSS_MAX_BYTE_PER_FILE", "1MB", MAPPING + "[0].buket-folder", "orders"),
            "--bss.buket.type=s3", "--format=json");

        assertThat(ended.code).isEqualTo(1);
        String settings = "wrong settings application.yaml and the environment: ";
        assertThat(ended.findings()).filteredOn(finding -> finding.startsWith("wrong")).satisfiesExactly(
            finding -> assertThat(finding).startsWith(settings + "BSS_MAX_BYTE_PER_FILE (")
                .endsWith(": unknown, the nearest known variable is BSS_MAX_BYTES_PER_FILE"),
            finding -> assertThat(finding).startsWith(settings + "bss.buket.type (")
                .endsWith(": unknown, the nearest known key is bss.bucket.type"),
            finding -> assertThat(finding).startsWith(settings + MAPPING + "[0].buket-folder (")
                .endsWith(": unknown, the nearest known key is " + MAPPING + "[0].bucket-folder"));
    }

    @Test
    void aBrokerThatIsAwayAndWhatIsNotSetAreTold() throws Exception {
        String brokers = "localhost:" + Ports.free();
        Ended away = check(Map.of("KAFKA_BROKERS", brokers, "KAFKA_START_TIMEOUT", "1s", "KAFKA_USERNAME", "me",
            "KAFKA_PASSWORD", "hunter2"), "--format=json");
        assertThat(away.code).isEqualTo(1);
        assertThat(away.findings()).filteredOn(finding -> finding.startsWith("wrong")).singleElement().asString()
            .startsWith("wrong broker " + brokers + " (SASL_PLAINTEXT, SCRAM-SHA-256 as me): ")
            .endsWith(brokers + ": nothing listens on this port");
        assertThat(away.out + away.err).doesNotContain("hunter2");

        Ended nothing = run(Map.of(), "--check");
        assertThat(nothing.code).isEqualTo(1);
        assertThat(nothing.out).contains("KAFKA_BROKERS", "BUCKET_TYPE", "BSS_HTTP_AUTHENTICATION");
        Ended format = run(Map.of(), "--check", "--format=xml");
        assertThat(format).isEqualTo(new Ended(1, "", "Not checked: --format: expected table or json\n"));
    }

    private Ended check(Map<String, String> more, String... args) {
        Map<String, String> settings = new HashMap<>(Map.of("HTTP_PORT", "0", "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "KAFKA_GROUP_ID", "check", "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "BSS_EVENTS_TOPIC", events,
            "BSS_RELOAD_GROUP_ID", group, MAPPING + "[0].ingestion", topic,
            "BSS_HTTP_API_KEYS", "ops:operator:0123456789abcdef"));
        settings.putAll(more);
        return run(settings, Stream.concat(Stream.of("--check"), Stream.of(args)).toArray(String[]::new));
    }

    private static Ended run(Map<String, String> settings, String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream stdout = System.out;
        try {
            int code = CheckCommand.run(new HashMap<>(settings), args, new PrintStream(out), new PrintStream(err));
            return new Ended(code, out.toString(UTF_8), err.toString(UTF_8));
        } finally {
            System.setOut(stdout);
        }
    }

    private static List<Path> files(Path bucket) throws IOException {
        try (Stream<Path> files = Files.walk(bucket)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }
}
