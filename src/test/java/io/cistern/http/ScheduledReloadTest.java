package io.cistern.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reloads by timer, of two replicas that have the same schedule. */
class ScheduledReloadTest {

    private static final int TICKS = 4;

    @TempDir
    private Path bucket;

    @ParameterizedTest
    @CsvSource({"BSS_RELOAD_SCHEDULE_PERIOD, 1s", "BSS_RELOAD_SCHEDULE_CRON, 0/1 * * * * ?"})
    void eachTickIsOneReloadOfAllReplicasTogether(String variable, String value) {
        Instant first = Instant.now().truncatedTo(ChronoUnit.MILLIS).minus(Duration.ofHours(3));
        // One an hour: those in the last two hours are asked for.
        BatchFiles.write(bucket, "ticks", BatchFiles.name(first, "ticks", 0, 0), IntStream.range(0, 3)
            .mapToObj(i -> BatchFiles.line(0, i, first.plus(Duration.ofHours(i)), null, "" + i)).toList());
        String target = TestKafka.topic("ticks", 1);
        Map<String, String> settings = new HashMap<>(Map.of(
            "BSS_ROLES", "reloader",
            "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(),
            "BSS_RELOAD_GROUP_ID", "scheduled-" + UUID.randomUUID(),
            "BSS_RELOAD_SCHEDULE_REQUEST", "{\"topic\": \"ticks\", \"reIngestionTopic\": \"" + target
                + "\", \"startDate\": \"now-2h-30m\", \"stopDate\": \"now\", \"provenance\": true}"));
        settings.put(variable, value);
        try (RunningCistern one = RunningCistern.start(settings); RunningCistern other = RunningCistern.start(settings)) {
            Instant bothRun = Instant.now();
            await().until(() -> complete(one).stream()
                .filter(tick -> tick.isAfter(bothRun)).count() >= TICKS);

            List<JsonNode> reloads = reloads(other, "?limit=1000");
            List<Instant> ticks = reloads.stream().map(reload -> Instant.parse(reload.get("acceptedAt").asText())).toList();
            assertThat(ticks).doesNotHaveDuplicates().allSatisfy(tick -> assertThat(tick.getNano()).isZero());
            // None was left out.
            assertThat(Duration.between(ticks.get(ticks.size() - 1), ticks.get(0)).toSeconds()).isEqualTo(ticks.size() - 1);
            assertThat(reloads).allSatisfy(reload -> {
                assertThat(reload.get("startedBy").asText()).isEqualTo("timer");
                Instant tick = Instant.parse(reload.get("acceptedAt").asText());
                assertThat(Instant.parse(reload.at("/request/stopDate").asText())).isEqualTo(tick);
                assertThat(Instant.parse(reload.at("/request/startDate").asText()))
                    .isEqualTo(tick.minus(Duration.ofMinutes(150)));
            });
            List<String> complete = reloads(one, "?status=COMPLETE&limit=1000").stream()
                .map(reload -> reload.get("requestId").asText()).toList();
            Map<String, String> published = TestKafka.records(target).stream().collect(Collectors.groupingBy(record ->
                new String(record.headers().lastHeader("cistern.reload.id").value(), StandardCharsets.UTF_8),
                Collectors.mapping(record -> new String(record.value(), StandardCharsets.UTF_8), Collectors.joining(" "))));
            assertThat(complete).hasSizeGreaterThanOrEqualTo(TICKS)
                .allSatisfy(id -> assertThat(published).containsEntry(id, "1 2"));
        }
    }

    private static List<Instant> complete(RunningCistern replica) {
        return reloads(replica, "?status=COMPLETE&limit=1000").stream()
            .map(reload -> Instant.parse(reload.get("acceptedAt").asText())).toList();
    }

    /** From the last one on. */
    private static List<JsonNode> reloads(RunningCistern replica, String query) {
        return StreamSupport.stream(replica.call("GET", "/reingestion" + query, null).body().get("reloads").spliterator(), false)
            .toList();
    }
}
