package io.cistern.storer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.broker.EmbeddedKafka;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.RunningCistern;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A broker or a bucket that goes away while Cistern runs is waited for, and the readiness probe says so. */
class OutageTest {

    @Test
    void waitsForTheBrokerAndTheBucketAndGoesOnByItself(@TempDir Path folder) throws Exception {
        Path bucket = Files.createDirectory(folder.resolve("bucket"));
        try (EmbeddedKafka kafka = new EmbeddedKafka().start()) {
            kafka.createTopic("orders", 1);
            kafka.createTopic("events", 1);
            try (RunningCistern cistern = RunningCistern.start(Map.of(
                "KAFKA_BROKERS", kafka.bootstrapServers(), "KAFKA_GROUP_ID", "outage",
                "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "BSS_EVENTS_TOPIC", "events",
                "BSS_CACHE_UPLOAD_TIMEOUT", "200ms", "BSS_REST_AFTER_FAILURE", "500ms", "LOG_LEVEL", "ERROR",
                "bss.topics-config.data-topics-mapping[0].ingestion", "orders"))) {
                publish(kafka, "one");
                awaitStored(bucket, "one");
                assertThat(readiness(cistern)).isEqualTo(200);

                // When the broker goes away and comes back
                kafka.stop();
                await().until(() -> readiness(cistern) == 503);
                assertThat(cistern.call("GET", "/actuator/health/liveness", null).status()).isEqualTo(200);
                kafka.start();

                // Then
                publish(kafka, "two");
                awaitStored(bucket, "one", "two");
                await().until(() -> readiness(cistern) == 200);

                // When the bucket goes away and comes back
                Path away = folder.resolve("away");
                Files.move(bucket, away);
                publish(kafka, "three");
                await().until(() -> readiness(cistern) == 503);
                assertThat(bucket).doesNotExist();
                assertThatTheBucketIsMissed(cistern.call("GET", "/status/folders", null), bucket);
                assertThatTheBucketIsMissed(cistern.call("GET", "/status/orders/count", null), bucket);
                assertThatTheBucketIsMissed(cistern.call("POST", "/reingestion/topic",
                    "{\"topic\":\"orders\",\"reIngestionTopic\":\"events\"}"), bucket);
                Files.move(away, bucket);

                // Then
                awaitStored(bucket, "one", "two", "three");
                await().until(() -> readiness(cistern) == 200);
            }
        }
    }

    private static void assertThatTheBucketIsMissed(RunningCistern.Answer answer, Path bucket) {
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.body().get("code").asText()).isEqualTo("bucket-unavailable");
        // A caller does not learn where the folder is.
        assertThat(answer.body().get("message").asText()).contains("is no folder").doesNotContain(bucket.toString());
    }

    private static int readiness(RunningCistern cistern) {
        return cistern.call("GET", "/actuator/health/readiness", null).status();
    }

    private static void publish(EmbeddedKafka kafka, String value) throws Exception {
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>("orders", "k", value)).get();
        }
    }

    private static void awaitStored(Path bucket, String... values) {
        await().untilAsserted(() ->
            assertThat(BucketFiles.allLines(bucket, "orders")).extracting(line -> line.get("payload").asText())
                .containsExactlyElementsOf(List.of(values)));
    }
}
