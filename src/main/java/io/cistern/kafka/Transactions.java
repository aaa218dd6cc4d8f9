package io.cistern.kafka;

import io.cistern.Settings;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.component.kafka.DefaultKafkaClientFactory;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the producer of a {@code kafka:} endpoint that publishes what goes with a batch file. With {@code
 * bss.exactly-once}, everything that a consumer's thread sends through it is in one transaction from the first send after
 * the last batch's end on; the acknowledgement of the batch commits it together with the consumer's offsets. Each such
 * thread has a producer of its own. Without it, it is a plain {@link UnfoldingProducer}.
 *
 * <p>A consumer that lost its partitions meanwhile is refused by the broker, which compares the generation of its group
 * (Kafka's KIP-447); that is why the transactional id may be a new one with each process.
 */
public final class Transactions extends DefaultKafkaClientFactory {

    private static final Logger LOG = LoggerFactory.getLogger(Transactions.class);
    /** What a process that died has begun holds up others for this long at the most. */
    private static final int TIMEOUT_MILLIS = 10_000;

    private final Settings settings;
    private final String process = UUID.randomUUID().toString();
    private final AtomicInteger count = new AtomicInteger();
    private final ThreadLocal<Open> current = new ThreadLocal<>();

    /** A thread's producer, and whether it is in a transaction. */
    private static final class Open {
        private final int id;
        private UnfoldingProducer producer;
        private boolean isOpen;

        private Open(int id) {
            this.id = id;
        }
    }

    public Transactions(Settings settings) {
        this.settings = settings;
    }

    @Override
    @SuppressWarnings("unchecked")
    public Producer<Object, Object> getProducer(Properties properties) {
        Properties prepared = new Properties();
        prepared.putAll(properties);
        Security.apply(settings, prepared);
        if (!settings.storer().exactlyOnce()) {
            return new UnfoldingProducer(prepared);
        }
        prepared.putIfAbsent(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, TIMEOUT_MILLIS);
        return (Producer<Object, Object>) Proxy.newProxyInstance(Transactions.class.getClassLoader(),
            new Class<?>[] {Producer.class}, (proxy, method, arguments) -> switch (method.getName()) {
                case "send" -> send(prepared, method, arguments);
                // Each thread's producer ends with its consumer.
                case "close" -> null;
                case "toString" -> "transactions of " + settings.value("kafka.group-id");
                default -> throw new UnsupportedOperationException(method.getName());
            });
    }

    /** Sends in this thread's transaction, and begins one if there is none; waits for the acknowledgement. */
    private Object send(Properties properties, Method send, Object[] arguments) {
        try {
            Open open = begun(properties);
            RecordMetadata sent = ((Future<RecordMetadata>) send.invoke(open.producer, arguments)).get();
            return CompletableFuture.completedFuture(sent);
        } catch (KafkaException e) {
            throw new TransactionException(e);
        } catch (ExecutionException | InvocationTargetException e) {
            throw new TransactionException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TransactionException(e);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    private Open begun(Properties properties) {
        Open open = current.get();
        if (open == null) {
            open = new Open(count.incrementAndGet());
            current.set(open);
        }
        if (open.producer == null) {
            Properties own = new Properties();
            own.putAll(properties);
            own.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, settings.value("kafka.group-id") + "-" + process + "-" + open.id);
            own.put(ProducerConfig.CLIENT_ID_CONFIG, properties.get(ProducerConfig.CLIENT_ID_CONFIG) + "-" + open.id);
            UnfoldingProducer producer = new UnfoldingProducer(own);
            try {
                producer.initTransactions();
            } catch (KafkaException e) {
                producer.close(Duration.ZERO);
                throw e;
            }
            open.producer = producer;
        }
        if (!open.isOpen) {
            open.producer.beginTransaction();
            open.isOpen = true;
        }
        return open;
    }

    /** Whether this thread has published something that is not committed. */
    boolean isOpen() {
        return current.get() != null && current.get().isOpen;
    }

    /**
     * Commits what this thread has published, and these offsets with it.
     *
     * @param group the consumer's, as it is now
     * @throws TransactionException if it is not committed, or if that is not known; the transaction must be aborted then
     */
    void commit(Map<TopicPartition, OffsetAndMetadata> offsets, ConsumerGroupMetadata group) {
        Open open = current.get();
        try {
            if (group.generationId() < 0) {
                // The broker would take it for a consumer without a group, which it does not check.
                throw new KafkaException("the consumer is not in its group any more");
            }
            open.producer.sendOffsetsToTransaction(offsets, group);
            open.producer.commitTransaction();
            open.isOpen = false;
        } catch (KafkaException e) {
            throw new TransactionException(e);
        }
    }

    /** Undoes what this thread has published since the last commit; does nothing if there is nothing. */
    void abort() {
        if (isOpen()) {
            Open open = current.get();
            open.isOpen = false;
            try {
                open.producer.abortTransaction();
            } catch (KafkaException e) {
                LOG.warn("A transaction could not be aborted; its producer is replaced, which aborts it: {}", e.toString());
                open.producer.close(Duration.ZERO);
                open.producer = null;
            }
        }
    }

    /** Ends this thread's producer, and undoes what it has not committed. */
    void close() {
        Open open = current.get();
        if (open != null) {
            abort();
            if (open.producer != null) {
                open.producer.close();
            }
            current.remove();
        }
    }
}
