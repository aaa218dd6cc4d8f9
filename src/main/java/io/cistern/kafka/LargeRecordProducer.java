package io.cistern.kafka;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/**
 * Sends records one at a time, each with the codec that makes it small enough, and waits for each: in a Kafka batch with
 * others such a record is too large, and a producer that divides that batch may make the same batch again.
 */
final class LargeRecordProducer implements AutoCloseable {

    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);

    private final Properties properties;
    private final Map<Codec, KafkaProducer<Object, Object>> producers = new ConcurrentHashMap<>();
    private volatile boolean isClosed;

    /** @param properties of the producer for all other records */
    LargeRecordProducer(Properties properties) {
        this.properties = properties;
    }

    synchronized RecordMetadata send(ProducerRecord<Object, Object> message, Codec codec)
            throws ExecutionException, InterruptedException {
        if (isClosed) {
            throw new IllegalStateException("The producer is closed");
        }
        return producers.computeIfAbsent(codec, this::make).send(message).get();
    }

    private KafkaProducer<Object, Object> make(Codec codec) {
        Properties own = new Properties();
        own.putAll(properties);
        own.put(CommonClientConfigs.CLIENT_ID_CONFIG, properties.get(CommonClientConfigs.CLIENT_ID_CONFIG) + "-large-"
            + codec.name().toLowerCase(Locale.ROOT));
        codec.applyTo(own);
        return new KafkaProducer<>(own);
    }

    /** Does not wait for a send of another thread, which fails. */
    @Override
    public void close() {
        isClosed = true;
        producers.values().forEach(producer -> producer.close(CLOSE_TIMEOUT));
        producers.clear();
    }
}
