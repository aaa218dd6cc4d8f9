package io.cistern.storer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A topic that is stored, and has records with the header of a reload among its own. */
class ReloadedRecordsTest {

    @TempDir
    private Path bucket;
    private String topic;
    private String post;
    private String group;
    private final List<String> own = new ArrayList<>();
    private int published;

    @BeforeEach
    void makeTopics() {
        topic = TestKafka.topic("loop", 1);
        post = TestKafka.topic("loop.post", 1);
        group = "loop-" + UUID.randomUUID();
    }

    @Test
    void theyAreStoredAsAnyOtherUnlessItIsSaidOtherwise() throws Exception {
        publish("own", "reloaded", "own");
        try (RunningCistern storer = RunningCistern.start(settings())) {
            awaitNoLag();
        }
        List<JsonNode> lines = BucketFiles.allLines(bucket, topic);
        assertThat(lines).hasSize(3).noneMatch(line -> line.has("reload"));
        assertThat(TestKafka.records(post)).hasSize(3);
    }

    @Test
    void aTagSaysWhichReloadAndTheRecordsComeBackAsTheyWere() throws Exception {
        publish("own", "reloaded", "own");
        String target = TestKafka.topic("loop.reingestion", 1);
        try (RunningCistern storer = RunningCistern.start(settings("BSS_RELOADED_RECORDS", "tag"))) {
            awaitNoLag();
            storer.reload("/reingestion/topic", "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\"" + target + "\"}");
        }
        List<JsonNode> lines = BucketFiles.allLines(bucket, topic);
        assertThat(lines).extracting(line -> line.path("reload").asText("none"))
            .containsExactly("none", "reload-of-1", "none");
        assertThat(lines.get(1).get("headers")).hasToString("[{\"key\":\"trace\",\"value\":\"1\"},"
            + "{\"key\":\"cistern.reload.id\",\"value\":\"reload-of-1\"}]");
        // Of what a reload may add to them nothing is asked here.
        List<String> before = TestKafka.records(topic).stream().map(TestKafka::contents).toList();
        assertThat(TestKafka.records(post).stream().map(TestKafka::contents)).isEqualTo(before);
        List<ConsumerRecord<byte[], byte[]>> after = TestKafka.records(target);
        assertThat(after).hasSize(3);
        for (int i = 0; i < 3; i++) {
            assertThat(TestKafka.contents(after.get(i))).startsWith(before.get(i));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"false", "true"})
    void whatIsSkippedIsNeitherStoredNorPassedOnAndNoHole(String exactlyOnce) throws Exception {
        Map<String, String> settings = settings("BSS_RELOADED_RECORDS", "skip", "BSS_EXACTLY_ONCE", exactlyOnce);
        // Given reloaded records at the start, in the middle and at the end of a file
        publish("reloaded", "own", "reloaded", "own", "reloaded");
        try (RunningCistern storer = RunningCistern.start(settings)) {
            awaitNoLag();

            // When only such follow, then others, with and without such in front
            publish("reloaded", "reloaded");
            awaitNoLag();
            publish("own");
            awaitNoLag();
            publish("own", "reloaded");
            awaitNoLag();
            publish("reloaded", "own");
            awaitNoLag();
        }
        publish("reloaded", "reloaded");

        // Then, over a restart too
        try (RunningCistern storer = RunningCistern.start(settings)) {
            awaitNoLag();
            publish("own", "reloaded");
            awaitNoLag();

            assertThat(BucketFiles.allLines(bucket, topic)).extracting(line -> line.get("payload").asText())
                .containsExactlyElementsOf(own);
            assertThat(TestKafka.records(post)).extracting(record -> new String(record.value(), UTF_8))
                .containsExactlyElementsOf(own);
            for (String deep : List.of("false", "true")) {
                JsonNode coverage = storer.call("GET", "/status/" + topic + "/coverage?deep=" + deep, null).body();
                assertThat(coverage.get("holes").asLong()).as(coverage.toString()).isZero();
                assertThat(coverage.get("records").asLong()).isEqualTo(own.size());
            }
        }
    }

    /** Records in a row, each with its number; what is reloaded has the header behind another one. */
    private void publish(String... kinds) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (String kind : kinds) {
                String value = kind + " " + published;
                ProducerRecord<byte[], byte[]> record =
                    new ProducerRecord<>(topic, ("k" + published).getBytes(UTF_8), value.getBytes(UTF_8));
                record.headers().add("trace", ("" + published).getBytes(UTF_8));
                if (kind.equals("reloaded")) {
                    record.headers().add("cistern.reload.id", ("reload-of-" + published).getBytes(UTF_8));
                } else {
                    own.add(value);
                }
                producer.send(record).get();
                published++;
            }
        }
    }

    private void awaitNoLag() {
        await().until(() -> TestKafka.lag(group, topic) == 0);
    }

    private Map<String, String> settings(String... others) {
        Map<String, String> settings = new HashMap<>(Map.of(
            "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(), "KAFKA_GROUP_ID", group,
            "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(),
            "BSS_EVENTS_TOPIC", TestKafka.topic("loop.events", 1), "BSS_CACHE_UPLOAD_TIMEOUT", "300ms",
            "bss.topics-config.data-topics-mapping[0].ingestion", topic,
            "bss.topics-config.data-topics-mapping[0].post-ingestion[0]", post));
        for (int i = 0; i < others.length; i += 2) {
            settings.put(others[i], others[i + 1]);
        }
        return settings;
    }
}
