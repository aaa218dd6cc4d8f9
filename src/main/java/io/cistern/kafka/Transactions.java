package io.cistern.kafka;

import io.cistern.Settings;
import java.lang.reflect.Proxy;
import java.util.HashSet;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.component.kafka.DefaultKafkaClientFactory;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

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

    /** What a process that died has begun holds up others for this long at the most. */
    private static final int TIMEOUT_MILLIS = 10_000;

    private final Settings settings;
    private final ConsumerMeters meters;
    private final String process = UUID.randomUUID().toString();
    private final AtomicInteger count = new AtomicInteger();
    private final ThreadLocal<StorerTransaction> current = new ThreadLocal<>();
    private final Topics topics;
    private final RefusedCopies refusedCopies;

    public Transactions(Settings settings, ConsumerMeters meters, Topics topics, RefusedCopies refusedCopies) {
        this.settings = settings;
        this.meters = meters;
        this.topics = topics;
        this.refusedCopies = refusedCopies;
    }

    @Override
    @SuppressWarnings("unchecked")
    public Producer<Object, Object> getProducer(Properties properties) {
        Properties prepared = new Properties();
        prepared.putAll(properties);
        Security.apply(settings, prepared);
        BatchClients.extendDelivery(prepared);
        int batchBytes = topics.batchBytes(targets(), 1);
        BatchClients.limitBatches(prepared, batchBytes);
        if (!settings.storer().exactlyOnce()) {
            return new UnfoldingProducer(prepared, refusedCopies, new LargeRecordProducer(prepared));
        }
        return (Producer<Object, Object>) Proxy.newProxyInstance(Transactions.class.getClassLoader(),
            new Class<?>[] {Producer.class}, (proxy, method, arguments) -> switch (method.getName()) {
                case "send" -> send(prepared, batchBytes, arguments);
                // Each thread's producer ends with its consumer.
                case "close" -> null;
                case "toString" -> "transactions of " + settings.value("kafka.group-id");
                default -> throw new UnsupportedOperationException(method.getName());
            });
    }

    /** The topics that the storer publishes to. */
    private Set<String> targets() {
        Set<String> targets = new HashSet<>(Set.of(settings.storer().eventsTopic()));
        if (settings.storer().postIngestion()) {
            settings.mappings().forEach(mapping -> targets.addAll(mapping.postIngestion()));
        }
        return targets;
    }

    /** Sends in this thread's transaction, and waits for the acknowledgement. */
    @SuppressWarnings("unchecked")
    private Object send(Properties properties, int batchBytes, Object[] arguments) {
        try {
            if (current.get() == null) {
                int id = count.incrementAndGet();
                Properties own = new Properties();
                own.putAll(properties);
                own.put(ProducerConfig.CLIENT_ID_CONFIG, properties.get(ProducerConfig.CLIENT_ID_CONFIG) + "-" + id);
                TransactionalProducers producers = new TransactionalProducers(own,
                    settings.value("kafka.group-id") + "-" + process + "-" + id, TIMEOUT_MILLIS, refusedCopies);
                current.set(new StorerTransaction(producers, refusedCopies, batchBytes));
            }
            RecordMetadata sent = current.get().send((ProducerRecord<Object, Object>) arguments[0]);
            if (arguments.length > 1 && arguments[1] != null) {
                ((Callback) arguments[1]).onCompletion(sent, null);
            }
            return CompletableFuture.completedFuture(sent);
        } catch (KafkaException e) {
            throw new TransactionException(e);
        } catch (ExecutionException e) {
            throw new TransactionException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TransactionException(e);
        }
    }

    /** Whether this thread has published something that is not committed. */
    boolean isOpen() {
        return current.get() != null && current.get().isOpen();
    }

    /** Commits what this thread has published, and these offsets with it, as {@link TransactionalProducer#commit} does. */
    void commit(Map<TopicPartition, OffsetAndMetadata> offsets, ConsumerGroupMetadata group) {
        boolean isCommitted = false;
        try {
            current.get().commit(offsets, group);
            isCommitted = true;
        } finally {
            meters.committed(isCommitted);
        }
    }

    /** Undoes what this thread has published since the last commit; does nothing if there is nothing. */
    void abort() {
        if (isOpen()) {
            current.get().abort();
        }
    }

    /** Ends this thread's producer, and undoes what it has not committed. */
    void close() {
        if (current.get() != null) {
            current.get().close();
            current.remove();
        }
    }
}
