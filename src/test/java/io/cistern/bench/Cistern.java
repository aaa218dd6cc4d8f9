package io.cistern.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.testing.Ports;
import io.cistern.testing.UnpackedJar;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;

/** The packaged jar, taken apart and launched as in the image, with a heap of 256 MB, its own routes and its default settings. */
final class Cistern implements AutoCloseable {

    static final String HEAP = "256m";

    private static final Duration PATIENCE = Duration.ofMinutes(20);
    private static final Pattern STORED = Pattern.compile("Stored: file=\\S+ records=(\\d+)");
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final ObjectMapper JSON = new ObjectMapper();

    private final int port = Ports.free();
    private final Program program;

    /** Starts it, and does not wait; {@code settings} by the names of their environment variables. */
    Cistern(Path folder, Broker broker, Map<String, String> settings) {
        this(folder, broker, settings, UnpackedJar.shared().options());
    }

    /** One that is launched by these options of the JVM. */
    Cistern(Path folder, Broker broker, Map<String, String> settings, List<String> launch) {
        Map<String, String> environment = new HashMap<>(Map.of("HTTP_PORT", String.valueOf(port),
            "KAFKA_BROKERS", broker.address(), "BSS_EVENTS_TOPIC", Broker.EVENTS, "KAFKA_GROUP_ID", "bench-" + port,
            "KAFKA_DEQUEUE_STRATEGY", "earliest", "BSS_RELOAD_GROUP_ID", "bench-reload-" + port,
            "BSS_HTTP_AUTHENTICATION", "none"));
        environment.putAll(settings);
        program = new Program(folder, HEAP, launch, environment);
    }

    /** The settings of a storer of these topics. */
    static Map<String, String> storerOf(List<String> topics) {
        Map<String, String> settings = new HashMap<>(Map.of("BSS_ROLES", "storer"));
        for (int i = 0; i < topics.size(); i++) {
            settings.put("BSS_TOPICSCONFIG_DATATOPICSMAPPING_" + i + "_INGESTION", topics.get(i));
        }
        return settings;
    }

    Program program() {
        return program;
    }

    Cistern awaitReady() {
        await(Duration.ofMillis(50)).until(() -> text("/actuator/health/readiness") != null);
        return this;
    }

    /** Waits until its start has left it: for a second it has taken less than a tenth of one of CPU. */
    Cistern awaitRest() {
        await(Duration.ofMillis(100)).until(() -> {
            long now = System.currentTimeMillis();
            return now - program.startedMillis() > 1000 && program.cpuSeconds(now) - program.cpuSeconds(now - 1000) < 0.1;
        });
        return this;
    }

    private org.awaitility.core.ConditionFactory await(Duration interval) {
        return Awaitility.await().atMost(PATIENCE).pollDelay(Duration.ZERO).pollInterval(interval).conditionEvaluationListener(
            condition -> {
                if (!program.isAlive()) {
                    throw new IllegalStateException("The jar has ended: see " + program);
                }
            });
    }

    /** The bytes that it has encoded so far, put into the bucket or held: when they stop growing, all is encoded. */
    double encoded() {
        String metrics = text("/actuator/prometheus");
        return metrics == null ? 0 : metrics.lines().filter(line -> line.matches("cistern_(stored_bytes_total|held_bytes)\\b.*"))
            .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1))).sum();
    }

    /** Records that are in files, by its log. */
    long stored() {
        return program.output().stream().map(STORED::matcher).filter(Matcher::find)
            .mapToLong(stored -> Long.parseLong(stored.group(1))).sum();
    }

    void awaitStored(long records) {
        await(Duration.ofMillis(10)).until(() -> stored() >= records);
    }

    /** Asks for a reload; returns its id. */
    String reload(String body) {
        JsonNode answer = json("/reingestion/topic", body);
        if (!answer.has("requestId")) {
            throw new IllegalStateException("Not reloaded: " + answer);
        }
        return answer.get("requestId").asText();
    }

    /** Waits for the end of a reload; returns its status. */
    JsonNode awaitReloaded(String id) {
        JsonNode[] status = {null};
        // What is asked about takes part in the work.
        await(Duration.ofMillis(500)).until(() -> {
            status[0] = json("/status-service/" + id, null);
            return !status[0].get("status").asText().equals("START");
        });
        if (!status[0].get("status").asText().equals("COMPLETE")) {
            throw new IllegalStateException("The reload ended otherwise: " + status[0]);
        }
        return status[0];
    }

    /** What a GET, or with a body a POST, is answered. */
    JsonNode json(String path, String body) {
        try {
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://" + Ports.HOST + ":" + port + path))
                .header("Content-Type", "application/json");
            return JSON.readTree(HTTP.send((body == null ? request.GET()
                : request.POST(HttpRequest.BodyPublishers.ofString(body))).build(), HttpResponse.BodyHandlers.ofString()).body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private String text(String path) {
        try {
            HttpResponse<String> answer = HTTP.send(HttpRequest.newBuilder(
                URI.create("http://" + Ports.HOST + ":" + port + path)).build(), HttpResponse.BodyHandlers.ofString());
            return answer.statusCode() == 200 ? answer.body() : null;
        } catch (IOException notUpYet) {
            return null;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        program.close();
    }

    /** An empty folder as the bucket. */
    static Map<String, String> folderBucket(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Map.of("BUCKET_TYPE", "file", "BUCKET_NAME", folder.toString());
    }
}
