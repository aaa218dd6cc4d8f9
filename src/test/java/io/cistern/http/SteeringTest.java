package io.cistern.http;

import static io.cistern.testing.BatchFiles.line;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.JsonSchema;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.RunningCistern.Answer;
import io.cistern.testing.TestKafka;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reloads from their start to their end and beyond, with two replicas: the one is asked, and the other tells. */
class SteeringTest {

    private static final Instant FIRST = Instant.parse("2022-11-14T13:26:37.728Z");
    private static final int RECORDS = 1000;
    private static final int MOST_RUNNING = 4;
    private static final String NOBODY = "00000000-0000-0000-0000-000000000000";
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private static Path folder;
    private static Map<String, String> settings;
    private static String events;
    private static String file;
    private static RunningCistern one;
    private static RunningCistern other;
    private static JsonNode document;

    @BeforeAll
    static void startTwoReplicas() throws IOException {
        try (InputStream yaml = SteeringTest.class.getResourceAsStream("/static/openapi.yaml")) {
            document = new ObjectMapper(new YAMLFactory()).readTree(yaml);
        }
        for (int partition = 0; partition < 2; partition++) {
            file = store("orders", partition, lines(partition));
            // As the storer notes it: so it is known how many records there are.
            BatchFiles.writeFacts(folder, "orders", BatchFiles.name(FIRST, "orders", partition, 0), "orders",
                FIRST.toEpochMilli(), FIRST.plusSeconds(RECORDS - 1).toEpochMilli(), RECORDS - 1, RECORDS);
        }
        events = TestKafka.topic("reload-events", 1);
        settings = Map.of(
            "BSS_ROLES", "reloader",
            "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "BUCKET_TYPE", "file", "BUCKET_NAME", folder.toString(),
            "BSS_RELOAD_GROUP_ID", "steering-" + UUID.randomUUID(),
            "BSS_RELOAD_EVENTS_TOPIC", events,
            "BSS_RELOAD_MAX_RUNNING", "" + MOST_RUNNING,
            "BSS_RELOAD_COMMIT_INTERVAL", "200ms", "BSS_RELOAD_BATCH_RECORDS", "50");
        one = RunningCistern.start(settings);
        other = RunningCistern.start(settings);
    }

    @AfterAll
    static void stop() {
        one.close();
        other.close();
    }

    @AfterEach
    void stopWhatRuns() {
        List<String> running = list(one, "?status=START");
        running.forEach(id -> ok(one, "stopOneReload", "POST", "/reingestion/" + id + "/stop", null));
        running.forEach(one::awaitEnd);
    }

    @Test
    void whileAReloadRunsEachReplicaTellsHowFarItIs() {
        String target = TestKafka.topic("looked-at", 2);
        Instant before = Instant.now();

        String id = accept(one, ofTopic("orders", target, "recordsPerSecond", 100));

        JsonNode detail = await().until(() -> detail(other, id), now -> now.has("estimatedEnd")
            && now.at("/partitions/0/published").asInt() > 0 && now.at("/partitions/1/published").asInt() > 0);
        assertThat(detail.get("status").asText()).isEqualTo("START");
        assertThat(detail.get("phase").asText()).isEqualTo("RUNNING");
        assertThat(detail.get("startedBy").asText()).isEqualTo("http");
        assertThat(detail.get("request")).isEqualTo(json(ofTopic("orders", target, "recordsPerSecond", 100)));
        assertThat(detail.get("filesTotal").asInt()).isEqualTo(2);
        assertThat(detail.get("recordsTotal").asInt()).isEqualTo(2 * RECORDS);
        assertThat(detail.get("recordsPerSecondLimit").asInt()).isEqualTo(100);
        assertThat(detail.get("recordsPerSecond").asInt()).isBetween(1, 400);
        assertThat(Instant.parse(detail.get("estimatedEnd").asText())).isBetween(Instant.now(), before.plusSeconds(120));
        assertThat(Instant.parse(detail.get("acceptedAt").asText())).isBetween(before.minusMillis(1), Instant.now());
        assertThat(detail.has("endedAt")).isFalse();
        assertThat(detail.get("errors")).isEmpty();
        assertThat(detail.get("partitions")).hasSize(2);
        for (int i = 0; i < 2; i++) {
            JsonNode partition = detail.get("partitions").get(i);
            assertThat(partition.get("partition").asInt()).isEqualTo(i);
            assertThat(partition.get("state").asText()).isEqualTo("RUNNING");
            int published = partition.get("published").asInt();
            assertThat(partition.get("offset").asInt()).isEqualTo(published - 1);
            assertThat(partition.get("recordsRead").asInt()).isEqualTo(published);
        }
        assertThat(Instant.parse(detail.at("/partitions/0/timestamp").asText()))
            .isEqualTo(FIRST.plusSeconds(detail.at("/partitions/0/offset").asLong()));

        ok(other, "setSpeed", "POST", "/reingestion/" + id + "/speed", "{}");
        assertComplete(one.awaitEnd(id), 2 * RECORDS);
        JsonNode ended = detail(other, id);
        assertThat(ended.has("estimatedEnd")).isFalse();
        assertThat(ended.get("partitions")).allSatisfy(partition -> {
            assertThat(partition.get("state").asText()).isEqualTo("DONE");
            assertThat(partition.get("published").asInt()).isEqualTo(RECORDS);
        });
        assertOnce(target, 0, 1);
    }

    @Test
    void theSpeedIsChangedWhileItRuns() {
        String target = TestKafka.topic("sped-up", 2);
        String id = accept(one, ofTopic("orders", target, "recordsPerSecond", 0.01));
        await().until(() -> detail(one, id).get("phase").asText().equals("RUNNING"));
        String speed = "/reingestion/" + id + "/speed";

        for (String wrong : List.of("", "[]", "{\"recordsPerSecond\": 0}", "{\"pace\": \"fast\"}", "{\"speed\": 1}",
            "{\"pace\": 1, \"bytesPerSecond\": 1}")) {
            refused(other, "setSpeed", 400, "POST", speed, wrong);
        }
        ok(other, "setSpeed", "POST", speed, "{\"bytesPerSecond\": 1000, \"recordsPerSecond\": 50.5}");
        JsonNode detail = detail(one, id);
        assertThat(detail.get("recordsPerSecondLimit").asDouble()).isEqualTo(50.5);
        assertThat(detail.get("bytesPerSecondLimit").asDouble()).isEqualTo(1000);
        assertThat(detail.has("pace")).isFalse();
        ok(other, "setSpeed", "POST", speed, "{\"pace\": 1000000}");
        assertThat(detail(one, id).get("pace").asDouble()).isEqualTo(1000000);
        assertThat(detail(one, id).has("recordsPerSecondLimit")).isFalse();

        assertComplete(other.awaitEnd(id), 2 * RECORDS);
        refused(one, "setSpeed", 409, "POST", speed, "{}");
        assertOnce(target, 0, 1);
    }

    @ParameterizedTest
    @CsvSource({"topic", "file"})
    void aPauseHoldsAReloadUntilItIsResumed(String kind) {
        String target = TestKafka.topic("paused", 2);
        String id = accept(one, request(kind, target, 200));
        await().until(() -> lineIndex(one, id) > 0);

        ok(other, "pauseReload", "POST", "/reingestion/" + id + "/pause", null);

        await().until(() -> detail(one, id).get("phase").asText().equals("PAUSED"));
        JsonNode paused = detail(other, id);
        assertThat(paused.get("status").asText()).isEqualTo("START");
        assertThat(paused.has("estimatedEnd")).isFalse();
        assertThat(paused.get("partitions")).allSatisfy(partition ->
            assertThat(partition.get("state").asText()).isEqualTo("PARKED"));
        // A pause of what waits, and another speed, change nothing about it.
        ok(one, "pauseReload", "POST", "/reingestion/" + id + "/pause", null);
        ok(one, "setSpeed", "POST", "/reingestion/" + id + "/speed", "{}");
        await().during(Duration.ofMillis(600)).until(() -> TestKafka.records(target).size()
            == paused.get("lineIndex").asInt());

        ok(one, "resumeReload", "POST", "/reingestion/" + id + "/resume", null);

        assertComplete(other.awaitEnd(id), kind.equals("topic") ? 2 * RECORDS : RECORDS);
        assertOnce(target, kind.equals("topic") ? new int[] {0, 1} : new int[] {1});
        refused(other, "resumeReload", 409, "POST", "/reingestion/" + id + "/resume", null);
        refused(other, "pauseReload", 409, "POST", "/reingestion/" + id + "/pause", null);
    }

    @ParameterizedTest
    @CsvSource({"topic, false", "topic, true", "file, false"})
    void whatWasStoppedCanGoOn(String kind, boolean byTopic) {
        String target = TestKafka.topic("stopped", 2);
        String id = accept(one, request(kind, target, 200));
        await().until(() -> lineIndex(one, id) > 0);

        if (byTopic) {
            JsonNode answer = ok(other, "stopReload", "POST", "/reingestion/stop-reingestion", "{\"topic\": \"orders\"}");
            assertThat(answer.get("requestIds")).extracting(JsonNode::asText).containsExactly(id);
        } else {
            ok(other, "stopOneReload", "POST", "/reingestion/" + id + "/stop", null);
        }

        JsonNode stopped = one.awaitEnd(id);
        assertThat(stopped.get("status").asText()).isEqualTo("STOPPED");
        assertThat(stopped.has("endedAt")).isTrue();
        assertThat(TestKafka.records(target)).hasSize(stopped.get("lineIndex").asInt()).hasSizeLessThan(RECORDS);
        refused(other, "stopOneReload", 409, "POST", "/reingestion/" + id + "/stop", null);
        refused(other, "stopReload", 404, "POST", "/reingestion/stop-reingestion", "{\"topic\": \"orders\"}");

        ok(other, "resumeReload", "POST", "/reingestion/" + id + "/resume", null);
        assertThat(status(other, id).get("status").asText()).isEqualTo("START");
        ok(one, "setSpeed", "POST", "/reingestion/" + id + "/speed", "{}");

        assertComplete(other.awaitEnd(id), kind.equals("topic") ? 2 * RECORDS : RECORDS);
        assertOnce(target, kind.equals("topic") ? new int[] {0, 1} : new int[] {1});
    }

    @ParameterizedTest
    @CsvSource({"topic", "file"})
    void whatFailedGoesOnOnceItsFileIsMended(String kind) {
        String topic = "mended-" + kind;
        store(topic, 0, lines(0));
        List<String> lines = lines(1);
        lines.set(700, "{\"offset\":");
        String bad = store(topic, 1, lines);
        String target = TestKafka.topic("mended", 2);
        String id = accept(one, kind.equals("topic") ? ofTopic(topic, target) : ofFile(bad, target));

        JsonNode failed = other.awaitEnd(id);

        assertThat(failed.get("status").asText()).isEqualTo("ERROR");
        assertThat(failed.get("file").asText()).isEqualTo(bad);
        assertThat(failed.get("line").asInt()).isEqualTo(701);
        assertThat(detail(one, id).get("errors")).singleElement().asString().contains(bad, "line 701");
        // As long as it is bad it fails there again.
        ok(other, "resumeReload", "POST", "/reingestion/" + id + "/resume", null);
        assertThat(other.awaitEnd(id).get("line").asInt()).isEqualTo(701);
        delete(bad);
        store(topic, 1, lines(1));
        ok(one, "resumeReload", "POST", "/reingestion/" + id + "/resume", null);

        JsonNode ended = other.awaitEnd(id);
        assertComplete(ended, kind.equals("topic") ? 2 * RECORDS : RECORDS);
        assertThat(ended.has("message") || ended.has("file") || ended.has("line")).isFalse();
        assertThat(detail(one, id).get("errors")).isEmpty();
        assertOnce(target, kind.equals("topic") ? new int[] {0, 1} : new int[] {1});
    }

    @Test
    void whatFailedBeforeItBeganCanGoOnToo() throws Exception {
        String target = TestKafka.topic("widened", 1);
        String id = accept(one, ofTopic("orders", target));
        assertThat(other.awaitEnd(id).get("message").asText()).startsWith("partitioning: ");
        assertThat(TestKafka.records(target)).isEmpty();

        try (var admin = TestKafka.broker().admin()) {
            admin.createPartitions(Map.of(target, NewPartitions.increaseTo(2))).all().get();
        }
        ok(other, "resumeReload", "POST", "/reingestion/" + id + "/resume", null);

        assertComplete(one.awaitEnd(id), 2 * RECORDS);
        assertOnce(target, 0, 1);
    }

    @Test
    void reloadsAreListedFromTheLastOneOnByStatusPhaseAndTopic() {
        store("listed", 0, lines(0));
        store("listed-not", 0, lines(0));
        List<String> targets = Stream.generate(() -> TestKafka.topic("listed", 2)).limit(4).toList();
        String complete = accept(one, ofTopic("listed", targets.get(0)));
        one.awaitEnd(complete);
        String stopped = accept(one, ofTopic("listed", targets.get(1), "recordsPerSecond", 0.01));
        ok(one, "stopOneReload", "POST", "/reingestion/" + stopped + "/stop", null);
        one.awaitEnd(stopped);
        String paused = accept(other, ofTopic("listed", targets.get(2), "recordsPerSecond", 0.01));
        ok(one, "pauseReload", "POST", "/reingestion/" + paused + "/pause", null);
        await().until(() -> detail(one, paused).get("phase").asText().equals("PAUSED"));
        String running = accept(other, ofTopic("listed-not", targets.get(3), "recordsPerSecond", 0.01));
        await().until(() -> detail(one, running).get("phase").asText().equals("RUNNING"));

        for (RunningCistern replica : List.of(one, other)) {
            assertThat(list(replica, "?topic=listed")).containsExactly(paused, stopped, complete);
            assertThat(list(replica, "?limit=2")).containsExactly(running, paused);
            assertThat(list(replica, "?limit=2&offset=1")).containsExactly(paused, stopped);
            assertThat(list(replica, "")).startsWith(running, paused, stopped, complete);
            assertThat(list(replica, "?status=START")).containsExactly(running, paused);
            assertThat(list(replica, "?status=PAUSED")).containsExactly(paused);
            assertThat(list(replica, "?status=RUNNING")).containsExactly(running);
            assertThat(list(replica, "?status=STOPPED&topic=listed")).containsExactly(stopped);
            assertThat(list(replica, "?status=COMPLETE&topic=listed")).containsExactly(complete);
            assertThat(list(replica, "?status=ERROR&topic=listed")).isEmpty();
            assertThat(list(replica, "?topic=unheard-of")).isEmpty();
        }
        JsonNode page = ok(one, "listReloads", "GET", "/reingestion?topic=listed&limit=0&offset=7", null);
        assertThat(page.get("total").asInt()).isEqualTo(3);
        assertThat(page.get("reloads")).isEmpty();
        for (String wrong : List.of("status=", "status=start", "status=DONE", "status=START&status=ERROR", "limit=", "limit=-1",
            "limit=1001", "limit=x", "limit=1.5", "limit=1&limit=2", "offset=-1", "offset=9999999999", "offset=%20",
            "topic=a&topic=b")) {
            assertThat(refused(one, "listReloads", 400, "GET", "/reingestion?" + wrong, null).get("message").asText())
                .as(wrong).startsWith(wrong.substring(0, wrong.indexOf('=')) + ": expected ");
        }
    }

    @Test
    void aReloadThatIsOverCanBeForgottenByAllReplicas() {
        String target = TestKafka.topic("deleted", 2);
        String id = accept(one, ofTopic("orders", target));
        one.awaitEnd(id);
        String running = accept(one, ofTopic("orders", target, "recordsPerSecond", 0.01));

        assertThat(refused(other, "deleteReload", 409, "DELETE", "/reingestion/" + running, null).get("code").asText())
            .isEqualTo("is-running");
        ok(other, "deleteReload", "DELETE", "/reingestion/" + id, null);

        for (RunningCistern replica : List.of(one, other)) {
            refused(replica, "showReload", 404, "GET", "/reingestion/" + id, null);
            refused(replica, "reloadStatus", 404, "GET", "/status-service/" + id, null);
            refused(replica, "deleteReload", 404, "DELETE", "/reingestion/" + id, null);
            assertThat(list(replica, "")).doesNotContain(id).contains(running);
        }
    }

    @Test
    void anIdThatIsNoReloadsIsAnsweredSoByEveryCall() {
        for (String id : List.of(NOBODY, "1", "a%20b", "$%7Bbody%7D", "%7B%7Bkafka.password%7D%7D")) {
            for (RunningCistern replica : List.of(one, other)) {
                refused(replica, "reloadStatus", 404, "GET", "/status-service/" + id, null);
                refused(replica, "showReload", 404, "GET", "/reingestion/" + id, null);
                refused(replica, "deleteReload", 404, "DELETE", "/reingestion/" + id, null);
                refused(replica, "stopOneReload", 404, "POST", "/reingestion/" + id + "/stop", null);
                refused(replica, "pauseReload", 404, "POST", "/reingestion/" + id + "/pause", null);
                refused(replica, "resumeReload", 404, "POST", "/reingestion/" + id + "/resume", null);
                refused(replica, "setSpeed", 404, "POST", "/reingestion/" + id + "/speed", "{}");
            }
        }
    }

    @Test
    void theSameReloadTwiceIsRefusedUnlessItIsForcedAndSoIsOneTooMany() {
        String target = TestKafka.topic("twice", 2);
        String slow = ofTopic("orders", target, "recordsPerSecond", 0.01);
        String id = accept(one, slow);

        Answer refused = other.call("POST", "/reingestion/topic", ofTopic("orders", target));
        assertDocumented("reloadTopic", 409, refused);
        assertThat(refused.body().get("requestId").asText()).isEqualTo(id);
        assertThat(refused.body().get("code").asText()).isEqualTo("already-running");
        // What publishes nothing, or elsewhere, or is of one file only, is in nobody's way.
        Answer dryRun = other.call("POST", "/reingestion/topic", ofTopic("orders", target, "dryRun", true));
        assertDocumented("reloadTopic", 200, dryRun);
        assertThat(dryRun.body().at("/preview/records").asInt()).isEqualTo(2 * RECORDS);
        other.awaitEnd(accept(other, ofTopic("orders", TestKafka.topic("elsewhere", 2))));
        String ofFile = accept(other, ofFile(file, target, "recordsPerSecond", 0.01));
        Answer sameFile = one.call("POST", "/reingestion/file", ofFile(file, target));
        assertDocumented("reloadFile", 409, sameFile);
        assertThat(sameFile.body().get("requestId").asText()).isEqualTo(ofFile);

        String forced = accept(other, ofTopic("orders", target, "recordsPerSecond", 0.01, "force", true));
        // One that was stopped may not go on beside another one either.
        ok(other, "stopOneReload", "POST", "/reingestion/" + id + "/stop", null);
        one.awaitEnd(id);
        assertThat(refused(one, "resumeReload", 409, "POST", "/reingestion/" + id + "/resume", null).get("requestId").asText())
            .isEqualTo(forced);

        for (int i = 2; i < MOST_RUNNING; i++) {
            accept(other, ofTopic("orders", TestKafka.topic("many", 2), "recordsPerSecond", 0.01));
        }
        for (Answer tooMany : List.of(one.call("POST", "/reingestion/topic", ofTopic("orders", TestKafka.topic("many", 2))),
            one.call("POST", "/reingestion/topic", ofTopic("orders", target, "force", true)),
            one.call("POST", "/reingestion/" + id + "/resume", null))) {
            assertThat(tooMany.status()).isEqualTo(503);
            assertDocumented("reloadTopic", 503, tooMany);
            assertThat(tooMany.body().get("code").asText()).isEqualTo("too-many-reloads");
        }
        refused(one, "reloadFile", 503, "POST", "/reingestion/file", ofFile(file, TestKafka.topic("many", 2)));
    }

    @Test
    void nothingIsForgottenWhenAllReplicasAreRestarted() {
        String complete = accept(one, ofTopic("orders", TestKafka.topic("before", 2)));
        one.awaitEnd(complete);
        String target = TestKafka.topic("restarted", 2);
        String paused = accept(one, ofTopic("orders", target, "recordsPerSecond", 200));
        await().until(() -> lineIndex(one, paused) > 0);
        ok(one, "pauseReload", "POST", "/reingestion/" + paused + "/pause", null);
        await().until(() -> detail(one, paused).get("phase").asText().equals("PAUSED"));
        List<JsonNode> known = List.of(detail(one, complete), status(one, complete), status(one, paused));

        one.close();
        other.close();
        one = RunningCistern.start(settings);
        other = RunningCistern.start(settings);

        for (RunningCistern replica : List.of(one, other)) {
            assertThat(List.of(detail(replica, complete), status(replica, complete), status(replica, paused))).isEqualTo(known);
            assertThat(detail(replica, paused).get("phase").asText()).isEqualTo("PAUSED");
        }
        ok(other, "setSpeed", "POST", "/reingestion/" + paused + "/speed", "{}");
        ok(one, "resumeReload", "POST", "/reingestion/" + paused + "/resume", null);
        assertComplete(other.awaitEnd(paused), 2 * RECORDS);
        assertOnce(target, 0, 1);
    }

    @Test
    void eachStepIsToldInOneEventWithItsFigures() {
        String topic = "told";
        List<String> lines = lines(0);
        lines.set(900, "no record");
        String bad = store(topic, 0, lines);
        String target = TestKafka.topic("told", 2);
        String asked = ofTopic(topic, target, "recordsPerSecond", 300);
        String id = accept(one, asked);
        await().until(() -> lineIndex(one, id) > 0);
        ok(other, "pauseReload", "POST", "/reingestion/" + id + "/pause", null);
        await().until(() -> detail(one, id).get("phase").asText().equals("PAUSED"));
        int whenPaused = lineIndex(one, id);
        ok(one, "resumeReload", "POST", "/reingestion/" + id + "/resume", null);
        await().until(() -> lineIndex(one, id) > whenPaused);
        ok(other, "stopOneReload", "POST", "/reingestion/" + id + "/stop", null);
        int whenStopped = one.awaitEnd(id).get("lineIndex").asInt();
        ok(one, "resumeReload", "POST", "/reingestion/" + id + "/resume", null);
        ok(one, "setSpeed", "POST", "/reingestion/" + id + "/speed", "{}");
        assertThat(one.awaitEnd(id).get("status").asText()).isEqualTo("ERROR");
        delete(bad);
        store(topic, 0, lines(0));
        ok(other, "resumeReload", "POST", "/reingestion/" + id + "/resume", null);
        JsonNode ended = one.awaitEnd(id);

        List<JsonNode> told = eventsOf(id);
        assertThat(told).extracting(event -> event.get("event").asText()).containsExactly("started", "paused", "resumed",
            "stopped", "resumed", "failed", "resumed", "finished");
        assertThat(told).extracting(event -> event.get("published").asInt()).containsExactly(0, whenPaused, whenPaused,
            whenStopped, whenStopped, 900, 900, RECORDS);
        assertThat(told).extracting(event -> event.get("filesDone").asInt()).containsExactly(0, 0, 0, 0, 0, 0, 0, 1);
        assertThat(told).extracting(event -> event.has("message")).containsExactly(false, false, false, false, false, true,
            false, false);
        assertThat(told).extracting(event -> event.has("seconds")).containsExactly(false, false, false, true, false, true,
            false, true);
        assertThat(told.get(5).get("message").asText()).contains(bad, "line 901");
        assertThat(told).allSatisfy(event -> {
            assertThat(event.get("request")).isEqualTo(json(asked));
            assertThat(event.get("startedBy").asText()).isEqualTo("http");
            assertThat(event.get("files").asInt()).isEqualTo(1);
            assertThat(event.get("skipped").asInt() + event.get("deadLetters").asInt()).isZero();
        });
        assertThat(told).extracting(event -> Instant.parse(event.get("time").asText())).isSorted();
        JsonNode finished = told.get(7);
        assertThat(finished.get("bytes")).isEqualTo(ended.get("bytes"));
        assertThat(finished.get("seconds").asDouble() * 1000).isEqualTo(Duration.between(
            Instant.parse(ended.get("startedAt").asText()), Instant.parse(ended.get("endedAt").asText())).toMillis());

        // One that fails before it starts
        String failed = accept(one, ofTopic("orders", TestKafka.topic("narrow", 1)));
        one.awaitEnd(failed);
        assertThat(eventsOf(failed)).extracting(event -> event.get("event").asText()).containsExactly("failed");
    }

    private static List<JsonNode> eventsOf(String id) {
        return TestKafka.records(events).stream().filter(record -> id.equals(text(record.key())))
            .map(record -> json(text(record.value()))).toList();
    }

    private static String accept(RunningCistern replica, String body) {
        String kind = body.contains("fileName") ? "File" : "Topic";
        Answer answer = replica.call("POST", "/reingestion/" + kind.toLowerCase(), body);
        assertDocumented("reload" + kind, 202, answer);
        return answer.body().get("requestId").asText();
    }

    private static JsonNode ok(RunningCistern replica, String operation, String method, String path, String body) {
        Answer answer = replica.call(method, path, body);
        assertDocumented(operation, 200, answer);
        return answer.body();
    }

    private static JsonNode refused(RunningCistern replica, String operation, int status, String method, String path,
                                    String body) {
        Answer answer = replica.call(method, path, body);
        assertDocumented(operation, status, answer);
        return answer.body();
    }

    private static void assertDocumented(String operation, int status, Answer answer) {
        assertThat(answer.status()).as("%s %s: %s", operation, answer.response().request().uri(), answer.body())
            .isEqualTo(status);
        HttpInterfaceTest.assertDocumented(document, new JsonSchema(document, true),
            HttpInterfaceTest.operations(document).get(operation), answer);
    }

    private static JsonNode detail(RunningCistern replica, String id) {
        return ok(replica, "showReload", "GET", "/reingestion/" + id, null);
    }

    private static JsonNode status(RunningCistern replica, String id) {
        return ok(replica, "reloadStatus", "GET", "/status-service/" + id, null);
    }

    private static int lineIndex(RunningCistern replica, String id) {
        return status(replica, id).get("lineIndex").asInt();
    }

    private static List<String> list(RunningCistern replica, String query) {
        List<String> ids = new ArrayList<>();
        ok(replica, "listReloads", "GET", "/reingestion" + query, null).get("reloads")
            .forEach(reload -> ids.add(reload.get("requestId").asText()));
        return ids;
    }

    private static void assertComplete(JsonNode status, int published) {
        assertThat(status.get("status").asText()).as("%s", status).isEqualTo("COMPLETE");
        assertThat(status.get("lineIndex").asInt()).isEqualTo(published);
        assertThat(status.get("filesDone")).isEqualTo(status.get("filesTotal"));
    }

    /** All records of these partitions, each once and in order, are what a reader of committed records finds. */
    private static void assertOnce(String target, int... partitions) {
        List<ConsumerRecord<byte[], byte[]>> records = TestKafka.records(target);
        assertThat(records).extracting(record -> record.partition() + ": " + text(record.value()))
            .containsExactlyElementsOf(IntStream.of(partitions).boxed().flatMap(partition ->
                IntStream.range(0, RECORDS).mapToObj(i -> partition + ": " + partition + "/" + i)).toList());
    }

    private static List<String> lines(int partition) {
        return new ArrayList<>(LongStream.range(0, RECORDS).mapToObj(i ->
            line(partition, i, FIRST.plusSeconds(i), "k" + i, partition + "/" + i)).toList());
    }

    /** Writes a file; gives its path. */
    private static String store(String topic, int partition, List<String> lines) {
        return BatchFiles.write(folder, topic, BatchFiles.name(FIRST, topic, partition, 0), lines);
    }

    private static void delete(String path) {
        assertThat(folder.resolve(path).toFile().delete()).isTrue();
    }

    private static String request(String kind, String target, int recordsPerSecond) {
        return kind.equals("topic") ? ofTopic("orders", target, "recordsPerSecond", recordsPerSecond)
            : ofFile(file, target, "recordsPerSecond", recordsPerSecond);
    }

    private static String ofTopic(String topic, String target, Object... more) {
        return body("topic", topic, target, more);
    }

    private static String ofFile(String fileName, String target, Object... more) {
        return body("fileName", fileName, target, more);
    }

    private static String body(String field, String source, String target, Object... more) {
        var body = JSON.createObjectNode().put(field, source).put("reIngestionTopic", target).put("partitioning", "preserve");
        for (int i = 0; i < more.length; i += 2) {
            body.set((String) more[i], JSON.valueToTree(more[i + 1]));
        }
        return body.toString();
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
