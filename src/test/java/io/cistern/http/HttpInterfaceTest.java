package io.cistern.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.SoftAssertions.assertSoftly;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.JsonSchema;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.RunningCistern.Answer;
import io.cistern.testing.TestKafka;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.GZIPOutputStream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.actuate.endpoint.web.WebEndpointsSupplier;

/** What the reloader answers over HTTP, call by call: CONTRACT.md §6 and openapi.yaml. */
class HttpInterfaceTest {

    private static final Instant FIRST = Instant.parse("2022-11-14T13:26:37.728Z");
    private static final String TOPIC = "orders.ingestion";
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private static Path folder;
    private static Path bucket;
    private static String file;
    /** Refused requests name it: it stays empty. */
    private static String target;
    private static RunningCistern cistern;
    private static JsonNode document;
    private static JsonSchema schema;

    private record Refusal(String body, int status, String code, String... named) {
    }

    @BeforeAll
    static void startReloader() throws Exception {
        bucket = Files.createDirectories(folder.resolve("bucket"));
        file = BatchFiles.write(bucket, "orders", BatchFiles.name(FIRST, TOPIC, 0, 312),
            List.of(BatchFiles.line(0, 312, FIRST, "42", "{}")));
        BatchFiles.write(bucket, "orders", BatchFiles.name(FIRST.plusSeconds(1), TOPIC, 1, 7),
            List.of(BatchFiles.line(1, 7, FIRST.plusSeconds(1), "43", "{}")));
        BatchFiles.write(bucket, "customers", BatchFiles.name(FIRST, "customers", 0, 0), List.of());
        BatchFiles.write(bucket, "no-batch-files", "README.md", List.of("not a batch file"));
        BatchFiles.write(bucket, "Bücher & 100% +", BatchFiles.name(FIRST, "books", 0, 0), List.of());
        BatchFiles.write(bucket, "deep/er", BatchFiles.name(FIRST, "deep", 0, 0), List.of());
        BatchFiles.write(folder, "orders", BatchFiles.name(FIRST, TOPIC, 0, 0), List.of("outside of the bucket"));
        target = TestKafka.topic("target", 1);
        cistern = RunningCistern.start(Map.of(
                "BSS_ROLES", "reloader",
                "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
                "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString()),
            "--server.http2.enabled=true",
            "--bss.topics-config.data-topics-mapping[0].ingestion=" + TOPIC,
            "--bss.topics-config.data-topics-mapping[0].bucket-folder=orders");
        try (InputStream yaml = HttpInterfaceTest.class.getResourceAsStream("/static/openapi.yaml")) {
            document = new ObjectMapper(new YAMLFactory()).readTree(yaml);
        }
        schema = new JsonSchema(document, true);
    }

    @AfterAll
    static void stop() {
        cistern.close();
    }

    /** The bill of materials in the jar is for those who have the jar, and not for whoever can reach the service. */
    @Test
    void theBillOfMaterialsIsNotServed() {
        assertThat(cistern.context().getBean(WebEndpointsSupplier.class).getEndpoints())
            .extracting(endpoint -> endpoint.getEndpointId().toString()).contains("health").doesNotContain("sbom");
    }

    @Test
    void refusedReloadsOfATopicNameWhatIsWrongAndPublishNothing() {
        String right = "\"topic\": \"orders.ingestion\", \"reIngestionTopic\": \"" + target + "\"";
        refuses("/reingestion/topic",
            new Refusal("", 400, "invalid-json", "empty"),
            new Refusal("  \n", 400, "invalid-json", "empty"),
            new Refusal("topic=orders", 400, "invalid-json", "line 1"),
            new Refusal("{" + right, 400, "invalid-json", "JSON object"),
            new Refusal("{" + right + "} {}", 400, "invalid-json", "JSON object"),
            new Refusal("{" + right + ",}", 400, "invalid-json", "JSON object"),
            new Refusal("[{" + right + "}]", 400, "invalid-json", "JSON object"),
            new Refusal("\"orders\"", 400, "invalid-json", "JSON object"),
            new Refusal("null", 400, "invalid-json", "JSON object"),
            new Refusal("{" + right + ", \"topic\": \"customers\"}", 400, "invalid-json", "JSON object"),
            new Refusal("{" + right + ", \"stopDaet\": \"\"}", 400, "unknown-field", "stopDaet", "stopDate"),
            new Refusal("{" + right + ", \"Topic\": \"\", \"requestId\": 1}", 400, "unknown-field", "Topic", "requestId"),
            new Refusal("{" + right + ", \"fileName\": \"" + file + "\"}", 400, "unknown-field", "fileName"),
            new Refusal("{}", 400, "missing-field", "topic"),
            new Refusal("{\"reIngestionTopic\": \"" + target + "\"}", 400, "missing-field", "topic"),
            new Refusal("{\"topic\": null, \"reIngestionTopic\": \"" + target + "\"}", 400, "missing-field", "topic"),
            new Refusal("{\"topic\": \"\", \"reIngestionTopic\": \"" + target + "\"}", 400, "missing-field", "topic"),
            new Refusal("{\"topic\": \"" + TOPIC + "\"}", 400, "missing-field", "reIngestionTopic"),
            new Refusal("{\"topic\": 1, \"reIngestionTopic\": \"" + target + "\"}", 400, "invalid-field", "topic"),
            new Refusal("{\"topic\": \"" + TOPIC + "\", \"reIngestionTopic\": [\"" + target + "\"]}", 400, "invalid-field",
                "reIngestionTopic"),
            new Refusal("{" + right + ", \"startDate\": 1668432397728}", 400, "invalid-field", "startDate"),
            new Refusal("{" + right + ", \"customSelectorName\": true}", 400, "invalid-field", "customSelectorName"),
            new Refusal("{" + right + ", \"partitioning\": \"hash\"}", 400, "invalid-field", "partitioning", "preserve"),
            new Refusal("{" + right + ", \"timestamps\": \"Now\"}", 400, "invalid-field", "timestamps", "original"),
            new Refusal("{" + right + ", \"customSelectorName\": \"vip\"}", 404, "unknown-selector", "customSelectorName"),
            new Refusal("{" + right + ", \"customSelectorName\": \"../vip\"}", 404, "unknown-selector",
                "customSelectorName"),
            new Refusal("{\"topic\": \"unheard-of\", \"reIngestionTopic\": \"" + target + "\"}", 404, "unknown-folder",
                "topic", "unheard-of"),
            new Refusal("{\"topic\": \"" + TOPIC + "\", \"reIngestionTopic\": \"unheard-of\"}", 404, "unknown-topic",
                "reIngestionTopic", "unheard-of"));
        for (String topic : List.of(".", "..", "../orders", "/etc", "orders\\\\..", "${body}", "{{kafka.password}}", "ä",
            "a,b", "a b", "a".repeat(250), "orders\\u0000", "orders\\n")) {
            refuses("/reingestion/topic",
                new Refusal("{\"topic\": \"" + topic + "\", \"reIngestionTopic\": \"" + target + "\"}", 400, "invalid-topic",
                    "topic"),
                new Refusal("{\"topic\": \"" + TOPIC + "\", \"reIngestionTopic\": \"" + topic + "\"}", 400, "invalid-topic",
                    "reIngestionTopic"));
        }
    }

    @Test
    void refusesTopicsThatReloadsMustNotPublishTo() {
        for (String topic : List.of("__consumer_offsets", TOPIC,
            cistern.context().getEnvironment().getProperty("bss.reload.tasks-topic"))) {
            refuses("/reingestion/topic", new Refusal(ofTopic(topic), 400, "invalid-topic", "reIngestionTopic", topic));
            refuses("/reingestion/file", new Refusal(ofFile(file, topic), 400, "invalid-topic", "reIngestionTopic", topic));
        }
    }

    @Test
    void refusesDatesThatAreNone() {
        String right = "\"topic\": \"" + TOPIC + "\", \"reIngestionTopic\": \"" + target + "\"";
        for (String date : List.of("", " ", "yesterday", "2022-11-14", "2022-11-14T13:26:37", "2022-11-14 13:26:37Z",
            "2022-11-14T13:26Z", "2022-11-14T13:26:37Z ", "2022-13-14T13:26:37Z", "2022-02-29T13:26:37Z",
            "2022-11-14T25:26:37Z", "2022-11-14T13:60:37Z", "2022-11-14T13:26:37+24:00", "1668432397728",
            "+999999999-01-01T00:00:00Z", "2022-11-14T13:26:37,5Z", "${date:now}")) {
            refuses("/reingestion/topic",
                new Refusal("{" + right + ", \"startDate\": \"" + date + "\"}", 400, "invalid-date", "startDate"),
                new Refusal("{" + right + ", \"stopDate\": \"" + date + "\"}", 400, "invalid-date", "stopDate"),
                new Refusal("{" + right + ", \"stopDateExclusive\": \"" + date + "\"}", 400, "invalid-date", "stopDateExclusive"));
        }
        refuses("/reingestion/topic",
            new Refusal("{" + right + ", \"startDate\": \"2022-11-14T13:26:37.729Z\", \"stopDate\":"
                + " \"2022-11-14T13:26:37.728Z\"}", 400, "invalid-range", "startDate", "stopDate"),
            new Refusal("{" + right + ", \"startDate\": \"2022-11-14T13:26:37.728Z\", \"stopDateExclusive\":"
                + " \"2022-11-14T13:26:37.728Z\"}", 400, "invalid-range", "startDate", "stopDateExclusive"),
            new Refusal("{" + right + ", \"stopDate\": \"2022-11-14T13:26:37.728Z\", \"stopDateExclusive\":"
                + " \"2022-11-14T13:26:37.728Z\"}", 400, "conflicting-fields", "stopDate", "stopDateExclusive"),
            new Refusal("{" + right + ", \"startDate\": \"2022-11-14T13:26:37+01:00\", \"stopDate\":"
                + " \"2022-11-14T13:26:37+02:00\"}", 400, "invalid-range", "startDate", "stopDate"));
    }

    @Test
    void refusedReloadsOfAFileNameWhatIsWrongAndPublishNothing() {
        refuses("/reingestion/file",
            new Refusal("", 400, "invalid-json", "empty"),
            new Refusal("[]", 400, "invalid-json", "JSON object"),
            new Refusal("{\"reIngestionTopic\": \"" + target + "\"}", 400, "missing-field", "fileName"),
            new Refusal("{\"fileName\": \"" + file + "\"}", 400, "missing-field", "reIngestionTopic"),
            new Refusal(ofFile(file, target).replace("}", ", \"startDate\": \"2022-11-14T00:00:00Z\"}"), 400,
                "unknown-field", "startDate"),
            new Refusal(ofFile(file, target).replace("}", ", \"customSelectorName\": \"vip\"}"), 404, "unknown-selector",
                "customSelectorName"),
            new Refusal(ofFile(file, "unheard-of"), 404, "unknown-topic", "reIngestionTopic"),
            new Refusal(ofFile(file, "un/heard"), 400, "invalid-topic", "reIngestionTopic"),
            new Refusal(ofFile("orders/missing.txt", target), 404, "unknown-file", "fileName"),
            new Refusal(ofFile("orders/missing/x.txt", target), 404, "unknown-file", "fileName"),
            new Refusal(ofFile(file + "/x.txt", target), 404, "unknown-file", "fileName"),
            new Refusal(ofFile("deep/er", target), 404, "unknown-file", "fileName"),
            new Refusal(ofFile("${body}/x.txt", target), 404, "unknown-file", "fileName"),
            new Refusal(ofFile("orders/${sys:user.home}", target), 404, "unknown-file", "fileName"),
            new Refusal(ofFile("orders/" + "x".repeat(250), target), 404, "unknown-file", "fileName"));
        String name = file.substring(file.indexOf('/') + 1);
        for (String outside : List.of("orders/" + "x".repeat(5000), "x.txt", "/etc/passwd", "etc/../../x", "../x", "../orders/" + name, "orders/../../x",
            "orders/../orders/" + name, "./" + file, "orders//" + name, "/" + file, "orders/", "/", ".cistern/orders/x",
            "orders/.cistern", "orders\\\\" + name, "..\\\\x.txt", "orders/..\\\\..\\\\x", "C:\\\\x",
            "orders/a\\u0000b", bucket.resolve(file).toString(), "${body}")) {
            refuses("/reingestion/file", new Refusal(ofFile(outside, target), 400, "invalid-file", "fileName"));
        }
        refuses("/reingestion/file", new Refusal(ofFile("file:/etc/passwd", target), 404, "unknown-file", "fileName"));
    }

    /** Fields that both reloads have: what each must not be. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
        "invalid-field | partitions | 0 | array",
        "invalid-field | partitions | {} | array",
        "invalid-field | partitions | [] | at least one",
        "invalid-field | partitions | [1, 0, 1] | each once",
        "invalid-field | partitions | [-1] | whole numbers from 0",
        "invalid-field | partitions | [0.0] | whole numbers from 0",
        "invalid-field | partitions | [1e0] | whole numbers from 0",
        "invalid-field | partitions | [2147483648] | whole numbers from 0 to 2147483647",
        "invalid-field | partitions | [\"0\"] | whole numbers from 0",
        "invalid-field | partitions | [null] | whole numbers from 0",
        "invalid-field | startOffset | -1 | whole numbers from 0",
        "invalid-field | startOffset | 1.5 | whole numbers from 0",
        "invalid-field | startOffset | 9223372036854775808 | whole numbers from 0 to 9223372036854775807",
        "invalid-field | startOffset | \"7\" | whole numbers from 0",
        "invalid-field | startOffset | [7] | whole numbers from 0",
        "invalid-field | stopOffset | {} | by partition number",
        "invalid-field | stopOffset | {\"-1\": 1} | by partition number",
        "invalid-field | stopOffset | {\"01\": 1} | by partition number",
        "invalid-field | stopOffset | {\"p\": 1} | by partition number",
        "invalid-field | stopOffset | {\"2147483648\": 1} | by partition number",
        "invalid-field | stopOffset | {\"0\": null} | whole numbers from 0",
        "invalid-field | stopOffset | {\"0\": 1.0} | whole numbers from 0",
        "invalid-range | startOffset | 8, \"stopOffset\": 7 | stopOffset",
        "invalid-range | startOffset | {\"1\": 8}, \"stopOffset\": 7 | stopOffset",
        "invalid-range | startOffset | 8, \"stopOffset\": {\"1\": 7} | stopOffset",
        "invalid-range | startOffset | {\"1\": 8, \"2\": 0}, \"stopOffset\": {\"1\": 7} | stopOffset",
        "invalid-field | keys | \"42\" | array",
        "invalid-field | keys | [] | from 1 to 100000",
        "invalid-field | keys | [42] | base64",
        "invalid-field | keys | [true] | base64",
        "invalid-field | keys | [{}] | base64",
        "invalid-field | keys | [{\"base64\": 1}] | base64",
        "invalid-field | keys | [{\"base64\": \"?\"}] | base64",
        "invalid-field | keys | [{\"base64\": \"AA==\", \"hex\": \"00\"}] | base64",
        "invalid-field | keys | [\"\\ud800\"] | surrogates",
        "invalid-field | selector | \".a\" | object",
        "missing-field | selector | {} | language",
        "missing-field | selector | {\"language\": \"jq\"} | expression",
        "missing-field | selector | {\"language\": \"jq\", \"expression\": \"\"} | expression",
        "invalid-field | selector | {\"language\": \"jq\", \"expression\": \" \\n\"} | from 1 to 10000 characters",
        "invalid-field | selector | {\"language\": \"jq\", \"expression\": 1} | expression",
        "unknown-field | selector | {\"language\": \"jq\", \"expression\": \".\", \"source\": \"x\"} | source",
        "invalid-field | selector | {\"language\": \"groovy\", \"expression\": \"true\"} | jq or jsonpath",
        "invalid-field | selector | {\"language\": \"simple\", \"expression\": \"true\"} | jq or jsonpath",
        "invalid-field | selector | {\"language\": \"JQ\", \"expression\": \"true\"} | jq or jsonpath",
        "invalid-selector | selector | {\"language\": \"jq\", \"expression\": \".a >\"} | line 1, column 4",
        "invalid-selector | selector | {\"language\": \"jq\", \"expression\": \"\\n.a\\n  and )\"} | line 2, column 7",
        "invalid-selector | selector | {\"language\": \"jq\", \"expression\": \"{{bss.bucket.name}}\"} | line 1, column 2",
        "invalid-selector | selector | {\"language\": \"jq\", \"expression\": \"${body}\"} | line 1",
        "invalid-selector | selector | {\"language\": \"jsonpath\", \"expression\": \"$[?(\"} | line 1",
        "invalid-selector | selector | {\"language\": \"jsonpath\", \"expression\": \"${body}\"} | line 1",
        "invalid-selector | selector | {\"language\": \"jsonpath\", \"expression\": \"${groovy:1}\"} | line 1",
        "conflicting-fields | selector | {\"language\": \"jq\", \"expression\": \".\"}, \"customSelectorName\": \"a\" | customSelectorName",
        "invalid-field | compact | \"true\" | true or false",
        "invalid-field | compact | 1 | true or false",
        "invalid-field | dryRun | \"no\" | true or false",
        "invalid-field | force | {} | true or false",
        "invalid-field | provenance | [] | true or false",
        "invalid-field | headers | [] | object of strings",
        "invalid-field | headers | {\"a\": 1} | object of strings",
        "invalid-field | headers | {\"a\": \"\\udc00\"} | surrogates",
        "invalid-field | headers | {\"\\ud800\": \"\"} | surrogates",
        "invalid-field | delivery | \"once\" | exactly-once or at-least-once",
        "invalid-field | delivery | \"EXACTLY_ONCE\" | exactly-once or at-least-once",
        "invalid-field | onError | \"\" | stop or skip or dead-letter",
        "no-dead-letter-topic | onError | \"dead-letter\" | BSS_RELOAD_DEAD_LETTER_TOPIC",
        "invalid-field | recordsPerSecond | 0 | above 0",
        "invalid-field | recordsPerSecond | \"1\" | above 0",
        "invalid-field | bytesPerSecond | -0.5 | above 0",
        "invalid-field | bytesPerSecond | 1e999 | above 0",
        "invalid-field | pace | 0.0 | above 0",
        "conflicting-fields | pace | 1, \"recordsPerSecond\": 1 | recordsPerSecond",
        "conflicting-fields | pace | 1, \"bytesPerSecond\": 1 | bytesPerSecond"})
    void refusedFieldsAreNamedAndNothingIsPublished(String code, String field, String value, String named) {
        String asked = ", \"" + field + "\": " + value + "}";
        refuses("/reingestion/topic", new Refusal(ofTopic(target).replace("}", asked), 400, code, field, named));
        refuses("/reingestion/file", new Refusal(ofFile(file, target).replace("}", asked), 400, code, field, named));
    }

    @Test
    void refusesMoreThanAFieldMayHold() {
        String keys = "null, ".repeat(100_000) + "null";
        String expression = ". ".repeat(5_001);
        String nested = "(".repeat(5_000) + ")".repeat(5_000);
        refuses("/reingestion/topic",
            new Refusal(ofTopic(target).replace("}", ", \"keys\": [" + keys + "]}"), 400, "invalid-field", "keys", "100000"),
            new Refusal(ofTopic(target).replace("}", ", \"selector\": {\"language\": \"jq\", \"expression\": \"x"
                + expression + "\"}}"), 400, "invalid-field", "selector.expression", "10000"),
            new Refusal(ofTopic(target).replace("}", ", \"selector\": {\"language\": \"jq\", \"expression\": \""
                + nested + "\"}}"), 400, "invalid-selector", "selector.expression"),
            new Refusal(ofTopic(target).replace("}", ", \"selector\": {\"language\": \"jsonpath\", \"expression\": \"$[?("
                + nested.substring(5) + "\"}}"), 400, "invalid-selector", "selector.expression"));
    }

    @Test
    void bodiesOfMoreThanAMegabyteAreRefusedUnreadOrReadNoFurther() throws Exception {
        int most = 1 << 20;
        String right = ofTopic("unheard-of");
        // The largest one is read: it is refused for what it says.
        refuses("/reingestion/topic", new Refusal(right + " ".repeat(most - right.length()), 404, "unknown-topic", "reIngestionTopic"));
        for (String path : List.of("/reingestion/topic", "/reingestion/file", "/reingestion/stop-reingestion")) {
            refuses(path, new Refusal(" ".repeat(most + 1), 413, "too-large", "1048576"));
        }
        // Chunks; Tomcat does not take a body of this size with an upgrade to HTTP/2.
        HttpClient http1 = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        for (int length : new int[] {most, most + 1}) {
            byte[] body = (right + " ".repeat(length - right.length())).getBytes(StandardCharsets.UTF_8);
            HttpResponse<String> answer = http1.send(HttpRequest.newBuilder(
                    URI.create("http://localhost:" + cistern.port() + "/reingestion/topic"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body))).build(),
                HttpResponse.BodyHandlers.ofString());
            assertThat(JSON.readTree(answer.body()).get("code").asText()).isEqualTo(length > most ? "too-large" : "unknown-topic");
            assertThat(answer.statusCode()).isEqualTo(length > most ? 413 : 404);
        }
    }

    /** Not even the first bytes of such a body are waited for. */
    @Test
    void aBodyIsRefusedByTheLengthThatItSays() throws Exception {
        for (String path : List.of("topic", "file", "stop-reingestion", "1/speed", "1/pause")) {
            try (Socket socket = new Socket("localhost", cistern.port())) {
                socket.setSoTimeout(10_000);
                socket.getOutputStream().write(("POST /reingestion/" + path + " HTTP/1.1\r\nHost: localhost\r\n"
                    + "Content-Type: application/json\r\nContent-Length: 10000000000\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
                assertThat(new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII)).as(path)
                    .isEqualTo("HTTP/1.1 413");
            }
        }
    }

    @Test
    void stopsNothingThatDoesNotRun() {
        refuses("/reingestion/stop-reingestion",
            new Refusal("", 400, "invalid-json", "empty"),
            new Refusal("{}", 400, "missing-field", "topic"),
            new Refusal("{\"topic\": {}}", 400, "invalid-field", "topic"),
            new Refusal("{\"topic\": \"a/b\"}", 400, "invalid-topic", "topic"),
            new Refusal("{\"topic\": \"" + TOPIC + "\", \"reIngestionTopic\": \"x\"}", 400, "unknown-field",
                "reIngestionTopic"),
            new Refusal("{\"topic\": \"" + TOPIC + "\"}", 404, "no-reload", "topic", TOPIC));
    }

    @Test
    void countsFoldersAndFiles() {
        assertThat(get("/status/folders", 200)).isEqualTo(json("[\"Bücher & 100% +\", \"customers\", \"deep/er\", \"no-batch-files\","
            + " \"orders\"]"));
        assertThat(get("/status/orders/count", 200)).isEqualTo(json("2"));
        assertThat(get("/status/customers/count", 200)).isEqualTo(json("1"));
        assertThat(get("/status/no-batch-files/count", 200)).isEqualTo(json("0"));
        for (String unknown : List.of("unheard-of", "deep", "%2E%2Ehidden", "%7B%7Bkafka.password%7D%7D", "$%7Bbody%7D")) {
            assertThat(get("/status/" + unknown + "/count", 404).get("code").asText()).isEqualTo("unknown-folder");
        }
        for (String wrong : List.of(".cistern", "orders%0A", "orders%2F%2Ehidden", "orders%2F..")) {
            assertThat(get("/status/" + wrong + "/count", 400).get("code").asText()).as(wrong).isEqualTo("invalid-folder");
        }
    }

    @Test
    void refusesFoldersWithLongNames() {
        for (String name : List.of("x".repeat(256), "x".repeat(5000), "%C3%BC".repeat(128), "a%2F".repeat(512) + "a")) {
            for (String call : List.of("count", "coverage")) {
                assertThat(get("/status/" + name + "/" + call, 400).get("code").asText()).isEqualTo("invalid-folder");
            }
        }
        assertThat(get("/status/" + "x".repeat(255) + "/count", 404).get("code").asText()).isEqualTo("unknown-folder");
    }

    @Test
    void refusesBodiesThatAreNotTextInUtf8() throws Exception {
        String right = ofTopic("unheard-of");
        byte[] latin = "{\"topic\": \"\u00e4\"}".getBytes(StandardCharsets.ISO_8859_1);
        ByteArrayOutputStream gzip = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(gzip)) {
            out.write(right.getBytes(StandardCharsets.UTF_8));
        }
        String json = "application/json";
        for (String path : List.of("/reingestion/topic", "/reingestion/file", "/reingestion/stop-reingestion", "/reingestion/1/speed")) {
            for (byte[] body : List.of(latin, right.getBytes(StandardCharsets.UTF_16), right.getBytes(StandardCharsets.UTF_16LE),
                right.getBytes(Charset.forName("UTF-32")), new byte[] {'"', (byte) 0xff, '"'}, new byte[] {(byte) 0xc0, (byte) 0x80},
                gzip.toByteArray())) {
                assertRefused(send(path, body, "Content-Type", json), 400, path);
            }
            for (String charset : List.of("UTF-16", "ISO-8859-1", "no-such", "\"utf-16\"", "")) {
                assertRefused(send(path, right.getBytes(StandardCharsets.UTF_8), "Content-Type", json + ";charset=" + charset), 415, charset);
            }
            Answer compressed = send(path, gzip.toByteArray(), "Content-Type", json, "Content-Encoding", "gzip");
            assertRefused(compressed, 415, path);
            assertDocumented(document, schema, document.get("paths").get(path.replace("/1/", "/{requestId}/")).get("post"), compressed);
            for (String type : List.of("multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "json", "/")) {
                assertRefused(send(path, right.getBytes(StandardCharsets.UTF_8), "Content-Type", type), 415, type);
            }
        }
        for (String type : List.of(json, json + ";charset=utf-8", json + "; charset=\"UTF-8\"")) {
            assertRefused(send("/reingestion/topic", right.getBytes(StandardCharsets.UTF_8), "Content-Type", type,
                "Content-Encoding", "identity"), 404, type);
        }
    }

    @Test
    void refusesLargeBodiesWithHttp2() throws Exception {
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
        URI uri = URI.create("http://localhost:" + cistern.port() + "/reingestion/topic");
        client.send(HttpRequest.newBuilder(URI.create("http://localhost:" + cistern.port() + "/reingestion")).build(),
            HttpResponse.BodyHandlers.discarding());
        for (int size : new int[] {(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2_000_000}) {
            HttpResponse<String> answer = client.send(HttpRequest.newBuilder(uri).header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(" ".repeat(size).getBytes(
                    StandardCharsets.US_ASCII)))).build(), HttpResponse.BodyHandlers.ofString());
            assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
            assertThat(answer.statusCode()).as("%d", size).isEqualTo(size > 1 << 20 ? 413 : 400);
            assertThat(isError(JSON.readTree(answer.body()))).isTrue();
        }
    }

    @Test
    void answersABodyThatIsCutShortOnce() throws Exception {
        for (String head : List.of("Content-Length: 100\r\n\r\n{\"topic\"", "Transfer-Encoding: chunked\r\n\r\n20\r\n{\"topic\"",
            "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}", "Content-Length: 100\r\n\r\n")) {
            try (Socket socket = new Socket("localhost", cistern.port())) {
                socket.getOutputStream().write(("POST /reingestion/topic HTTP/1.1\r\nHost: localhost\r\n"
                    + "Content-Type: application/json\r\n" + head).getBytes(StandardCharsets.US_ASCII));
                socket.shutdownOutput();
                String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
                assertThat(answer).as(head).startsWith("HTTP/1.1 400").containsOnlyOnce("HTTP/1.1").containsOnlyOnce("\"message\"");
            }
        }
    }

    @Test
    void answersErrorsInJsonWhateverIsAccepted() throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (String accept : List.of("text/html", "application/xml", "text/html,application/xhtml+xml,*/*;q=0.8", "image/png",
            "text/plain", "x", "*/*", "application/json;q=0")) {
            for (String path : List.of("/nothing", "/", "/error", "/reingestion/topics/x/y", "/actuator/nothing", "/swagger-ui/nothing")) {
                HttpResponse<String> answer = client.send(HttpRequest.newBuilder(
                    URI.create("http://localhost:" + cistern.port() + path)).header("Accept", accept).build(),
                    HttpResponse.BodyHandlers.ofString());
                assertThat(answer.statusCode()).as(path + " " + accept).isEqualTo(404);
                assertThat(answer.headers().firstValue("Content-Type").orElse("")).as(path + " " + accept).startsWith("application/json");
                assertThat(isError(JSON.readTree(answer.body()))).as(answer.body()).isTrue();
            }
            HttpResponse<String> wrong = client.send(HttpRequest.newBuilder(
                URI.create("http://localhost:" + cistern.port() + "/reingestion/topic")).header("Accept", accept).build(),
                HttpResponse.BodyHandlers.ofString());
            assertThat(wrong.statusCode()).as(accept).isEqualTo(405);
            assertThat(isError(JSON.readTree(wrong.body()))).as(wrong.body()).isTrue();
        }
    }

    @Test
    void answersUnknownMethodsInJson() throws Exception {
        for (String method : List.of("FOO", "PROPFIND", "get", "TRACE", "LOCK")) {
            for (String path : List.of("/reingestion", "/reingestion/topic", "/nothing", "/actuator/health", "/error")) {
                String answer = raw(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
                assertThat(answer).as(method + " " + path).matches("(?s)HTTP/1.1 (405|501) .*")
                    .containsIgnoringCase("content-type: application/json").contains("{\"message\": \"").endsWith("\"}");
            }
        }
        assertRefused(cistern.call("POST", "/error", "{}"), 404, "POST /error");
    }

    @Test
    void answersHeadWhereGetIsAnswered() throws Exception {
        for (String path : List.of("/reingestion", "/status/folders", "/status/orders/count", "/status/orders/coverage", "/openapi.yaml",
            "/status/unheard-of/count", "/status-service/1", "/reingestion/1", "/actuator/health", "/nothing")) {
            Answer get = cistern.call("GET", path, null);
            String head = raw("HEAD " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            assertThat(head).as(path).startsWith("HTTP/1.1 " + get.status() + " ").endsWith("\r\n\r\n")
                .containsIgnoringCase("content-type: " + get.response().headers().firstValue("Content-Type").orElseThrow());
        }
    }

    private static Answer send(String path, byte[] body, String... headers) throws Exception {
        HttpResponse<String> answer = HttpClient.newHttpClient().send(HttpRequest.newBuilder(
            URI.create("http://localhost:" + cistern.port() + path)).headers(headers)
            .POST(HttpRequest.BodyPublishers.ofByteArray(body)).build(), HttpResponse.BodyHandlers.ofString());
        boolean isJson = answer.headers().firstValue("Content-Type").orElse("").contains("json");
        return new Answer(answer.statusCode(), isJson ? JSON.readTree(answer.body()) : null, answer);
    }

    @Test
    void countsFoldersWhateverTheirNames() {
        assertThat(get("/status/B%C3%BCcher%20&%20100%25%20+/count", 200)).isEqualTo(json("1"));
        assertThat(get("/status/deep%2Fer/count", 200)).isEqualTo(json("1"));
    }

    @Test
    void tellsWhetherEverythingOfAFolderIsThere() {
        JsonNode names = get("/status/orders/coverage", 200);
        assertThat(names).isEqualTo(get("/status/orders/coverage?deep=false", 200));
        assertThat(names.at("/topics/0/partitions/0").toString()).isEqualTo("{\"partition\":0,\"life\":1,\"inKafka\":false,"
            + "\"files\":1,\"records\":1,\"holes\":0,\"ranges\":[{\"from\":312,\"to\":312}],\"gaps\":[],\"emptyGaps\":0,"
            + "\"emptyOffsets\":0,\"overlaps\":[],\"days\":{\"2022-11-14\":{\"files\":1,\"records\":1}}}");
        assertThat(names.get("deep").asBoolean()).isFalse();
        assertThat(get("/status/orders/coverage?deep=true", 200).get("deep").asBoolean()).isTrue();
        // A file without a record
        assertThat(get("/status/deep%2Fer/coverage", 200).at("/topics/0/unreadable/0/reason").asText())
            .isEqualTo("holds no record");
        assertThat(get("/status/B%C3%BCcher%20&%20100%25%20+/coverage", 200).get("files").asLong()).isEqualTo(1);
        assertThat(get("/status/no-batch-files/coverage", 200).toString()).isEqualTo("{\"folder\":\"no-batch-files\","
            + "\"deep\":false,\"files\":0,\"records\":0,\"holes\":0,\"otherFiles\":1,\"topics\":[]}");
        for (String unknown : List.of("unheard-of", "deep", "%2E%2Ehidden", "%7B%7Bkafka.password%7D%7D", "$%7Bbody%7D")) {
            assertThat(get("/status/" + unknown + "/coverage", 404).get("code").asText()).isEqualTo("unknown-folder");
        }
        for (String wrong : List.of(".cistern", "orders%0A", "orders%2F%2Ehidden", "orders%2F..")) {
            assertThat(get("/status/" + wrong + "/coverage", 400).get("code").asText()).isEqualTo("invalid-folder");
        }
        for (String deep : List.of("yes", "", "TRUE", "1", "true&deep=false", "$%7Bbody%7D")) {
            assertThat(get("/status/orders/coverage?deep=" + deep, 400).get("code").asText()).as(deep)
                .isEqualTo("invalid-field");
        }
    }

    @Test
    void knowsNoReloadThatItDidNotAccept() {
        for (String id : List.of("1", "00000000-0000-0000-0000-000000000000", "$%7Bbody%7D", "a%20b")) {
            assertThat(get("/status-service/" + id, 404).get("code").asText()).isEqualTo("unknown-request");
        }
    }

    @Test
    void whatNoCallIsNamedByIsAnsweredInJsonToo() throws Exception {
        for (String path : List.of("/", "/nothing", "/reingestion/", "/reingestion/topics", "/reingestion/1/2", "/status",
            "/status/orders", "/status/orders/count/1", "/status-service", "/status-service/", "/status-service/1/2",
            "/application.yaml", "/routes/beans.camel.yaml")) {
            assertRefused(cistern.call("GET", path, null), 404, "GET " + path);
        }
        for (String post : List.of("/reingestion/topic", "/reingestion/file", "/reingestion/stop-reingestion")) {
            for (String method : List.of("GET", "PUT", "DELETE", "PATCH")) {
                Answer answer = cistern.call(method, post, method.equals("GET") ? null : "{}");
                assertRefused(answer, 405, method + " " + post);
                assertThat(answer.response().headers().firstValue("Allow")).hasValue("POST");
            }
        }
        for (String get : List.of("/status/folders", "/status/orders/count", "/status-service/1")) {
            assertRefused(cistern.call("POST", get, "{}"), 405, "POST " + get);
        }
        Answer post = cistern.call("POST", "/reingestion/1", "{}");
        assertRefused(post, 405, "POST of an id");
        assertThat(post.response().headers().firstValue("Allow")).hasValue("DELETE, GET, HEAD");
        assertRefused(cistern.call("POST", "/reingestion", "{}"), 405, "POST /reingestion");
        assertRefused(cistern.call("GET", "/reingestion/1/pause", null), 405, "GET of a pause");
        Answer head = cistern.call("HEAD", "/reingestion/1/pause", null);
        assertThat(head.status()).isEqualTo(405);
        assertThat(head.response().headers().map().keySet()).doesNotContain("user-agent");
        // Tomcat refuses these by itself.
        for (String odd : List.of("GET /status/{x}/count", "GET /status/%zz/count", "GET /status/\u0001/count")) {
            assertThat(raw(odd + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).as(odd)
                .startsWith("HTTP/1.1 400").containsIgnoringCase("content-type: application/json")
                .endsWith("\r\n{\"message\": \"Bad Request\", \"code\": \"bad-request\"}");
        }
    }

    @Test
    void aBodyOfAnotherContentTypeIsRefusedInJson() throws Exception {
        for (String type : List.of("application/x-www-form-urlencoded", "text/plain", "application/xml")) {
            HttpResponse<String> answer = HttpClient.newHttpClient().send(HttpRequest.newBuilder(
                    URI.create("http://localhost:" + cistern.port() + "/reingestion/topic")).header("Content-Type", type)
                .POST(HttpRequest.BodyPublishers.ofString(ofTopic(target).replace("orders.", "unheard-of."))).build(),
                HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).as(type).isBetween(400, 415);
            assertThat(JSON.readTree(answer.body()).properties()).as(type).extracting(Map.Entry::getKey)
                .containsExactlyInAnyOrder("message", "code");
        }
    }

    @Test
    void nothingOfARequestsHeadersComesBack() throws Exception {
        HttpResponse<String> answer = HttpClient.newHttpClient().send(HttpRequest.newBuilder(
                URI.create("http://localhost:" + cistern.port() + "/status/folders?folder=x"))
            .header("X-Secret", "mine").header("CamelHttpResponseCode", "299").header("Authorization", "Bearer mine")
            .build(), HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().map().toString()).doesNotContain("mine").doesNotContain("299");
    }

    @Test
    void theDocumentIsServedAndThePageToTryItOnNamesIt() throws Exception {
        HttpClient browser = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build();
        String base = "http://localhost:" + cistern.port();
        HttpResponse<byte[]> served = browser.send(HttpRequest.newBuilder(URI.create(base + "/openapi.yaml")).build(),
            HttpResponse.BodyHandlers.ofByteArray());
        assertThat(served.statusCode()).isEqualTo(200);
        assertThat(served.body()).isEqualTo(Files.readAllBytes(Path.of("src/main/resources/static/openapi.yaml")));
        HttpResponse<String> page = browser.send(HttpRequest.newBuilder(URI.create(base + "/swagger-ui.html")).build(),
            HttpResponse.BodyHandlers.ofString());
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.headers().firstValue("Content-Type").orElse("")).startsWith("text/html");
        assertThat(page.body()).contains("swagger-ui");
        assertThat(cistern.call("GET", "/v3/api-docs/swagger-config", null).body().get("url").asText())
            .isEqualTo("/openapi.yaml");
    }

    /**
     * Each operation of the document with each answer that it documents, but 401 and 403, for which
     * there is {@link HttpSecurityTest}, 415, which {@link #refusesBodiesThatAreNotTextInUtf8} has, and 503: {@link ReloadTest} and
     * others have that.
     */
    @Test
    void theDocumentAgreesWithTheAnswers() {
        Set<String> checked = new TreeSet<>();
        String reloadTarget = TestKafka.topic("document", 1);
        String accepted = agrees(checked, "reloadTopic", 202, "POST", "/reingestion/topic", ofTopic(reloadTarget))
            .get("requestId").asText();
        agrees(checked, "reloadTopic", 400, "POST", "/reingestion/topic", "{}");
        for (Map.Entry<String, String> call : Map.of("reloadTopic", "/reingestion/topic", "reloadFile", "/reingestion/file",
            "stopReload", "/reingestion/stop-reingestion").entrySet()) {
            agrees(checked, call.getKey(), 413, "POST", call.getValue(), " ".repeat(2_000_000));
        }
        agrees(checked, "reloadTopic", 404, "POST", "/reingestion/topic", ofTopic("unheard-of"));
        String ofFile = agrees(checked, "reloadFile", 202, "POST", "/reingestion/file", ofFile(file, reloadTarget))
            .get("requestId").asText();
        agrees(checked, "reloadFile", 400, "POST", "/reingestion/file", "{}");
        agrees(checked, "reloadFile", 404, "POST", "/reingestion/file", ofFile("orders/missing", reloadTarget));
        cistern.awaitEnd(accepted);
        cistern.awaitEnd(ofFile);
        assertThat(agrees(checked, "reloadStatus", 200, "GET", "/status-service/" + accepted, null).get("lineIndex")
            .asLong()).isEqualTo(2);
        agrees(checked, "reloadStatus", 200, "GET", "/status-service/" + ofFile, null);
        agrees(checked, "reloadStatus", 404, "GET", "/status-service/1", null);
        agrees(checked, "stopReload", 400, "POST", "/reingestion/stop-reingestion", "{}");
        agrees(checked, "stopReload", 404, "POST", "/reingestion/stop-reingestion", "{\"topic\": \"unheard-of\"}");
        agrees(checked, "listFolders", 200, "GET", "/status/folders", null);
        agrees(checked, "countFiles", 200, "GET", "/status/orders/count", null);
        agrees(checked, "countFiles", 400, "GET", "/status/.wide/count", null);
        agrees(checked, "countFiles", 404, "GET", "/status/unheard-of/count", null);
        agrees(checked, "auditFolder", 200, "GET", "/status/orders/coverage?deep=true", null);
        agrees(checked, "auditFolder", 400, "GET", "/status/orders/coverage?deep=yes", null);
        agrees(checked, "auditFolder", 404, "GET", "/status/unheard-of/coverage", null);
        steeringAgrees(checked);
        Set<String> documented = new TreeSet<>();
        operations(document).forEach((id, operation) -> operation.get("responses").fieldNames()
            .forEachRemaining(status -> documented.add(id + " " + status)));
        documented.removeIf(answer -> answer.matches(".* (401|403|415|503)"));
        // What a dry run answers is told by its own test.
        documented.removeAll(Set.of("reloadTopic 200", "reloadFile 200"));
        assertThat(checked).isEqualTo(documented);
    }

    private static void steeringAgrees(Set<String> checked) {
        String reloadTarget = TestKafka.topic("steered", 1);
        String slow = ofTopic(reloadTarget).replace("}", ", \"recordsPerSecond\": 0.001}");
        String id = agrees(checked, "reloadTopic", 202, "POST", "/reingestion/topic", slow).get("requestId").asText();
        agrees(checked, "reloadTopic", 409, "POST", "/reingestion/topic", ofTopic(reloadTarget));
        String slowFile = ofFile(file, reloadTarget).replace("}", ", \"recordsPerSecond\": 0.001}");
        agrees(checked, "reloadFile", 202, "POST", "/reingestion/file", slowFile);
        agrees(checked, "reloadFile", 409, "POST", "/reingestion/file", slowFile);
        String one = "/reingestion/" + id;
        agrees(checked, "listReloads", 200, "GET", "/reingestion?status=START", null);
        agrees(checked, "listReloads", 400, "GET", "/reingestion?limit=x", null);
        agrees(checked, "showReload", 200, "GET", one, null);
        agrees(checked, "deleteReload", 409, "DELETE", one, null);
        agrees(checked, "setSpeed", 400, "POST", one + "/speed", "{\"pace\": 0}");
        agrees(checked, "setSpeed", 413, "POST", one + "/speed", " ".repeat(2_000_000));
        agrees(checked, "setSpeed", 200, "POST", one + "/speed", "{\"recordsPerSecond\": 0.002}");
        agrees(checked, "pauseReload", 200, "POST", one + "/pause", null);
        agrees(checked, "resumeReload", 200, "POST", one + "/resume", null);
        agrees(checked, "stopOneReload", 200, "POST", one + "/stop", null);
        agrees(checked, "stopReload", 200, "POST", "/reingestion/stop-reingestion", "{\"topic\": \"" + TOPIC + "\"}");
        cistern.awaitEnd(id);
        agrees(checked, "pauseReload", 409, "POST", one + "/pause", null);
        agrees(checked, "stopOneReload", 409, "POST", one + "/stop", null);
        agrees(checked, "setSpeed", 409, "POST", one + "/speed", "{}");
        agrees(checked, "deleteReload", 200, "DELETE", one, null);
        agrees(checked, "deleteReload", 404, "DELETE", one, null);
        agrees(checked, "showReload", 404, "GET", one, null);
        agrees(checked, "pauseReload", 404, "POST", one + "/pause", null);
        agrees(checked, "resumeReload", 404, "POST", one + "/resume", null);
        agrees(checked, "stopOneReload", 404, "POST", one + "/stop", null);
        agrees(checked, "setSpeed", 404, "POST", one + "/speed", "{}");
        String complete = agrees(checked, "reloadTopic", 202, "POST", "/reingestion/topic", ofTopic(reloadTarget))
            .get("requestId").asText();
        cistern.awaitEnd(complete);
        agrees(checked, "resumeReload", 409, "POST", "/reingestion/" + complete + "/resume", null);
    }

    @Test
    void theDocumentNamesTheFieldsThatRequestsMayHave() {
        for (String[] call : new String[][] {{"/reingestion/topic", "TopicRequest"}, {"/reingestion/file", "FileRequest"},
            {"/reingestion/stop-reingestion", "StopRequest"}}) {
            String message = cistern.call("POST", call[0], "{\"?\": 1}").body().get("message").asText();
            List<String> documented = new ArrayList<>();
            document.at("/components/schemas/" + call[1] + "/properties").fieldNames().forEachRemaining(documented::add);
            assertThat(message.substring(message.indexOf("expected ") + 9).split(", "))
                .containsExactlyInAnyOrderElementsOf(documented);
        }
    }

    /** Calls it, and compares the answer with what the document says of it. */
    private static JsonNode agrees(Set<String> checked, String operation, int status, String method, String path,
                                   String body) {
        Answer answer = cistern.call(method, path, body);
        assertThat(answer.status()).as(operation).isEqualTo(status);
        assertDocumented(document, schema, operations(document).get(operation), answer);
        checked.add(operation + " " + status);
        return answer.body();
    }

    static void assertDocumented(JsonNode document, JsonSchema schema, JsonNode operation, Answer answer) {
        JsonNode response = schema.resolve(operation.path("responses").path(String.valueOf(answer.status())));
        JsonNode described = response.at("/content/application~1json/schema");
        assertThat(described.isMissingNode()).as("answer %d of %s is not documented", answer.status(),
            operation.get("operationId")).isFalse();
        assertThat(schema.problems(described, answer.body(), operation.get("operationId").asText())).isEmpty();
    }

    /** By their ids. */
    static Map<String, JsonNode> operations(JsonNode document) {
        Map<String, JsonNode> operations = new TreeMap<>();
        document.get("paths").forEach(path -> path.properties().stream().map(Map.Entry::getValue)
            .filter(operation -> operation.has("operationId"))
            .forEach(operation -> operations.put(operation.get("operationId").asText(), operation)));
        return operations;
    }

    private static void refuses(String path, Refusal... refusals) {
        assertSoftly(softly -> {
            for (Refusal refusal : refusals) {
                Answer answer = cistern.call("POST", path, refusal.body);
                refused(softly, answer, refusal.status, refusal.body);
                if (answer.body() != null) {
                    softly.assertThat(answer.body().path("code").asText()).as(refusal.body).isEqualTo(refusal.code);
                    softly.assertThat(answer.body().path("message").asText()).as(refusal.body).contains(refusal.named)
                        .doesNotContain(folder.toString());
                }
            }
        });
        assertThat(TestKafka.records(target)).isEmpty();
    }

    private static void assertRefused(Answer answer, int status, String what) {
        assertSoftly(softly -> refused(softly, answer, status, what));
    }

    private static void refused(SoftAssertions softly, Answer answer, int status, String what) {
        softly.assertThat(answer.status()).as(what).isEqualTo(status);
        softly.assertThat(answer.response().headers().firstValue("Content-Type").orElse("")).as(what)
            .startsWith("application/json");
        softly.assertThat(isError(answer.body())).as("%s: message and code, and nothing else: %s", what, answer.body())
            .isTrue();
    }

    private static boolean isError(JsonNode body) {
        return body != null && body.isObject() && body.size() == 2
            && body.path("message").isTextual() && body.path("code").isTextual() && !body.get("message").asText().isEmpty()
            && body.get("code").asText().matches("[a-z-]+");
    }

    private static JsonNode get(String path, int status) {
        Answer answer = cistern.call("GET", path, null);
        assertThat(answer.status()).as("%s: %s", path, answer.response().body()).isEqualTo(status);
        assertThat(answer.response().headers().firstValue("Content-Type")).hasValue("application/json");
        if (status >= 400) {
            assertRefused(answer, status, path);
        }
        return answer.body();
    }

    private static String raw(String request) throws Exception {
        try (Socket socket = new Socket("localhost", cistern.port())) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    private static String ofTopic(String reIngestionTopic) {
        return "{\"topic\": \"" + TOPIC + "\", \"reIngestionTopic\": \"" + reIngestionTopic + "\"}";
    }

    private static String ofFile(String fileName, String reIngestionTopic) {
        return "{\"fileName\": \"" + fileName + "\", \"reIngestionTopic\": \"" + reIngestionTopic + "\"}";
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
