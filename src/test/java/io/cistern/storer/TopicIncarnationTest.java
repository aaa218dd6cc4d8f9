package io.cistern.storer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.batch.OpenBatches;
import io.cistern.broker.EmbeddedKafka;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A topic that is deleted and created again, while its offsets pass the former ones before the storer looks. */
class TopicIncarnationTest {

    private static final int BEFORE = 40;
    private static final int AFTER = 300;

    @TempDir
    Path bucket;

    @ParameterizedTest
    @CsvSource({"classic, earliest, false", "classic, latest, true", "consumer, latest, false"})
    void storesBothIncarnations(String protocol, String strategy, String exactlyOnce) throws Exception {
        String topic = TestKafka.topic("recreated", 1);
        Map<String, Object> settings = settings(topic);
        settings.put("KAFKA_GROUP_PROTOCOL", protocol);
        settings.put("KAFKA_DEQUEUE_STRATEGY", strategy);
        settings.put("BSS_EXACTLY_ONCE", exactlyOnce);
        // Its records come with the polls in between.
        String busy = TestKafka.topic("recreated.busy", 1);
        settings.put("bss.topics-config.data-topics-mapping[1].ingestion", busy);
        try (RunningCistern cistern = RunningCistern.start(settings); Feed feed = new Feed(busy)) {
            await().until(() -> TestKafka.broker().admin().describeConsumerGroups(List.of(topic)).all().get().get(topic)
                .members().stream().anyMatch(member -> !member.assignment().topicPartitions().isEmpty()));
            publish(topic, "before", BEFORE);
            await().until(() -> TestKafka.lag(topic, topic) == 0);

            // When
            recreate(topic);
            publish(topic, "after", AFTER);

            // Then
            await().until(() -> payloads(topic).size() >= BEFORE + AFTER && TestKafka.lag(topic, topic) == 0);
            assertThat(payloads(topic)).containsExactlyInAnyOrderElementsOf(published());
            assertBothAreTold(cistern, topic);
        }
    }

    @Test
    void storesWhatIsOpenOfTheFormerIncarnationFirst() throws Exception {
        String topic = TestKafka.topic("recreated.open", 1);
        Map<String, Object> settings = settings(topic);
        settings.put("BSS_CACHE_UPLOAD_TIMEOUT", "1h");
        try (RunningCistern cistern = RunningCistern.start(settings)) {
            OpenBatches openBatches = cistern.context().getBean(CamelContext.class).getRegistry()
                .lookupByNameAndType("openBatches", OpenBatches.class);
            publish(topic, "before", BEFORE);
            await().until(() -> openBatches.heldBytes() > 0);

            recreate(topic);
            publish(topic, "after", AFTER);

            await().until(() -> payloads(topic).size() >= BEFORE);
        }
        // The new one is stored by then, or after the restart
        try (RunningCistern cistern = RunningCistern.start(settings(topic))) {
            await().until(() -> payloads(topic).size() >= BEFORE + AFTER);
        }
        assertThat(payloads(topic)).containsExactlyInAnyOrderElementsOf(published());
    }

    @Test
    void startsAtTheBeginningOfATopicThatWasRecreatedWhileItWasDown() throws Exception {
        String topic = TestKafka.topic("recreated.down", 1);
        try (RunningCistern cistern = RunningCistern.start(settings(topic))) {
            publish(topic, "before", BEFORE);
            await().until(() -> TestKafka.lag(topic, topic) == 0);
        }
        recreate(topic);
        publish(topic, "after", AFTER);
        // A commit of the former incarnation that reached the broker after the deletion
        try (Admin admin = TestKafka.broker().admin()) {
            admin.alterConsumerGroupOffsets(topic, Map.of(new TopicPartition(topic, 0),
                new OffsetAndMetadata(BEFORE, "topic id AAAAAAAAAAAAAAAAAAAAAA"))).all().get();
        }

        try (RunningCistern cistern = RunningCistern.start(settings(topic))) {
            await().until(() -> payloads(topic).size() >= BEFORE + AFTER && TestKafka.lag(topic, topic) == 0);
            assertThat(payloads(topic)).containsExactlyInAnyOrderElementsOf(published());
            assertBothAreTold(cistern, topic);
        }
    }

    private void assertBothAreTold(RunningCistern cistern, String topic) throws Exception {
        JsonNode coverage = cistern.call("GET", "/status/" + topic + "/coverage", null).body();
        assertThat(coverage.get("holes").asLong()).as(coverage.toString()).isZero();
        JsonNode lives = coverage.get("topics").get(0).get("partitions");
        assertThat(lives).hasSize(2);
        assertThat(lives.get(0).get("records").asInt()).isEqualTo(BEFORE);
        assertThat(lives.get(0).get("inKafka").asBoolean()).isFalse();
        assertThat(lives.get(1).get("records").asInt()).isEqualTo(AFTER);
        assertThat(lives.get(1).get("inKafka").asBoolean()).isTrue();
        assertThat(lives.get(1).get("topicId").asText()).isEqualTo(topicId(topic))
            .isNotEqualTo(lives.get(0).get("topicId").asText());

        // And a reload brings both, one after the other
        String target = TestKafka.topic("recreated.target", 1);
        JsonNode status = cistern.reload("/reingestion/topic",
            "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\"" + target + "\"}");
        assertThat(status.get("status").asText()).isEqualTo("COMPLETE");
        assertThat(TestKafka.records(target).stream().map(record -> new String(record.value(), UTF_8)).toList())
            .isEqualTo(published());
    }

    /** Publishes to a topic all the time. */
    private static final class Feed implements AutoCloseable {

        private final KafkaProducer<byte[], byte[]> producer = TestKafka.producer();
        private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();

        private Feed(String topic) {
            timer.scheduleWithFixedDelay(() -> producer.send(new ProducerRecord<>(topic, "busy".getBytes(UTF_8))), 0, 20,
                TimeUnit.MILLISECONDS);
        }

        @Override
        public void close() {
            timer.shutdownNow();
            producer.close();
        }
    }

    private static List<String> published() {
        return Stream.concat(IntStream.range(0, BEFORE).mapToObj(i -> "before " + i),
            IntStream.range(0, AFTER).mapToObj(i -> "after " + i)).toList();
    }

    private Map<String, Object> settings(String topic) {
        String events = TestKafka.topic("recreated.events", 1);
        Map<String, Object> settings = new HashMap<>();
        settings.put("KAFKA_BROKERS", TestKafka.broker().bootstrapServers());
        settings.put("KAFKA_GROUP_ID", topic);
        settings.put("BUCKET_TYPE", "file");
        settings.put("BUCKET_NAME", bucket.toString());
        settings.put("BSS_EVENTS_TOPIC", events);
        settings.put("BSS_CACHE_UPLOAD_TIMEOUT", "500ms");
        settings.put("bss.topics-config.data-topics-mapping[0].ingestion", topic);
        return settings;
    }

    /** The new topic has the former one's name at once, and records before any consumer can have looked. */
    private static void recreate(String topic) throws Exception {
        EmbeddedKafka broker = TestKafka.broker();
        try (Admin admin = broker.admin()) {
            admin.deleteTopics(List.of(topic)).all().get();
            await().ignoreExceptions().until(() -> {
                admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
                return true;
            });
        }
    }

    private static String topicId(String topic) throws Exception {
        try (Admin admin = TestKafka.broker().admin()) {
            return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).topicId().toString();
        }
    }

    private List<String> payloads(String topic) {
        return BucketFiles.allLines(bucket, topic).stream().map(line -> line.get("payload").asText()).toList();
    }

    private static void publish(String topic, String text, int count) throws Exception {
        List<Future<?>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int i = 0; i < count; i++) {
                sent.add(producer.send(new ProducerRecord<>(topic, 0, null, (text + " " + i).getBytes(UTF_8))));
            }
        }
        for (Future<?> future : sent) {
            future.get();
        }
    }
}
