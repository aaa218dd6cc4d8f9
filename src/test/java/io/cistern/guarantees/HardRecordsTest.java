package io.cistern.guarantees;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import io.cistern.testing.stores.NaughtyStrings;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

/** Whatever Kafka takes comes back as it was: from topic to bucket, to the post-ingestion topic, and back by a reload. */
class HardRecordsTest {

    /** As large as the broker of these tests takes, and what the storer may hold. */
    private static final Map<String, String> LARGE = Map.of("max.message.bytes", "20000000");
    private static final Instant TIME = Instant.parse("2022-11-14T13:26:37.728Z");

    @TempDir
    private Path bucket;
    private final String group = "hard-" + UUID.randomUUID();
    private String topic;
    private String post;
    private String target;
    private final List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();

    @BeforeEach
    void makeTopics() {
        topic = topic("hard", LARGE);
        post = topic("hard.post", LARGE);
        target = topic("hard.again", LARGE);
    }

    private static String topic(String prefix, Map<String, String> configs) {
        String name = prefix + "." + UUID.randomUUID().toString().substring(0, 8);
        TestKafka.broker().createTopic(name, 2, configs);
        return name;
    }

    @ParameterizedTest
    @CsvSource({"none, file", "none, s3", "gzip, file", "zstd, file"})
    void recordsLargerThanTheMemoryForThemComeBackOneByOne(String compression, String type) throws Exception {
        // Given records of 10 MB of what takes most space in JSON or is no text at all, where 2 MB may be held
        byte[] controls = new byte[10_000_000];
        byte[] quotes = "\"\\".repeat(5_000_000).getBytes(UTF_8);
        byte[] broken = new byte[10_000_000];
        Arrays.fill(broken, (byte) 0xff);
        byte[] astral = "\ud83d\ude00".repeat(2_500_000).getBytes(UTF_8);
        byte[] key = "k\n".repeat(500_000).getBytes(UTF_8);
        for (byte[] value : List.of(controls, quotes, broken, astral)) {
            add(null, value);
            add(key, text("small"));
        }
        ProducerRecord<byte[], byte[]> many = add(text("many"), text("headers"));
        for (int i = 0; i < 1000; i++) {
            many.headers().add("header " + i % 700, i % 3 == 0 ? null : (i + "\"\n").getBytes(UTF_8));
        }
        many.headers().add("large", Arrays.copyOf(broken, 1_000_000));
        many.headers().add("n".repeat(30_000), new byte[0]);

        TestStore store = TestStores.of(type);
        store.createBucket(group);
        Map<String, String> settings = new HashMap<>(store.settings(group, store.endpoint()));
        settings.putAll(Map.of("BSS_COMPRESSION", compression, "BSS_MAX_CACHE_SIZE", "2MB", "BSS_MAX_BYTES_PER_FILE", "1MB",
            "BSS_RELOAD_BATCH_BYTES", "1MB"));
        checkRoundTrip(settings);
    }

    @Test
    void emptyAndNullAndBrokenTextAreToldApartEverywhere() throws Exception {
        List<byte[]> contents = new ArrayList<>(Arrays.asList(null, new byte[0], text("null"), text("\"\""), text("\ud83d\ude00"),
            text("\\ud800"), text("\"\\ud800\""), text("\u2028\u2029\u0000\u007f\u0080\ufeff"), text("\ufeff{}"), text("\r\n"),
            text("\\"), text("\\u0000"), text("{\"timestamp\":\"2022-11-14T13:26:37.728Z\",\"partition\":0,\"offset\":312,"
                + "\"key\":null,\"payload\":\"x\"}\n"), text("\"keyEncoding\":\"base64\""), text("AAAA"), text("${body} {{key}}"),
            bytes(0xff), bytes(0xfe, 0xff), bytes(0xc0, 0x80), bytes(0xe0, 0x80, 0x80), bytes(0xf0, 0x80, 0x80, 0x80),
            bytes(0xe2, 0x82), bytes(0xf0, 0x9f, 0x98), bytes(0xed, 0xa0, 0x80), bytes(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80),
            bytes(0xf4, 0x90, 0x80, 0x80), bytes(0x80), bytes('a', 0xc3), bytes(0xef, 0xbf, 0xbd), bytes(0xef, 0xbf, 0xbf)));
        for (byte[] key : contents) {
            for (byte[] value : contents) {
                add(key, value);
            }
        }
        List<String> names = List.of("", "\"", "\n", "\u2028", "\u0000", "\ufeff", "\\ud800", "CamelFileName", "camelX",
            "kafka.TOPIC", "kafka.OVERRIDE_TOPIC", "kafka.KEY", "key", "value", "encoding", "breadcrumbId", "\ud83d\ude00");
        for (byte[] content : contents) {
            ProducerRecord<byte[], byte[]> record = add(null, null);
            names.forEach(name -> record.headers().add(name, content).add(name, null).add(name, content));
        }

        checkRoundTrip(Map.of());
    }

    @Test
    void theBigListOfNaughtyStringsComesBack() throws Exception {
        List<String> strings = NaughtyStrings.all();
        assertThat(strings).hasSizeGreaterThan(400);
        for (String string : strings) {
            add(text(string), text(string)).headers().add(string, text(string)).add("header", text(string));
        }

        checkRoundTrip(Map.of());
    }

    @Test
    void anyTimestampComesBack() throws Exception {
        // Given what a producer can send: the least is 0
        for (long timestamp : new long[] {0, 1, 999, 951_782_400_000L, TIME.toEpochMilli(), 4_102_444_800_000L, 253_402_300_799_999L,
            253_402_300_800_000L, 1L << 50, Long.MAX_VALUE / 1000, Long.MAX_VALUE - 1, Long.MAX_VALUE}) {
            records.add(new ProducerRecord<>(topic, 0, timestamp, null, text("" + timestamp)));
            records.add(new ProducerRecord<>(topic, 1, timestamp, null, text("" + timestamp)));
        }

        checkRoundTrip(Map.of());
    }

    @Test
    void aRecordWithoutATimestampComesBackWithoutOne() throws Exception {
        // Given a file of records without a timestamp, for a target that bounds timestamps
        String name = BatchFiles.name(Instant.ofEpochMilli(-1), topic, 0, 0);
        BatchFiles.write(bucket, topic, name, List.of(
            BatchFiles.line(0, 0, Instant.ofEpochMilli(-1), "k", "none").replace("}", ",\"timestampType\":\"NoTimestampType\"}"),
            BatchFiles.line(0, 1, Instant.ofEpochMilli(-1), "k", "none either"),
            BatchFiles.line(0, 2, TIME, "k", "known")));
        target = topic("hard.bounded", Map.of("message.timestamp.before.max.ms", "" + Duration.ofDays(10_000).toMillis()));

        try (RunningCistern cistern = start(Map.of("BSS_ROLES", "reloader"))) {
            assertThat(reload(cistern, target).get("status").asText()).isEqualTo("COMPLETE");
        }

        assertThat(TestKafka.records(target)).extracting(record -> new String(record.value(), UTF_8) + " " + record.timestamp())
            .containsExactly("none -1", "none either -1", "known " + TIME.toEpochMilli());
    }

    @Test
    void timesThatTheBrokerGaveAreKeptWhereTheTargetLetsThem() throws Exception {
        // Given topics whose brokers give the time
        Map<String, String> appendTime = Map.of("message.timestamp.type", "LogAppendTime");
        topic = topic("hard.append", appendTime);
        String other = topic("hard.append.again", appendTime);
        for (int i = 0; i < 10; i++) {
            records.add(new ProducerRecord<>(topic, i % 2, 0L, null, text("" + i)));
        }
        long before = System.currentTimeMillis();

        try (RunningCistern cistern = checkRoundTripAndGoOn(Map.of())) {
            assertThat(TestKafka.records(target)).allMatch(record -> record.timestamp() >= before);
            assertThat(BucketFiles.allLines(bucket, topic)).allMatch(line ->
                line.get("timestampType").asText().equals("LogAppendTime"));

            // And a target that gives times itself gives those of the reload
            long reloading = System.currentTimeMillis();
            assertThat(reload(cistern, other).get("status").asText()).isEqualTo("COMPLETE");
            assertThat(TestKafka.records(other)).hasSize(10).allMatch(record -> record.timestamp() >= reloading);
        }
    }

    @Test
    void aRecordThatIsTooLargeForATargetIsNamedAndNothingIsLostOrCommitted() throws Exception {
        // Given a post-ingestion topic that takes less than its ingestion topic, as a target does
        post = topic("hard.narrow", Map.of("max.message.bytes", "10000"));
        String narrow = topic("hard.narrow.again", Map.of("max.message.bytes", "10000"));
        records.add(new ProducerRecord<>(topic, 1, TIME.toEpochMilli(), null, text("small")));
        byte[] large = new byte[50_000];
        new Random(1).nextBytes(large);
        records.add(new ProducerRecord<>(topic, 1, TIME.toEpochMilli(), null, large));
        records.add(new ProducerRecord<>(topic, 0, TIME.toEpochMilli(), null, text("of another partition")));
        publish();
        try (RunningCistern cistern = start(Map.of("BSS_REST_AFTER_FAILURE", "300ms", "BSS_RETRY_DELAY", "10ms",
            "BSS_POST_INGESTION_REFUSED", "hold"))) {
            // Then the partition waits, and the log says for what
            ListAppender<ILoggingEvent> log = new ListAppender<>();
            log.start();
            ((Logger) LoggerFactory.getLogger("io.cistern.storer")).addAppender(log);
            String refusal = "topic " + post + " did not take the record of offset 1 of " + topic + "-1: ";
            await().until(() -> List.copyOf(log.list).stream()
                .filter(event -> event.getLevel() == Level.ERROR && event.getFormattedMessage().contains(refusal)).count() > 1);
            assertThat(TestKafka.lag(group, topic)).isEqualTo(2);
            assertThat(BucketFiles.allLines(bucket, topic)).anyMatch(line -> line.get("offset").asLong() == 1);

            // And a reload ends with an error that names it
            JsonNode status = reload(cistern, narrow);
            assertThat(status.get("status").asText()).isEqualTo("ERROR");
            assertThat(status.get("message").asText()).contains("topic " + narrow + " takes no record of more than 10000 bytes",
                "partition 1 at offset 1");

            // When the topic takes it
            try (Admin admin = TestKafka.broker().admin()) {
                admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, post), List.of(new AlterConfigOp(
                    new ConfigEntry("max.message.bytes", "20000000"), AlterConfigOp.OpType.SET)))).all().get();
            }

            // Then
            await().until(() -> TestKafka.lag(group, topic) == 0);
            assertThat(TestKafka.records(post).stream().map(TestKafka::contents).distinct())
                .containsExactlyInAnyOrderElementsOf(TestKafka.records(topic).stream().map(TestKafka::contents).toList());
            assertThat(reload(cistern, target).get("status").asText()).isEqualTo("COMPLETE");
            assertThatTargetEqualsSource();
        }
    }

    private void checkRoundTrip(Map<String, String> settings) throws Exception {
        checkRoundTripAndGoOn(settings).close();
    }

    private RunningCistern checkRoundTripAndGoOn(Map<String, String> settings) throws Exception {
        publish();
        RunningCistern cistern = start(settings);
        try {
            await().until(() -> TestKafka.lag(group, topic) == 0);
            assertThat(TestKafka.records(topic)).hasSameSizeAs(records);
            assertThat(TestKafka.records(post).stream().map(TestKafka::contents))
                .containsExactlyInAnyOrderElementsOf(TestKafka.records(topic).stream().map(TestKafka::contents).toList());
            JsonNode status = reload(cistern, target);
            assertThat(status.get("status").asText()).as(status.toString()).isEqualTo("COMPLETE");
            assertThatTargetEqualsSource();
            return cistern;
        } catch (Throwable e) {
            cistern.close();
            throw e;
        }
    }

    private void assertThatTargetEqualsSource() {
        assertThat(contents(target)).containsExactlyElementsOf(contents(topic));
    }

    private static List<String> contents(String topic) {
        return TestKafka.records(topic).stream().map(record -> record.partition() + " " + TestKafka.contents(record)).toList();
    }

    private RunningCistern start(Map<String, String> more) {
        Map<String, String> settings = new HashMap<>(Map.of(
            "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(), "KAFKA_GROUP_ID", group, "KAFKA_CLIENT_ID", group,
            "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "BSS_EVENTS_TOPIC", TestKafka.topic("hard.events", 1),
            "BSS_CACHE_UPLOAD_TIMEOUT", "300ms", "bss.topics-config.data-topics-mapping[0].ingestion", topic,
            "bss.topics-config.data-topics-mapping[0].post-ingestion[0]", post));
        settings.putAll(more);
        return RunningCistern.start(settings);
    }

    private JsonNode reload(RunningCistern cistern, String to) {
        return cistern.reload("/reingestion/topic", "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\"" + to
            + "\",\"partitioning\":\"preserve\"}");
    }

    private ProducerRecord<byte[], byte[]> add(byte[] key, byte[] value) {
        ProducerRecord<byte[], byte[]> record =
            new ProducerRecord<>(topic, records.size() % 2, TIME.toEpochMilli() + records.size(), key, value);
        records.add(record);
        return record;
    }

    private void publish() throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            List<Future<?>> sent = new ArrayList<>();
            for (ProducerRecord<byte[], byte[]> record : records) {
                sent.add(producer.send(record));
            }
            for (Future<?> send : sent) {
                send.get();
            }
        }
    }

    private static byte[] text(String text) {
        return text.getBytes(UTF_8);
    }

    private static byte[] bytes(int... bytes) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        Arrays.stream(bytes).forEach(all::write);
        return all.toByteArray();
    }
}
