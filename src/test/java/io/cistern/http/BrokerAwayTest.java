package io.cistern.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.cistern.broker.EmbeddedKafka;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.JsonSchema;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.RunningCistern.Answer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calls that need the broker while it is away are answered, and say so. */
class BrokerAwayTest {

    @TempDir
    private Path bucket;

    @Test
    void whatNeedsTheBrokerIsUnavailable() throws Exception {
        Instant start = Instant.parse("2022-11-14T13:26:37.728Z");
        BatchFiles.write(bucket, "orders", BatchFiles.name(start, "orders", 0, 0),
            List.of(BatchFiles.line(0, 0, start, "k", "v")));
        JsonNode document = new ObjectMapper(new YAMLFactory())
            .readTree(Path.of("src/main/resources/static/openapi.yaml").toFile());
        try (EmbeddedKafka broker = new EmbeddedKafka().start();
             RunningCistern cistern = RunningCistern.start(Map.of("BSS_ROLES", "reloader", "BUCKET_TYPE", "file",
                 "BUCKET_NAME", bucket.toString(), "KAFKA_BROKERS", broker.bootstrapServers(), "KAFKA_START_TIMEOUT", "5s"))) {
            assertThat(cistern.call("GET", "/status/orders/coverage", null).status()).isEqualTo(200);
            broker.stop();

            Answer coverage = cistern.call("GET", "/status/orders/coverage", null);
            Answer reload = cistern.call("POST", "/reingestion/topic",
                "{\"topic\": \"orders\", \"reIngestionTopic\": \"target\"}");

            assertUnavailable(document, coverage, document.at("/paths/~1status~1{folder}~1coverage/get"));
            assertUnavailable(document, reload, document.at("/paths/~1reingestion~1topic/post"));
            // Which what needs the bucket only is not
            assertThat(cistern.call("GET", "/status/orders/count", null).body().asLong()).isEqualTo(1);
        }
    }

    private static void assertUnavailable(JsonNode document, Answer answer, JsonNode operation) {
        assertThat(answer.status()).as(answer.response().body()).isEqualTo(503);
        assertThat(answer.body().get("code").asText()).isEqualTo("broker-unavailable");
        assertThat(answer.body().get("message").asText()).startsWith("The broker cannot be asked: ");
        HttpInterfaceTest.assertDocumented(document, new JsonSchema(document, true), operation, answer);
    }
}
