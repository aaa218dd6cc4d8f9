package io.cistern.observability;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import org.apache.camel.CamelContext;
import org.apache.camel.opentelemetry2.OpenTelemetryTracer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Traces go to a collector if one is named: spans of batches, none of records, and nothing of them into topics. */
class TracingTest {

    private static final int RECORDS = 5000;

    @Test
    void batchesAreTracedAndRecordsAreNot(@TempDir Path bucket) throws Exception {
        // Given a collector
        StringBuffer collected = new StringBuffer();
        HttpServer collector = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        collector.createContext("/v1/traces", exchange -> {
            collected.append(new String(exchange.getRequestBody().readAllBytes(), ISO_8859_1));
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        collector.start();
        String topic = TestKafka.topic("traced", 1);
        String events = TestKafka.topic("traced.events", 1);
        String post = TestKafka.topic("traced.post", 1);
        try {
            // When records are stored and passed on
            try (RunningCistern cistern = RunningCistern.start(Map.of("KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
                "KAFKA_GROUP_ID", "traced-" + UUID.randomUUID(), "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(),
                "BSS_ROLES", "storer", "BSS_EVENTS_TOPIC", events, "BSS_CACHE_UPLOAD_TIMEOUT", "200ms",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:" + collector.getAddress().getPort() + "/v1/traces",
                "bss.topics-config.data-topics-mapping[0].ingestion", topic,
                "bss.topics-config.data-topics-mapping[0].post-ingestion[0]", post));
                KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
                assertThat(cistern.context().getBean(CamelContext.class).hasService(OpenTelemetryTracer.class)).isNotNull();
                for (int i = 0; i < RECORDS; i++) {
                    producer.send(new ProducerRecord<>(topic, ("k" + i).getBytes(UTF_8), ("v" + i).getBytes(UTF_8)));
                }
                producer.flush();
                await().until(() -> TestKafka.records(post).size() == RECORDS
                    && !TestKafka.records(events).isEmpty());
            }
        } finally {
            // A stop has sent what was not sent yet.
            collector.stop(0);
        }

        // Then
        assertThat(collected.toString()).contains("cistern", "ingestion-topics", "store-batch-file", "bucket-put",
            "announce-batch-file", "forward-batch-file");
        long spans = Pattern.compile("ingestion-topics").matcher(collected).results().count();
        assertThat(spans).isBetween(1L, RECORDS / 10L);
        assertThat(TestKafka.records(events)).allSatisfy(event -> assertThat(event.headers()).isEmpty());
        assertThat(TestKafka.records(post)).allSatisfy(record -> assertThat(record.headers()).isEmpty());
    }
}
