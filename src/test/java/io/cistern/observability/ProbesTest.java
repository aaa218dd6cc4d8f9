package io.cistern.observability;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.broker.EmbeddedKafka;
import io.cistern.testing.Ports;
import io.cistern.testing.RunningCistern;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the probes of a deployment are answered: before the routes run, while all is well, and while the broker is away. */
class ProbesTest {

    private final HttpClient http = HttpClient.newHttpClient();
    private final int port = Ports.free();

    @Test
    void startupIsUpWhenTheRoutesRunAndLivenessWhateverBecomesOfTheBroker(@TempDir Path bucket) throws Exception {
        try (EmbeddedKafka kafka = new EmbeddedKafka().start()) {
            kafka.createTopic("orders", 1);
            kafka.createTopic("events", 1);
            CompletableFuture<RunningCistern> starting = CompletableFuture.supplyAsync(() -> RunningCistern.start(Map.of(
                "HTTP_PORT", String.valueOf(port), "KAFKA_BROKERS", kafka.bootstrapServers(), "KAFKA_GROUP_ID", "probes",
                "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "BSS_EVENTS_TOPIC", "events", "LOG_LEVEL", "OFF",
                "bss.topics-config.data-topics-mapping[0].ingestion", "orders")));

            // While it starts
            List<String> seen = new ArrayList<>();
            await().pollInterval(Duration.ofMillis(20)).until(() -> {
                // The route is asked first: where it is not there yet, startup may be up right after that.
                int route = status("/status/folders");
                seen.add(status("/actuator/health/startup") + " " + route);
                return seen.get(seen.size() - 1).equals("200 200");
            });
            assertThat(seen).as("before the routes run").contains("503 404").doesNotContain("503 500");
            try (RunningCistern cistern = starting.get()) {
                await().until(() -> status("/actuator/health/readiness") == 200);
                assertThat(status("/actuator/health/liveness")).isEqualTo(200);

                // When the broker is away, for some of its probes
                kafka.stop();
                await().until(() -> status("/actuator/health/readiness") == 503);
                for (int i = 0; i < 10; i++) {
                    assertThat(status("/actuator/health/liveness")).isEqualTo(200);
                    assertThat(status("/actuator/health/startup")).isEqualTo(200);
                    assertThat(status("/actuator/health/readiness")).isEqualTo(503);
                }
                kafka.start();
                await().until(() -> status("/actuator/health/readiness") == 200);
            }
        }
    }

    /** The HTTP status; 0 as long as nothing answers. */
    private int status(String path) throws InterruptedException {
        try {
            return http.send(HttpRequest.newBuilder(URI.create("http://localhost:" + port + path)).build(),
                HttpResponse.BodyHandlers.discarding()).statusCode();
        } catch (IOException notUpYet) {
            return 0;
        }
    }
}
