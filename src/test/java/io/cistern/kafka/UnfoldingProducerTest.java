package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cistern.batch.Batch;
import io.cistern.batch.Record;
import io.cistern.broker.EmbeddedKafka;
import io.cistern.broker.KafkaRelay;
import io.cistern.testing.TestKafka;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;

class UnfoldingProducerTest {

    /** Records that no answer will come for. */
    private static final class Records implements Batch {

        private final int count;
        private final byte[] value;
        private int taken;

        private Records(int count, byte[] value) {
            this.count = count;
            this.value = value;
        }

        @Override
        public String getTopic() {
            return "orders";
        }

        @Override
        public int getPartition() {
            return 3;
        }

        @Override
        public int getCount() {
            return count;
        }

        @Override
        public Batch withRecords(List<Record> records) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Iterator<Record> iterator() {
            return IntStream.range(0, count).mapToObj(i -> {
                taken++;
                return new Record(3, 41 + i, 0, Record.TimestampType.CREATE_TIME, null, value, List.of());
            }).iterator();
        }
    }

    @Test
    void aSendThatCannotEvenBeginFailsAndNamesTheRecord() {
        UnfoldingProducer producer = new UnfoldingProducer(properties(TestKafka.broker()));
        producer.close();

        Future<?> sent = producer.send(new ProducerRecord<>("orders.again", new Records(2, null)));

        assertThatThrownBy(() -> sent.get(20, TimeUnit.SECONDS))
            .hasMessageContaining("topic orders.again did not take the record of offset 41 of orders-3: ")
            .hasRootCauseInstanceOf(IllegalStateException.class);
    }

    @Test
    void noMoreThanEightMegabytesWaitForABrokerThatDoesNotAnswer() throws Exception {
        try (EmbeddedKafka broker = new EmbeddedKafka(); KafkaRelay relay = KafkaRelay.before(broker, ApiKeys.PRODUCE)) {
            broker.start().createTopic("orders.again", 1);
            Properties properties = properties(broker);
            properties.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, 2 << 20);
            properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 1000);
            properties.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 3000);
            try (UnfoldingProducer producer = new UnfoldingProducer(properties)) {
                Records records = new Records(40, new byte[1 << 20]);

                Future<?> sent = producer.send(new ProducerRecord<>("orders.again", records));

                assertThatThrownBy(() -> sent.get(20, TimeUnit.SECONDS)).hasRootCauseInstanceOf(TimeoutException.class);
                // The ninth is one too many; a tenth is looked at only.
                assertThat(records.taken).isBetween(1, 10);
            }
        }
    }

    @Test
    void aCloseEndsThoughNoBrokerEverGaveTheProducerAnId() throws Exception {
        try (EmbeddedKafka broker = new EmbeddedKafka();
            KafkaRelay relay = KafkaRelay.before(broker, ApiKeys.INIT_PRODUCER_ID)) {
            broker.start().createTopic("orders.again", 1);
            // Without an id records do not expire.
            Properties properties = properties(broker);
            properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, 100);
            properties.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, 200);
            UnfoldingProducer producer = new UnfoldingProducer(properties);
            Future<?> sent = producer.send(new ProducerRecord<>("orders.again", new Records(2, null)));
            assertThatThrownBy(() -> sent.get(2, TimeUnit.SECONDS)).isInstanceOf(java.util.concurrent.TimeoutException.class);

            CompletableFuture<Void> closed = CompletableFuture.runAsync(producer::close);

            assertThat(closed).succeedsWithin(Duration.ofSeconds(20));
            assertThatThrownBy(() -> sent.get(20, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class)
                .hasMessageContaining("topic orders.again did not take the record of offset 41 of orders-3: ");
        }
    }

    private static Properties properties(EmbeddedKafka broker) {
        Properties properties = new Properties();
        properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, broker.bootstrapServers());
        properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
        properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
        return properties;
    }
}
