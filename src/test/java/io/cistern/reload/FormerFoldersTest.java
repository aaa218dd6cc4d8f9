package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** A topic whose bucket-folder was changed when 100 of its 120 records were stored. */
@ExtendWith(OutputCaptureExtension.class)
class FormerFoldersTest {

    private static final String MAPPING = "bss.topics-config.data-topics-mapping[0].";
    private static final String TOPIC = "moved.ingestion";
    private static final Instant FIRST = Instant.parse("2024-02-29T00:00:00Z");

    @TempDir
    private Path bucket;
    private String target;

    @BeforeEach
    void store() {
        // Offsets 0 to 99 in two files of the old folder, 90 to 119 in the new one: ten of them in both.
        write("old/eu", 0, 50);
        write("old/eu", 50, 100);
        write("new", 90, 120);
        BatchFiles.write(bucket, "other", BatchFiles.name(FIRST, "other", 0, 0), lines(0, 5));
        target = TestKafka.topic("moved.target", 1);
    }

    @Test
    void warnsOfFilesInOtherFolders(CapturedOutput output) {
        try (RunningCistern cistern = start(Map.of())) {
            assertThat(output).contains("files of topic " + TOPIC + " are also in old/eu, and its folder is new");

            JsonNode dryRun = cistern.call("POST", "/reingestion/topic", request(",\"dryRun\":true")).body();
            String id = dryRun.get("requestId").asText();
            cistern.awaitEnd(id);
            dryRun = cistern.call("GET", "/reingestion/" + id, null).body();
            assertThat(dryRun.get("otherFolders")).as("%s", dryRun).hasSize(1);
            assertThat(dryRun.get("otherFolders").get(0).asText()).isEqualTo("old/eu");
            JsonNode done = cistern.reload("/reingestion/topic", request(""));
            assertThat(done.get("status").asText()).isEqualTo("COMPLETE");
            assertThat(done.get("otherFolders")).hasSize(1);
            assertThat(TestKafka.records(target)).hasSize(30);

            JsonNode audit = cistern.call("GET", "/status/new/coverage", null).body();
            assertThat(audit.get("topics").get(0).get("otherFolders").get(0).asText()).isEqualTo("old/eu");
            JsonNode ofOld = cistern.call("GET", "/status/old%2Feu/coverage", null).body();
            assertThat(ofOld.get("topics").get(0).get("otherFolders").get(0).asText()).isEqualTo("new");
        }
    }

    @Test
    void readsFormerFoldersToo(CapturedOutput output) {
        try (RunningCistern cistern = start(Map.of(MAPPING + "former-folders[0]", "old/eu", MAPPING + "former-folders[1]", "typo"))) {
            assertThat(output).doesNotContain("are also in").contains("the former folder typo of topic " + TOPIC + " holds no files");

            JsonNode done = cistern.reload("/reingestion/topic", request(""));
            assertThat(done.get("status").asText()).isEqualTo("COMPLETE");
            assertThat(done.has("otherFolders")).isFalse();
            assertThat(values()).isEqualTo(values(0, 120));

            for (String folder : List.of("new", "old%2Feu")) {
                JsonNode audit = cistern.call("GET", "/status/" + folder + "/coverage", null).body();
                assertThat(audit.get("holes").asInt()).as("%s", audit).isZero();
                assertThat(audit.get("files").asInt()).isEqualTo(3);
                JsonNode range = audit.get("topics").get(0).get("partitions").get(0).get("ranges");
                assertThat(range).hasSize(1);
                assertThat(range.get(0).get("from").asInt()).isZero();
                assertThat(range.get(0).get("to").asInt()).isEqualTo(119);
                assertThat(audit.get("topics").get(0).has("otherFolders")).isFalse();
            }
            assertThat(cistern.call("GET", "/status/new/count", null).body().asInt()).isEqualTo(3);
            assertThat(cistern.call("GET", "/status/old%2Feu/count", null).body().asInt()).isEqualTo(2);
        }
    }

    @Test
    void aRangeOfTimeReadsFormerFoldersNarrowly() {
        try (RunningCistern cistern = start(Map.of(MAPPING + "former-folders", "old/eu"))) {
            String range = ",\"startDate\":\"" + FIRST.plus(Duration.ofHours(40)) + "\",\"stopDateExclusive\":\""
                + FIRST.plus(Duration.ofHours(95)) + "\",\"provenance\":true";
            // Once by all names, and once by those that are near the range
            for (int i = 0; i < 2; i++) {
                JsonNode done = cistern.reload("/reingestion/topic", request(range));
                assertThat(done.get("status").asText()).as("%s", done).isEqualTo("COMPLETE");
                assertThat(values()).isEqualTo(values(40, 95));
                target = TestKafka.topic("moved.target", 1);
            }
        }
    }

    private List<String> values() {
        return TestKafka.records(target).stream().map(record -> new String(record.value(), StandardCharsets.UTF_8)).toList();
    }

    private static List<String> values(int from, int to) {
        return IntStream.range(from, to).mapToObj(i -> "v" + i).toList();
    }

    private String request(String more) {
        return "{\"topic\":\"" + TOPIC + "\",\"reIngestionTopic\":\"" + target + "\"" + more + "}";
    }

    private void write(String folder, long from, long to) {
        BatchFiles.write(bucket, folder, BatchFiles.name(FIRST.plus(Duration.ofHours(from)), TOPIC, 0, from,
            FIRST.plus(Duration.ofHours(to))), lines(from, to));
    }

    private static List<String> lines(long from, long to) {
        return LongStream.range(from, to).mapToObj(i -> BatchFiles.line(0, i, FIRST.plus(Duration.ofHours(i)), "k", "v" + i)).toList();
    }

    private RunningCistern start(Map<String, String> more) {
        Map<String, String> settings = new HashMap<>(Map.of("BSS_ROLES", "reloader", "KAFKA_BROKERS",
            TestKafka.broker().bootstrapServers(), "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(),
            "BSS_RELOAD_GROUP_ID", "moved-" + UUID.randomUUID(), MAPPING + "ingestion", TOPIC, MAPPING + "bucket-folder", "new"));
        settings.putAll(more);
        return RunningCistern.start(settings);
    }
}
