package io.cistern.reload;

import static io.cistern.testing.BatchFiles.line;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.RunningCistern.Answer;
import io.cistern.testing.TestKafka;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** State topics of reloads that are deleted while replicas run. */
class DeletedStateTopicsTest {

    private static final Instant FIRST = Instant.parse("2024-02-29T00:00:00Z");
    private static final int RECORDS = 1_000;

    @TempDir
    static Path bucket;

    private final String group = "reload-" + UUID.randomUUID();

    @BeforeAll
    static void store() {
        for (int partition = 0; partition < 2; partition++) {
            int number = partition;
            BatchFiles.write(bucket, "orders", BatchFiles.name(FIRST, "orders", partition, 0), LongStream.range(0, RECORDS)
                .mapToObj(offset -> line(number, offset, FIRST.plusSeconds(offset), null, number + "/" + offset)).toList());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"requests,progress,tasks", "tasks"})
    void reloadsGoOnFromWhereTheyWere(String deleted) throws Exception {
        String complete = TestKafka.topic("complete", 2);
        String paused = TestKafka.topic("paused", 2);
        String running = TestKafka.topic("running", 2);
        try (RunningCistern one = start(); RunningCistern other = start()) {
            // Given a reload that is complete, one that is paused, and one in the middle
            String completeId = reload(one, complete, "");
            awaitPhase(one, completeId, "COMPLETE");
            String pausedId = reload(one, paused, ",\"recordsPerSecond\":500");
            await().until(() -> show(other, pausedId).get("lineIndex").asLong() > 0);
            steer(one, pausedId, "pause");
            awaitPhase(one, pausedId, "PAUSED");
            String runningId = reload(one, running, ",\"recordsPerSecond\":300");
            await().until(() -> show(other, runningId).get("lineIndex").asLong() > 0);

            // When
            delete(Stream.of(deleted.split(",")).toList());

            // Then both replicas know of all of them as before
            for (RunningCistern cistern : List.of(one, other)) {
                await().untilAsserted(() -> {
                    Answer list = cistern.call("GET", "/reingestion", null);
                    assertThat(list.status()).as("%s", list.body()).isEqualTo(200);
                    assertThat(list.body().get("total").asInt()).isEqualTo(3);
                });
            }
            // The topics are there again
            awaitPhase(one, completeId, "COMPLETE");
            awaitPhase(other, pausedId, "PAUSED");
            await().until(() -> one.call("POST", "/reingestion/" + pausedId + "/resume", "").status() == 200);
            for (String id : List.of(pausedId, runningId)) {
                awaitPhase(one, id, "COMPLETE");
            }
        }
        // And a replica that starts later reads it all
        try (RunningCistern later = start()) {
            JsonNode list = later.call("GET", "/reingestion", null).body();
            assertThat(list.get("total").asInt()).isEqualTo(3);
            assertThat(list.get("reloads")).allMatch(reload -> reload.get("status").asText().equals("COMPLETE"));
        }
        for (String target : List.of(complete, paused, running)) {
            assertThat(TestKafka.records(target)).extracting(record -> new String(record.value(), StandardCharsets.UTF_8))
                .as(target).containsExactlyInAnyOrderElementsOf(IntStream.range(0, 2).boxed().flatMap(partition ->
                    IntStream.range(0, RECORDS).mapToObj(offset -> partition + "/" + offset)).toList());
        }
    }

    @Test
    void aReloadWithoutItsPlanEndsAndSaysWhy() throws Exception {
        // Given a reload that is paused, and another replica than the one that has its files open
        String target = TestKafka.topic("planless", 2);
        String id;
        try (RunningCistern one = start()) {
            id = reload(one, target, ",\"recordsPerSecond\":500");
            await().until(() -> show(one, id).get("lineIndex").asLong() > 0);
            steer(one, id, "pause");
            awaitPhase(one, id, "PAUSED");
        }
        try (RunningCistern other = start()) {
            // When
            Uuid before = topicId("plans");
            delete(List.of("plans"));
            await().until(() -> !topicId("plans").equals(before) && exists("plans"));
            steer(other, id, "resume");

            // Then
            awaitPhase(other, id, "ERROR");
            assertThat(show(other, id).get("message").asText()).contains("plan is not in topic");
        }
    }

    private void delete(List<String> kinds) throws Exception {
        try (Admin admin = TestKafka.broker().admin()) {
            admin.deleteTopics(kinds.stream().map(this::topic).toList()).all().get();
        }
    }

    private boolean exists(String kind) throws Exception {
        try (Admin admin = TestKafka.broker().admin()) {
            return admin.listTopics().names().get().contains(topic(kind));
        }
    }

    /** The topic's id; that of no topic if there is none. */
    private Uuid topicId(String kind) throws Exception {
        try (Admin admin = TestKafka.broker().admin()) {
            return admin.describeTopics(List.of(topic(kind))).allTopicNames().get().get(topic(kind)).topicId();
        } catch (ExecutionException e) {
            return Uuid.ZERO_UUID;
        }
    }

    private String topic(String kind) {
        return group + "." + kind;
    }

    private RunningCistern start() {
        return RunningCistern.start(Map.of("BSS_ROLES", "reloader", "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "BSS_RELOAD_GROUP_ID", group,
            "BSS_RELOAD_COMMIT_INTERVAL", "200ms"));
    }

    private static String reload(RunningCistern cistern, String target, String more) {
        Answer answer = cistern.call("POST", "/reingestion/topic",
            "{\"topic\":\"orders\",\"reIngestionTopic\":\"" + target + "\"" + more + "}");
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(202);
        return answer.body().get("requestId").asText();
    }

    private static void steer(RunningCistern cistern, String id, String how) {
        Answer answer = cistern.call("POST", "/reingestion/" + id + "/" + how, "");
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(200);
    }

    private static void awaitPhase(RunningCistern cistern, String id, String phase) {
        await().untilAsserted(() -> assertThat(show(cistern, id).path("phase").asText()).isEqualTo(phase));
    }

    private static JsonNode show(RunningCistern cistern, String id) {
        return cistern.call("GET", "/reingestion/" + id, null).body();
    }
}
