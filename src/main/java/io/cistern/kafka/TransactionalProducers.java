package io.cistern.kafka;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * The transactional producers of one thread: one for each size of batches and each codec that its topics need. What one topic
 * needs leaves no trace with the producer of another one. Not thread-safe.
 */
final class TransactionalProducers implements AutoCloseable {

    /** The one that was used least recently makes room for one more. */
    private static final int MAX_PRODUCERS = 3;

    private final Properties properties;
    private final String transactionalId;
    private final int timeoutMillis;
    private final Gate.Factory gates;
    private final Map<Kind, Slot> slots = new LinkedHashMap<>(16, 0.75f, true);

    private record Kind(int batchBytes, Codec codec) {
    }

    /** @param number names the producer among those of the thread; a new one of a number fences the one before */
    private record Slot(int number, TransactionalProducer producer) {
    }

    /**
     * @param properties      of the producers
     * @param transactionalId names the thread over all processes
     * @param timeoutMillis   the timeout of transactions
     */
    TransactionalProducers(Properties properties, String transactionalId, int timeoutMillis, Gate.Factory gates) {
        this.properties = properties;
        this.transactionalId = transactionalId;
        this.timeoutMillis = timeoutMillis;
        this.gates = gates;
    }

    /** The codec of the producers, unless another one is asked for. */
    Codec usualCodec() {
        return Codec.of(properties);
    }

    /**
     * A producer for the next transaction; none of this thread must be in one.
     *
     * @param batchBytes what the topics take of a batch: no batch is larger
     * @param codec      the codec of the batches; null for the usual one
     */
    TransactionalProducer get(int batchBytes, Codec codec) {
        Properties own = new Properties();
        own.putAll(properties);
        BatchClients.limitBatches(own, batchBytes);
        if (codec != null) {
            codec.applyTo(own);
        }
        Object size = own.getOrDefault(ProducerConfig.BATCH_SIZE_CONFIG, BatchClients.USUAL_BATCH_BYTES);
        Kind kind = new Kind(Integer.parseInt(size.toString()), codec == null ? usualCodec() : codec);
        Slot slot = slots.get(kind);
        if (slot == null) {
            int number = slots.size();
            if (number == MAX_PRODUCERS) {
                Slot eldest = slots.remove(slots.keySet().iterator().next());
                eldest.producer.close();
                number = eldest.number;
            }
            String suffix = number == 0 ? "" : "-" + number;
            own.put(CommonClientConfigs.CLIENT_ID_CONFIG, properties.get(CommonClientConfigs.CLIENT_ID_CONFIG) + suffix);
            slot = new Slot(number, new TransactionalProducer(own, transactionalId + suffix, timeoutMillis, gates));
            slots.put(kind, slot);
        }
        return slot.producer;
    }

    @Override
    public void close() {
        slots.values().forEach(slot -> slot.producer.close());
        slots.clear();
    }
}
