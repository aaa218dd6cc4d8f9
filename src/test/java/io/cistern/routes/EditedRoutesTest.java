package io.cistern.routes;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.Markdown;
import io.cistern.testing.RoutesCopy;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Routes as a user edits them: YAML in another folder, and no Java. */
class EditedRoutesTest {

    private static final String MARK = "        - aggregate:\n            id: batch-file\n";

    /** Filters in other ways than the documentation's: with a condition, and by what a payload in JSON says. */
    private static final String OTHER_FILTERS = """
                - split:
                    id: leave-marked-out
                    aggregationStrategy: "#bean:keepRecords"
                    simple:
                      expression: "${body}"
                    steps:
                      - filter:
                          id: is-marked
                          groovy:
                            expression: "body.headers().any { it.key() == 'marked' }"
                          steps:
                            - setProperty:
                                id: leave-marked
                                name: keep
                                constant:
                                  expression: "false"
                - split:
                    id: leave-cheap-out
                    aggregationStrategy: "#bean:keepRecords"
                    simple:
                      expression: "${body}"
                    steps:
                      - setBody:
                          id: payload
                          groovy:
                            expression: "body.payload ?: 'null'"
                      - setProperty:
                          id: keep-dear
                          name: keep
                          jq:
                            expression: "if type == \\"object\\" then .amount > 10 else true end"
                            resultType: java.lang.Boolean
        """;

    @TempDir
    private Path folder;

    @Test
    void aFilterAddedInYamlIsAllThatIsNeededToStoreSomeOfTheRecords() throws Exception {
        // Given
        String filter = Markdown.yamlBehind("docs/extending.md", "## Changing a route");
        Path routes = RoutesCopy.edited(folder, "storer.camel.yaml", yaml -> {
            assertThat(yaml).containsOnlyOnce(MARK);
            return yaml.replace(MARK, filter + OTHER_FILTERS + MARK);
        });
        Path bucket = Files.createDirectory(folder.resolve("bucket"));
        String topic = TestKafka.topic("edited", 2);
        String events = TestKafka.topic("edited.events", 1);
        String group = "edited-" + UUID.randomUUID();
        List<String> expected = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int i = 0; i < 300; i++) {
                boolean dear = i % 5 != 1;
                boolean test = i % 3 == 2;
                ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, 0, ("" + i).getBytes(UTF_8),
                    ("{\"amount\": " + (dear ? 11 : 9) + ", \"of\": \"" + (test ? "TEST" : "LIFE") + "\"}").getBytes(UTF_8));
                if (i % 7 == 0) {
                    record.headers().add("marked", null);
                } else if (dear && !test) {
                    expected.add("" + i);
                }
                producer.send(record);
            }
            // A tombstone passes; a partition of which nothing does has no file.
            producer.send(new ProducerRecord<>(topic, 0, "300".getBytes(UTF_8), null));
            expected.add("300");
            producer.send(new ProducerRecord<>(topic, 1, "301".getBytes(UTF_8), "TEST".getBytes(UTF_8)));
        }

        // When
        try (RunningCistern cistern = RunningCistern.start(Map.ofEntries(
            Map.entry("cistern.routes", "file:" + routes),
            Map.entry("BSS_ROLES", "storer"),
            Map.entry("KAFKA_BROKERS", TestKafka.broker().bootstrapServers()), Map.entry("KAFKA_GROUP_ID", group),
            Map.entry("KAFKA_MAX_POLL_RECORDS", "50"),
            Map.entry("BUCKET_TYPE", "file"), Map.entry("BUCKET_NAME", bucket.toString()),
            Map.entry("BSS_EVENTS_TOPIC", events), Map.entry("BSS_CACHE_UPLOAD_TIMEOUT", "500ms"),
            Map.entry("bss.topics-config.data-topics-mapping[0].ingestion", topic)))) {
            await().until(() -> TestKafka.lag(group, topic) == 0);
        }

        // Then
        List<JsonNode> stored = BucketFiles.allLines(bucket, topic);
        assertThat(stored).extracting(line -> line.get("key").asText()).containsExactlyElementsOf(expected);
        assertThat(stored).extracting(line -> line.get("offset").asText()).containsExactlyElementsOf(expected);
        assertThat(stored).filteredOn(line -> line.get("payload").isNull()).hasSize(1);
        assertThat(BucketFiles.in(bucket, topic)).allMatch(file -> file.getFileName().toString().contains("_0_"));
        assertThat(TestKafka.records(events)).hasSameSizeAs(BucketFiles.in(bucket, topic));
    }
}
