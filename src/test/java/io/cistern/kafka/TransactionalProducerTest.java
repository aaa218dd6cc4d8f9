package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cistern.broker.EmbeddedKafka;
import io.cistern.broker.KafkaRelay;
import io.cistern.broker.KafkaRelay.Lost;
import io.cistern.testing.TestKafka;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RoundRobinPartitioner;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A transaction that ends without an answer never keeps the next one from being committed. */
class TransactionalProducerTest {

    @ParameterizedTest
    @EnumSource(Lost.class)
    void isUsableAfterACommitThatTimedOut(Lost lost) throws Exception {
        try (EmbeddedKafka broker = new EmbeddedKafka(); KafkaRelay relay = KafkaRelay.before(broker, ApiKeys.END_TXN, lost)) {
            // Given a broker that does not answer END_TXN
            broker.start();
            broker.createTopic("orders", 1);
            TransactionalProducer producer = new TransactionalProducer(properties(relay), "timed-out", 60_000);
            producer.send(message("first"), null);

            // When the commit times out, and the transaction is aborted
            assertThatThrownBy(() -> producer.commit(Map.of(), null)).isInstanceOf(TransactionException.class)
                .hasCauseInstanceOf(TimeoutException.class);
            producer.abort();
            relay.answer();

            // Then the next transaction is committed
            producer.send(message("second"), null);
            producer.commit(Map.of(), null);
            producer.close();
            // and the broker alone decides what became of the first one
            List<String> values = TestKafka.records(broker, "orders", "read_committed").stream()
                .map(record -> new String(record.value(), StandardCharsets.UTF_8)).toList();
            assertThat(values).isEqualTo(lost == Lost.ANSWER ? List.of("first", "second") : List.of("second"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"begin", "send", "commit", "abort"})
    void replacesAClientInAStateItCannotLeave(String step) {
        // Given a client each call of which fails as KafkaProducer does after a call that timed out
        List<MockProducer<Object, Object>> clients = new ArrayList<>();
        TransactionalProducer producer = new TransactionalProducer(new Properties(), "stuck", 60_000, Gate.Factory.NONE, properties -> {
            MockProducer<Object, Object> client = client(clients.isEmpty() ? step : "");
            clients.add(client);
            return client;
        });
        Consumer<String> publish = value -> {
            producer.send(message(value), null);
            producer.commit(Map.of(), null);
        };

        // When it is used
        if (step.equals("abort")) {
            producer.send(message("first"), null);
        } else {
            assertThatThrownBy(() -> publish.accept("first")).isInstanceOf(TransactionException.class);
        }
        producer.abort();

        // Then the next transaction goes through another client
        publish.accept("second");
        assertThat(clients).hasSize(2);
        assertThat(clients.get(0).closed()).isTrue();
        assertThat(clients.get(1).commitCount()).isEqualTo(1);
    }

    @Test
    void closesAClientThatCannotBeInitialized() {
        List<MockProducer<Object, Object>> clients = new ArrayList<>();
        TransactionalProducer producer = new TransactionalProducer(new Properties(), "refused", 60_000, Gate.Factory.NONE, properties -> {
            MockProducer<Object, Object> client = client("");
            client.initTransactionException = clients.isEmpty() ? new IllegalStateException("pending") : null;
            clients.add(client);
            return client;
        });

        assertThatThrownBy(() -> producer.send(message("first"), null)).isInstanceOf(KafkaException.class);
        producer.send(message("second"), null);
        producer.commit(Map.of(), null);

        assertThat(clients.get(0).closed()).isTrue();
        assertThat(clients.get(1).commitCount()).isEqualTo(1);
    }

    private static MockProducer<Object, Object> client(String failingStep) {
        RuntimeException stuck = new IllegalStateException("Cannot attempt operation because the previous call timed out");
        MockProducer<Object, Object> client = new MockProducer<>(true, new RoundRobinPartitioner(),
            (topic, key) -> new byte[0], (topic, value) -> new byte[0]);
        switch (failingStep) {
            case "begin" -> client.beginTransactionException = stuck;
            case "send" -> {
                client.sendException = stuck;
                client.abortTransactionException = stuck;
            }
            case "commit" -> {
                client.commitTransactionException = new TimeoutException("no answer");
                client.abortTransactionException = stuck;
            }
            case "abort" -> client.abortTransactionException = stuck;
            default -> { }
        }
        return client;
    }

    private static ProducerRecord<Object, Object> message(String value) {
        return new ProducerRecord<>("orders", null, value.getBytes(StandardCharsets.UTF_8));
    }

    private static Properties properties(KafkaRelay relay) {
        Properties properties = new Properties();
        properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, relay.bootstrapServers());
        properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class.getName());
        properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class.getName());
        // Shorter than the client's own timeout of a request would be, so that the test is quick.
        properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 5_000);
        properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 60_000);
        return properties;
    }
}
