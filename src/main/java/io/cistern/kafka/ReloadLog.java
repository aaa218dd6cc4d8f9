package io.cistern.kafka;

import io.cistern.FatalErrors;
import io.cistern.Settings;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The topics that hold what is known of reloads. The two compacted ones, of requests and of progress, are read from their
 * start, and on as they grow, by a {@link StateTopicReader}: every replica knows of every reload. Plans are read where they are
 * needed. Only what is committed is ever seen. A {@link StateTopicMonitor} notices topics that are deleted meanwhile.
 */
public final class ReloadLog implements Plans {

    private static final Logger LOG = LoggerFactory.getLogger(ReloadLog.class);
    private static final Duration POLL = Duration.ofMillis(200);
    private static final int TIMEOUT_MILLIS = 30_000;
    private static final Duration LOOK_AT_TOPICS = Duration.ofSeconds(5);
    private static final long MOST_RESTORE_DELAY_MILLIS = 2_000;

    /** Told of what is in the topics of requests and progress, on one thread. */
    public interface Reader {

        /**
         * @param topic     which of the two
         * @param value     JSON, or null for what was removed
         * @param timestamp when it was written, milliseconds since the epoch
         */
        void read(String topic, String key, byte[] value, long timestamp);

        /**
         * State topics were deleted and created again: what was in them is gone, and is read again only if a replica restores it.
         * Called on another thread.
         */
        default void lost(Set<String> lostTopics) {
        }

        /** What no replica has restored of the state that was lost, as far as this process knows it; called on another thread. */
        default List<Entry> restored() {
            return List.of();
        }
    }

    private final Settings settings;
    private final Topics topics;
    private final String process = UUID.randomUUID().toString();
    private final Object plansLock = new Object();
    private Reader reader;
    private Admin admin;
    private volatile StateTopicReader tail;
    private volatile StateTopicMonitor monitor;
    private TransactionalProducer producer;
    private KafkaProducer<byte[], byte[]> plans;
    private KafkaConsumer<byte[], byte[]> planReader;
    private volatile int tasksPartitions;
    /** Counts how often the tasks topic was created again. */
    private volatile int tasksIncarnation;
    /** Whether everything was read that was there when reading began; changed on the monitor's thread. */
    private volatile boolean isComplete;
    /** Whether everything was read that was there at some time since reading began. */
    private volatile boolean hasCaughtUp;

    public ReloadLog(Settings settings, Topics topics) {
        this.settings = settings;
        this.topics = topics;
    }

    /** Has the reader told of everything, from the start of the topics on. */
    public void tell(Reader told) {
        this.reader = told;
    }

    /**
     * Makes the topics that are missing, and begins to read them; does nothing if that is done.
     *
     * @throws KafkaException if no broker answers in time, or it refuses
     */
    public synchronized void start() {
        if (tail != null) {
            return;
        }
        topics.createReloadTopics();
        tasksPartitions = topics.partitions(settings.reload().tasksTopic());
        List<TopicPartition> followed = partitionsToFollow();
        Admin opened = topics.admin();
        try {
            StateTopicIds ids = new StateTopicIds(opened, stateTopics(), settings.startTimeout());
            Map<TopicPartition, Long> endsAtStart = ends(opened, followed, IsolationLevel.READ_UNCOMMITTED);
            monitor = new StateTopicMonitor(() -> {
                isComplete |= hasReached(endsAtStart);
                return ids.get();
            }, topics::createReloadTopics, this::createdAgain, stateTopics(), ids.get(),
                LOOK_AT_TOPICS);
            producer = new TransactionalProducer(producerProperties(), transactionalId(0), TIMEOUT_MILLIS);
            // Made here, so that settings which do not fit are refused at start.
            KafkaConsumer<byte[], byte[]> first = newTail();
            Iterator<KafkaConsumer<byte[], byte[]>> made = List.of(first).iterator();
            tail = new StateTopicReader(() -> made.hasNext() ? made.next() : newTail(), followed, reader, POLL);
        } catch (RuntimeException e) {
            opened.close(Duration.ZERO);
            throw e;
        }
        admin = opened;
        start(tail, "reload-log");
        start(monitor, "reload-topics");
    }

    private static void start(Runnable work, String name) {
        Thread thread = new Thread(FatalErrors.watched(work), name);
        thread.setDaemon(true);
        thread.start();
    }

    private List<String> stateTopics() {
        Settings.Reload reload = settings.reload();
        return List.of(reload.requestsTopic(), reload.progressTopic(), reload.tasksTopic(), reload.plansTopic());
    }

    private List<TopicPartition> partitionsToFollow() {
        List<TopicPartition> partitions = new ArrayList<>();
        for (String topic : List.of(settings.reload().requestsTopic(), settings.reload().progressTopic())) {
            for (int i = topics.partitions(topic) - 1; i >= 0; i--) {
                partitions.add(new TopicPartition(topic, i));
            }
        }
        return partitions;
    }

    private KafkaConsumer<byte[], byte[]> newTail() {
        Properties properties = topics.connection();
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /**
     * Goes on with state topics that were deleted and created again: reads them from their start, and writes again what this
     * process knows and no other replica has written meanwhile.
     */
    private void createdAgain(Set<String> names) {
        StateTopicReader following = tail;
        if (following == null) {
            return;
        }
        LOG.warn("State topics of reloads were created again, restoring what is known: topics={}", names);
        reader.lost(names);
        following.reassign(names, partitionsToFollow());
        tasksPartitions = topics.partitions(settings.reload().tasksTopic());
        try {
            // Replicas that notice it at the same time write one after the other, and see what the first one wrote.
            Thread.sleep(ThreadLocalRandom.current().nextLong(MOST_RESTORE_DELAY_MILLIS));
            if (!following.awaitReached(ends(), Duration.ofMillis(TIMEOUT_MILLIS))) {
                throw new KafkaException("The state topics could not be read in time");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KafkaException("Interrupted", e);
        }
        // Half of what was known would start reloads from their beginning.
        List<Entry> entries = isComplete ? reader.restored() : List.of();
        if (!entries.isEmpty()) {
            write(entries);
        }
        if (names.contains(settings.reload().tasksTopic())) {
            tasksIncarnation++;
        }
        LOG.warn("State topics of reloads restored: topics={} records={}", names, entries.size());
    }

    /**
     * How far the topics of requests and progress are written by now, what is not committed included.
     *
     * @throws KafkaException if no broker answers in time, or it refuses
     */
    public Map<TopicPartition, Long> ends() {
        return ends(admin, followed(), IsolationLevel.READ_UNCOMMITTED);
    }

    private List<TopicPartition> followed() {
        StateTopicReader following = tail;
        if (following == null) {
            throw new KafkaException("The state of reloads is not read");
        }
        return following.partitions();
    }

    private Map<TopicPartition, Long> ends(Admin asked, List<TopicPartition> partitions, IsolationLevel isolation) {
        Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
        partitions.forEach(partition -> latest.put(partition, OffsetSpec.latest()));
        try {
            Map<TopicPartition, Long> ends = new HashMap<>();
            for (Map.Entry<TopicPartition, ListOffsetsResultInfo> end : asked
                .listOffsets(latest, new ListOffsetsOptions(isolation)).all()
                .get(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS).entrySet()) {
                ends.put(end.getKey(), end.getValue().offset());
            }
            return ends;
        } catch (ExecutionException e) {
            StateTopicMonitor watching = monitor;
            if (e.getCause() instanceof UnknownTopicOrPartitionException && watching != null) {
                watching.hurry();
            }
            throw new KafkaException(e.getCause().getMessage(), e.getCause());
        } catch (TimeoutException e) {
            throw new KafkaException("no broker answered in time", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KafkaException("Interrupted", e);
        }
    }

    /** Whether everything before these offsets was read, and whatever was not committed then has ended. */
    public boolean hasReached(Map<TopicPartition, Long> ends) {
        StateTopicReader following = tail;
        return following != null && following.hasReached(ends);
    }

    /**
     * A mark at the end of the topics of requests and progress as they are written by now. It says whether everything before it
     * was read; as long as no broker says where the end is, it was not.
     */
    public BooleanSupplier mark() {
        return new EndMark(this::ends, this::hasReached, System::nanoTime);
    }

    /**
     * Waits until everything that is asked for and wanted by now was read, and of the progress what is committed, as far as
     * nothing before it is open. (What a transaction wrote can be read somewhat after its commit.)
     *
     * @throws KafkaException if that is not so in time
     */
    public void awaitUpToDate() {
        Map<Boolean, List<TopicPartition>> byKind = followed().stream()
            .collect(Collectors.partitioningBy(partition -> partition.topic().equals(settings.reload().requestsTopic())));
        Map<TopicPartition, Long> ends = ends(admin, byKind.get(true), IsolationLevel.READ_UNCOMMITTED);
        ends.putAll(ends(admin, byKind.get(false), IsolationLevel.READ_COMMITTED));
        try {
            StateTopicReader following = tail;
            if (following == null || !following.awaitReached(ends, Duration.ofMillis(TIMEOUT_MILLIS))) {
                throw new KafkaException("What is known of reloads could not be read in time");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KafkaException("Interrupted", e);
        }
        hasCaughtUp = true;
    }

    /** Whether {@link #awaitUpToDate} has been through: what was read before that is a part only of what is known. */
    public boolean hasCaughtUp() {
        return hasCaughtUp;
    }

    /** How many partitions the tasks topic has. */
    public int tasksPartitions() {
        return tasksPartitions;
    }

    /** Counts how often the tasks topic was created again while this process runs. */
    int tasksIncarnation() {
        return tasksIncarnation;
    }

    /** Makes ready to write, so that what is written first need not wait for that; does nothing before the start. */
    synchronized void prepare() {
        if (producer != null) {
            producer.prepare();
        }
    }

    /**
     * Writes entries in one transaction.
     *
     * @throws KafkaException if that failed, or if it is not known; nothing is written then, as far as is known
     */
    public synchronized void write(List<Entry> entries) {
        start();
        try {
            for (Entry entry : entries) {
                producer.send(new ProducerRecord<>(entry.topic(), entry.partition(),
                    entry.key().getBytes(StandardCharsets.UTF_8), entry.value()), null);
            }
            producer.commit(Map.of(), null);
        } catch (KafkaException e) {
            producer.abort();
            throw e;
        }
    }

    /** Names a producer of this process. */
    String transactionalId(int number) {
        return settings.reload().groupId() + "-" + process + "-" + number;
    }

    /** What a producer of bytes needs. */
    Properties producerProperties() {
        Properties properties = topics.connection();
        properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class.getName());
        properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class.getName());
        // The topics themselves say how large a record may be.
        properties.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, 32 << 20);
        properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, settings.startTimeout().toMillis());
        return properties;
    }

    /** Writes a part of a plan; the answer is its offset, by which it can be read. */
    public Future<Long> writePlan(String key, byte[] part) {
        CompletableFuture<Long> offset = new CompletableFuture<>();
        plans().send(new ProducerRecord<>(settings.reload().plansTopic(), 0, key.getBytes(StandardCharsets.UTF_8), part),
            (metadata, failure) -> {
                if (failure == null) {
                    offset.complete(metadata.offset());
                } else {
                    offset.completeExceptionally(failure);
                }
            });
        return offset;
    }

    private synchronized KafkaProducer<byte[], byte[]> plans() {
        if (plans == null) {
            Properties properties = producerProperties();
            properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "zstd");
            properties.put(ProducerConfig.LINGER_MS_CONFIG, 5);
            plans = new KafkaProducer<>(properties);
        }
        return plans;
    }

    @Override
    public Plans.Part readPlan(String key, long from) {
        synchronized (plansLock) {
            if (planReader == null) {
                Properties properties = topics.connection();
                properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
                properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
                properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
                // What is asked for is there. Else the request for what comes behind it would hold up the next one.
                properties.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 1);
                planReader = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
                planReader.assign(List.of(plansPartition()));
            }
            planReader.seek(plansPartition(), from);
            long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(TIMEOUT_MILLIS);
            try {
                while (System.nanoTime() < deadline) {
                    ConsumerRecords<byte[], byte[]> polled = planReader.poll(POLL);
                    for (ConsumerRecord<byte[], byte[]> record : polled) {
                        if (key.equals(new String(record.key(), StandardCharsets.UTF_8))) {
                            return new Part(record.offset(), record.value());
                        }
                    }
                    if (polled.isEmpty() && isAtEndOfPlans()) {
                        throw new IllegalStateException(planIsGone());
                    }
                }
            } catch (OffsetOutOfRangeException e) {
                throw new IllegalStateException(planIsGone(), e);
            }
            throw new KafkaException("The plan could not be read in time");
        }
    }

    private boolean isAtEndOfPlans() {
        long end = planReader.endOffsets(List.of(plansPartition())).get(plansPartition());
        return planReader.position(plansPartition()) >= end;
    }

    private String planIsGone() {
        return "The plan is not in topic " + settings.reload().plansTopic() + " any more: request the reload again";
    }

    private TopicPartition plansPartition() {
        return new TopicPartition(settings.reload().plansTopic(), 0);
    }

    /** Ends all of this. */
    public synchronized void stop() {
        if (tail != null) {
            tail.close();
            tail = null;
            monitor.close();
            monitor = null;
            hasCaughtUp = false;
            isComplete = false;
            admin.close(Duration.ZERO);
        }
        if (producer != null) {
            producer.close();
            producer = null;
        }
        if (plans != null) {
            plans.close(Duration.ofSeconds(5));
            plans = null;
        }
        synchronized (plansLock) {
            if (planReader != null) {
                planReader.close(Duration.ZERO);
                planReader = null;
            }
        }
    }
}
