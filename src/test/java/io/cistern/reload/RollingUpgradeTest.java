package io.cistern.reload;

import static io.cistern.testing.BatchFiles.line;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.RoutesCopy;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.RunningCistern.Answer;
import io.cistern.testing.TestKafka;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Replicas of two versions at work on the same reloads. */
class RollingUpgradeTest {

    private static final Instant FIRST = Instant.parse("2024-02-29T00:00:00Z");
    private static final int PARTITIONS = 3;
    private static final int RECORDS = 1_000;

    @TempDir
    private Path folder;

    private final String group = "reload-" + UUID.randomUUID();
    private final String plain = TestKafka.topic("plain", PARTITIONS);
    private final String newer = TestKafka.topic("newer", PARTITIONS);

    @Test
    void anOlderReplicaLeavesWhatItDoesNotUnderstand() throws Exception {
        Path bucket = Files.createDirectory(folder.resolve("bucket"));
        for (int partition = 0; partition < PARTITIONS; partition++) {
            int number = partition;
            BatchFiles.write(bucket, "orders", BatchFiles.name(FIRST, "orders", partition, 0), LongStream.range(0, RECORDS)
                .mapToObj(offset -> line(number, offset, FIRST.plusSeconds(offset), null, number + "/" + offset)).toList());
        }
        Path routes = RoutesCopy.edited(folder, "beans.camel.yaml",
            yaml -> yaml.replace("type: io.cistern.reload.Requests", "type: io.cistern.reload.NewerRequests"));

        RunningCistern old = start(bucket, Map.of());
        try {
            // Given a reload in the middle when the first replica of the newer version starts
            String running = reload(old, plain, ",\"recordsPerSecond\":300");
            await().until(() -> show(old, running).get("lineIndex").asLong() > 0);
            try (RunningCistern upgraded = start(bucket, Map.of("cistern.routes", "file:" + routes))) {
                // When that one accepts a reload that the older one does not understand
                String foreign = reload(upgraded, newer, ",\"priority\":1");

                // Then the older one says so, and leaves it
                await().until(() -> old.call("GET", "/reingestion/" + foreign, null).status() == 200);
                assertThat(show(old, foreign).get("status").asText()).isIn("START", "COMPLETE");
                assertThat(show(old, foreign).get("message").asText()).contains("does not understand", "Unknown field priority");
                assertThat(old.call("GET", "/reingestion", null).body().toString()).contains(foreign);
                Answer stop = old.call("POST", "/reingestion/" + foreign + "/stop", "");
                assertThat(stop.status()).isEqualTo(503);
                assertThat(stop.body().get("code").asText()).isEqualTo("newer-version");
                assertThat(stop.body().get("requestId").asText()).isEqualTo(foreign);

                // And both reloads are complete when the last replica of the older version is gone, each record once
                old.close();
                for (String id : List.of(running, foreign)) {
                    await().until(() -> show(upgraded, id).get("status").asText().equals("COMPLETE"));
                }
            }
        } finally {
            old.close();
        }
        for (String topic : List.of(plain, newer)) {
            assertThat(TestKafka.records(topic)).extracting(record -> new String(record.value(), StandardCharsets.UTF_8))
                .containsExactlyInAnyOrderElementsOf(IntStream.range(0, PARTITIONS).boxed().flatMap(partition ->
                    IntStream.range(0, RECORDS).mapToObj(offset -> partition + "/" + offset)).toList());
        }
    }

    private RunningCistern start(Path bucket, Map<String, String> more) {
        Map<String, String> settings = new HashMap<>(Map.of("BSS_ROLES", "reloader",
            "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(), "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(),
            "BSS_RELOAD_GROUP_ID", group));
        settings.putAll(more);
        return RunningCistern.start(settings);
    }

    private static String reload(RunningCistern cistern, String target, String more) {
        Answer answer = cistern.call("POST", "/reingestion/topic",
            "{\"topic\":\"orders\",\"reIngestionTopic\":\"" + target + "\"" + more + "}");
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(202);
        return answer.body().get("requestId").asText();
    }

    private static JsonNode show(RunningCistern cistern, String id) {
        return cistern.call("GET", "/reingestion/" + id, null).body();
    }
}
