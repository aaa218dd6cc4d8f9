package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Properties;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.junit.jupiter.api.Test;

class TransactionalProducersTest {

    private final Properties properties = new Properties();

    private TransactionalProducers producers() {
        properties.put(ProducerConfig.CLIENT_ID_CONFIG, "client");
        properties.put(ProducerConfig.BATCH_SIZE_CONFIG, 491_520);
        return new TransactionalProducers(properties, "id", 10_000, Gate.Factory.NONE);
    }

    @Test
    void smallBatchesOfOneTopicAreNotLeftToTheNext() {
        TransactionalProducers producers = producers();
        TransactionalProducer usual = producers.get(Integer.MAX_VALUE, null);

        TransactionalProducer small = producers.get(10_000, null);

        assertThat(small).isNotSameAs(usual);
        assertThat(producers.get(Integer.MAX_VALUE, null)).isSameAs(usual);
        assertThat(producers.get(500_000, Codec.NONE)).as("no less than usual").isSameAs(usual);
        assertThat(producers.get(10_000, null)).isSameAs(small);
        assertThat(properties.get(ProducerConfig.BATCH_SIZE_CONFIG)).isEqualTo(491_520);
    }

    @Test
    void keepsAFewProducersAndTheOnesUsedLast() {
        TransactionalProducers producers = producers();
        TransactionalProducer usual = producers.get(Integer.MAX_VALUE, null);
        TransactionalProducer small = producers.get(10_000, null);
        TransactionalProducer compressing = producers.get(Integer.MAX_VALUE, Codec.ZSTD);
        producers.get(Integer.MAX_VALUE, null);

        producers.get(20_000, null);

        assertThat(producers.get(Integer.MAX_VALUE, null)).isSameAs(usual);
        assertThat(producers.get(Integer.MAX_VALUE, Codec.ZSTD)).isSameAs(compressing);
        assertThat(producers.get(10_000, null)).isNotSameAs(small);
    }
}
