package io.cistern.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.broker.EmbeddedKafka;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.Markdown;
import io.cistern.testing.Markdown.Block;
import io.cistern.testing.RunningCistern;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import net.thisptr.jackson.jq.BuiltinFunctionLoader;
import net.thisptr.jackson.jq.JsonQuery;
import net.thisptr.jackson.jq.Scope;
import net.thisptr.jackson.jq.Versions;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Pages that tell a story: their calls and their commands of Kafka are made in turn, as a reader would who waits for what each
 * leads to, of a reloader and a broker that run.
 */
class StoriesTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Instant DAY = Instant.parse("2022-11-14T09:00:00Z");
    private static final Set<String> ON_THE_WAY = Set.of("PLANNING", "PAUSING", "RESUMING", "STOPPING");
    /** So many that a reload still runs when it is paused and stopped. */
    private static final int RECORDS = 150_000;

    @TempDir
    private static Path bucket;
    private static EmbeddedKafka kafka;
    private static RunningCistern cistern;

    @TempDir
    private Path folder;
    private final Map<String, String> variables = new HashMap<>();
    private final Map<String, String> files = new HashMap<>();

    @BeforeAll
    static void start() throws Exception {
        kafka = new EmbeddedKafka().start();
        for (String topic : List.of("orders", "orders.ingestion", "orders.reingestion", "orders.again", "dead-letters",
            "cistern.events")) {
            kafka.createTopic(topic, 1);
        }
        commitOffsets();
        Path configurations = Files.createDirectories(bucket.resolveSibling(bucket.getFileName() + "-configurations"));
        Path selectors = Files.createDirectories(configurations.resolve("selectors"));
        for (Block block : Markdown.read(Path.of("docs/reloads.md")).blocks()) {
            if (block.language().equals("jq")) {
                Files.writeString(selectors.resolve("paid.jq"), block.text());
            }
        }
        BatchFiles.write(bucket, "orders", BatchFiles.name(DAY, "orders.ingestion", 0, 0), () -> LongStream.range(0, RECORDS)
            .mapToObj(i -> BatchFiles.line(0, i, DAY.plusMillis(i), "" + i % 100, "{\"status\":\"PAID\",\"customer\":" + i % 100
                + "}")).iterator());
        cistern = RunningCistern.start(Map.of("BSS_ROLES", "reloader", "KAFKA_BROKERS", kafka.bootstrapServers(),
            "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "BSS_RELOAD_DEAD_LETTER_TOPIC", "dead-letters",
            "CONFIGURATIONS_PATH", configurations.toString(), "BSS_RELOAD_GROUP_ID", "cistern.reload",
            "bss.topics-config.data-topics-mapping[0].ingestion", "orders.ingestion",
            "bss.topics-config.data-topics-mapping[0].bucket-folder", "orders"));
    }

    /** A storer of that group has stored all of it, and is stopped. */
    private static void commitOffsets() throws Exception {
        try (var admin = kafka.admin()) {
            admin.alterConsumerGroupOffsets("cistern", Map.of(new TopicPartition("orders.ingestion", 0),
                new OffsetAndMetadata(0))).all().get();
        }
    }

    @AfterAll
    static void stop() {
        cistern.close();
        kafka.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"README.md", "docs/reloads.md", "docs/runbooks/adding-a-topic.md", "docs/runbooks/initial-load.md",
        "docs/runbooks/parallel.md", "docs/runbooks/sequential.md", "docs/runbooks/replaying-a-day.md",
        "docs/runbooks/replaying-one-customer.md", "docs/runbooks/moving-over.md", "docs/runbooks/backup.md"})
    void whatAPageTellsToDoCanBeDoneInTurn(String page) throws Exception {
        variables.put("KAFKA_BROKERS", kafka.bootstrapServers());
        int calls = 0;
        for (Block block : Markdown.read(Path.of(page)).blocks()) {
            if (block.language().equals("shell")) {
                for (Shell.Step step : Shell.parse(block.text())) {
                    step.assignments().forEach((name, value) -> variables.put(name, value.expand(variables)));
                    calls += make(step, block);
                }
            }
        }
        assertThat(calls).as("calls and commands that were made").isPositive();
    }

    /** Makes a step's call or command, and gives what it prints to its variable; returns whether there was one to be made. */
    private int make(Shell.Step step, Block block) throws Exception {
        List<List<String>> commands = step.commands().stream()
            .map(command -> command.stream().map(word -> word.expand(variables)).toList()).toList();
        if (commands.isEmpty()) {
            return 0;
        }
        List<String> first = commands.get(0);
        if (KafkaTools.know(first.get(0))) {
            String printed = KafkaTools.run(first.stream().map(word -> files.getOrDefault(word, word)).toList());
            assertThat(printed).as("%s: %s", block, first).doesNotContain("Error");
            if (step.file() != null) {
                files.put(step.file(), Files.writeString(folder.resolve(step.file()), printed).toString());
            }
            return 1;
        }
        if (!first.get(0).equals("curl") || Curl.parse(first).pathOfCistern() == null) {
            return 0;
        }
        JsonNode answer = call(Curl.parse(first), block);
        for (List<String> command : commands.subList(1, commands.size())) {
            answer = query(command.get(command.size() - 1), answer);
        }
        if (step.variable() != null) {
            variables.put(step.variable(), answer.asText());
        }
        return 1;
    }

    private JsonNode call(Curl curl, Block block) {
        String path = curl.pathOfCistern();
        if (path.equals("/reingestion/topic")) {
            awaitAllOver();
        } else if (variables.containsKey("id")) {
            awaitState(path, curl.method().equals("DELETE"));
        }
        RunningCistern.Answer answer = cistern.call(curl.method(), path, curl.body());
        assertThat(answer.status()).as("%s: %s %s: %s", block, curl.method(), path, answer.body()).isBetween(200, 299);
        return answer.body();
    }

    /** Waits until the reload that a call steers is where a person would go on. */
    private void awaitState(String path, boolean isOver) {
        String reload = "/reingestion/" + variables.get("id");
        if (path.startsWith(reload)) {
            await().pollInterval(Duration.ofMillis(50)).until(() -> {
                JsonNode state = cistern.call("GET", reload, null).body();
                return !ON_THE_WAY.contains(state.path("phase").asText())
                    && !(isOver && state.path("status").asText().equals("START"));
            });
        }
    }

    /** What ran before may have been into the same topic. */
    private static void awaitAllOver() {
        await().pollInterval(Duration.ofMillis(50))
            .until(() -> cistern.call("GET", "/reingestion?status=START", null).body().get("total").asInt() == 0);
    }

    private static JsonNode query(String jq, JsonNode input) throws Exception {
        List<JsonNode> output = new ArrayList<>();
        Scope scope = Scope.newEmptyScope();
        BuiltinFunctionLoader.getInstance().loadFunctions(Versions.JQ_1_6, scope);
        JsonQuery.compile(jq, Versions.JQ_1_6).apply(scope, input, output::add);
        assertThat(output).as("what %s finds", jq).isNotEmpty().noneMatch(JsonNode::isNull);
        return output.size() == 1 ? output.get(0) : JSON.valueToTree(output);
    }
}
