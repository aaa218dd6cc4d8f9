package io.cistern.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.CisternApplication;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.springframework.context.ConfigurableApplicationContext;

/** The application in this process, started as a user starts it, with settings under the names of their environment variables. */
public final class RunningCistern implements AutoCloseable {

    private static final ObjectMapper JSON = new ObjectMapper();

    /** An answer of the HTTP interface. */
    public record Answer(int status, JsonNode body, HttpResponse<String> response) {
    }

    private final HttpClient http = HttpClient.newHttpClient();
    private final ConfigurableApplicationContext context;

    private RunningCistern(ConfigurableApplicationContext context) {
        this.context = context;
    }

    /** Starts it on a free HTTP port; returns when the routes run. */
    public static RunningCistern start(Map<String, ?> settings, String... args) {
        Map<String, Object> all = new HashMap<>();
        all.put("HTTP_PORT", "0");
        all.put("BSS_HTTP_AUTHENTICATION", "none");
        all.put("LOG_LEVEL", "WARN");
        all.put("KAFKA_DEQUEUE_STRATEGY", "earliest");
        all.put("SHUTDOWN_TIMEOUT_SECONDS", "10");
        // Others on the same broker have another bucket.
        all.put("BSS_RELOAD_GROUP_ID", "reload-" + UUID.randomUUID());
        all.put("BSS_RELOAD_TASKS_PARTITIONS", "4");
        all.putAll(settings);
        return new RunningCistern(CisternApplication.start(all, args));
    }

    public ConfigurableApplicationContext context() {
        return context;
    }

    public int port() {
        return Integer.parseInt(context.getEnvironment().getProperty("local.server.port"));
    }

    /** Asks the HTTP interface; {@code body} may be null. */
    public Answer call(String method, String path, String body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + port() + path))
            .timeout(Duration.ofSeconds(30))
            .header("Content-Type", "application/json")
            .method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        try {
            HttpResponse<String> response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
            String type = response.headers().firstValue("Content-Type").orElse("");
            return new Answer(response.statusCode(),
                type.contains("json") ? JSON.readTree(response.body()) : null, response);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Starts a reload, waits for its end, and gives its status. */
    public JsonNode reload(String path, String body) {
        Answer accepted = call("POST", path, body);
        if (accepted.status() != 202) {
            throw new AssertionError(accepted.status() + " " + accepted.body());
        }
        return awaitEnd(accepted.body().get("requestId").asText());
    }

    /** Waits until a reload has ended, and gives its status. */
    public JsonNode awaitEnd(String requestId) {
        return Awaitility.await().pollInterval(Duration.ofMillis(50))
            .until(() -> call("GET", "/status-service/" + requestId, null).body(),
                status -> !status.path("status").asText().equals("START"));
    }

    @Override
    public void close() {
        context.close();
    }
}
