package io.cistern.bench;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Reloading as one writes it by hand in an hour: all files in the order of their names, line by line, each record to the
 * partition that it came from, with acks=all. What is sent is counted when the producer has flushed.
 */
final class ReloadLoop {

    private static final long TRANSACTION_NANOS = 1_000_000_000;

    private final HandBucket bucket = HandBucket.of(System.getenv());
    private final HandCodec codec = new HandCodec(0);
    private final String target;
    private final boolean transactional;
    private final KafkaProducer<byte[], byte[]> producer;
    private byte[] buffer = new byte[1 << 17];
    private long count;
    private volatile Exception failure;
    private long begun;

    private ReloadLoop(String brokers, String target, boolean transactional) {
        this.target = target;
        this.transactional = transactional;
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", brokers, "acks", "all", "linger.ms", 5,
            "batch.size", 65_536));
        if (transactional) {
            settings.put("transactional.id", target);
        }
        producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private void run(String folder) throws Exception {
        System.out.println("began=" + System.currentTimeMillis());
        if (transactional) {
            producer.initTransactions();
            producer.beginTransaction();
            begun = System.nanoTime();
        }
        for (String path : bucket.list(folder)) {
            try (InputStream in = bucket.open(path)) {
                send(in);
            }
        }
        if (transactional) {
            producer.commitTransaction();
        } else {
            producer.flush();
        }
        if (failure != null) {
            throw failure;
        }
        System.out.println("ended=" + System.currentTimeMillis());
        System.out.println("records=" + count);
        producer.close();
    }

    private void send(InputStream in) throws IOException {
        int held = 0;
        int read;
        while ((read = in.read(buffer, held, buffer.length - held)) >= 0) {
            int end = held + read;
            int start = 0;
            for (int at = held; at < end; at++) {
                if (buffer[at] == '\n') {
                    producer.send(codec.read(buffer, start, target), (metadata, e) -> failure = e == null ? failure : e);
                    count++;
                    start = at + 1;
                }
            }
            held = end - start;
            System.arraycopy(buffer, start, buffer, 0, held);
            if (held == buffer.length) {
                buffer = Arrays.copyOf(buffer, 2 * held);
            }
            if (transactional && System.nanoTime() - begun > TRANSACTION_NANOS) {
                producer.commitTransaction();
                producer.beginTransaction();
                begun = System.nanoTime();
            }
        }
    }

    /** Arguments: brokers, folder, target topic, whether in transactions of a second. */
    public static void main(String[] args) throws Exception {
        new ReloadLoop(args[0], args[2], Boolean.parseBoolean(args[3])).run(args[1]);
    }
}
