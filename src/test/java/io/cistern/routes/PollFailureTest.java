package io.cistern.routes;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.cistern.testing.RoutesCopy;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** A consumer of tasks that Kafka gives nothing, as when a permission was taken away. */
@ExtendWith(OutputCaptureExtension.class)
class PollFailureTest {

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

        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        try (RunningCistern cistern = RunningCistern.start(settings)) {
            Logger polls = (Logger) LoggerFactory.getLogger("io.cistern.kafka.ReplaceableConsumer");
            polls.setLevel(Level.DEBUG);
            polls.addAppender(log);
            // When
            try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
                producer.send(new ProducerRecord<>(group + ".tasks", 0, "key".getBytes(UTF_8),
                    "no long".getBytes(UTF_8))).get();
            }
            await().until(() -> failures(log) >= 4);

            // Then
            List<Long> times = List.copyOf(log.list).stream().filter(PollFailureTest::isFailure).map(ILoggingEvent::getTimeStamp).toList();
            assertThat(times.get(3) - times.get(0)).as("milliseconds for three pauses").isGreaterThan(2_000);
            assertThat(output).doesNotContain("FatalFallbackErrorHandler");
        }
    }

    private static long failures(ListAppender<ILoggingEvent> log) {
        return List.copyOf(log.list).stream().filter(PollFailureTest::isFailure).count();
    }

    private static boolean isFailure(ILoggingEvent event) {
        return event.getLevel() == Level.DEBUG && event.getThrowableProxy() != null;
    }
}
