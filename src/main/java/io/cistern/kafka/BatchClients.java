package io.cistern.kafka;

import io.cistern.Settings;
import io.cistern.batch.OpenBatches;
import io.cistern.batch.Rotation;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.component.kafka.KafkaClientFactory;
import org.apache.camel.component.kafka.KafkaConfiguration;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * Makes the Kafka clients of {@code kafka:} endpoints, so that a route's body is a batch: a {@link FoldingConsumer} and
 * an {@link UnfoldingProducer}. All other options of the endpoints stay as they are.
 */
public final class BatchClients implements KafkaClientFactory {

    private static final List<String> CLASSIC_ONLY = List.of(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG,
        ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG);

    /** What producers make by themselves, in bytes. */
    static final int USUAL_BATCH_BYTES = 16384;

    private final Settings settings;
    private final OpenBatches openBatches;
    private final Rotation rotation;
    private final Transactions transactions;
    private final ConsumerMeters meters;
    private final Topics topics;
    private final StartOffsets startOffsets;
    private final ConsumerHealth consumers;
    private final InstanceIds instanceIds = new InstanceIds();
    private final AtomicInteger count = new AtomicInteger();

    public BatchClients(Settings settings, OpenBatches openBatches, Rotation rotation, Transactions transactions,
                        ConsumerMeters meters, Topics topics, ConsumerHealth consumers) {
        this.settings = settings;
        this.openBatches = openBatches;
        this.rotation = rotation;
        this.transactions = transactions;
        this.meters = meters;
        this.topics = topics;
        this.startOffsets = new StartOffsets(settings, topics);
        this.consumers = consumers;
    }

    @Override
    public Consumer<Object, Object> getConsumer(Properties properties) {
        int id = count.incrementAndGet();
        Properties prepared = prepared(settings, properties, id);
        leaveToBroker(prepared);
        Runnable onClose = instanceIds.assign(prepared);
        return ReplaceableConsumer.of(prepared, () -> new FoldingConsumer(prepared, id, openBatches, rotation, transactions,
            meters, settings.storer().restAfterFailure(), topics, startOffsets), consumers, onClose);
    }

    @Override
    public Producer<Object, Object> getProducer(Properties properties) {
        return new UnfoldingProducer(prepared(settings, properties, count.incrementAndGet()));
    }

    @Override
    public String getBrokers(KafkaConfiguration configuration) {
        return configuration.getBrokers();
    }

    /** Takes away what is the broker's to say with the newer protocol: a client that says it is refused. */
    static void leaveToBroker(Properties consumer) {
        if ("consumer".equals(consumer.get(ConsumerConfig.GROUP_PROTOCOL_CONFIG))) {
            CLASSIC_ONLY.forEach(consumer::remove);
        }
    }

    /** Has a producer make batches of at most so many bytes; whether that is less than before. */
    static boolean limitBatches(Properties producer, int bytes) {
        Object before = producer.getOrDefault(ProducerConfig.BATCH_SIZE_CONFIG, USUAL_BATCH_BYTES);
        boolean isLess = bytes < Integer.parseInt(before.toString());
        if (isLess) {
            producer.put(ProducerConfig.BATCH_SIZE_CONFIG, bytes);
        }
        return isLess;
    }

    /** Kafka refuses a producer that gives up before its request does, whose timeout a user may have set for all clients. */
    static void extendDelivery(Properties producer) {
        int least = number(producer, ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG) + number(producer, ProducerConfig.LINGER_MS_CONFIG);
        if (number(producer, ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG) < least) {
            producer.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, least);
        }
    }

    private static int number(Properties properties, String name) {
        return Integer.parseInt(String.valueOf(properties.getOrDefault(name, 0)));
    }

    /** Endpoints of one client id share it as a prefix: Kafka's metrics need one name a client. */
    static Properties prepared(Settings settings, Properties properties, int id) {
        Properties prepared = new Properties();
        prepared.putAll(properties);
        Security.apply(settings, prepared);
        String clientId = properties.getProperty(CommonClientConfigs.CLIENT_ID_CONFIG);
        if (clientId != null) {
            prepared.put(CommonClientConfigs.CLIENT_ID_CONFIG, clientId + "-" + id);
        }
        return prepared;
    }
}
