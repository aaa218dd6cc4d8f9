package io.cistern.reload;

import static io.cistern.testing.BatchFiles.line;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.RunningCistern.Answer;
import io.cistern.testing.TestKafka;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.zip.GZIPOutputStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of records and lines that cannot be reloaded, by what the request says; and what is only told, not done. */
class MishapsTest {

    private static final Instant FIRST = Instant.parse("2024-02-29T00:00:00Z");

    @TempDir
    static Path bucket;

    private static final Random RANDOM = new Random(7);

    private static RunningCistern cistern;
    private static String deadLetters;

    @BeforeAll
    static void start() {
        deadLetters = TestKafka.topic("dead-letters", 1);
        cistern = RunningCistern.start(Map.of("BSS_ROLES", "reloader", "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "BSS_RELOAD_BATCH_RECORDS", "7",
            "BSS_REST_AFTER_FAILURE", "200ms", "KAFKA_MAX_REQUEST_SIZE", "200000", "BSS_RELOAD_DEAD_LETTER_TOPIC", deadLetters));
    }

    @AfterAll
    static void stop() {
        cistern.close();
    }

    // ---- lines -----------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({"0", "5", "19"})
    void aBadLineStopsOrIsSkippedOrGoesToTheDeadLettersWithItsFileAndNumber(int bad) {
        // Given
        String topic = "bad-line-" + bad;
        List<String> lines = lines(0, 20);
        lines.set(bad, "{\"oops\": 1}");
        String file = write(topic, 0, lines);
        write(topic, 20, lines(20, 25));
        List<String> good = IntStream.range(0, 25).filter(i -> i != bad).mapToObj(i -> "v" + i).toList();

        // When, then: it stops behind what comes before it
        String target = TestKafka.topic("target", 1);
        JsonNode stopped = reload(topic, target, "");
        assertThat(stopped.get("status").asText()).isEqualTo("ERROR");
        assertThat(stopped.get("file").asText()).isEqualTo(file);
        assertThat(stopped.get("line").asInt()).isEqualTo(bad + 1);
        assertThat(values(target)).isEqualTo(good.subList(0, bad));

        // or skips it and says so
        target = TestKafka.topic("target", 1);
        JsonNode skipped = reload(topic, target, ",\"onError\":\"skip\"");
        assertThat(skipped.get("status").asText()).isEqualTo("COMPLETE");
        assertThat(skipped.get("skipped").asInt()).isEqualTo(1);
        assertThat(skipped.get("errors").get(0).asText()).contains(file, "line " + (bad + 1)).doesNotContain("oops\": 1");
        assertThat(values(target)).isEqualTo(good);

        // or puts it aside
        target = TestKafka.topic("target", 1);
        JsonNode done = reload(topic, target, ",\"onError\":\"dead-letter\"");
        assertThat(done.get("status").asText()).isEqualTo("COMPLETE");
        assertThat(done.get("deadLetters").asInt()).isEqualTo(1);
        assertThat(values(target)).isEqualTo(good);
        assertThat(deadLettersOf(done)).singleElement().satisfies(letter -> {
            assertThat(text(letter.value())).isEqualTo("{\"oops\": 1}");
            assertThat(header(letter, "cistern.file")).isEqualTo(file);
            assertThat(header(letter, "cistern.line")).isEqualTo("" + (bad + 1));
            assertThat(header(letter, "cistern.reason")).contains(file);
            assertThat(header(letter, "cistern.topic")).isEqualTo(topic);
        });
    }

    @Test
    void theRestOfAFileThatIsCutOffIsOneMishapAndTheNextFileFollows() throws IOException {
        // Given
        String name = BatchFiles.name(FIRST, "cut", 0, 0) + ".gz";
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(whole)) {
            for (String line : lines(0, 20_000)) {
                gzip.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            }
        }
        Files.createDirectories(bucket.resolve("cut"));
        Files.write(bucket.resolve("cut").resolve(name), Arrays.copyOf(whole.toByteArray(), whole.size() / 2));
        write("cut", 20_000, lines(20_000, 20_010));

        // When
        String stoppedTarget = TestKafka.topic("target", 1);
        JsonNode stopped = reload("cut", stoppedTarget, "");
        String target = TestKafka.topic("target", 1);
        JsonNode skipped = reload("cut", target, ",\"onError\":\"skip\"");

        // Then
        assertThat(stopped.get("status").asText()).isEqualTo("ERROR");
        assertThat(stopped.get("message").asText()).contains("cut/" + name);
        int before = values(stoppedTarget).size();
        assertThat(before).isBetween(100, 19_999);
        assertThat(skipped.get("status").asText()).as("%s", skipped).isEqualTo("COMPLETE");
        assertThat(skipped.get("skipped").asInt()).isEqualTo(1);
        assertThat(values(target)).isEqualTo(IntStream.concat(IntStream.range(0, before), IntStream.range(20_000, 20_010))
            .mapToObj(i -> "v" + i).toList());
    }

    // ---- records ---------------------------------------------------------------------------------------------------

    @Test
    void aRecordThatTheTargetFindsTooLargeIsNamedOrPutAsideWithAllThatItHas() {
        // Given
        List<String> lines = lines(0, 30);
        lines.set(11, line(0, 11, FIRST, "big", incompressible(50_000)).replaceFirst("}$",
            ",\"headers\":[{\"key\":\"h\",\"value\":\"1\"},{\"key\":\"h\",\"value\":null}]}"));
        write("large", 0, lines);

        // When
        String small = topic(Map.of("max.message.bytes", "20000"));
        JsonNode stopped = reload("large", small, "");
        String other = topic(Map.of("max.message.bytes", "20000"));
        JsonNode done = reload("large", other, ",\"onError\":\"dead-letter\"");

        // Then
        assertThat(stopped.get("status").asText()).isEqualTo("ERROR");
        assertThat(stopped.get("message").asText()).contains("offset 11", "20000");
        assertThat(values(small)).isEqualTo(IntStream.range(0, 11).mapToObj(i -> "v" + i).toList());
        assertThat(done.get("status").asText()).isEqualTo("COMPLETE");
        assertThat(values(other)).isEqualTo(IntStream.range(0, 30).filter(i -> i != 11).mapToObj(i -> "v" + i).toList());
        assertThat(deadLettersOf(done)).singleElement().satisfies(letter -> {
            assertThat(text(letter.key())).isEqualTo("big");
            assertThat(letter.value()).hasSize(50_000);
            assertThat(letter.headers().headers("h")).extracting(Header::value).containsExactly("1".getBytes(), null);
            assertThat(header(letter, "cistern.partition")).isEqualTo("0");
            assertThat(header(letter, "cistern.offset")).isEqualTo("11");
            assertThat(header(letter, "cistern.timestamp")).isEqualTo("" + FIRST.toEpochMilli());
            assertThat(header(letter, "cistern.reason")).contains(other, "max.message.bytes");
        });
    }

    @Test
    void aTimestampBefore1970IsRefusedByName() {
        // Given a record that came from another client than Kafka's own, whose producer cannot send it
        List<String> lines = new ArrayList<>(lines(0, 5));
        lines.set(2, line(0, 2, Instant.parse("1969-12-31T23:59:59.998Z"), "old", "long ago"));
        write("before-1970", 0, lines);
        List<String> others = List.of("v0", "v1", "v3", "v4");

        // Then it ends the reload, is left out, or goes to the dead letters with its timestamp
        String target = TestKafka.topic("target", 1);
        JsonNode stopped = reload("before-1970", target, "");
        assertThat(stopped.get("status").asText()).isEqualTo("ERROR");
        assertThat(stopped.get("message").asText()).contains(target, "timestamp before 1970", "partition 0", "offset 2");
        assertThat(values(target)).containsExactly("v0", "v1");
        target = TestKafka.topic("target", 1);
        JsonNode skipped = reload("before-1970", target, ",\"onError\":\"skip\"");
        assertThat(skipped.get("skipped").asInt()).isEqualTo(1);
        assertThat(values(target)).isEqualTo(others);
        target = TestKafka.topic("target", 1);
        JsonNode done = reload("before-1970", target, ",\"onError\":\"dead-letter\"");
        assertThat(values(target)).isEqualTo(others);
        assertThat(deadLettersOf(done)).singleElement().satisfies(letter -> {
            assertThat(text(letter.value())).isEqualTo("long ago");
            assertThat(header(letter, "cistern.timestamp")).isEqualTo("-2");
        });
        // or is published with the time of the reload, if that is asked for
        target = TestKafka.topic("target", 1);
        assertThat(reload("before-1970", target, ",\"timestamps\":\"now\"").get("status").asText()).isEqualTo("COMPLETE");
        assertThat(values(target)).containsExactly("v0", "v1", "long ago", "v3", "v4");
    }

    @ParameterizedTest
    @CsvSource({"exactly-once", "at-least-once"})
    void reloadsALargeRecordThatItsProducerCompressed(String delivery) {
        // Given records that are six times as large as the target takes, unless they are compressed, among small ones
        String topic = "compressed-" + delivery;
        List<String> lines = lines(0, 40);
        String large = IntStream.range(0, 6000).mapToObj(i -> "{'id':" + i * 7919 % 10_007 + ",'state':'delivered'}")
            .collect(Collectors.joining(","));
        for (int i : new int[] {0, 13, 14, 39}) {
            lines.set(i, line(0, i, FIRST, null, i + large));
        }
        write(topic, 0, lines);
        String target = topic(Map.of("max.message.bytes", "" + large.length() / 6));

        // When
        JsonNode told = dryRun(topic, target, "");
        JsonNode done = reload(topic, target, ",\"delivery\":\"" + delivery + "\"");

        // Then
        assertThat(told.get("skipped").asInt()).as("%s", told).isZero();
        assertThat(done.get("status").asText()).as("%s", done).isEqualTo("COMPLETE");
        assertThat(done.get("lineIndex").asInt()).isEqualTo(40);
        assertThat(values(target).stream().map(value -> value.length() > 100 ? value.replace(large, "+") : value))
            .isEqualTo(IntStream.range(0, 40).mapToObj(i -> i == 0 || i == 13 || i == 14 || i == 39 ? i + "+" : "v" + i).toList());
    }

    @Test
    void aDeadLetterTopicThatDoesNotTakeTheRecordEitherEndsTheReloadAtOnce() {
        // Given a record that is too large for the target, and for the topic of dead letters
        List<String> lines = lines(0, 10);
        lines.set(4, line(0, 4, FIRST, null, incompressible(150_000)));
        write("no-letter", 0, lines);
        String target = topic(Map.of("max.message.bytes", "20000"));

        // When
        JsonNode done;
        setMaxBytes(deadLetters, "50000");
        try {
            done = reload("no-letter", target, ",\"onError\":\"dead-letter\"");
        } finally {
            setMaxBytes(deadLetters, "20000000");
        }

        // Then
        assertThat(done.get("status").asText()).isEqualTo("ERROR");
        assertThat(done.get("message").asText()).contains(target, "offset 4", deadLetters, "50000");
        assertThat(values(target)).containsExactly("v0", "v1", "v2", "v3");
    }

    @Test
    void aReloadIntoATopicOfShortRetentionSaysSoBeforeAnythingIsPublished() {
        // Given a target that keeps records for an hour, and records of 2024
        write("retained", 0, lines(0, 5));
        String target = topic(Map.of("retention.ms", "3600000"));

        // When
        JsonNode told = dryRun("retained", target, "");
        JsonNode toldOfNow = dryRun("retained", target, ",\"timestamps\":\"now\"");
        JsonNode toldOfAll = dryRun("retained", topic(Map.of("retention.ms", "-1")), "");

        // Then
        assertThat(told.get("warnings")).singleElement().satisfies(warning ->
            assertThat(warning.asText()).contains(target, "3600000", "retention.ms", "2024-02-29"));
        assertThat(toldOfNow.has("warnings")).isFalse();
        assertThat(toldOfAll.has("warnings")).isFalse();
    }

    @Test
    void aReloadEndsWithAReasonWhenItsTargetIsDeleted() throws Exception {
        // Given a reload that takes long
        write("deleted", 0, lines(0, 3000));
        String target = topic(Map.of());
        String id = cistern.call("POST", "/reingestion/topic", body("deleted", target, ",\"recordsPerSecond\":20"))
            .body().get("requestId").asText();
        Awaitility.await().until(() -> cistern.call("GET", "/status-service/" + id, null).body().path("lineIndex").asInt() > 0);

        // When
        try (Admin admin = TestKafka.broker().admin()) {
            admin.deleteTopics(List.of(target)).all().get();
        }

        // Then
        JsonNode done = cistern.awaitEnd(id);
        assertThat(done.get("status").asText()).isEqualTo("ERROR");
        assertThat(done.get("message").asText()).contains("topic " + target + " does not exist any more");

        // And the thread that published to it is free for others
        write("after-deleted", 0, lines(0, 5));
        for (int i = 0; i < 4; i++) {
            assertThat(reload("after-deleted", topic(Map.of()), "").get("status").asText()).isEqualTo("COMPLETE");
        }
    }

    @ParameterizedTest
    @CsvSource({"exactly-once", "at-least-once"})
    void aTopicThatTakesSmallBatchesOnlyGetsAllRecordsOnceAndInOrder(String delivery) {
        // Given a topic that takes six records in a batch, and a client that puts forty in one
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            lines.add(line(0, i, FIRST, null, "x".repeat(3000) + i));
        }
        String topic = "narrow-" + delivery;
        write(topic, 0, lines);
        String target = topic(Map.of("max.message.bytes", "20000"));

        // When
        JsonNode done = reload(topic, target, ",\"delivery\":\"" + delivery + "\"");

        // Then
        assertThat(done.get("status").asText()).as("%s", done).isEqualTo("COMPLETE");
        assertThat(values(target)).extracting(value -> value.substring(3000))
            .isEqualTo(IntStream.range(0, 2000).mapToObj(String::valueOf).toList());
    }

    @Test
    void recordsThatTurnOutToBeRefusedAreLeftOutAndTheOthersComeOnce() {
        // Given some that the topic would take, and the client does not
        List<String> lines = lines(0, 40);
        for (int i : new int[] {0, 13, 14, 39}) {
            lines.set(i, line(0, i, FIRST, null, "x".repeat(300_000)));
        }
        write("refused", 0, lines);
        String target = TestKafka.topic("target", 1);

        // When
        JsonNode done = reload("refused", target, ",\"onError\":\"skip\"");

        // Then
        assertThat(done.get("status").asText()).as("%s", done).isEqualTo("COMPLETE");
        assertThat(done.get("skipped").asInt()).isEqualTo(4);
        assertThat(done.get("lineIndex").asInt()).isEqualTo(36);
        assertThat(values(target)).isEqualTo(IntStream.range(0, 40).filter(i -> i != 0 && i != 13 && i != 14 && i != 39)
            .mapToObj(i -> "v" + i).toList());
    }

    @Test
    void whatARecordTakesBesideKeyAndValueCountsTooForWhatATargetTakes() {
        // Given
        StringBuilder headers = new StringBuilder(",\"headers\":[");
        for (int header = 0; header < 5000; header++) {
            headers.append(header == 0 ? "" : ",").append("{\"key\":\"h\",\"value\":\"")
                .append(incompressible(12)).append("\"}");
        }
        List<String> lines = lines(0, 5);
        lines.set(2, line(0, 2, FIRST, null, "refused").replaceFirst("}$", headers + "]}"));
        write("headers", 0, lines);
        String target = topic(Map.of("max.message.bytes", "20000"));

        // When
        JsonNode done = reload("headers", target, ",\"onError\":\"skip\"");

        // Then
        assertThat(done.get("status").asText()).as("%s", done).isEqualTo("COMPLETE");
        assertThat(done.get("skipped").asInt()).isEqualTo(1);
        assertThat(values(target)).containsExactly("v0", "v1", "v3", "v4");
    }

    @Test
    void manyRecordsThatACompactedTopicDoesNotTakeWithoutKeyAreSkippedAtFullSpeed() {
        write("keyless", 0, LongStream.range(0, 20_000).mapToObj(i -> line(0, i, FIRST, i % 10 == 0 ? null : "k" + i, "v" + i)).toList());
        String target = topic(Map.of("cleanup.policy", "compact"));

        JsonNode done = reload("keyless", target, ",\"onError\":\"skip\"");

        assertThat(done.get("status").asText()).as("%s", done).isEqualTo("COMPLETE");
        assertThat(done.get("skipped").asInt()).isEqualTo(2_000);
        assertThat(done.get("errors")).hasSizeBetween(1, 20);
        assertThat(values(target)).hasSize(18_000).doesNotHaveDuplicates();
    }

    @Test
    void aRecordOnWhichTheSelectorFailsIsPutAside() {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            lines.add(line(0, i, FIRST, null, i == 4 ? "no json" : "{\"n\":" + i + "}"));
        }
        write("selected", 0, lines);
        String target = TestKafka.topic("target", 1);

        JsonNode done = reload("selected", target,
            ",\"onError\":\"dead-letter\",\"selector\":{\"language\":\"jq\",\"expression\":\".n > 2\"}");

        assertThat(done.get("status").asText()).as("%s", done).isEqualTo("COMPLETE");
        assertThat(values(target)).isEqualTo(IntStream.of(3, 5, 6, 7, 8, 9).mapToObj(i -> "{\"n\":" + i + "}").toList());
        assertThat(deadLettersOf(done)).singleElement().satisfies(letter -> {
            assertThat(text(letter.value())).isEqualTo("no json");
            assertThat(header(letter, "cistern.reason")).doesNotContain("no json");
        });
    }

    // ---- delivery --------------------------------------------------------------------------------------------------

    @Test
    void atLeastOnceLeavesNoTraceOfTransactionsInTheTarget() {
        write("plain", 0, lines(0, 500));
        String target = TestKafka.topic("target", 1);

        JsonNode done = reload("plain", target, ",\"delivery\":\"at-least-once\"");

        assertThat(done.get("status").asText()).isEqualTo("COMPLETE");
        assertThat(done.get("lineIndex").asInt()).isEqualTo(500);
        List<ConsumerRecord<byte[], byte[]>> records = TestKafka.records(target);
        assertThat(records).extracting(record -> text(record.value())).isEqualTo(
            IntStream.range(0, 500).mapToObj(i -> "v" + i).toList());
        // A marker would take an offset.
        assertThat(records.get(499).offset()).isEqualTo(499);
    }

    // ---- dry run ---------------------------------------------------------------------------------------------------

    @Test
    void aDryRunTellsWhatWouldBePublishedAndPublishesNothing() {
        // Given two days in two partitions, and a file that a crash left
        for (int partition = 0; partition < 2; partition++) {
            int of = partition;
            write("told", partition, 0, LongStream.range(0, 30).mapToObj(i ->
                line(of, i, FIRST.plusSeconds(i * 3600), "k" + i, "{\"n\":" + i + "}")).toList());
        }
        BatchFiles.write(bucket, "told", BatchFiles.name(FIRST.plusSeconds(20 * 3600), "told", 0, 20, FIRST.plusSeconds(2_000_000)),
            LongStream.range(20, 30).mapToObj(i ->
                line(0, i, FIRST.plusSeconds(i * 3600), "k" + i, "{\"n\":" + i + "}")).toList());
        String target = TestKafka.topic("target", 2);

        // When
        Answer answer = cistern.call("POST", "/reingestion/topic", body("told", target, ",\"dryRun\":true,\"startDate\":"
            + "\"2024-02-29T10:00:00Z\",\"selector\":{\"language\":\"jq\",\"expression\":\".n < 29\"}"));

        // Then
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(200);
        assertThat(answer.body().get("status").asText()).isEqualTo("COMPLETE");
        JsonNode preview = answer.body().get("preview");
        assertThat(preview.get("records").asInt()).isEqualTo(38);
        assertThat(preview.get("recordsInRange").asInt()).isEqualTo(40);
        assertThat(preview.get("hitRate").asDouble()).isEqualTo(0.95);
        assertThat(preview.get("files").asInt()).isEqualTo(3);
        assertThat(preview.get("bytes").asInt()).isEqualTo(38 * ("k10".length() + "{\"n\":10}".length()));
        assertThat(preview.get("firstTimestamp").asText()).isEqualTo("2024-02-29T10:00:00.000Z");
        assertThat(preview.get("lastTimestamp").asText()).isEqualTo("2024-03-01T04:00:00.000Z");
        assertThat(preview.get("recordsByPartition").toString()).isEqualTo("{\"0\":19,\"1\":19}");
        assertThat(preview.get("recordsByDay").toString()).isEqualTo("{\"2024-02-29\":28,\"2024-03-01\":10}");
        assertThat(preview.get("samples")).hasSize(10).allSatisfy(sample -> assertThat(sample.get("payload").asText())
            .startsWith("{\"n\":"));
        assertThat(TestKafka.records(target)).isEmpty();
    }

    @Test
    void aDryRunOfAFileAndOneOfNothingTellThatToo() {
        String file = write("one", 0, lines(0, 5));
        String target = TestKafka.topic("target", 1);

        JsonNode ofFile = cistern.call("POST", "/reingestion/file", "{\"fileName\":\"" + file + "\",\"reIngestionTopic\":\"" + target
            + "\",\"dryRun\":true}").body();
        JsonNode ofNothing = cistern.call("POST", "/reingestion/topic", body("one", target,
            ",\"dryRun\":true,\"startDate\":\"2030-01-01T00:00:00Z\"")).body();

        assertThat(ofFile.at("/preview/records").asInt()).isEqualTo(5);
        assertThat(ofNothing.get("status").asText()).isEqualTo("COMPLETE");
        assertThat(ofNothing.at("/preview/records").asInt()).isZero();
        assertThat(ofNothing.at("/preview/hitRate").isNull()).isTrue();
        assertThat(TestKafka.records(target)).isEmpty();
    }

    /** Text of which no codec makes half. */
    private static String incompressible(int length) {
        return RANDOM.ints('A', 'Z' + 1).limit(length).mapToObj(Character::toString).collect(Collectors.joining());
    }

    private static List<String> lines(int from, int to) {
        return new ArrayList<>(LongStream.range(from, to).mapToObj(i -> line(0, i, FIRST, null, "v" + i)).toList());
    }

    private static String write(String topic, int first, List<String> lines) {
        return write(topic, 0, first, lines);
    }

    private static String write(String topic, int partition, int first, List<String> lines) {
        return BatchFiles.write(bucket, topic, BatchFiles.name(FIRST.plusSeconds(first), topic, partition, first,
            FIRST.plusSeconds(1_000_000)), lines);
    }

    private static void setMaxBytes(String topic, String bytes) {
        try (Admin admin = TestKafka.broker().admin()) {
            admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topic), List.of(new AlterConfigOp(
                new ConfigEntry("max.message.bytes", bytes), AlterConfigOp.OpType.SET)))).all().get();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static String topic(Map<String, String> settings) {
        String name = "target." + UUID.randomUUID();
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
            TestKafka.broker().bootstrapServers()))) {
            admin.createTopics(List.of(new NewTopic(name, Optional.of(1), Optional.empty()).configs(settings))).all().get();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        return name;
    }

    private static String body(String topic, String target, String more) {
        return "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\"" + target + "\"" + more + "}";
    }

    private static JsonNode reload(String topic, String target, String more) {
        String id = cistern.reload("/reingestion/topic", body(topic, target, more)).get("requestId").asText();
        return cistern.call("GET", "/reingestion/" + id, null).body();
    }

    private static JsonNode dryRun(String topic, String target, String more) {
        JsonNode answer = cistern.call("POST", "/reingestion/topic", body(topic, target, ",\"dryRun\":true" + more)).body();
        // One that takes long is answered before its end.
        return cistern.awaitEnd(answer.get("requestId").asText());
    }

    private static List<String> values(String topic) {
        return TestKafka.records(TestKafka.broker(), topic, "read_committed").stream().map(record -> text(record.value())).toList();
    }

    private static List<ConsumerRecord<byte[], byte[]>> deadLettersOf(JsonNode reload) {
        return TestKafka.records(TestKafka.broker(), deadLetters, "read_committed").stream()
            .filter(letter -> header(letter, "cistern.reload.id").equals(reload.get("requestId").asText())).toList();
    }

    private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null ? null : text(header.value());
    }

    private static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }
}
