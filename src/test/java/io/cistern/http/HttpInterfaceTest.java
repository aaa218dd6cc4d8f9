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
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
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
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
    void refusesDatesThatAreNone() {
        String right = "\"topic\": \"" + TOPIC + "\", \"reIngestionTopic\": \"" + target + "\"";
        for (String date : List.of("", " ", "yesterday", "2022-11-14", "2022-11-14T13:26:37", "2022-11-14 13:26:37Z",
            "2022-11-14T13:26Z", "2022-11-14T13:26:37Z ", "2022-13-14T13:26:37Z", "2022-02-29T13:26:37Z",
            "2022-11-14T25:26:37Z", "2022-11-14T13:60:37Z", "2022-11-14T13:26:37+24:00", "1668432397728",
            "+999999999-01-01T00:00:00Z", "2022-11-14T13:26:37,5Z", "${date:now}")) {
            refuses("/reingestion/topic",
                new Refusal("{" + right + ", \"startDate\": \"" + date + "\"}", 400, "invalid-date", "startDate"),
                new Refusal("{" + right + ", \"stopDate\": \"" + date + "\"}", 400, "invalid-date", "stopDate"));
        }
        refuses("/reingestion/topic",
            new Refusal("{" + right + ", \"startDate\": \"2022-11-14T13:26:37.729Z\", \"stopDate\":"
                + " \"2022-11-14T13:26:37.728Z\"}", 400, "invalid-range", "startDate", "stopDate"),
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
            new Refusal(ofFile("orders/" + "x".repeat(5000), target), 404, "unknown-file", "fileName"));
        String name = file.substring(file.indexOf('/') + 1);
        for (String outside : List.of("x.txt", "/etc/passwd", "etc/../../x", "../x", "../orders/" + name, "orders/../../x",
            "orders/../orders/" + name, "./" + file, "orders//" + name, "/" + file, "orders/", "/", ".cistern/orders/x",
            "orders/.cistern", "orders\\\\" + name, "..\\\\x.txt", "orders/..\\\\..\\\\x", "C:\\\\x",
            "orders/a\\u0000b", bucket.resolve(file).toString(), "${body}")) {
            refuses("/reingestion/file", new Refusal(ofFile(outside, target), 400, "invalid-file", "fileName"));
        }
        refuses("/reingestion/file", new Refusal(ofFile("file:/etc/passwd", target), 404, "unknown-file", "fileName"));
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
        for (String unknown : List.of("unheard-of", "deep", "%7B%7Bkafka.password%7D%7D", "$%7Bbody%7D")) {
            assertThat(get("/status/" + unknown + "/count", 404).get("code").asText()).isEqualTo("unknown-folder");
        }
        for (String wrong : List.of(".cistern", "orders%0A", "%2E%2Ehidden")) {
            assertThat(get("/status/" + wrong + "/count", 400).get("code").asText()).as(wrong).isEqualTo("invalid-folder");
        }
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
        for (String unknown : List.of("unheard-of", "deep", "%7B%7Bkafka.password%7D%7D", "$%7Bbody%7D")) {
            assertThat(get("/status/" + unknown + "/coverage", 404).get("code").asText()).isEqualTo("unknown-folder");
        }
        for (String wrong : List.of(".cistern", "orders%0A", "%2E%2Ehidden")) {
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
        for (String path : List.of("/", "/nothing", "/reingestion", "/reingestion/", "/reingestion/topics", "/status",
            "/status/orders", "/status/orders/count/1", "/status-service", "/status-service/", "/status-service/1/2",
            "/application.yaml", "/routes/beans.camel.yaml")) {
            assertRefused(cistern.call("GET", path, null), 404, "GET " + path);
        }
        for (String post : List.of("/reingestion/topic", "/reingestion/file", "/reingestion/stop-reingestion")) {
            for (String method : List.of("GET", "PUT", "DELETE", "PATCH")) {
                assertRefused(cistern.call(method, post, method.equals("GET") ? null : "{}"), 405, method + " " + post);
            }
        }
        for (String get : List.of("/status/folders", "/status/orders/count", "/status-service/1")) {
            assertRefused(cistern.call("POST", get, "{}"), 405, "POST " + get);
        }
        Answer head = cistern.call("HEAD", "/status/folders", null);
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

    /** Each operation of the document with each answer that it documents, but 503: {@link ReloadTest} and others have that. */
    @Test
    void theDocumentAgreesWithTheAnswers() {
        Set<String> checked = new TreeSet<>();
        String reloadTarget = TestKafka.topic("document", 1);
        String accepted = agrees(checked, "reloadTopic", 202, "POST", "/reingestion/topic", ofTopic(reloadTarget))
            .get("requestId").asText();
        agrees(checked, "reloadTopic", 400, "POST", "/reingestion/topic", "{}");
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
        agrees(checked, "countFiles", 400, "GET", "/status/.x/count", null);
        agrees(checked, "countFiles", 404, "GET", "/status/unheard-of/count", null);
        agrees(checked, "auditFolder", 200, "GET", "/status/orders/coverage?deep=true", null);
        agrees(checked, "auditFolder", 400, "GET", "/status/orders/coverage?deep=yes", null);
        agrees(checked, "auditFolder", 404, "GET", "/status/unheard-of/coverage", null);
        Set<String> documented = new TreeSet<>();
        operations().forEach((id, operation) -> operation.get("responses").fieldNames()
            .forEachRemaining(status -> documented.add(id + " " + status)));
        // The stop of a reload that runs, and too many of them, take a large folder: ReloadTest.
        documented.removeAll(Set.of("stopReload 200", "reloadTopic 503", "reloadFile 503", "listFolders 503", "countFiles 503",
            "auditFolder 503"));
        assertThat(checked).isEqualTo(documented);
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
        assertDocumented(document, schema, operations().get(operation), answer);
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

    private static Map<String, JsonNode> operations() {
        Map<String, JsonNode> operations = new TreeMap<>();
        document.get("paths").forEach(path -> path.forEach(operation ->
            operations.put(operation.get("operationId").asText(), operation)));
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
