package io.cistern.observability;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.testing.Ports;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;

/** A Prometheus of its own, which scrapes one process each second, and its promtool. */
final class Prometheus implements AutoCloseable {

    private static final String HOW = "Prometheus and its promtool are neither on the PATH nor in target/prometheus/usr/bin, so"
        + " that queries and alerts are not evaluated. On Debian: apt-get download prometheus"
        + " && dpkg -x prometheus_*.deb target/prometheus";

    private final HttpClient http = HttpClient.newHttpClient();
    private final int port = Ports.free();
    private final Process process;

    /**
     * Starts it.
     *
     * @param scraped the port whose {@code /actuator/prometheus} it reads, as the job cistern
     */
    Prometheus(Path folder, int scraped) throws IOException {
        Path configuration = Files.writeString(folder.resolve("prometheus.yaml"), """
            global:
              scrape_interval: 1s
              evaluation_interval: 1s
            rule_files:
              - %s
            scrape_configs:
              - job_name: cistern
                metrics_path: /actuator/prometheus
                static_configs:
                  - targets: ["localhost:%d"]
            """.formatted(Queries.ALERTS.toAbsolutePath(), scraped));
        process = new ProcessBuilder(program("prometheus").toString(), "--config.file=" + configuration,
            "--storage.tsdb.path=" + folder.resolve("data"), "--web.listen-address=127.0.0.1:" + port, "--log.level=warn")
            .redirectErrorStream(true).redirectOutput(folder.resolve("prometheus.log").toFile()).start();
        Awaitility.await().until(() -> {
            try {
                return !query("up == 1").isEmpty();
            } catch (IOException notUpYet) {
                return false;
            }
        });
    }

    /** Leaves the rest of a test out if there is none; fails where tests run for all to see. */
    static void require() {
        boolean isThere = find("prometheus") != null && find("promtool") != null;
        if (!isThere && "true".equals(System.getenv("CI"))) {
            throw new AssertionError(HOW);
        }
        Assumptions.assumeTrue(isThere, HOW);
    }

    private static Path program(String name) {
        Path found = find(name);
        if (found == null) {
            throw new AssertionError(HOW);
        }
        return found;
    }

    private static Path find(String name) {
        return Stream.concat(Stream.of("target/prometheus/usr/bin"),
                Arrays.stream(System.getenv().getOrDefault("PATH", "").split(":")))
            .map(folder -> Path.of(folder, name).toAbsolutePath()).filter(Files::isExecutable).findFirst().orElse(null);
    }

    /** Runs promtool; its output, with an exit code other than 0 in front of it. */
    static String promtool(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(program("promtool").toString()));
        command.addAll(List.of(arguments));
        Process tool = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(tool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return tool.waitFor() == 0 ? output : "exit code " + tool.exitValue() + "\n" + output;
    }

    /** What an expression comes to now: a list of results. */
    JsonNode query(String expression) throws IOException {
        JsonNode answer = get("/api/v1/query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8));
        if (!answer.path("status").asText().equals("success")) {
            throw new AssertionError(expression + ": " + answer);
        }
        return answer.at("/data/result");
    }

    /** The rules that it evaluates. */
    JsonNode rules() throws IOException {
        return get("/api/v1/rules").at("/data/groups/0/rules");
    }

    private JsonNode get(String path) throws IOException {
        try {
            return new ObjectMapper().readTree(http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .build(), HttpResponse.BodyHandlers.ofString()).body());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    @Override
    public void close() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
    }
}
