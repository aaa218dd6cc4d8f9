package io.cistern.http;

import static io.cistern.testing.BatchFiles.line;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.github.luben.zstd.ZstdOutputStream;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.JsonSchema;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.RunningCistern.Answer;
import io.cistern.testing.TestKafka;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a reload publishes, and what its status says: from batch files written by hand to topics read by a plain client. */
class ReloadTest {

    private static final Instant FIRST = Instant.parse("2022-11-14T13:26:37.728Z");
    private static final int LARGE = 60_000;

    @TempDir
    private static Path folder;
    private static Path bucket;
    private static RunningCistern cistern;
    private static JsonNode document;

    @BeforeAll
    static void startReloader() throws IOException {
        bucket = Files.createDirectories(folder.resolve("bucket"));
        Path selectors = Files.createDirectories(folder.resolve("configuration/selectors"));
        Files.writeString(selectors.resolve("payload.jq"), ".amount > 10\n");
        Files.writeString(selectors.resolve("json-path.jsonpath"), "$[?(@.amount > 10)]");
        Files.writeString(selectors.resolve("by-key.simple"), "${variable.key} == 'k12'");
        Files.writeString(selectors.resolve("by-header.groovy"), "headers['vip'] == 'yes'");
        Files.writeString(selectors.resolve("by-offset.groovy"),
            "variables.topic == 'selected' && variables.partition == 0 && variables.timestamp > 0"
                + " && variables.offset > 0 && variables.offset < 4");
        Files.writeString(selectors.resolve("fails.groovy"), "if (variables.key == 'k12') throw new Exception(body); true");
        Files.writeString(selectors.resolve(".hidden.js"), "no selector");
        large("large");
        cistern = RunningCistern.start(Map.of(
            "BSS_ROLES", "reloader",
            "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(),
            "CONFIGURATIONS_PATH", folder.resolve("configuration").toString(),
            "BSS_RELOAD_BATCH_RECORDS", "100", "BSS_RELOAD_MAX_RUNNING", "5",
            "BSS_RELOAD_DEAD_LETTER_TOPIC", TestKafka.topic("dead-letters", 1)));
        try (InputStream yaml = ReloadTest.class.getResourceAsStream("/static/openapi.yaml")) {
            document = new ObjectMapper(new YAMLFactory()).readTree(yaml);
        }
    }

    @AfterAll
    static void stop() {
        cistern.close();
    }

    @Test
    void publishesWhatTheFilesHoldByteForByte() {
        BatchFiles.write(bucket, "odd", BatchFiles.name(FIRST, "odd", 0, 5), List.of(
            line(0, 5, FIRST, "\"42\"", "{\"id\": \"ä😀\\u0000\\n\"}"),
            line(0, 6, FIRST.plusMillis(1), null, "null key"),
            line(0, 9, FIRST.plusMillis(-5), "tombstone", null),
            line(0, 10, FIRST, "", ""),
            "{\"offset\":11,\"partition\":0,\"payload\":\"/wD+\",\"key\":\"gA==\",\"payloadEncoding\":\"base64\",\"keyEncoding\":"
                + "\"base64\",\"timestamp\":\"2022-11-14T13:26:37.728Z\",\"headers\":[{\"key\":\"via\",\"value\":\"a\"},"
                + "{\"key\":\"via\",\"value\":\"b\"},{\"key\":\"CamelFileName\",\"value\":null},{\"key\":\"\",\"value\":\"\"},"
                + "{\"key\":\"kafka.TOPIC\",\"value\":\"/w==\",\"encoding\":\"base64\"}],\"timestampType\":\"LogAppendTime\"}"));
        String target = TestKafka.topic("odd", 1);

        JsonNode status = cistern.reload("/reingestion/topic", ofTopic("odd", target));

        List<ConsumerRecord<byte[], byte[]>> records = TestKafka.records(target);
        assertThat(records).extracting(record -> text(record.key())).containsExactly("\"42\"", null, "tombstone", "",
            text(new byte[] {(byte) 0x80}));
        assertThat(records).extracting(record -> text(record.value())).containsExactly("{\"id\": \"ä😀\\u0000\\n\"}",
            "null key", null, "", text(new byte[] {(byte) 0xff, 0, (byte) 0xfe}));
        assertThat(records.get(4).key()).containsExactly(0x80);
        assertThat(records.get(4).value()).containsExactly(0xff, 0, 0xfe);
        assertThat(records).extracting(ConsumerRecord::timestamp).containsExactly(millis(0), millis(1), millis(-5), millis(0),
            millis(0));
        assertThat(records.get(0).headers()).isEmpty();
        assertThat(records.get(4).headers()).extracting(header -> header.key() + "=" + text(header.value()))
            .containsExactly("via=a", "via=b", "CamelFileName=null", "=", "kafka.TOPIC=" + text(new byte[] {(byte) 0xff}));
        assertEnded(status, "COMPLETE", 5);
        assertThat(status.get("recordsRead").asLong()).isEqualTo(5);
        assertThat(status.get("filesTotal").asInt()).isEqualTo(1);
        assertThat(status.get("filesDone").asInt()).isEqualTo(1);
        assertThat(status.get("request").toString()).isEqualTo("{\"topic\":\"odd\",\"reIngestionTopic\":\"" + target + "\"}");
    }

    /** The folder holds records of the seconds 0 to 9. */
    @ParameterizedTest
    @CsvSource(nullValues = "-", value = {
        "-, -, 0 1 2 3 4 5 6 7 8 9",
        "2022-11-14T13:26:40.728Z, -, 3 4 5 6 7 8 9",
        "-, 2022-11-14T13:26:40.728Z, 0 1 2 3",
        "2022-11-14T13:26:40.728Z, 2022-11-14T13:26:42.728Z, 3 4 5",
        "2022-11-14T13:26:40.728Z, 2022-11-14T13:26:40.728Z, 3",
        "2022-11-14T13:26:40.729Z, 2022-11-14T13:26:41.727Z, ''",
        // What is finer than a millisecond is not rounded down.
        "2022-11-14T13:26:40.728000001Z, 2022-11-14T13:26:41.728999999Z, 4",
        "2022-11-14T14:26:40.728+01:00, 2022-11-14T08:56:41.728-04:30, 3 4",
        "2022-11-14t13:26:40.728z, 2022-11-14t13:26:41.728-00:00, 3 4",
        "2022-11-14T13:26:40Z, 2022-11-14T13:26:41Z, 3",
        "1970-01-01T00:00:00Z, 9999-12-31T23:59:59Z, 0 1 2 3 4 5 6 7 8 9",
        "2030-01-01T00:00:00Z, -, ''"})
    void bothBoundsOfARangeAreIncluded(String start, String stop, String expected) {
        BatchFiles.write(bucket, "seconds", BatchFiles.name(FIRST, "seconds", 0, 0),
            LongStream.range(0, 10).mapToObj(i -> line(0, i, FIRST.plusSeconds(i), null, "" + i)).toList());
        String target = TestKafka.topic("seconds", 1);

        JsonNode status = cistern.reload("/reingestion/topic", ofTopic("seconds", target,
            "startDate", start, "stopDate", stop));

        List<String> published = payloads(target);
        assertThat(String.join(" ", published)).isEqualTo(expected);
        assertEnded(status, "COMPLETE", published.size());
    }

    @Test
    void goesToThePartitionOfTheKeyOrToTheOneThatItCameFrom() throws Exception {
        List<List<String>> stored = IntStream.range(0, 3).mapToObj(partition -> LongStream.range(0, 20)
            .mapToObj(i -> line(partition, i, FIRST.plusSeconds(i), "key " + i, partition + "/" + i)).toList()).toList();
        for (int i = 0; i < 3; i++) {
            BatchFiles.write(bucket, "parted", BatchFiles.name(FIRST, "parted", i, 0), stored.get(i));
        }
        String plain = TestKafka.topic("plain", 5);
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int i = 0; i < 20; i++) {
                producer.send(new ProducerRecord<>(plain, ("key " + i).getBytes(StandardCharsets.UTF_8), new byte[0])).get();
            }
        }
        Map<String, Integer> byKey = TestKafka.records(plain).stream()
            .collect(Collectors.toMap(record -> text(record.key()), ConsumerRecord::partition));
        String target = TestKafka.topic("by-key", 5);
        String preserved = TestKafka.topic("preserved", 5);

        cistern.reload("/reingestion/topic", ofTopic("parted", target));
        cistern.reload("/reingestion/topic", ofTopic("parted", preserved, "partitioning", "preserve"));

        assertThat(TestKafka.records(target)).hasSize(60)
            .allSatisfy(record -> assertThat(record.partition()).isEqualTo(byKey.get(text(record.key()))));
        assertThat(TestKafka.records(preserved)).extracting(record -> record.partition() + ": " + text(record.value()))
            .containsExactlyElementsOf(IntStream.range(0, 60).mapToObj(i -> i / 20 + ": " + i / 20 + "/" + i % 20).toList());
    }

    @Test
    void aTopicWithTooFewPartitionsToPreserveIsRefusedBeforeAnythingIsPublished() {
        BatchFiles.write(bucket, "wide", BatchFiles.name(FIRST, "wide", 0, 0), List.of(line(0, 0, FIRST, null, "0")));
        String file = BatchFiles.write(bucket, "wide", BatchFiles.name(FIRST, "wide", 2, 0), List.of(
            line(2, 0, FIRST, null, "1")));
        String target = TestKafka.topic("narrow", 2);

        JsonNode topic = cistern.reload("/reingestion/topic", ofTopic("wide", target, "partitioning", "preserve"));
        JsonNode ofFile = cistern.reload("/reingestion/file", ofFile(file, target, "partitioning", "preserve"));

        for (JsonNode status : List.of(topic, ofFile)) {
            assertEnded(status, "ERROR", 0);
            assertThat(status.get("message").asText()).contains("partition", target);
        }
        assertThat(TestKafka.records(target)).isEmpty();
    }

    @Test
    void recordsKeepTheirTimestampsOrGetTheTimeOfTheReload() {
        BatchFiles.write(bucket, "timed", BatchFiles.name(FIRST, "timed", 0, 0), List.of(line(0, 0, FIRST, "k", "v")));
        String target = TestKafka.topic("timed", 1);

        long before = System.currentTimeMillis();
        cistern.reload("/reingestion/topic", ofTopic("timed", target, "timestamps", "original"));
        cistern.reload("/reingestion/topic", ofTopic("timed", target, "timestamps", "now"));

        List<ConsumerRecord<byte[], byte[]>> records = TestKafka.records(target);
        assertThat(records.get(0).timestamp()).isEqualTo(FIRST.toEpochMilli());
        assertThat(records.get(1).timestamp()).isBetween(before, System.currentTimeMillis());
    }

    @Test
    void readsCompressedFilesAndThoseOfVersionsThatDidNotNameTheOffset() {
        String name = BatchFiles.name(FIRST, "of_old.and-new_7", 0, 0);
        BatchFiles.write(bucket, "of_old.and-new_7", name, List.of(line(0, 0, FIRST, null, "plain")));
        BatchFiles.write(bucket, "of_old.and-new_7", name.replace("_0_0_", "_0_1_") + ".gz",
            List.of(line(0, 1, FIRST.plusSeconds(1), null, "gzip")), GZIPOutputStream::new);
        BatchFiles.write(bucket, "of_old.and-new_7", name.replace("_0_0_", "_0_2_") + ".zst",
            List.of(line(0, 2, FIRST.plusSeconds(2), null, "zstd")), ZstdOutputStream::new);
        String old = BatchFiles.write(bucket, "of_old.and-new_7", name.replace("_0_0_", "_0_"),
            List.of(line(0, 3, FIRST.plusSeconds(3), null, "old"), line(0, 4, FIRST.plusSeconds(3), null, "older")));
        BatchFiles.write(bucket, "of_old.and-new_7", "2022-11-14T13:26:37.728Z_of_old.and-new_0_0_1668432398047.txt",
            List.of("of another topic"));
        BatchFiles.write(bucket, "of_old.and-new_7", "notes.txt", List.of("no batch file"));
        String target = TestKafka.topic("compressed", 1);

        JsonNode status = cistern.reload("/reingestion/topic", ofTopic("of_old.and-new_7", target));

        assertThat(payloads(target)).containsExactly("plain", "gzip", "zstd", "old", "older");
        assertThat(status.get("filesTotal").asInt()).isEqualTo(4);
        assertThat(status.get("filesDone").asInt()).isEqualTo(4);
        assertThat(status.get("filesNotOfTheTopic").asInt()).isEqualTo(2);

        status = cistern.reload("/reingestion/file", ofFile(old, target));

        assertThat(payloads(target)).containsExactly("plain", "gzip", "zstd", "old", "older", "old", "older");
        assertEnded(status, "COMPLETE", 2);
        assertThat(status.get("filesTotal").asInt()).isEqualTo(1);
        assertThat(status.get("filesDone").asInt()).isEqualTo(1);
    }

    @Test
    void aBadLineEndsItsReloadAndNoOther() {
        List<String> lines = new ArrayList<>(LongStream.range(0, 250).mapToObj(i -> line(0, i, FIRST, null, "" + i)).toList());
        lines.add("{\"timestamp\":\"2022-11-14T13:26:37.728Z\",\"partition\":0,\"offset\":250,\"key\":null,\"payload\":\"secret");
        lines.add(line(0, 251, FIRST, null, "behind"));
        String file = BatchFiles.write(bucket, "bad", BatchFiles.name(FIRST, "bad", 0, 0), lines);
        BatchFiles.write(bucket, "bad", BatchFiles.name(FIRST.plusSeconds(9), "bad", 0, 252),
            List.of(line(0, 252, FIRST.plusSeconds(9), null, "next file")));
        String target = TestKafka.topic("bad", 1);
        String good = TestKafka.topic("good", 1);

        String other = cistern.call("POST", "/reingestion/topic", ofTopic("large", good)).body().get("requestId").asText();
        JsonNode ofTopic = cistern.reload("/reingestion/topic", ofTopic("bad", target));
        JsonNode ofFile = cistern.reload("/reingestion/file", ofFile(file, target));

        for (JsonNode status : List.of(ofTopic, ofFile)) {
            assertEnded(status, "ERROR", 250);
            assertThat(status.get("file").asText()).isEqualTo(file);
            assertThat(status.get("line").asLong()).isEqualTo(251);
            assertThat(status.get("message").asText()).contains(file, "line 251").doesNotContain("secret");
        }
        assertThat(payloads(target)).containsExactlyElementsOf(
            IntStream.range(0, 500).mapToObj(i -> "" + i % 250).toList());
        assertEnded(cistern.awaitEnd(other), "COMPLETE", LARGE);
        assertThat(TestKafka.records(good)).hasSize(LARGE);
    }

    @Test
    void aFileThatIsNotWholeEndsItsReload() throws IOException {
        String name = BatchFiles.name(FIRST, "cut", 0, 0);
        BatchFiles.write(bucket, "cut", name + ".gz", List.of(line(0, 0, FIRST, null, "cut")), GZIPOutputStream::new);
        Path file = bucket.resolve("cut").resolve(name + ".gz");
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, whole.length - 9));
        String target = TestKafka.topic("cut", 1);

        JsonNode status = cistern.reload("/reingestion/topic", ofTopic("cut", target));

        assertThat(status.get("status").asText()).isEqualTo("ERROR");
        assertThat(status.get("message").asText()).contains("cut/" + name).doesNotContain("null");
        assertThat(TestKafka.records(target)).hasSize(status.get("lineIndex").asInt());
    }

    @ParameterizedTest
    @CsvSource({"payload, 1 3", "json-path, 1 3", "by-key, 2", "by-header, 3", "by-offset, 1 2 3"})
    void publishesOnlyWhatASelectorSelects(String selector, String expected) {
        selected();
        String target = TestKafka.topic("selected", 1);

        JsonNode status = cistern.reload("/reingestion/topic", ofTopic("selected", target, "customSelectorName", selector));

        List<ConsumerRecord<byte[], byte[]>> published = TestKafka.records(target);
        assertThat(published).extracting(record -> text(record.value()).replaceAll("\\D*(\\d).*", "$1"))
            .containsExactly(expected.split(" "));
        assertEnded(status, "COMPLETE", published.size());
        assertThat(status.get("recordsRead").asLong()).isEqualTo(5);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
        "\"partitions\": [1] | 4",
        "\"partitions\": [0], \"startOffset\": 1, \"stopOffset\": {\"0\": 2} | 1 2",
        "\"startOffset\": {\"0\": 3} | 3 4",
        "\"keys\": [\"k10\", {\"base64\": \"azEy\"}] | 0 2",
        "\"keys\": [null], \"onError\": \"dead-letter\" | 3",
        "\"selector\": {\"language\": \"jq\", \"expression\": \".amount > 10\"} | 1 3",
        "\"selector\": {\"language\": \"jsonpath\", \"expression\": \"$[?(@.amount > 10)]\"}, \"keys\": [null] | 3",
        "\"selector\": {\"language\": \"jq\", \"expression\": \"header(\\\"vip\\\") == \\\"yes\\\"\"} | 3"})
    void publishesOnlyWhatARequestAsksFor(String fields, String expected) {
        BatchFiles.write(bucket, "asked", BatchFiles.name(FIRST, "asked", 0, 0), List.of(
            line(0, 0, FIRST, "k10", "{\"n\": 0, \"amount\": 10}"),
            line(0, 1, FIRST, "k11", "{\"n\": 1, \"amount\": 11}"),
            line(0, 2, FIRST, "k12", "{\"n\": 2, \"amount\": 9}"),
            line(0, 3, FIRST, null, "{\"n\": 3, \"amount\": 12}").replaceFirst("}$",
                ",\"headers\":[{\"key\":\"vip\",\"value\":\"yes\"}]}")));
        String single = BatchFiles.write(bucket, "asked", BatchFiles.name(FIRST, "asked", 1, 0), List.of(
            line(1, 0, FIRST, "k13", "{\"n\": 4, \"amount\": 1}")));
        String target = TestKafka.topic("asked", 1);

        JsonNode status = cistern.reload("/reingestion/topic", with(ofTopic("asked", target), ", " + fields + "}"));

        List<String> published = TestKafka.records(target).stream()
            .map(record -> text(record.value()).replaceAll("\\D*(\\d).*", "$1")).sorted().toList();
        assertThat(String.join(" ", published)).isEqualTo(expected);
        assertEnded(status, "COMPLETE", published.size());

        // The same of a file
        status = cistern.reload("/reingestion/file", with(ofFile(single, target), ", " + fields + "}"));
        assertEnded(status, "COMPLETE", expected.contains("4") ? 1 : 0);
    }

    @Test
    void addsHeadersAndWhereARecordComesFrom() {
        String file = BatchFiles.write(bucket, "marked", BatchFiles.name(FIRST, "marked", 3, 41), List.of(
            line(3, 41, FIRST, "k", "v").replaceFirst("}$", ",\"headers\":[{\"key\":\"own\",\"value\":\"1\"},"
                + "{\"key\":\"via\",\"value\":\"2\"}]}"),
            line(3, 42, FIRST.plusMillis(1), "k", null)));
        String unnamed = BatchFiles.write(bucket, "marked", "copy.txt", List.of(line(3, 43, FIRST, "k", "v")));
        String target = TestKafka.topic("marked", 1);
        String fields = ", \"headers\": {\"via\": \"ä\", \"none\": null}, \"provenance\": true}";

        JsonNode ofTopic = cistern.reload("/reingestion/topic", with(ofTopic("marked", target), fields));
        JsonNode ofFile = cistern.reload("/reingestion/file", with(ofFile(file, target), fields));
        JsonNode ofUnnamed = cistern.reload("/reingestion/file", with(ofFile(unnamed, target), fields));
        cistern.reload("/reingestion/topic", with(ofTopic("marked", target), ", \"headers\": {\"a\": \"\"}}"));

        List<String> headers = TestKafka.records(target).stream().map(record -> Stream.of(record.headers().toArray())
            .map(header -> header.key() + "=" + text(header.value())).collect(Collectors.joining(" "))).toList();
        List<String> expected = new ArrayList<>();
        for (JsonNode status : List.of(ofTopic, ofFile)) {
            String added = "via=ä none=null cistern.reload.id=" + status.get("requestId").asText() + " cistern.topic=marked"
                + " cistern.partition=3 cistern.offset=";
            expected.add("own=1 via=2 " + added + "41 cistern.timestamp=" + millis(0));
            expected.add(added + "42 cistern.timestamp=" + millis(1));
        }
        // Nothing tells which topic it was.
        expected.add("via=ä none=null cistern.reload.id=" + ofUnnamed.get("requestId").asText()
            + " cistern.partition=3 cistern.offset=43 cistern.timestamp=" + millis(0));
        expected.addAll(List.of("own=1 via=2 a=", "a="));
        assertThat(headers).containsExactlyElementsOf(expected);
    }

    @Test
    void anInlineSelectorThatFailsNamesTheRecordAndNothingOfIt() {
        selected();
        String target = TestKafka.topic("selected", 1);

        JsonNode status = cistern.reload("/reingestion/topic", with(ofTopic("selected", target),
            ", \"selector\": {\"language\": \"jq\", \"expression\": \"if .n == 2 then error(.) else true end\"}}"));

        assertEnded(status, "ERROR", 0);
        assertThat(status.get("message").asText()).startsWith("Selector failed on the record of topic selected, partition 0 at"
            + " offset 2: ").doesNotContain("amount");
        assertThat(TestKafka.records(target)).isEmpty();
    }

    @Test
    void aSelectorThatFailsNamesTheRecordAndNothingOfIt() {
        selected();
        String target = TestKafka.topic("selected", 1);

        JsonNode status = cistern.reload("/reingestion/topic", ofTopic("selected", target, "customSelectorName", "fails"));

        assertEnded(status, "ERROR", 0);
        assertThat(status.get("message").asText()).contains("fails", "partition 0", "offset 2").doesNotContain("amount");
        assertThat(TestKafka.records(target)).isEmpty();
    }

    @Test
    void aStopEndsTheReloadsOfATopicBehindABatchAndOneTooManyIsRefused() {
        large("slow");
        List<String> targets = IntStream.range(0, 5).mapToObj(i -> TestKafka.topic("slow", 1)).toList();
        String unharmed = TestKafka.topic("unharmed", 1);
        List<String> ids = new ArrayList<>();
        for (String target : targets) {
            Answer answer = cistern.call("POST", "/reingestion/topic", with(ofTopic("slow", target), ",\"recordsPerSecond\":10000}"));
            assertThat(answer.status()).as("%s", answer.body()).isEqualTo(202);
            ids.add(answer.body().get("requestId").asText());
        }
        await().pollInterval(Duration.ofMillis(10)).until(() -> ids.stream().limit(2).allMatch(id ->
            status(id).get("lineIndex").asLong() > 0));

        for (Answer refused : List.of(cistern.call("POST", "/reingestion/topic", ofTopic("large", unharmed)),
            cistern.call("POST", "/reingestion/file", ofFile("slow/" + BatchFiles.name(FIRST, "slow", 0, 0), unharmed)))) {
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.body().get("code").asText()).isEqualTo("too-many-reloads");
            HttpInterfaceTest.assertDocumented(document, new JsonSchema(document, true),
                document.at("/paths/~1reingestion~1topic/post"), refused);
        }
        Answer stop = cistern.call("POST", "/reingestion/stop-reingestion", "{\"topic\": \"slow\"}");

        assertThat(stop.status()).isEqualTo(200);
        HttpInterfaceTest.assertDocumented(document, new JsonSchema(document, true),
            document.at("/paths/~1reingestion~1stop-reingestion/post"), stop);
        assertThat(stop.body().get("requestIds")).extracting(JsonNode::asText).containsExactlyElementsOf(ids);
        for (int i = 0; i < 5; i++) {
            JsonNode ended = cistern.awaitEnd(ids.get(i));
            int published = TestKafka.records(targets.get(i)).size();
            assertEnded(ended, "STOPPED", published);
            assertThat(published).isLessThan(LARGE);
            if (i < 2) {
                assertThat(published).isPositive();
            }
        }
        assertThat(cistern.call("POST", "/reingestion/stop-reingestion", "{\"topic\": \"slow\"}").status()).isEqualTo(404);
        // There is room again, and what was stopped can be asked for again.
        assertEnded(cistern.reload("/reingestion/topic", ofTopic("slow", unharmed)), "COMPLETE", LARGE);
        assertThat(TestKafka.records(unharmed)).hasSize(LARGE);
    }

    @Test
    void asManyAsMayWaitAreAcceptedWhenTheyComeAtOnce() {
        BatchFiles.write(bucket, "burst", BatchFiles.name(FIRST, "burst", 0, 0), List.of(line(0, 0, FIRST, null, "v")));
        String target = TestKafka.topic("burst", 1);
        for (int round = 1; round <= 6; round++) {
            List<CompletableFuture<Answer>> calls = Stream.generate(() -> CompletableFuture.supplyAsync(() ->
                cistern.call("POST", "/reingestion/topic", with(ofTopic("burst", target), ",\"force\":true}")))).limit(5).toList();
            for (CompletableFuture<Answer> call : calls) {
                Answer answer = call.join();
                assertThat(answer.status()).as("%s", answer.body()).isEqualTo(202);
                assertEnded(cistern.awaitEnd(answer.body().get("requestId").asText()), "COMPLETE", 1);
            }
        }
        assertThat(TestKafka.records(target)).hasSize(30);
    }

    private static void selected() {
        BatchFiles.write(bucket, "selected", BatchFiles.name(FIRST, "selected", 0, 0), List.of(
            line(0, 0, FIRST, "k10", "{\"n\": 0, \"amount\": 10}"),
            line(0, 1, FIRST, "k11", "{\"n\": 1, \"amount\": 11}"),
            line(0, 2, FIRST, "k12", "{\"n\": 2, \"amount\": 9}"),
            line(0, 3, FIRST, null, "{\"n\": 3, \"amount\": 12}").replaceFirst("}$",
                ",\"headers\":[{\"key\":\"vip\",\"value\":\"yes\"},{\"key\":\"CamelJacksonUnmarshalType\",\"value\":\"x\"}]}"),
            line(0, 4, FIRST, "tombstone", null)));
    }

    /** A body with {@code fields} instead of its closing brace. */
    private static String with(String body, String fields) {
        return body.substring(0, body.length() - 1) + fields;
    }

    private static void large(String topic) {
        String payload = Base64.getEncoder().encodeToString(new byte[30]);
        for (int file = 0; file < 4; file++) {
            long start = (long) file * LARGE / 4;
            BatchFiles.write(bucket, topic, BatchFiles.name(FIRST.plusSeconds(file), topic, 0, start),
                LongStream.range(start, start + LARGE / 4)
                    .mapToObj(i -> line(0, i, FIRST.plusSeconds(start), "" + i, payload)).toList());
        }
    }

    private static JsonNode status(String id) {
        return cistern.call("GET", "/status-service/" + id, null).body();
    }

    private static void assertEnded(JsonNode status, String how, long published) {
        assertThat(status.path("status").asText()).as("%s", status).isEqualTo(how);
        assertThat(status.get("lineIndex").asLong()).as("%s", status).isEqualTo(published);
        assertThat(status.path("filesDone").asInt()).as("%s", status).isLessThanOrEqualTo(status.path("filesTotal").asInt());
        assertThat(new JsonSchema(document, true).problems(document.at("/components/schemas/Status"), status, "status"))
            .isEmpty();
    }

    private static List<String> payloads(String topic) {
        return TestKafka.records(topic).stream().map(record -> text(record.value())).toList();
    }

    private static String ofTopic(String topic, String target, String... more) {
        return request(Stream.concat(Stream.of("topic", topic, "reIngestionTopic", target), Stream.of(more)).toList());
    }

    private static String ofFile(String fileName, String target, String... more) {
        return request(Stream.concat(Stream.of("fileName", fileName, "reIngestionTopic", target), Stream.of(more)).toList());
    }

    private static String request(List<String> fields) {
        var request = new ObjectMapper().createObjectNode();
        for (int i = 0; i < fields.size(); i += 2) {
            if (fields.get(i + 1) != null) {
                request.put(fields.get(i), fields.get(i + 1));
            }
        }
        return request.toString();
    }

    private static long millis(long behindFirst) {
        return FIRST.toEpochMilli() + behindFirst;
    }

    private static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }
}
