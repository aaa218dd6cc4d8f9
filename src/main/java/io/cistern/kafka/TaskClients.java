package io.cistern.kafka;

import io.cistern.Settings;
import io.cistern.batch.Batch;
import java.lang.reflect.Proxy;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.apache.camel.component.kafka.DefaultKafkaClientFactory;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/**
 * Makes the clients of the {@code kafka:} endpoints of a reload: a consumer of its tasks, and a producer whose sends are in
 * the transaction of the task in hand. Sends do not wait for acknowledgements: the task's commit does. A batch that is to be
 * published without a transaction goes through a plain producer, and its acknowledgement is waited for as well.
 */
public final class TaskClients extends DefaultKafkaClientFactory {

    /** What a process that died has begun holds up readers of committed records for this long at the most. */
    private static final int TIMEOUT_MILLIS = 10_000;
    private static final RecordMetadata NOT_YET = new RecordMetadata(new TopicPartition("", 0), -1, 0, -1, -1, -1);

    private final Settings settings;
    private final TaskDesk desk;
    private final ReloadLog log;
    private final ConsumerHealth consumers;
    private final InstanceIds instanceIds = new InstanceIds();
    private final ThreadLocal<TaskConsumer> polling = new ThreadLocal<>();
    private final ThreadLocal<Plain> plain = new ThreadLocal<>();
    private volatile Properties publishing;
    private int count;

    /** A consumer's producer without transactions, as the topics of a task needed it. */
    private record Plain(TaskConsumer consumer, UnfoldingProducer producer, int batchBytes, Codec codec) {
    }

    public TaskClients(Settings settings, TaskDesk desk, ReloadLog log, ConsumerHealth consumers) {
        this.settings = settings;
        this.desk = desk;
        this.log = log;
        this.consumers = consumers;
    }

    @Override
    public synchronized Consumer<Object, Object> getConsumer(Properties properties) {
        log.start();
        int id = ++count;
        Properties prepared = BatchClients.prepared(settings, properties, id);
        BatchClients.leaveToBroker(prepared);
        Properties own = new Properties();
        own.putAll(publishing == null ? log.producerProperties() : publishing);
        String clientId = prepared.getProperty(CommonClientConfigs.CLIENT_ID_CONFIG) + "-tasks";
        own.put(ProducerConfig.CLIENT_ID_CONFIG, clientId);
        Runnable onClose = instanceIds.assign(prepared);
        return ReplaceableConsumer.of(prepared, () -> new TaskConsumer(prepared, settings.reload().tasksTopic(), desk, log,
            new TransactionalProducers(own, log.transactionalId(id), TIMEOUT_MILLIS, Gate.Factory.NONE),
            settings.reload().restAfterFailure(), polling::set), consumers, onClose);
    }

    @Override
    @SuppressWarnings("unchecked")
    public synchronized Producer<Object, Object> getProducer(Properties properties) {
        publishing = BatchClients.prepared(settings, properties, ++count);
        BatchClients.extendDelivery(publishing);
        // Whoever has set little memory gets small batches.
        BatchClients.limitBatches(publishing, Integer.parseInt(settings.value("kafka.max-request-size")) / 4);
        return (Producer<Object, Object>) Proxy.newProxyInstance(TaskClients.class.getClassLoader(),
            new Class<?>[] {Producer.class}, (proxy, method, arguments) -> switch (method.getName()) {
                case "send" -> send((ProducerRecord<Object, Object>) arguments[0],
                    arguments.length > 1 ? (Callback) arguments[1] : null);
                // Each thread's producer ends with its consumer.
                case "close" -> null;
                case "toString" -> "publisher of reloads";
                default -> throw new UnsupportedOperationException(method.getName());
            });
    }

    private Future<RecordMetadata> send(ProducerRecord<Object, Object> message, Callback callback) {
        TaskConsumer consumer = polling.get();
        if (consumer == null) {
            throw new KafkaException("Only the thread that polled a task can publish for it");
        }
        if (message.value() instanceof Batch batch && !batch.isTransactional()) {
            consumer.producer().await(message.topic(), plainProducer(consumer).send(message, callback));
        } else {
            consumer.producer().send(message, callback);
        }
        if (message.value() instanceof Batch batch) {
            batch.sent();
        }
        return CompletableFuture.completedFuture(NOT_YET);
    }

    private UnfoldingProducer plainProducer(TaskConsumer consumer) {
        Plain own = plain.get();
        if (own == null || own.consumer != consumer || own.batchBytes != consumer.batchBytes() || own.codec != consumer.codec()) {
            if (own != null) {
                own.producer.close();
            }
            Properties properties = new Properties();
            properties.putAll(publishing);
            BatchClients.limitBatches(properties, consumer.batchBytes());
            consumer.codec().applyTo(properties);
            own = new Plain(consumer, new UnfoldingProducer(properties), consumer.batchBytes(), consumer.codec());
            plain.set(own);
            consumer.closeWith(own.producer);
        }
        return own.producer;
    }
}
