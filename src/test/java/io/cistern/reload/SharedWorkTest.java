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
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the tasks of reloads are shared out, and that each is done once whatever becomes of the group that takes them. */
class SharedWorkTest {

    private static final Instant FIRST = Instant.parse("2024-02-29T00:00:00Z");
    private static final int RECORDS = 4_000;

    @TempDir
    static Path bucket;

    private final String group = "reload-" + UUID.randomUUID();
    private String target;

    @BeforeAll
    static void store() {
        for (int partition = 0; partition < 3; partition++) {
            for (int first = 0; first < RECORDS; first += 1000) {
                write("orders", partition, first, 1000);
            }
        }
        write("small", 0, 0, 10);
    }

    private static void write(String topic, int partition, int first, int count) {
        BatchFiles.write(bucket, topic, BatchFiles.name(FIRST.plusSeconds(first), topic, partition, first),
            LongStream.range(first, first + count).mapToObj(offset -> line(partition, offset, FIRST.plusSeconds(offset), null,
                partition + "/" + offset)).toList());
    }

    @BeforeEach
    void target() {
        target = TestKafka.topic("target", 3);
    }

    @Test
    void aSmallReloadDoesNotWaitForALargeOneThatHasTheOnlyThreadAndItsOnlyPartition() {
        try (RunningCistern cistern = start(Map.of("BSS_RELOAD_CONCURRENCY", "1", "BSS_RELOAD_TASKS_PARTITIONS", "1"))) {
            // Given one that takes minutes
            String large = reload(cistern, "orders", target, ",\"recordsPerSecond\":50");
            await().until(() -> show(cistern, large).get("lineIndex").asLong() > 0);

            // When
            String small = reload(cistern, "small", TestKafka.topic("small", 1), "");

            // Then
            await().until(() -> show(cistern, small).get("status").asText().equals("COMPLETE"));
            assertThat(show(cistern, large).get("status").asText()).isEqualTo("START");
        }
    }

    @Test
    void tasksThatAreDoneAreNotDoneAgainWhenTheGroupHasForgottenWhereItWas() throws Exception {
        // Given one reload that is complete, and one in the middle that waits
        String waiting;
        String waitingTarget = TestKafka.topic("waiting", 3);
        try (RunningCistern cistern = start(Map.of("BSS_RELOAD_COMMIT_INTERVAL", "50ms"))) {
            String complete = reload(cistern, "orders", target, "");
            await().until(() -> show(cistern, complete).get("status").asText().equals("COMPLETE"));
            waiting = reload(cistern, "orders", waitingTarget, ",\"recordsPerSecond\":3000");
            await().until(() -> show(cistern, waiting).get("lineIndex").asLong() > 1000);
            steer(cistern, waiting, "pause");
            await().until(() -> show(cistern, waiting).get("phase").asText().equals("PAUSED"));
        }

        // When
        forgetGroup();
        try (RunningCistern cistern = start(Map.of())) {
            steer(cistern, waiting, "speed");
            steer(cistern, waiting, "resume");

            // Then
            await().until(() -> show(cistern, waiting).get("status").asText().equals("COMPLETE"));
        }
        for (String topic : List.of(target, waitingTarget)) {
            assertThat(TestKafka.records(TestKafka.broker(), topic, "read_committed"))
                .extracting(record -> new String(record.value(), StandardCharsets.UTF_8))
                .containsExactlyInAnyOrderElementsOf(IntStream.range(0, 3).boxed().flatMap(partition ->
                    IntStream.range(0, RECORDS).mapToObj(offset -> partition + "/" + offset)).toList());
        }
    }

    @Test
    void aLimitHoldsOverAllReplicasAndCanBeLifted() {
        // Given two replicas
        try (RunningCistern one = start(Map.of()); RunningCistern other = start(Map.of())) {
            long before = System.currentTimeMillis();
            String id = reload(one, "orders", target, ",\"recordsPerSecond\":300,\"timestamps\":\"now\"");

            // When it has been slow for a while
            await().until(() -> show(other, id).get("lineIndex").asLong() > 900);
            double seconds = (System.currentTimeMillis() - before) / 1000.0;
            long published = show(other, id).get("lineIndex").asLong();
            steer(other, id, "speed");

            // Then never faster than it may be, give or take what comes at once, and faster from then on: the rest would take 37 s
            assertThat(published).isLessThan((long) (300 * (seconds + 2)));
            await().atMost(Duration.ofSeconds(30)).until(() -> show(one, id).get("status").asText().equals("COMPLETE"));
        }
        assertThat(TestKafka.records(TestKafka.broker(), target, "read_committed")).hasSize(3 * RECORDS);
    }

    @Test
    void recordsComeAtSoManyTimesTheTempoOfTheirTimestamps() {
        // Given twenty records, a second apart
        write("paced", 0, 0, 20);
        String paced = TestKafka.topic("paced", 1);
        long started;
        try (RunningCistern cistern = start(Map.of())) {
            // When
            String id = reload(cistern, "paced", paced, ",\"pace\":5,\"timestamps\":\"now\"");
            await().until(() -> show(cistern, id).get("status").asText().equals("COMPLETE"));
            started = Instant.parse(show(cistern, id).get("startedAt").asText()).toEpochMilli();
        }

        // Then none comes before its time, the last of which is 3.8 s behind the start
        List<Long> times = TestKafka.records(TestKafka.broker(), paced, "read_committed").stream().map(record -> record.timestamp())
            .toList();
        assertThat(times).hasSize(20);
        for (int i = 0; i < 20; i++) {
            assertThat(times.get(i) - started).isBetween(i * 200L - 20, i * 200L + 10_000);
        }
    }

    @Test
    void onlyTheLastRecordOfEachKeyComesWhereThatIsAskedFor() {
        // Given keys that come again and again, a tombstone, records without key, and a file that a crash left
        List<String> lines = LongStream.range(0, 1000).mapToObj(offset -> line(0, offset, FIRST.plusSeconds(offset),
            offset % 100 == 99 ? null : "k" + offset % 7, offset == 998 ? null : "v" + offset)).toList();
        BatchFiles.write(bucket, "keys", BatchFiles.name(FIRST, "keys", 0, 0, FIRST.plusSeconds(10_000)), lines);
        BatchFiles.write(bucket, "keys", BatchFiles.name(FIRST.plusSeconds(900), "keys", 0, 900, FIRST.plusSeconds(20_000)),
            lines.subList(900, 1000));
        for (int partition = 0; partition < 9; partition++) {
            int of = partition;
            BatchFiles.write(bucket, "partitions", BatchFiles.name(FIRST, "partitions", partition, 0), LongStream.range(0, 20)
                .mapToObj(offset -> line(of, offset, FIRST, "the key", "v" + offset)).toList());
        }
        List<Long> all = LongStream.range(0, 1000).filter(offset -> offset % 100 == 99
            || LongStream.range(offset + 1, 1000).noneMatch(later -> later % 100 != 99 && later % 7 == offset % 7)).boxed().toList();
        List<Long> early = LongStream.range(0, 501).filter(offset -> offset % 100 == 99
            || LongStream.range(offset + 1, 501).noneMatch(later -> later % 100 != 99 && later % 7 == offset % 7)).boxed().toList();

        // When some records are a turn, so that each reload has a few dozen
        String whole = TestKafka.topic("whole", 1);
        String ranged = TestKafka.topic("ranged", 1);
        try (RunningCistern cistern = start(Map.of("BSS_RELOAD_COMMIT_INTERVAL", "0ms", "BSS_RELOAD_BATCH_RECORDS", "19"))) {
            // More partitions than are compacted at the same time
            String many = reload(cistern, "partitions", TestKafka.topic("many", 1), ",\"compact\":true");
            await().until(() -> show(cistern, many).get("status").asText().equals("COMPLETE"));
            assertThat(show(cistern, many).get("lineIndex").asLong()).isEqualTo(9);
            for (String id : List.of(reload(cistern, "keys", whole, ",\"compact\":true,\"provenance\":true"),
                reload(cistern, "keys", ranged, ",\"compact\":true,\"provenance\":true,\"stopDate\":\"" + FIRST.plusSeconds(500) + "\""))) {
                await().until(() -> show(cistern, id).get("status").asText().equals("COMPLETE"));
            }
        }

        // Then
        assertThat(offsets(whole)).isEqualTo(all).contains(998L, 999L);
        assertThat(offsets(ranged)).isEqualTo(early);
        assertThat(TestKafka.records(TestKafka.broker(), whole, "read_committed")).filteredOn(record -> record.value() == null).hasSize(1);
    }

    /** What the records of a topic say of the offsets that they were stored with. */
    private static List<Long> offsets(String topic) {
        return TestKafka.records(TestKafka.broker(), topic, "read_committed").stream().map(record ->
            Long.valueOf(new String(record.headers().lastHeader("cistern.offset").value(), StandardCharsets.UTF_8))).toList();
    }

    @Test
    void aRequestMayBeAsLargeAsABodyMayBe() {
        String keys = IntStream.range(0, 60_000).mapToObj(i -> "\"key-%09d\"".formatted(i)).collect(Collectors.joining(","));
        String few = TestKafka.topic("few", 1);
        try (RunningCistern cistern = start(Map.of())) {
            String id = reload(cistern, "small", few, ",\"keys\":[null," + keys + "]");
            await().until(() -> show(cistern, id).get("status").asText().equals("COMPLETE"));
            assertThat(show(cistern, id).get("request").get("keys")).hasSize(60_001);
        }
        assertThat(TestKafka.records(TestKafka.broker(), few, "read_committed")).hasSize(10);
    }

    private void forgetGroup() {
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG,
            TestKafka.broker().bootstrapServers()))) {
            await().until(() -> {
                try {
                    admin.deleteConsumerGroups(List.of(group)).all().get();
                    return true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof GroupNotEmptyException) {
                        return false;
                    }
                    throw e;
                }
            });
        }
    }

    private RunningCistern start(Map<String, String> more) {
        Map<String, String> settings = new HashMap<>(Map.of("BSS_ROLES", "reloader",
            "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(), "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(),
            "BSS_RELOAD_GROUP_ID", group));
        settings.putAll(more);
        return RunningCistern.start(settings);
    }

    private static String reload(RunningCistern cistern, String topic, String target, String more) {
        Answer answer = cistern.call("POST", "/reingestion/topic",
            "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\"" + target + "\"" + more + "}");
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(202);
        return answer.body().get("requestId").asText();
    }

    private static void steer(RunningCistern cistern, String id, String how) {
        Answer answer = cistern.call("POST", "/reingestion/" + id + "/" + how, how.equals("speed") ? "{}" : "");
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(200);
    }

    private static JsonNode show(RunningCistern cistern, String id) {
        return cistern.call("GET", "/reingestion/" + id, null).body();
    }
}
