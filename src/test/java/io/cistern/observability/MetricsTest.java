package io.cistern.observability;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.apache.camel.CamelContext;
import org.apache.camel.opentelemetry2.OpenTelemetryTracer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The metrics of a process that has stored, failed to store, stored again, reloaded, and reloads: they are right, they are
 * those of docs/observability.md, and the dashboard and the alerts ask for nothing else. A Prometheus evaluates each query.
 */
class MetricsTest {

    private static final int RECORDS = 400;
    private static final Map<String, String> TARGET = Map.of("job", "cistern", "instance", "localhost:3000");
    private static final Path DOCUMENT = Path.of("docs", "observability.md");
    /** Where what Prometheus made of each query is left, for people. */
    private static final Path EVALUATED = Path.of("target", "observability", "queries.md");

    @TempDir
    private static Path folder;
    private static String topic;
    private static String target;
    private static RunningCistern cistern;
    /** What it told while the bucket was away. */
    private static Scrape away;
    private static String running;

    @BeforeAll
    static void storeAndReload() throws Exception {
        Path bucket = Files.createDirectory(folder.resolve("bucket"));
        topic = TestKafka.topic("observed", 2);
        target = TestKafka.topic("observed.again", 2);
        Map<String, String> settings = new HashMap<>(Map.of("KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "KAFKA_GROUP_ID", "observed-" + UUID.randomUUID(), "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(),
            "BSS_EVENTS_TOPIC", TestKafka.topic("observed.events", 1), "BSS_CACHE_UPLOAD_TIMEOUT", "200ms",
            "BSS_RETRIES", "0", "BSS_REST_AFTER_FAILURE", "300ms", "LOG_LEVEL", "OFF",
            "bss.topics-config.data-topics-mapping[0].ingestion", topic));
        settings.put("bss.topics-config.data-topics-mapping[0].post-ingestion[0]", TestKafka.topic("observed.post", 1));
        cistern = RunningCistern.start(settings);
        publish(RECORDS);
        await().until(() -> scrape().value("cistern_stored_records_total") == RECORDS);
        await().until(() -> scrape().of("cistern_lag_records").size() == 2);

        // The bucket goes away and comes back
        Path elsewhere = folder.resolve("elsewhere");
        Files.move(bucket, elsewhere);
        publish(10);
        await().until(() -> scrape().value("cistern_storing_failures_total") >= 3);
        away = scrape();
        Files.move(elsewhere, bucket);
        await().until(() -> scrape().value("cistern_stored_records_total") == RECORDS + 10);

        // One reload is over, another one is not
        assertThat(cistern.reload("/reingestion/topic", request(target, "")).get("status").asText()).isEqualTo("COMPLETE");
        running = cistern.call("POST", "/reingestion/topic", request(TestKafka.topic("observed.slowly", 1),
            ", \"recordsPerSecond\": 1")).body().get("requestId").asText();
        System.gc();
        await().until(() -> scrape().value("cistern_reload_rate_records_per_second") > 0
            && !scrape().of("jvm_gc_pause_seconds_sum").isEmpty());
    }

    @AfterAll
    static void stop() {
        cistern.close();
    }

    private static void publish(int count) {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int i = 0; i < count; i++) {
                producer.send(new ProducerRecord<>(topic, i % 2, ("k" + i).getBytes(UTF_8), ("v" + i).getBytes(UTF_8)));
            }
        }
    }

    private static String request(String to, String more) {
        return "{\"topic\": \"" + topic + "\", \"reIngestionTopic\": \"" + to + "\"" + more + "}";
    }

    private static Scrape scrape() {
        return new Scrape(cistern.call("GET", "/actuator/prometheus", null).response().body());
    }

    @Test
    void whatIsStoredHeldAndBehindIsTold() {
        // While the bucket was away nothing more was stored, and the age of what waits went on through each attempt
        assertThat(away.value("cistern_stored_records_total", "topic", topic)).isEqualTo(RECORDS);
        assertThat(lag(away)).isEqualTo(10);
        assertThat(away.value("cistern_unstored_age_seconds", "topic", topic)).isGreaterThan(0.5);
        assertThat(away.value("cistern_bucket_requests_seconds_count", "operation", "put", "outcome", "failure")).isPositive();

        // When all is well again
        await().until(() -> lag(scrape()) == 0);
        Scrape now = scrape();
        assertThat(now.value("cistern_unstored_age_seconds", "topic", topic)).isZero();
        assertThat(now.value("cistern_unstored_age_limit_seconds")).isEqualTo(0.2);
        assertThat(now.value("cistern_held_bytes")).isZero();
        assertThat(now.value("cistern_held_limit_bytes")).isEqualTo(64 << 20);
        assertThat(now.value("cistern_held_waiting_consumers")).isZero();
        assertThat(now.value("cistern_commits_total", "outcome", "success")).isPositive();
        assertThat(now.value("cistern_commits_total", "outcome", "failure")).isZero();
        assertThat(now.value("cistern_rebalances_total", "event", "assigned")).isPositive();
        assertThat(now.value("cistern_rebalances_total", "event", "lost")).isZero();
        assertThat(now.of("cistern_stored_files_total").stream().mapToDouble(Scrape.Sample::value).sum()).isPositive();
    }

    private static double lag(Scrape scrape) {
        return scrape.of("cistern_lag_records").stream().mapToDouble(Scrape.Sample::value).sum();
    }

    @Test
    void reloadsAreToldUntilTheyAreOver() {
        Scrape now = scrape();
        assertThat(now.value("cistern_reloaded_records_total", "target", target)).isEqualTo(RECORDS + 10);
        assertThat(now.value("cistern_reloads_ended_total", "status", "COMPLETE")).isEqualTo(1);
        assertThat(now.value("cistern_reloads_ended_total", "status", "ERROR")).isZero();
        assertThat(now.value("cistern_reloads", "phase", "RUNNING")).isEqualTo(1);

        // The one that runs
        assertThat(now.value("cistern_reload_active", "reload", running, "topic", topic)).isEqualTo(1);
        double read = now.value("cistern_reload_read_records", "reload", running);
        assertThat(read).isPositive();
        assertThat(now.value("cistern_reload_published_records", "reload", running)).isBetween(1.0, RECORDS + 10.0);
        assertThat(now.value("cistern_reload_remaining_records", "reload", running)).isBetween(0.0, RECORDS + 10 - 1.0);
        assertThat(now.of("cistern_reload_active")).as("the other one is over").hasSize(1);

        // When another one is stopped, and paused before, its gauges say so and go
        String second = cistern.call("POST", "/reingestion/topic", request(TestKafka.topic("observed.stopped", 1),
            ", \"recordsPerSecond\": 1")).body().get("requestId").asText();
        await().until(() -> scrape().value("cistern_reload_active", "reload", second) == 1);
        cistern.call("POST", "/reingestion/" + second + "/pause", "");
        await().until(() -> scrape().value("cistern_reload_active", "reload", second) == 0);
        assertThat(scrape().value("cistern_reload_rate_records_per_second", "reload", second)).isZero();
        Scrape paused = scrape();
        assertThat(paused.value("cistern_reloads", "phase", "PAUSING") + paused.value("cistern_reloads", "phase", "PAUSED"))
            .isEqualTo(1);
        cistern.call("POST", "/reingestion/" + second + "/stop", "");
        await().until(() ->
            scrape().samples().stream().noneMatch(sample -> second.equals(sample.labels().get("reload"))));
        assertThat(scrape().value("cistern_reloads_ended_total", "status", "STOPPED")).isEqualTo(1);
    }

    @Test
    void whatIsPassedOverIsCounted() throws Exception {
        Path file = Files.walk(folder.resolve("bucket")).filter(path -> path.toString().endsWith(".txt")).findFirst().get();
        double before = scrape().value("cistern_reload_skipped_records_total");
        Path broken = Files.createDirectories(folder.resolve("bucket/broken")).resolve(file.getFileName());
        Files.writeString(broken, Files.readString(file) + "no record\n");

        cistern.reload("/reingestion/file", "{\"fileName\": \"broken/" + file.getFileName() + "\", \"reIngestionTopic\": \""
            + TestKafka.topic("observed.broken", 1) + "\", \"onError\": \"skip\"}");

        assertThat(scrape().value("cistern_reload_skipped_records_total")).isEqualTo(before + 1);
    }

    @Test
    void noTraceIsMadeUnlessAskedFor() {
        assertThat(cistern.context().getBean(CamelContext.class).hasService(OpenTelemetryTracer.class)).isNull();
    }

    @Test
    void everyMetricIsDocumentedAsItIs() throws IOException {
        // Given the table
        Map<String, String> documented = new TreeMap<>();
        for (String line : Files.readAllLines(DOCUMENT)) {
            if (line.startsWith("| `cistern_")) {
                String[] cells = line.substring(1).split("\\|");
                Set<String> labels = new TreeSet<>(List.of(cells[3].replaceAll("[` ]", "").split(",")));
                labels.remove("");
                documented.put(cells[0].replaceAll("[` ]", ""), cells[1].strip() + " " + labels);
            }
        }

        // Then
        Scrape now = scrape();
        Map<String, String> exposed = new TreeMap<>();
        now.types().forEach((name, type) -> {
            if (name.startsWith("cistern_")) {
                Set<String> labels = now.labels(name);
                // Camel's own, of those that a route counts
                labels.remove("camelContext");
                exposed.put(name, type + " " + labels);
            }
        });
        assertThat(documented).isEqualTo(exposed);
    }

    @Test
    void theDashboardAsksForWhatThereIs() {
        Map<String, String> queries = new LinkedHashMap<>(Queries.ofDashboard());
        queries.putAll(Queries.ofVariables());
        assertThat(missing(queries)).isEmpty();
        assertThat(queries).hasSizeGreaterThan(30);
    }

    @Test
    void theAlertsAskForWhatThereIs() {
        Map<String, String> queries = new LinkedHashMap<>();
        Queries.alerts().forEach((name, rule) -> queries.put(name, rule.get("expr").asText()));
        // Prometheus's own, of each target
        assertThat(queries.remove("CisternDown")).startsWith("up{");
        assertThat(missing(queries)).isEmpty();
        assertThat(queries).hasSizeGreaterThan(10);
    }

    private static List<String> missing(Map<String, String> queries) {
        Scrape now = scrape();
        List<String> missing = new ArrayList<>();
        queries.forEach((name, query) -> {
            PromQl expression = new PromQl(query);
            assertThat(expression.selectors()).as(name).isNotEmpty();
            expression.missingIn(now, TARGET).forEach(what -> missing.add(name + ": " + what));
        });
        return missing;
    }

    @Test
    void promtoolFindsNothingWrong() throws Exception {
        Prometheus.require();
        assertThat(Prometheus.promtool("check", "rules", Queries.ALERTS.toString())).contains("SUCCESS")
            .doesNotContain("exit code");
        assertThat(Prometheus.promtool("test", "rules", "src/test/resources/prometheus/alerts-test.yaml")).contains("SUCCESS")
            .doesNotContain("exit code");
        String yaml = Files.readString(DOCUMENT);
        int start = yaml.indexOf("```yaml\n") + 8;
        Path configuration = Files.writeString(folder.resolve("documented.yaml"), yaml.substring(start, yaml.indexOf("```", start)));
        Files.copy(Queries.ALERTS, folder.resolve("alerts.yaml"));
        assertThat(Prometheus.promtool("check", "config", configuration.toString())).contains("SUCCESS")
            .doesNotContain("exit code");
    }

    @Test
    void prometheusAnswersEachQuery() throws Exception {
        Prometheus.require();
        try (Prometheus prometheus = new Prometheus(Files.createDirectory(folder.resolve("prometheus")), cistern.port())) {
            // A rate needs two answers, and something between them
            await().pollInterval(Duration.ofSeconds(1)).until(() -> {
                publish(2);
                return !prometheus.query("rate(cistern_stored_records_total[1m]) > 0").isEmpty();
            });

            // Then each panel shows something
            Map<String, String> queries = new LinkedHashMap<>(Queries.ofDashboard());
            queries.putAll(Queries.ofVariables());
            Map<String, JsonNode> results = new HashMap<>();
            await().pollInterval(Duration.ofSeconds(1)).untilAsserted(() -> {
                for (Map.Entry<String, String> query : queries.entrySet()) {
                    results.put(query.getKey(), prometheus.query(query.getValue()));
                }
                assertThat(results).allSatisfy((name, result) -> assertThat(result).as(name).anySatisfy(one ->
                    assertThat(one.at("/value/1").asText()).isNotEqualTo("NaN")));
            });

            // And each rule is evaluated
            await().untilAsserted(() ->
                assertThat(prometheus.rules()).hasSameSizeAs(Queries.alerts().keySet()).allSatisfy(rule ->
                    assertThat(rule.get("health").asText()).as(rule.get("name").asText()).isEqualTo("ok")));
            save(queries, results);
        }
    }

    private static void save(Map<String, String> queries, Map<String, JsonNode> results) throws IOException {
        StringBuilder table = new StringBuilder("| panel | query | labels | value |\n| --- | --- | --- | --- |\n");
        queries.forEach((name, query) -> results.get(name).forEach(result -> table.append("| ").append(name).append(" | `")
            .append(query.replace("|", "\\|")).append("` | ").append(result.get("metric")).append(" | ")
            .append(result.at("/value/1").asText()).append(" |\n")));
        Files.createDirectories(EVALUATED.getParent());
        Files.writeString(EVALUATED, table);
    }
}
