package io.cistern.kafka;

import io.cistern.FatalErrors;
import io.cistern.Settings;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
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
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The topics that hold what is known of reloads. The two compacted ones, of requests and of progress, are read from their
 * start, and on as they grow, on a thread of its own: every replica knows of every reload. Plans are read where they are
 * needed. Only what is committed is ever seen.
 */
public final class ReloadLog implements Plans {

    private static final Logger LOG = LoggerFactory.getLogger(ReloadLog.class);
    private static final Duration POLL = Duration.ofMillis(200);
    private static final int TIMEOUT_MILLIS = 30_000;

    /** Told of what is in the topics of requests and progress, on one thread. */
    public interface Reader {

        /**
         * @param topic     which of the two
         * @param value     JSON, or null for what was removed
         * @param timestamp when it was written, milliseconds since the epoch
         */
        void read(String topic, String key, byte[] value, long timestamp);
    }

    private final Settings settings;
    private final Topics topics;
    private final String process = UUID.randomUUID().toString();
    private final Map<TopicPartition, Long> positions = new ConcurrentHashMap<>();
    private final List<TopicPartition> followed = new ArrayList<>();
    private final Object plansLock = new Object();
    private Reader reader;
    private Admin admin;
    private KafkaConsumer<byte[], byte[]> tail;
    private Thread thread;
    private TransactionalProducer producer;
    private KafkaProducer<byte[], byte[]> plans;
    private KafkaConsumer<byte[], byte[]> planReader;
    private int tasksPartitions;
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
        if (thread != null) {
            return;
        }
        topics.createReloadTopics();
        tasksPartitions = topics.partitions(settings.reload().tasksTopic());
        admin = topics.admin();
        producer = new TransactionalProducer(producerProperties(), transactionalId(0), TIMEOUT_MILLIS);
        Properties properties = topics.connection();
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        tail = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        for (String topic : List.of(settings.reload().requestsTopic(), settings.reload().progressTopic())) {
            for (int i = topics.partitions(topic) - 1; i >= 0; i--) {
                followed.add(new TopicPartition(topic, i));
            }
        }
        tail.assign(followed);
        tail.seekToBeginning(followed);
        thread = new Thread(FatalErrors.watched(this::follow), "reload-log");
        thread.setDaemon(true);
        thread.start();
    }

    private void follow() {
        boolean isAway = false;
        while (true) {
            try {
                ConsumerRecords<byte[], byte[]> polled = tail.poll(POLL);
                for (ConsumerRecord<byte[], byte[]> record : polled) {
                    tell(record);
                }
                for (TopicPartition partition : tail.assignment()) {
                    positions.put(partition, tail.position(partition));
                }
                isAway = false;
                synchronized (positions) {
                    positions.notifyAll();
                }
            } catch (WakeupException e) {
                tail.close(Duration.ZERO);
                return;
            } catch (KafkaException e) {
                if (!isAway) {
                    LOG.warn("What is known of reloads cannot be read: {}", e.getMessage());
                }
                isAway = true;
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(POLL.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void tell(ConsumerRecord<byte[], byte[]> record) {
        if (record.key() == null) {
            return;
        }
        try {
            reader.read(record.topic(), new String(record.key(), StandardCharsets.UTF_8), record.value(), record.timestamp());
        } catch (RuntimeException e) {
            LOG.error("A record of {} at offset {} cannot be understood, and is passed over: {}", record.topic(),
                record.offset(), e.toString());
        }
    }

    /**
     * How far the topics of requests and progress are written by now, what is not committed included.
     *
     * @throws KafkaException if no broker answers in time, or it refuses
     */
    public Map<TopicPartition, Long> ends() {
        return ends(followed, IsolationLevel.READ_UNCOMMITTED);
    }

    private Map<TopicPartition, Long> ends(List<TopicPartition> partitions, IsolationLevel isolation) {
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        partitions.forEach(partition -> asked.put(partition, OffsetSpec.latest()));
        try {
            Map<TopicPartition, Long> ends = new HashMap<>();
            for (Map.Entry<TopicPartition, ListOffsetsResultInfo> end : admin
                .listOffsets(asked, new ListOffsetsOptions(isolation)).all()
                .get(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS).entrySet()) {
                ends.put(end.getKey(), end.getValue().offset());
            }
            return ends;
        } catch (ExecutionException e) {
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
        return ends.entrySet().stream().allMatch(end -> positions.getOrDefault(end.getKey(), -1L) >= end.getValue());
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
        Map<Boolean, List<TopicPartition>> byKind = followed.stream()
            .collect(Collectors.partitioningBy(partition -> partition.topic().equals(settings.reload().requestsTopic())));
        Map<TopicPartition, Long> ends = ends(byKind.get(true), IsolationLevel.READ_UNCOMMITTED);
        ends.putAll(ends(byKind.get(false), IsolationLevel.READ_COMMITTED));
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(TIMEOUT_MILLIS);
        synchronized (positions) {
            while (!hasReached(ends)) {
                if (System.nanoTime() > deadline) {
                    throw new KafkaException("What is known of reloads could not be read in time");
                }
                try {
                    positions.wait(POLL.toMillis());
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new KafkaException("Interrupted", e);
                }
            }
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
                    for (ConsumerRecord<byte[], byte[]> record : planReader.poll(POLL)) {
                        if (key.equals(new String(record.key(), StandardCharsets.UTF_8))) {
                            return new Part(record.offset(), record.value());
                        }
                    }
                }
            } catch (OffsetOutOfRangeException e) {
                throw new IllegalStateException("The plan is not in topic " + settings.reload().plansTopic() + " any more", e);
            }
            throw new KafkaException("The plan could not be read in time");
        }
    }

    private TopicPartition plansPartition() {
        return new TopicPartition(settings.reload().plansTopic(), 0);
    }

    /** Ends all of this. */
    public synchronized void stop() {
        if (thread != null) {
            tail.wakeup();
            thread = null;
            hasCaughtUp = false;
            followed.clear();
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
