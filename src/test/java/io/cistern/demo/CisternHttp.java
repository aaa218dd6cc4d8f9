package io.cistern.demo;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** Calls Cistern's HTTP interface as any client would. */
final class CisternHttp {

    private final HttpClient client = HttpClient.newHttpClient();
    private final ObjectMapper json = new ObjectMapper();
    private final String base;

    CisternHttp(int port) {
        this.base = "http://localhost:" + port;
    }

    String base() {
        return base;
    }

    /** Returns when Cistern says that it is up, which is later than its port is open. */
    void awaitUp(Instant deadline) throws InterruptedException {
        String last = "no answer";
        while (Instant.now().isBefore(deadline)) {
            try {
                HttpResponse<String> answer = get("/actuator/health");
                if (answer.statusCode() == 200) {
                    return;
                }
                last = answer.body();
            } catch (IOException e) {
                last = e.toString();
            }
            Thread.sleep(200);
        }
        throw new IllegalStateException("Cistern is not up: " + last);
    }

    /** Starts a reload of a whole topic, each record into the partition that it came from; returns the request's id. */
    String reload(String topic, String reingestionTopic) throws IOException, InterruptedException {
        String body = json.writeValueAsString(
                Map.of("topic", topic, "reIngestionTopic", reingestionTopic, "partitioning", "preserve"));
        HttpResponse<String> answer = client.send(HttpRequest.newBuilder(URI.create(base + "/reingestion/topic"))
                .timeout(Duration.ofSeconds(30))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)).build(), HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 202) {
            throw new IllegalStateException(
                    "The reload of " + topic + " was refused: " + answer.statusCode() + " " + answer.body());
        }
        return json.readTree(answer.body()).path("requestId").asText();
    }

    /** Returns the last status of a reload: the one with which it ended, or any other when the deadline has come. */
    JsonNode awaitEnd(String requestId, Instant deadline) throws IOException, InterruptedException {
        JsonNode status = json.createObjectNode();
        while (Instant.now().isBefore(deadline)) {
            HttpResponse<String> answer = get("/status-service/" + requestId);
            status = json.readTree(answer.body());
            if (answer.statusCode() == 200 && !status.path("status").asText().equals("START")) {
                return status;
            }
            Thread.sleep(50);
        }
        return status;
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(URI.create(base + path)).timeout(Duration.ofSeconds(30)).build(),
                HttpResponse.BodyHandlers.ofString());
    }
}
