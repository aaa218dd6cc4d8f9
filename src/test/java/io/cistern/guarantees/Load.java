package io.cistern.guarantees;

import io.cistern.guarantees.Journal.Entry;
import io.cistern.guarantees.Journal.State;
import io.cistern.guarantees.Journal.Topic;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;

/** Publishes records all the time, notes each in the journal, and knows what topics there are. */
final class Load {

    static final Topic ORDERS = new Topic("orders", "archive", List.of("orders.post", "audit.post"), false);
    /** Gets more partitions. */
    static final Topic GROWING = new Topic("growing_7", "growing_7", List.of("growing.post"), false);
    /** Is deleted and created again. */
    static final Topic REBORN = new Topic("re-born", "re-born", List.of("reborn.post"), false);
    /** Is written in transactions, some of which are aborted. */
    static final Topic TRANSFERS = new Topic("transfers.v1", "transfers", List.of("transfers.post"), false);
    /** The broker gives its records their timestamps. */
    static final Topic STAMPED = new Topic("stamped", "stamped", List.of(), true);
    /** A record every few seconds: nothing but time closes its batches. */
    static final Topic QUIET = new Topic("quiet", "quiet", List.of("quiet.post"), false);

    static final List<Topic> TOPICS = List.of(ORDERS, GROWING, REBORN, TRANSFERS, STAMPED, QUIET);

    private static final int PER_SECOND = Integer.getInteger("guarantees.rate", 1000);
    private static final long TICK_MILLIS = 20;
    private static final long QUIET_MILLIS = 4_000;
    private static final Duration ACKNOWLEDGE_TIMEOUT = Duration.ofSeconds(60);

    private final String brokers;
    private final Journal journal;
    private final Random plainRandom;
    private final Random transactionsRandom;
    private final Map<Topic, Integer> partitions = new ConcurrentHashMap<>(
        Map.of(ORDERS, 3, GROWING, 1, REBORN, 2, TRANSFERS, 2, STAMPED, 1, QUIET, 1));
    /** Records that are sent and not acknowledged. */
    private final Map<Topic, AtomicInteger> underway = new ConcurrentHashMap<>();
    private final List<Thread> threads = new ArrayList<>();
    private KafkaProducer<byte[], byte[]> producer;
    private volatile boolean ended;
    private volatile boolean rebornPaused;
    private volatile RuntimeException failure;

    Load(String brokers, Journal journal, long seed) {
        this.brokers = brokers;
        this.journal = journal;
        this.plainRandom = new Random(seed);
        this.transactionsRandom = new Random(~seed);
    }

    int partitions(Topic topic) {
        return partitions.get(topic);
    }

    /** The topic has more partitions now, all of which get records from here on. */
    void grown(Topic topic, int to) {
        partitions.put(topic, to);
    }

    void start() {
        producer = producer(Map.of());
        thread("load", this::publish);
        thread("transactions", this::publishTransactions);
    }

    private void thread(String name, Runnable task) {
        Thread thread = new Thread(() -> {
            try {
                task.run();
            } catch (RuntimeException e) {
                failure = e;
            }
        }, name);
        thread.start();
        threads.add(thread);
    }

    /** Nothing is published to the topic that is created again any more; returns when all is acknowledged. */
    void pauseReborn() {
        synchronized (producer) {
            rebornPaused = true;
        }
        awaitAcknowledgements(List.of(REBORN));
    }

    void resumeReborn() {
        rebornPaused = false;
    }

    /**
     * Ends it; returns when all is acknowledged.
     *
     * @throws IllegalStateException if it failed on the way
     */
    void end() throws InterruptedException {
        ended = true;
        for (Thread thread : threads) {
            thread.join();
        }
        if (failure != null) {
            throw new IllegalStateException("The load failed", failure);
        }
        awaitAcknowledgements(TOPICS);
        producer.close();
    }

    private void awaitAcknowledgements(List<Topic> topics) {
        Awaitility.await().atMost(ACKNOWLEDGE_TIMEOUT).pollInterval(Duration.ofMillis(20))
            .until(() -> topics.stream().allMatch(topic ->
                !underway.containsKey(topic) || underway.get(topic).get() == 0));
    }

    private void publish() {
        Contents contents = new Contents(plainRandom);
        long nextQuiet = 0;
        while (!ended) {
            for (int i = 0; i < PER_SECOND * TICK_MILLIS / 1000; i++) {
                int which = plainRandom.nextInt(20);
                send(contents, which < 9 ? ORDERS : which < 13 ? GROWING : which < 17 ? REBORN : STAMPED);
            }
            if (System.currentTimeMillis() >= nextQuiet) {
                nextQuiet = System.currentTimeMillis() + QUIET_MILLIS;
                send(contents, QUIET);
            }
            pause(TICK_MILLIS);
        }
    }

    private void send(Contents contents, Topic topic) {
        synchronized (producer) {
            if (topic != REBORN || !rebornPaused) {
                send(producer, contents, topic, plainRandom, true);
            }
        }
    }

    /** Sends a record; gives its entry, or null if an equal one was sent before. */
    private Entry send(KafkaProducer<byte[], byte[]> by, Contents contents, Topic topic, Random random,
                       boolean commits) {
        int partition = random.nextInt(partitions.get(topic));
        byte[] key = contents.key();
        byte[] value = contents.value();
        List<Header> headers = contents.headers();
        long timestamp = contents.timestamp();
        Entry entry = journal.sending(topic, partition, key, value, headers, timestamp);
        if (entry == null) {
            return null;
        }
        AtomicInteger count = underway.computeIfAbsent(topic, ignored -> new AtomicInteger());
        count.incrementAndGet();
        try {
            by.send(new ProducerRecord<>(topic.name(), partition, timestamp, key, value, headers), (metadata, e) -> {
                if (e == null) {
                    journal.acknowledged(entry, metadata.offset(), metadata.timestamp());
                    if (commits) {
                        entry.state = State.COMMITTED;
                    }
                }
                count.decrementAndGet();
            });
        } catch (RuntimeException e) {
            count.decrementAndGet();
            throw e;
        }
        return entry;
    }

    private void publishTransactions() {
        Contents contents = new Contents(transactionsRandom);
        while (!ended) {
            try (KafkaProducer<byte[], byte[]> transactional = producer(Map.of("transactional.id", "load",
                "transaction.timeout.ms", 20_000))) {
                transactional.initTransactions();
                while (!ended) {
                    transaction(transactional, contents);
                    pause(50 + transactionsRandom.nextInt(150));
                }
            } catch (KafkaException outcomeUnknown) {
                // What became of the transaction is read from the topic later; the next producer ends it.
                pause(100);
            }
        }
    }

    private void transaction(KafkaProducer<byte[], byte[]> transactional, Contents contents) {
        transactional.beginTransaction();
        List<Entry> entries = new ArrayList<>();
        for (int i = 1 + transactionsRandom.nextInt(60); i > 0; i--) {
            Entry entry = send(transactional, contents, TRANSFERS, transactionsRandom, false);
            if (entry != null) {
                entries.add(entry);
            }
        }
        if (transactionsRandom.nextInt(5) == 0) {
            transactional.abortTransaction();
            entries.forEach(entry -> entry.state = State.ABORTED);
        } else {
            commit(transactional);
            entries.forEach(entry -> entry.state = State.COMMITTED);
        }
    }

    private static void commit(KafkaProducer<byte[], byte[]> transactional) {
        try {
            transactional.commitTransaction();
        } catch (TimeoutException once) {
            transactional.commitTransaction();
        }
    }

    private KafkaProducer<byte[], byte[]> producer(Map<String, Object> more) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", brokers, "acks", "all",
            "enable.idempotence", true, "linger.ms", 5, "metadata.max.age.ms", 1000, "max.block.ms", 60_000));
        settings.putAll(more);
        return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
