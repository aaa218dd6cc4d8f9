package io.cistern.guarantees;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.cistern.guarantees.Journal.Topic;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.Ports;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;

/** Reloads all topics, with a bad file and bad requests among them that must not matter to the others. */
final class Reloads {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final String BROKEN = "broken";
    private static final Instant TIME = Instant.parse("2022-11-14T13:26:37.728Z");
    private static final String BROKEN_FILE = BROKEN + "/" + BatchFiles.name(TIME, BROKEN, 0, 0);

    /** A request that must be refused, with the field that the answer must name. */
    private record Bad(String path, String body, String field) {
    }

    private static final List<Bad> BAD = List.of(
        new Bad("topic", "{'topic':'orders','reIngestionTopic':'orders.again','frist':'x'}", "frist"),
        new Bad("topic", "{'topic':'orders'}", "reIngestionTopic"),
        new Bad("topic", "{'topic':'orders','reIngestionTopic':'orders.again','startDate':'yesterday'}", "startDate"),
        new Bad("topic", "{'topic':'orders','reIngestionTopic':'orders.again','stopDate':'2022-13-01'}", "stopDate"),
        new Bad("topic", "{'topic':'orders','reIngestionTopic':'of-nobody'}", "reIngestionTopic"),
        new Bad("topic", "{'topic':'of-nobody','reIngestionTopic':'orders.again'}", "topic"),
        new Bad("file", "{'fileName':'archive/none.txt','reIngestionTopic':'orders.again'}", "fileName"),
        new Bad("file", "{'fileName':17,'reIngestionTopic':'orders.again'}", "fileName"));

    private final HttpClient http = HttpClient.newHttpClient();
    private final Cluster cluster;
    private final Watcher watcher;
    private final Checker checker;
    private final Evidence evidence;

    Reloads(Cluster cluster, Watcher watcher, Checker checker, Evidence evidence) {
        this.cluster = cluster;
        this.watcher = watcher;
        this.checker = checker;
        this.evidence = evidence;
    }

    /** The reingestion topics that are needed, with their numbers of partitions. */
    static Map<String, Integer> topics() {
        Map<String, Integer> topics = new HashMap<>(Map.of(again(BROKEN), 1));
        Load.TOPICS.forEach(topic -> topics.put(again(topic.name()), isPreserved(topic) ? 8 : 3));
        return topics;
    }

    private static String line(long offset) {
        return BatchFiles.line(0, offset, TIME, null, "good") + "\n";
    }

    private static String again(String topic) {
        return topic + ".again";
    }

    /** Of some topics the records come back into the partitions that they came from, of the others by their keys. */
    private static boolean isPreserved(Topic topic) {
        return topic == Load.GROWING || topic == Load.REBORN || topic == Load.STAMPED;
    }

    /** Does all of it and tells the checker; the reloader's process runs. */
    void run() {
        Awaitility.await().atMost(PATIENCE).pollInterval(Duration.ofMillis(200)).until(this::isReady);
        cluster.write(BROKEN_FILE, (line(0) + line(1) + "{\"timestamp\":\"2022\n" + line(3)).getBytes(UTF_8));
        cluster.write(Load.ORDERS.folder() + "/notes.pdf", new byte[]{1, 2, 3});
        cluster.write(Load.ORDERS.folder() + "/readme.txt", "no batch file".getBytes(UTF_8));
        Map<Topic, String> ids = new HashMap<>();
        Load.TOPICS.stream().filter(topic -> checker.stored(topic) > 0)
            .forEach(topic -> ids.put(topic, startOf(topic)));
        String broken = start("file", JSON.createObjectNode().put("fileName", BROKEN_FILE)
            .put("reIngestionTopic", again(BROKEN)));
        BAD.forEach(this::refuses);
        failsAlone(end(broken));
        ids.forEach((topic, id) -> isWhole(topic, end(id)));
        ids.keySet().forEach(topic -> watcher.read(Map.of(again(topic.name()), topics().get(again(topic.name()))),
            record -> checker.reloaded(topic, isPreserved(topic), record)));
        checker.endOfReloads(ids.keySet());
    }

    private boolean isReady() {
        if (!cluster.reloader().isAlive()) {
            throw new IllegalStateException("The reloader did not start: see " + cluster.reloader().folder());
        }
        return Cluster.isReady(cluster.reloaderPort());
    }

    private String startOf(Topic topic) {
        ObjectNode body = JSON.createObjectNode().put("topic", topic.name())
            .put("reIngestionTopic", again(topic.name()));
        if (isPreserved(topic)) {
            body.put("partitioning", "preserve");
        }
        return start("topic", body);
    }

    private String start(String kind, ObjectNode body) {
        HttpResponse<String> answer = post(kind, body.toString());
        if (answer.statusCode() != 202) {
            throw new IllegalStateException(body + " was answered with " + answer.statusCode() + " " + answer.body());
        }
        return json(answer.body()).get("requestId").asText();
    }

    private JsonNode end(String id) {
        return Awaitility.await().atMost(PATIENCE).pollInterval(Duration.ofMillis(100))
            .until(() -> get("/status-service/" + id), status -> !status.path("status").asText().equals("START"));
    }

    private void isWhole(Topic topic, JsonNode status) {
        long stored = checker.stored(topic);
        evidence.checked(Promise.RELOADED_ONCE, 1);
        evidence.checked(Promise.HARMS_NOTHING_ELSE, 1);
        if (!status.path("status").asText().equals("COMPLETE")) {
            evidence.broken(Promise.HARMS_NOTHING_ELSE, "the reload of " + topic.name() + " beside that of a bad file: "
                + status);
        }
        if (status.path("lineIndex").asLong() != stored) {
            evidence.broken(Promise.RELOADED_ONCE, topic.name() + " has " + stored + " stored records, its reload says "
                + status);
        }
    }

    private void failsAlone(JsonNode status) {
        evidence.checked(Promise.HARMS_NOTHING_ELSE, 1);
        AtomicLong published = new AtomicLong();
        watcher.read(Map.of(again(BROKEN), 1), record -> published.incrementAndGet());
        if (!status.path("status").asText().equals("ERROR") || !status.path("file").asText().equals(BROKEN_FILE)
            || status.path("line").asInt() != 3 || status.path("lineIndex").asLong(-1) != published.get()
            || published.get() > 2) {
            evidence.broken(Promise.HARMS_NOTHING_ELSE, "a file whose line 3 is bad, of which " + published
                + " records were published, ended as " + status);
        }
    }

    private void refuses(Bad request) {
        evidence.checked(Promise.HARMS_NOTHING_ELSE, 1);
        HttpResponse<String> answer = post(request.path, request.body.replace('\'', '"'));
        if (answer.statusCode() / 100 != 4 || !json(answer.body()).path("message").asText().contains(request.field)) {
            evidence.broken(Promise.HARMS_NOTHING_ELSE, request + " was answered with " + answer.statusCode() + " "
                + answer.body());
        }
    }

    private HttpResponse<String> post(String kind, String body) {
        return send(request("/reingestion/" + kind).header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    private JsonNode get(String path) {
        return json(send(request(path)).body());
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://" + Ports.HOST + ":" + cluster.reloaderPort() + path))
            .timeout(Duration.ofSeconds(20));
    }

    private HttpResponse<String> send(HttpRequest.Builder request) {
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
