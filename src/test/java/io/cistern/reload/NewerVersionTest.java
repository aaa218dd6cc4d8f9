package io.cistern.reload;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cistern.Settings;
import io.cistern.kafka.ReloadLog;
import io.cistern.kafka.TaskDesk;
import io.cistern.kafka.TaskDesk.Fitness;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Records of reloads that a newer version wrote, and what becomes of the tasks of these reloads. */
class NewerVersionTest {

    private static final String ID = "00000000-0000-0000-0000-000000000001";
    private static final String REQUEST = """
        {"asked": {"topic": "orders", "reIngestionTopic": "target"%s}, "acceptedAt": 1, "startedBy": "http", "bucket": ":"%s}""";
    private static final String LANE = "{\"number\": 0, \"turn\": 1, \"state\": \"RUNNING\"}";
    private static final String TASK = "{\"reload\": \"" + ID + "\", \"turn\": 2, \"lane\": " + LANE + "}";

    private final Settings settings = new Settings(Map.of("bss.reload.requests-topic", "requests",
        "bss.reload.progress-topic", "progress", "bss.reload.tasks-topic", "tasks", "bss.reload.plans-topic", "plans",
        "bss.reload.commit-interval", "1s", "bss.reload.concurrency", "1")::get);
    private final AtomicLong nanos = new AtomicLong();
    private final AtomicBoolean isReadToTheEnd = new AtomicBoolean();
    private final Reloads reloads = new Reloads(settings, new Requests(settings, null, null, null), new ReloadLog(settings, null),
        new MissingReloads(() -> isReadToTheEnd::get, nanos::get));
    private final Turns turns = new Turns(settings, null, reloads, null);

    @Test
    void takesTasksOfARequestThatItUnderstands() {
        read("requests", ID + "/request", REQUEST.formatted("", ""));
        read("progress", ID + "/0", LANE);

        assertThat(fitness(TASK)).isEqualTo(Fitness.READY);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "requests | /request | {\"asked\": {\"topic\": \"orders\", \"reIngestionTopic\": \"target\", \"priority\": 1}}",
        "requests | /request | {\"asked\": {\"topic\": \"orders\", \"reIngestionTopic\": \"target\", \"onError\": \"retry\"}}",
        "requests | /request | {\"asked\": {\"topic\": \"orders\", \"reIngestionTopic\": \"target\"}, \"tenant\": \"a\"}",
        "requests | /request | [1]",
        "requests | /wish    | {\"kind\": \"REWIND\"}",
        "requests | /wish    | {\"kind\": \"RUN\", \"until\": 7}",
        "requests | /limits  | {}",
        "progress | ''       | {\"phase\": \"VERIFYING\"}",
        "progress | /0       | {\"number\": 0, \"state\": \"WAITING\"}",
        "progress | /0       | {\"number\": 0, \"begun\": [{\"name\": \"a\", \"bytes\": 1}]}"})
    void keepsTasksOfAReloadThatItDoesNotUnderstand(String topic, String key, String value) {
        read("requests", ID + "/request", REQUEST.formatted("", ""));
        read("progress", ID + "/0", LANE);
        read(topic, ID + key, value);

        assertKept(TASK);
        // Until it understands the record that comes in its place
        read("requests", ID + "/request", REQUEST.formatted("", ""));
        read("requests", ID + "/wish", "{\"kind\": \"RUN\"}");
        read("progress", ID, "{\"phase\": \"RUNNING\"}");
        read("progress", ID + "/0", LANE);
        if (!key.equals("/limits")) {
            assertThat(fitness(TASK)).isEqualTo(Fitness.READY);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{\"reload\": \"" + ID + "\", \"turn\": 2, \"lane\": " + LANE + ", \"after\": 7}",
        "{\"reload\": \"" + ID + "\", \"turn\": 2, \"lane\": {\"number\": 0, \"state\": \"WAITING\"}}",
        "{\"reload\": \"" + ID + "\", \"turn\": 1, \"request\": {\"asked\": {\"reIngestionTopic\": \"target\", \"topics\": []}}}",
        "\u0001binary"})
    void keepsATaskThatItDoesNotUnderstand(String task) {
        read("requests", ID + "/request", REQUEST.formatted("", ""));
        read("progress", ID + "/0", LANE);

        if (task.contains("topics")) {
            turnsForget();
        }
        assertKept(task);
    }

    /** The request is known from the task only. */
    private void turnsForget() {
        reloads.read("requests", ID + "/request", null, 0);
    }

    private void assertKept(String task) {
        TaskDesk.Job job = turns.read(ID + "/0", task.getBytes(UTF_8));
        isReadToTheEnd.set(true);
        for (int i = 0; i < 10; i++) {
            assertThat(job.fitness()).isEqualTo(Fitness.FOREIGN);
            nanos.addAndGet(Duration.ofHours(1).toNanos());
        }
    }

    @Test
    void dropsTasksOfADeletedReloadOnly() {
        // Given a task of which no request was read, for long
        assertThat(fitness(TASK)).isEqualTo(Fitness.NOT_YET);
        nanos.addAndGet(Duration.ofHours(1).toNanos());
        assertThat(fitness(TASK)).as("state topics are not read to their end").isEqualTo(Fitness.NOT_YET);
        assertThat(fitness("{\"after\": 7}")).isEqualTo(Fitness.FOREIGN);

        // When the state topics were read to where they ended after that
        isReadToTheEnd.set(true);

        // Then it was deleted
        assertThat(fitness(TASK)).isEqualTo(Fitness.OBSOLETE);
        assertThat(fitness("{\"after\": 7}")).isEqualTo(Fitness.OBSOLETE);
    }

    @Test
    void dropsTasksWhenAReloadThatItDoesNotUnderstandIsDeleted() {
        read("requests", ID + "/request", REQUEST.formatted(", \"priority\": 1", ""));
        assertKept(TASK);

        reloads.read("progress", ID + "/0", null, 0);
        reloads.read("progress", ID, null, 0);
        reloads.read("requests", ID + "/wish", null, 0);
        reloads.read("requests", ID + "/request", null, 0);

        assertThat(fitness(TASK)).isEqualTo(Fitness.NOT_YET);
        nanos.addAndGet(Duration.ofMinutes(2).toNanos());
        assertThat(fitness(TASK)).isEqualTo(Fitness.OBSOLETE);
    }

    @Test
    void tellsWhyItLeavesAReload() {
        read("requests", ID + "/request", REQUEST.formatted(", \"priority\": 1", ""));

        Reload reload = reloads.find(ID);
        assertThat(reload.isUnderstood()).isFalse();
        assertThat(reload.detail()).containsEntry("status", "START").extracting("message").asString()
            .contains("newer version", "Unknown field priority");
    }

    @Test
    void writesFieldsAgainThatItDoesNotKnow() {
        String stage = "{\"phase\":\"RUNNING\",\"turn\":3,\"checked\":{\"of\":[1,2.50]}}";
        String lane = "{\"number\":4,\"turn\":3,\"verified\":12345678901234567890}";

        assertThat(new String(Json.write(Json.read(stage.getBytes(UTF_8), Stage.class).copy()), UTF_8))
            .contains("\"checked\":{\"of\":[1,2.5").contains("\"turn\":3");
        assertThat(new String(Json.write(Json.read(lane.getBytes(UTF_8), Lane.class).copy()), UTF_8))
            .contains("\"verified\":12345678901234567890").contains("\"number\":4").doesNotContain("newerFields");
    }

    @Test
    void quotesNoContentsOfARecordThatItDoesNotUnderstand() {
        assertThatThrownBy(() -> Json.read("{\"kind\": \"secret\"}".getBytes(UTF_8), Wish.class))
            .isInstanceOf(NewerVersionException.class).hasMessageNotContaining("secret");
    }

    private Fitness fitness(String task) {
        return turns.read(ID + "/0", task.getBytes(UTF_8)).fitness();
    }

    private void read(String topic, String key, String value) {
        reloads.read(topic, key, value.getBytes(UTF_8), 0);
    }
}
