package io.cistern.demo;

import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Publishes a change stream to Kafka, either at once or at a steady pace until it is closed. */
final class Feed implements AutoCloseable {

    private final ChangeStream changes;
    private final KafkaProducer<byte[], byte[]> producer;
    private final AtomicLong published = new AtomicLong();
    private final AtomicReference<Exception> failure = new AtomicReference<>();
    private volatile boolean closed;
    private Thread pace;

    Feed(String brokers, ChangeStream changes) {
        this.changes = changes;
        this.producer = new KafkaProducer<>(Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers,
                ProducerConfig.CLIENT_ID_CONFIG, "shop",
                ProducerConfig.LINGER_MS_CONFIG, 20,
                ProducerConfig.BATCH_SIZE_CONFIG, 256 * 1024),
                new ByteArraySerializer(), new ByteArraySerializer());
    }

    /**
     * Publishes this many records as fast as it can and returns when all are acknowledged.
     *
     * @throws IllegalStateException if one was refused
     */
    void publish(long records) {
        for (long i = 0; i < records && failure.get() == null; i++) {
            send();
        }
        producer.flush();
        if (failure.get() != null) {
            throw new IllegalStateException("A record was not published: " + failure.get().getMessage(), failure.get());
        }
    }

    /** Publishes in the background, about this many records a second. */
    void start(int recordsPerSecond) {
        pace = new Thread(() -> {
            long start = System.nanoTime();
            for (long sent = 0; !closed;) {
                long due = (System.nanoTime() - start) * recordsPerSecond / 1_000_000_000;
                for (; sent < due && !closed; sent++) {
                    send();
                }
                try {
                    Thread.sleep(50);
                } catch (InterruptedException e) {
                    return;
                }
            }
        }, "feed");
        pace.setDaemon(true);
        pace.start();
    }

    /** Records that Kafka acknowledged so far. */
    long published() {
        return published.get();
    }

    @Override
    public void close() {
        closed = true;
        if (pace != null) {
            try {
                pace.join(5_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        producer.close();
    }

    private void send() {
        producer.send(changes.next(), (metadata, e) -> {
            if (e == null) {
                published.incrementAndGet();
            } else {
                failure.compareAndSet(null, e);
            }
        });
    }
}
