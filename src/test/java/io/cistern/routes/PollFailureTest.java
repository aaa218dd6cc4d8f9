package io.cistern.routes;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.testing.RoutesCopy;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** A consumer of tasks that Kafka gives nothing, as when a permission was taken away. */
@ExtendWith(OutputCaptureExtension.class)
class PollFailureTest {

    private static final String MESSAGE = "Kafka cannot be read, and is asked again: reason=";

    @TempDir
    private Path folder;

    @Test
    void isPolledAgainAfterAPause(CapturedOutput output) throws Exception {
        // Given a poll that always fails: there is a record that cannot be read
        Path routes = RoutesCopy.edited(folder, "reloader.camel.yaml", yaml ->
            yaml.replaceFirst("valueDeserializer: .*", "valueDeserializer: " + LongDeserializer.class.getName()));
        String group = "failing-" + UUID.randomUUID();
        String topic = TestKafka.topic("failing", 1);
        Map<String, String> settings = new HashMap<>(Map.of("cistern.routes", "file:" + routes, "BSS_ROLES", "reloader",
            "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(), "KAFKA_GROUP_ID", group + "-storer",
            "BUCKET_TYPE", "file", "BUCKET_NAME", folder.toString(),
            "BSS_EVENTS_TOPIC", TestKafka.topic("failing.events", 1), "BSS_RELOAD_GROUP_ID", group,
            "bss.topics-config.data-topics-mapping[0].ingestion", topic));

        try (RunningCistern cistern = RunningCistern.start(settings)) {
            // When
            try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
                producer.send(new ProducerRecord<>(group + ".tasks", 0, "key".getBytes(UTF_8),
                    "no long".getBytes(UTF_8))).get();
            }
            await().until(() -> times(output) >= 1);
            long began = System.nanoTime();
            int before = times(output);
            await().until(() -> times(output) >= before + 3);

            // Then
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThan(Duration.ofSeconds(2));
            assertThat(output).doesNotContain("FatalFallbackErrorHandler");
        }
    }

    private static int times(CapturedOutput output) {
        return output.getAll().split(MESSAGE, -1).length - 1;
    }
}
