package io.cistern.storer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** A record that its post-ingestion topic does not take stops no other partition, and none at all by default. */
class RefusedCopiesTest {

    private static final int MB = 1 << 20;
    /** The limit of a topic by default. */
    private static final int MAX_BYTES = 1048588;
    private static final Map<String, String> USUAL_LIMIT = Map.of("max.message.bytes", "" + MAX_BYTES);
    /** Of a batch with one record without key and headers, beside a value of a megabyte. */
    private static final int OVERHEAD = 61 + 11;

    @TempDir
    private Path folder;
    private final String id = UUID.randomUUID().toString();
    private final String events = topic("events", Map.of());
    private final String large = topic("large", Map.of("max.message.bytes", "20000000"));
    private final String largePost = topic("large.post", USUAL_LIMIT);
    private final String other = topic("other", Map.of());
    private final String otherPost = topic("other.post", Map.of());
    private final String keyed = topic("keyed", Map.of());
    private final String keyedPost = topic("keyed.post", Map.of("cleanup.policy", "compact"));
    private final String timed = topic("timed", Map.of());
    private final String timedPost = topic("timed.post", Map.of("message.timestamp.before.max.ms", "3600000"));

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void leavesOutTheCopyOfARefusedRecord(boolean exactlyOnce) throws Exception {
        // Given
        try (RunningCistern cistern = start(Map.of("BSS_EXACTLY_ONCE", String.valueOf(exactlyOnce), "LOG_LEVEL", "WARN"))) {
            ListAppender<ILoggingEvent> log = new ListAppender<>();
            log.start();
            ((Logger) LoggerFactory.getLogger("io.cistern.storer")).addAppender(log);

            // When a record of 10 MB comes with small ones around it, for a topic that takes 1 MB, and others for other limits
            publish("none", large, List.of(text("a"), text("b"), random(10 * MB), new byte[0], text("c"), text("d")));
            publish("none", other, IntStream.range(0, 30).mapToObj(i -> text("other " + i)).toList());
            try (KafkaProducer<byte[], byte[]> producer = producer("none")) {
                producer.send(new ProducerRecord<>(keyed, text("key"), text("1")));
                producer.send(new ProducerRecord<>(keyed, null, text("2")));
                producer.send(new ProducerRecord<>(keyed, text("key 3"), text("3")));
                producer.send(new ProducerRecord<>(timed, 0, 1_000L, null, text("of 1970")));
                producer.send(new ProducerRecord<>(timed, 0, System.currentTimeMillis(), null, text("of now")));
            }

            // Then all is stored and committed
            for (String topic : List.of(large, other, keyed, timed)) {
                await().until(() -> TestKafka.lag(id, topic) == 0);
            }
            assertThat(BucketFiles.allLines(folder.resolve("bucket"), large)).hasSize(6);

            // and all others have their copies once, in their order
            assertThat(values(largePost).stream().map(value -> value.substring(0, Math.min(value.length(), 10))))
                .containsExactly("a", "b", "", "c", "d");
            assertThat(values(otherPost)).isEqualTo(IntStream.range(0, 30).mapToObj(i -> "other " + i).toList());
            assertThat(values(keyedPost)).containsExactly("1", "3");
            assertThat(values(timedPost)).containsExactly("of now");

            // and the refusals are counted and logged
            MeterRegistry meters = cistern.context().getBean(MeterRegistry.class);
            for (String target : List.of(largePost, keyedPost, timedPost)) {
                assertThat(count(meters, "cistern.post.ingestion.refused", "target", target)).as(target).isEqualTo(1);
            }
            assertThat(count(meters, "cistern.post.ingestion.refused", "target", otherPost)).isZero();
            assertThat(List.copyOf(log.list)).filteredOn(event -> event.getLevel() == Level.WARN)
                .extracting(ILoggingEvent::getFormattedMessage).filteredOn(line -> line.contains("refused")).satisfiesExactlyInAnyOrder(
                    line -> assertThat(line).contains("topic=" + large, "target=" + largePost, "partition=0", "offsets=2",
                        "max.message.bytes"),
                    line -> assertThat(line).contains("topic=" + keyed, "offsets=1", "without key"),
                    line -> assertThat(line).contains("topic=" + timed, "offsets=0", "message.timestamp.before.max.ms"));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void copiesWhatTheBrokerTookIntoATopicOfTheSameLimit(boolean exactlyOnce) throws Exception {
        // Given 3 MB of JSON that its producer compressed, and a record that just fits as it is, each with small ones around it
        String tightPost = topic("tight.post", USUAL_LIMIT);
        String tight = topic("tight", USUAL_LIMIT);
        String equal = topic("equal", USUAL_LIMIT);
        String equalPost = topic("equal.post", USUAL_LIMIT);
        List<byte[]> compressed = List.of(text("a"), json(3 * MB), text("b"), text("c"), new byte[0]);
        publish("zstd", equal, compressed);
        List<byte[]> justFitting = List.of(text("a"), random(MAX_BYTES - OVERHEAD), new byte[0], text("b"));
        publish("none", tight, justFitting);

        try (RunningCistern cistern = start(Map.of("BSS_EXACTLY_ONCE", String.valueOf(exactlyOnce),
            "bss.topics-config.data-topics-mapping[4].ingestion", equal,
            "bss.topics-config.data-topics-mapping[4].post-ingestion[0]", equalPost,
            "bss.topics-config.data-topics-mapping[5].ingestion", tight,
            "bss.topics-config.data-topics-mapping[5].post-ingestion[0]", tightPost))) {
            // Then
            await().until(() -> TestKafka.lag(id, equal) + TestKafka.lag(id, tight) == 0);
            assertThat(hashes(equalPost)).isEqualTo(compressed.stream().map(Arrays::hashCode).toList());
            assertThat(hashes(tightPost)).isEqualTo(justFitting.stream().map(Arrays::hashCode).toList());
        }
    }

    private static List<Integer> hashes(String topic) {
        return TestKafka.records(topic).stream().map(record -> Arrays.hashCode(record.value())).toList();
    }

    @Test
    void holdsAPartitionAndNoOtherAndStopsAtOnce() throws Exception {
        // Given
        publish("none", large, List.of(text("a"), random(10 * MB), text("b")));
        RunningCistern cistern = start(Map.of("BSS_POST_INGESTION_REFUSED", "hold"));
        try {
            // When it is tried again and again
            MeterRegistry meters = cistern.context().getBean(MeterRegistry.class);
            await().until(() -> count(meters, "cistern.storing.failures", "topic", large) >= 3);
            publish("none", other, IntStream.range(0, 30).mapToObj(i -> text("other " + i)).toList());

            // Then others go on, and nothing of the batch is published for every try
            await().until(() -> TestKafka.lag(id, other) == 0);
            assertThat(values(otherPost)).hasSize(30);
            // (what was polled before the record may be in a file of its own)
            int before = TestKafka.records(largePost).size();
            assertThat(before).isLessThanOrEqualTo(1);
            assertThat(TestKafka.lag(id, large)).isEqualTo(3 - before);

            // When the topic takes it
            setMaxBytes(largePost, "20000000");

            // Then
            await().until(() -> TestKafka.lag(id, large) == 0);
            assertThat(TestKafka.records(largePost)).extracting(record -> record.value().length).containsExactly(1, 10 * MB, 1);

            // And a stop does not wait for a record that is held
            setMaxBytes(largePost, "1000000");
            publish("none", large, List.of(random(2 * MB)));
            double failures = count(meters, "cistern.storing.failures", "topic", large);
            await().until(() -> count(meters, "cistern.storing.failures", "topic", large) > failures);
        } finally {
            long begun = System.nanoTime();
            cistern.close();
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofMinutes(1));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void goesOnWhileAPostIngestionTopicIsGone(boolean exactlyOnce) throws Exception {
        // Given a partition whose records have nowhere to go
        try (RunningCistern cistern = start(Map.of("BSS_EXACTLY_ONCE", String.valueOf(exactlyOnce), "camel.component.kafka.additional-properties[max.block.ms]", "3000",
            "KAFKA_MAX_POLL_RECORDS", "10")); Admin admin = TestKafka.broker().admin()) {
            publish("none", large, List.of(text("of before")));
            await().until(() -> TestKafka.lag(id, large) == 0);
            admin.deleteTopics(List.of(largePost)).all().get();
            publish("none", large, List.of(text("a")));
            MeterRegistry meters = cistern.context().getBean(MeterRegistry.class);
            await().until(() -> count(meters, "cistern.storing.failures", "topic", large) >= 1);

            // When
            publish("none", other, IntStream.range(0, 300).mapToObj(i -> text("other " + i)).toList());

            // Then
            await().until(() -> TestKafka.lag(id, other) == 0);
            assertThat(values(otherPost)).hasSize(300).doesNotHaveDuplicates();
            assertThat(TestKafka.lag(id, large)).isEqualTo(1);

            // And all is there once the topic is
            TestKafka.broker().createTopic(largePost, 1);
            await().until(() -> TestKafka.lag(id, large) == 0);
            assertThat(values(largePost)).contains("a");
        }
    }

    private String topic(String name, Map<String, String> configs) {
        String topic = "refused." + name + "." + UUID.randomUUID().toString().substring(0, 8);
        TestKafka.broker().createTopic(topic, 1, configs);
        return topic;
    }

    private static void setMaxBytes(String topic, String bytes) throws Exception {
        try (Admin admin = TestKafka.broker().admin()) {
            admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, topic), List.of(new AlterConfigOp(
                new ConfigEntry("max.message.bytes", bytes), AlterConfigOp.OpType.SET)))).all().get();
        }
    }

    private static double count(MeterRegistry meters, String name, String tag, String value) {
        return meters.find(name).tag(tag, value).counters().stream().mapToDouble(Counter::count).sum();
    }

    private static KafkaProducer<byte[], byte[]> producer(String compression) {
        return new KafkaProducer<>(Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, TestKafka.broker().bootstrapServers(),
            ProducerConfig.MAX_REQUEST_SIZE_CONFIG, 20_000_000, ProducerConfig.COMPRESSION_TYPE_CONFIG, compression),
            new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static void publish(String compression, String topic, List<byte[]> values) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer(compression)) {
            for (byte[] value : values) {
                // Each in a batch of its own: what the broker took is not to depend on how they came together.
                producer.send(new ProducerRecord<>(topic, value)).get();
            }
        }
    }

    private static byte[] text(String text) {
        return text.getBytes(UTF_8);
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private static byte[] json(int length) {
        StringBuilder json = new StringBuilder("[");
        Random random = new Random(3);
        while (json.length() < length) {
            json.append("{\"id\":").append(random.nextInt(100_000)).append(",\"status\":\"delivered\",\"amount\":")
                .append(random.nextInt(100)).append("},");
        }
        return text(json.append("{}]").toString());
    }

    private static List<String> values(String topic) {
        return TestKafka.records(topic).stream().map(record -> new String(record.value(), UTF_8)).toList();
    }

    private RunningCistern start(Map<String, String> more) throws Exception {
        Files.createDirectories(folder.resolve("bucket"));
        Map<String, String> settings = new HashMap<>(Map.of(
            "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(), "KAFKA_GROUP_ID", id, "BSS_ROLES", "storer",
            "BUCKET_TYPE", "file", "BUCKET_NAME", folder.resolve("bucket").toString(), "BSS_EVENTS_TOPIC", events,
            "BSS_CACHE_UPLOAD_TIMEOUT", "300ms", "BSS_REST_AFTER_FAILURE", "300ms", "BSS_RETRY_DELAY", "10ms",
            "LOG_LEVEL", "ERROR"));
        List<String> topics = List.of(large, largePost, other, otherPost, keyed, keyedPost, timed, timedPost);
        for (int i = 0; i < topics.size(); i += 2) {
            settings.put("bss.topics-config.data-topics-mapping[" + i / 2 + "].ingestion", topics.get(i));
            settings.put("bss.topics-config.data-topics-mapping[" + i / 2 + "].post-ingestion[0]", topics.get(i + 1));
        }
        settings.putAll(more);
        return RunningCistern.start(settings);
    }
}
