package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cistern.batch.Batch;
import io.cistern.batch.Record;
import io.cistern.testing.TestKafka;
import java.util.Iterator;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;

class UnfoldingProducerTest {

    /** Two records that no answer will come for. */
    private static final class TwoRecords implements Batch {
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
            return 2;
        }

        @Override
        public Batch withRecords(List<Record> records) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Iterator<Record> iterator() {
            return List.of(record(41), record(42)).iterator();
        }

        private static Record record(long offset) {
            return new Record(3, offset, 0, Record.TimestampType.CREATE_TIME, null, null, List.of());
        }
    }

    @Test
    void aSendThatCannotEvenBeginFailsAndNamesTheRecord() {
        Properties properties = new Properties();
        properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, TestKafka.broker().bootstrapServers());
        properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
        properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
        UnfoldingProducer producer = new UnfoldingProducer(properties);
        producer.close();

        Future<?> sent = producer.send(new ProducerRecord<>("orders.again", new TwoRecords()));

        assertThatThrownBy(() -> sent.get(10, TimeUnit.SECONDS))
            .hasMessageContaining("topic orders.again did not take the record of offset 41 of orders-3: ")
            .hasRootCauseInstanceOf(IllegalStateException.class);
    }
}
