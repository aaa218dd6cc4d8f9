package io.cistern.kafka;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
    /** For each codec and topic: records of one topic are sent one after the other, and wait for no other topic. */
    private final Map<String, Object> locks = new ConcurrentHashMap<>();
    private final long patienceMillis;
    private volatile boolean isClosed;

    /** @param properties of the producer for all other records */
    LargeRecordProducer(Properties properties) {
        this.properties = properties;
        this.patienceMillis = UnfoldingProducer.patienceMillis(properties);
    }

    /**
     * Sends a record and waits for its acknowledgement.
     *
     * @throws ExecutionException with the reason if it is not acknowledged, or not in time
     */
    RecordMetadata send(ProducerRecord<Object, Object> message, Codec codec) throws ExecutionException, InterruptedException {
        synchronized (locks.computeIfAbsent(codec + "/" + message.topic(), key -> new Object())) {
            if (isClosed) {
                throw new IllegalStateException("The producer is closed");
            }
            try {
                return producers.computeIfAbsent(codec, this::make).send(message).get(patienceMillis, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                throw new ExecutionException(new org.apache.kafka.common.errors.TimeoutException("topic " + message.topic()
                    + " did not acknowledge within " + patienceMillis + " ms"));
            }
        }
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
