package io.cistern.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EmbeddedKafkaTest {

    @Test
    void keepsRecordsTopicsAndPortOverStopAndStart(@TempDir Path data) throws Exception {
        // Given
        try (EmbeddedKafka kafka = new EmbeddedKafka(0, data).start()) {
            String address = kafka.bootstrapServers();
            kafka.createTopic("orders", 1, Map.of("cleanup.policy", "compact"));
            produce(kafka, "orders", "before");

            // When
            kafka.stop();
            kafka.start();
            produce(kafka, "orders", "after");

            // Then
            assertThat(kafka.bootstrapServers()).isEqualTo(address);
            assertThat(consume(kafka, "orders", "classic", 2)).containsExactly("before", "after");
        }
        assertThat(data.resolve("meta.properties")).exists();
    }

    @ParameterizedTest
    @ValueSource(strings = {"classic", "consumer"})
    void servesBothGroupProtocols(String protocol) throws Exception {
        try (EmbeddedKafka kafka = new EmbeddedKafka().start()) {
            kafka.createTopic("orders", 3);
            produce(kafka, "orders", "one");
            assertThat(consume(kafka, "orders", protocol, 1)).containsExactly("one");
        }
    }

    @Test
    void takesARecordOfAlmostTwentyMegabytes() throws Exception {
        try (EmbeddedKafka kafka = new EmbeddedKafka().start()) {
            kafka.createTopic("large", 1);
            byte[] value = new byte[20 * 1024 * 1024 - 1024];
            try (var producer = new KafkaProducer<>(Map.of("bootstrap.servers", kafka.bootstrapServers(),
                    "max.request.size", "20971520"), new ByteArraySerializer(), new ByteArraySerializer())) {
                producer.send(new ProducerRecord<>("large", value)).get();
            }
            try (var consumer = new KafkaConsumer<>(Map.<String, Object>of("bootstrap.servers", kafka.bootstrapServers(),
                    "group.id", "test", "auto.offset.reset", "earliest"),
                    new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                consumer.subscribe(List.of("large"));
                assertThat(consumer.poll(Duration.ofSeconds(20))).singleElement()
                        .satisfies(record -> assertThat(record.value()).isEqualTo(value));
            }
        }
    }

    @Test
    void makesNoTopicUnasked() {
        try (EmbeddedKafka kafka = new EmbeddedKafka().start();
                var producer = producer(kafka, Map.of("max.block.ms", "500"))) {
            assertThatThrownBy(() -> producer.send(new ProducerRecord<>("nowhere", "value")).get())
                    .hasMessageContaining("nowhere");
        }
    }

    @Test
    void deletesItsTemporaryFolderOnClose() {
        EmbeddedKafka kafka = new EmbeddedKafka().start();
        assertThat(kafka.data()).isNotEmptyDirectory();
        kafka.close();
        assertThat(kafka.data()).doesNotExist();
    }

    private static void produce(EmbeddedKafka kafka, String topic, String value) throws Exception {
        try (var producer = producer(kafka, Map.of())) {
            producer.send(new ProducerRecord<>(topic, "key-" + value, value)).get();
        }
    }

    private static KafkaProducer<String, String> producer(EmbeddedKafka kafka, Map<String, Object> settings) {
        var all = new HashMap<String, Object>(settings);
        all.put("bootstrap.servers", kafka.bootstrapServers());
        return new KafkaProducer<>(all, new StringSerializer(), new StringSerializer());
    }

    private static List<String> consume(EmbeddedKafka kafka, String topic, String protocol, int count) {
        List<String> values = new ArrayList<>();
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        try (var consumer = new KafkaConsumer<>(Map.<String, Object>of("bootstrap.servers", kafka.bootstrapServers(),
                "group.id", "test-" + protocol, "group.protocol", protocol, "auto.offset.reset", "earliest"),
                new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            while (values.size() < count && System.nanoTime() < deadline) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    values.add(record.value());
                }
            }
        }
        return values;
    }
}
