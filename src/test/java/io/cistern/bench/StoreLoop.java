package io.cistern.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Storing as one writes it by hand in an hour: poll, encode, put a file when it has its size, commit. No events, no facts, no
 * care for what goes wrong: whatever does ends it, and the next start begins behind the last commit.
 */
final class StoreLoop {

    private static final DateTimeFormatter TIMESTAMP = new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

    private final HandBucket bucket = HandBucket.of(System.getenv());
    private final String topic;
    private final String compression;
    private final int fileBytes;
    private final HandCodec line = new HandCodec(1 << 16);
    private final Map<Integer, Open> files = new HashMap<>();
    private final KafkaConsumer<byte[], byte[]> consumer;

    /** A file in the making. */
    private final class Open {

        /** The file itself if it is not compressed. */
        private final HandCodec text;
        private final Bytes compressed;
        private OutputStream compressor;
        private long firstTimestamp;
        private long firstOffset;
        private long nextOffset;
        private int count;

        private Open() {
            boolean plain = compression.equals("none");
            text = plain ? new HandCodec(fileBytes + (fileBytes >> 3)) : null;
            compressed = plain ? null : new Bytes();
        }

        private void append(ConsumerRecord<byte[], byte[]> record) throws IOException {
            if (count++ == 0) {
                firstTimestamp = record.timestamp();
                firstOffset = record.offset();
            }
            nextOffset = record.offset() + 1;
            if (text != null) {
                text.write(record);
                return;
            }
            if (compressor == null) {
                compressor = HandBucket.compress(compression, compressed);
            }
            line.length = 0;
            line.write(record);
            compressor.write(line.buffer, 0, line.length);
        }

        private int length() {
            return text != null ? text.length : compressed.size();
        }

        private void put(int partition) throws IOException {
            if (count == 0) {
                return;
            }
            String path = topic + "/" + TIMESTAMP.format(Instant.ofEpochMilli(firstTimestamp)) + "_" + topic + "_" + partition
                + "_" + firstOffset + "_" + System.currentTimeMillis() + ".txt" + HandBucket.extension(compression);
            if (text != null) {
                bucket.put(path, text.buffer, text.length);
                text.length = 0;
            } else {
                compressor.close();
                bucket.put(path, compressed.bytes(), compressed.size());
                compressed.reset();
                compressor = null;
            }
            consumer.commitSync(Map.of(new TopicPartition(topic, partition), new OffsetAndMetadata(nextOffset)));
            count = 0;
        }
    }

    /** Gives its bytes without copying them. */
    private static final class Bytes extends ByteArrayOutputStream {
        private byte[] bytes() {
            return buf;
        }
    }

    private StoreLoop(String brokers, String topic, String compression, int fileBytes) {
        this.topic = topic;
        this.compression = compression;
        this.fileBytes = fileBytes;
        consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", brokers, "group.id", "loop-" + System.nanoTime(),
            "auto.offset.reset", "earliest", "enable.auto.commit", false, "max.poll.records", 5000),
            new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private void run(long records) throws IOException {
        consumer.subscribe(List.of(topic));
        long count = 0;
        while (count < records) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
                Open file = files.computeIfAbsent(record.partition(), partition -> new Open());
                file.append(record);
                count++;
                if (file.length() >= fileBytes) {
                    file.put(record.partition());
                }
            }
        }
        System.out.println("consumed=" + System.currentTimeMillis());
        for (Map.Entry<Integer, Open> file : files.entrySet()) {
            file.getValue().put(file.getKey());
        }
        consumer.close();
        System.out.println("records=" + count);
    }

    /** Arguments: brokers, topic, how many records are in it, none or gzip or zstd, bytes of a file. */
    public static void main(String[] args) throws IOException {
        new StoreLoop(args[0], args[1], args[3], Integer.parseInt(args[4])).run(Long.parseLong(args[2]));
    }
}
