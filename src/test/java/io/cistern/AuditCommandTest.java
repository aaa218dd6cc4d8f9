package io.cistern;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.Ports;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import io.cistern.testing.stores.NamesStore;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --audit}: what it prints where, and the code that it ends with. */
class AuditCommandTest {

    private static final Instant START = Instant.parse("2022-11-14T13:26:37.728Z");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private static Path folder;
    private static Path bucket;
    private static String topic;

    private record Ended(int code, String out, String err) {
    }

    @BeforeAll
    static void fillABucket() throws IOException {
        bucket = Files.createDirectory(folder.resolve("bucket"));
        store("in/orders", "orders", 0, 0, 1, 2);
        store("in/orders", "orders", 1, 5, 6);
        store("in/orders", "orders", 1, 7);
        // One of which Kafka has the record that is missing
        topic = TestKafka.topic("command", 1);
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int i = 0; i < 5; i++) {
                producer.send(new ProducerRecord<>(topic, 0, START.plusSeconds(i).toEpochMilli(), null, "v".getBytes(UTF_8)));
            }
        }
        store(topic, topic, 0, 0, 1);
        store(topic, topic, 0, 3);
    }

    private static void store(String folder, String topic, int partition, long... offsets) {
        List<String> lines = new ArrayList<>();
        for (long offset : offsets) {
            lines.add(BatchFiles.line(partition, offset, START.plusSeconds(offset), null, "v"));
        }
        BatchFiles.write(bucket, folder, BatchFiles.name(START.plusSeconds(offsets[0]), topic, partition, offsets[0]), lines);
    }

    /** In this process; the settings are those of the bucket, with more as names and values. */
    private static Ended audit(Map<String, String> settings, String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Map<String, Object> all = new HashMap<>(Map.of("BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString()));
        all.putAll(settings);
        PrintStream stdout = System.out;
        try {
            int code = AuditCommand.run(all, args, new PrintStream(out), new PrintStream(err));
            return new Ended(code, out.toString(UTF_8), err.toString(UTF_8));
        } finally {
            System.setOut(stdout);
        }
    }

    private static Map<String, String> broker() {
        return Map.of("KAFKA_BROKERS", TestKafka.broker().bootstrapServers());
    }

    @Test
    void whereEverythingIsThereItSaysSoAndEndsWithZero() {
        Ended ended = audit(Map.of(), "--audit=in/orders");

        assertThat(ended.code).isZero();
        assertThat(ended.out.replaceAll("\\R", "\n")).isEqualTo("""
            in/orders: 3 files, 6 records, nothing is missing
            Read were the names only; --deep reads every line.

            orders
              partition life files   records      days                   offsets
              0         1    1       3            2022-11-14             0-2
              1         1    2       3            2022-11-14             5-7
            """);
        assertThat(ended.err).isEmpty();
    }

    @Test
    void aHoleEndsItWithOneAndIsExplained() {
        Ended ended = audit(broker(), "--audit=" + topic, "--deep");

        assertThat(ended.code).isEqualTo(1);
        assertThat(ended.out).contains(topic + ": 2 files, 3 records, 1 hole", "Every line was read.",
            "    hole 2-2: missing: Kafka still has it, so it can be stored again",
            "    in Kafka and not stored yet: 1 offset");
        assertThat(audit(Map.of(), "--audit=" + topic).out).contains("    hole 2-2: unknown: ");
    }

    @Test
    void theJsonIsTheAnswerOfTheHttpInterface() throws Exception {
        Map<String, String> settings = new HashMap<>(broker());
        settings.putAll(Map.of("BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "BSS_ROLES", "reloader"));
        for (String deep : List.of("false", "true")) {
            JsonNode printed = JSON.readTree(audit(broker(), "--audit=" + topic, "--format=json", "--deep=" + deep).out);
            try (RunningCistern cistern = RunningCistern.start(settings)) {
                assertThat(cistern.call("GET", "/status/" + topic + "/coverage?deep=" + deep, null).body()).isEqualTo(printed);
            }
        }
    }

    @Test
    void whatKeepsItFromAuditingIsSaidAndEndsItWithTwo() {
        assertNotAudited(audit(Map.of(), "--audit=unheard-of"), "there is no such folder in the bucket");
        assertNotAudited(audit(Map.of(), "--audit"), "--audit: expected the name of a folder");
        assertNotAudited(audit(Map.of(), "--audit=../x"), "--audit: expected the name of a folder");
        assertNotAudited(audit(Map.of(), "--audit=in/orders", "--format=xml"), "--format: expected table or json");
        assertNotAudited(audit(Map.of(), "--audit=in/orders", "--deep=perhaps"), "--deep: expected true or false");
        assertNotAudited(audit(Map.of("BUCKET_TYPE", "", "BUCKET_NAME", ""), "--audit=in/orders"),
            "BUCKET_TYPE): is required", "BUCKET_NAME): is required");
        assertNotAudited(audit(Map.of("BUCKET_TYPE", "cupboard"), "--audit=in/orders"), "there is no backend cupboard");
        assertNotAudited(audit(Map.of("BUCKET_NAME", folder + "/nowhere"), "--audit=in/orders"), "is no folder");
        assertNotAudited(audit(Map.of("KAFKA_BROKERS", Ports.HOST + ":" + Ports.free(), "KAFKA_START_TIMEOUT", "2s"),
            "--audit=in/orders"), "broker did not");
        assertNotAudited(audit(Map.of("KAFKA_PASSWORD", "hunter2"), "--audit=in/orders"), "KAFKA_USERNAME): is missing");
        // The settings of Kafka's clients hold here too: this broker speaks no TLS.
        assertThat(audit(Map.of("KAFKA_SECURITY_PROTOCOL", "SSL", "KAFKA_START_TIMEOUT", "2s", "KAFKA_BROKERS",
            TestKafka.broker().bootstrapServers()), "--audit=in/orders").code).isEqualTo(2);
    }

    private static void assertNotAudited(Ended ended, String... reasons) {
        assertThat(ended.code).as(ended.toString()).isEqualTo(2);
        assertThat(ended.out).isEmpty();
        assertThat(ended.err).contains(reasons).contains("Not audited: ").doesNotContain("hunter2").doesNotContain("\tat ");
    }

    @Test
    void aProcessPrintsNothingButTheReport() throws Exception {
        Ended ended = process(Map.of("BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "LOG_LEVEL", "DEBUG",
            "KAFKA_BROKERS", TestKafka.broker().bootstrapServers()), "64m", "--audit=" + topic, "--format=json");

        assertThat(ended.code).as(ended.err).isEqualTo(1);
        JsonNode report = JSON.readerFor(JsonNode.class).with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .readValue(ended.out);
        assertThat(report.at("/topics/0/partitions/0/gaps/0").toString())
            .isEqualTo("{\"from\":2,\"to\":2,\"kind\":\"missing\"}");
        assertThat(ended.err).contains("DEBUG");
    }

    @Test
    void halfAMillionFilesAreAuditedInASmallHeap() throws Exception {
        // Given files of ten records each, all with their facts
        String time = "2022-11-14T13:26:37.728Z_";
        try (NamesStore store = new NamesStore(500_000, Map.of(
            "orders/", i -> time + "orders_0_%07d0_1668432398047.txt".formatted(i),
            ".cistern/orders/", i -> time + "0_%07d0_1668432398047.1668432397728_1668432397729_%d_10".formatted(i, i * 10 + 9)))) {

            Ended ended = process(store.settings(), "64m", "--audit=orders", "--format=json");

            assertThat(ended.code).as(ended.err).isZero();
            JsonNode report = JSON.readTree(ended.out);
            assertThat(report.get("files").asLong()).isEqualTo(500_000);
            assertThat(report.get("records").asLong()).isEqualTo(5_000_000);
            assertThat(report.at("/topics/0/partitions/0/ranges").toString()).isEqualTo("[{\"from\":0,\"to\":4999999}]");
        }
    }

    private static Ended process(Map<String, String> settings, String heap, String... args) throws Exception {
        Path out = Files.createTempFile(folder, "out", ".txt");
        Path err = Files.createTempFile(folder, "err", ".txt");
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1", "-Xmx" + heap, "-cp", System.getProperty("java.class.path"),
            CisternApplication.class.getName()));
        command.addAll(List.of(args));
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile())
            .redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.environment().clear();
        builder.environment().putAll(settings);
        Process process = builder.start();
        try {
            assertThat(process.waitFor(180, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
    }
}
