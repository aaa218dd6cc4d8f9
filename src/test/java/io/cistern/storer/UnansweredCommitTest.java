package io.cistern.storer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.broker.EmbeddedKafka;
import io.cistern.broker.KafkaRelay;
import io.cistern.broker.KafkaRelay.Lost;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A broker that does not answer the commit of a transaction for a while: nothing is published twice, and all goes on after it. */
class UnansweredCommitTest {

    private static final int RECORDS = 20;

    @ParameterizedTest
    @EnumSource(Lost.class)
    void theStorerAndReloadsContinue(Lost lost, @TempDir Path bucket) throws Exception {
        try (EmbeddedKafka broker = new EmbeddedKafka(); KafkaRelay relay = KafkaRelay.before(broker, ApiKeys.END_TXN, lost)) {
            // Given a storer whose commits are not answered
            broker.start();
            List.of("orders", "copies", "events", "again").forEach(topic -> broker.createTopic(topic, 1));
            try (RunningCistern cistern = RunningCistern.start(Map.ofEntries(
                Map.entry("KAFKA_BROKERS", relay.bootstrapServers()), Map.entry("KAFKA_GROUP_ID", "unanswered"),
                Map.entry("KAFKA_START_TIMEOUT", "5s"), Map.entry("camel.component.kafka.max-block-ms", "5000"),
                Map.entry("BUCKET_TYPE", "file"), Map.entry("BUCKET_NAME", bucket.toString()),
                Map.entry("BSS_EXACTLY_ONCE", "true"), Map.entry("BSS_EVENTS_TOPIC", "events"),
                Map.entry("BSS_CACHE_UPLOAD_TIMEOUT", "200ms"), Map.entry("BSS_REST_AFTER_FAILURE", "500ms"),
                Map.entry("bss.topics-config.data-topics-mapping[0].ingestion", "orders"),
                Map.entry("bss.topics-config.data-topics-mapping[0].post-ingestion[0]", "copies")));
                KafkaProducer<String, String> producer = new KafkaProducer<>(
                    Map.of("bootstrap.servers", broker.bootstrapServers()), new StringSerializer(), new StringSerializer())) {
                for (int i = 0; i < RECORDS; i++) {
                    producer.send(new ProducerRecord<>("orders", "k", String.valueOf(i)));
                }
                producer.flush();
                MeterRegistry meters = cistern.context().getBean(MeterRegistry.class);
                await().until(() -> meters.get("cistern.commits").tag("outcome", "failure").counter().count() > 0);

                // When they are
                relay.answer();

                // Then all is stored and published, once
                await().until(() -> TestKafka.lag(broker, "unanswered", "orders") == 0);
                List<String> all = IntStream.range(0, RECORDS).mapToObj(String::valueOf).toList();
                assertThat(values(broker, "copies")).isEqualTo(all);
                assertThat(BucketFiles.allLines(bucket, "orders")).extracting(line -> line.get("payload").asText())
                    .containsAll(all);

                // and reloads run
                cistern.reload("/reingestion/topic", "{\"topic\":\"orders\",\"reIngestionTopic\":\"again\"}");
                assertThat(values(broker, "again")).isEqualTo(all);
            }
        }
    }

    private static List<String> values(EmbeddedKafka broker, String topic) {
        return TestKafka.records(broker, topic, "read_committed").stream()
            .map(record -> new String(record.value(), StandardCharsets.UTF_8)).toList();
    }
}
