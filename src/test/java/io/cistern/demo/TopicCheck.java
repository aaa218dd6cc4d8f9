package io.cistern.demo;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;

/** Compares what is in a topic with what should be in it, byte for byte, with plain Kafka clients. */
final class TopicCheck {

    private final String brokers;
    private final Differences differences;

    TopicCheck(String brokers, Differences differences) {
        this.brokers = brokers;
        this.differences = differences;
    }

    /** Checks that each partition of the target holds the records of the source's partition in the same order. */
    void sameRecordsInOrder(String source, String target, int partitions) {
        for (int p = 0; p < partitions; p++) {
            try (PartitionReader expected = new PartitionReader(brokers, new TopicPartition(source, p));
                    PartitionReader actual = new PartitionReader(brokers, new TopicPartition(target, p))) {
                while (expected.hasNext() && actual.hasNext()) {
                    ConsumerRecord<byte[], byte[]> there = expected.next();
                    ConsumerRecord<byte[], byte[]> here = actual.next();
                    List<String> fields = differingFields(there, here);
                    if (!fields.isEmpty()) {
                        differences.add(source, name(here) + " differs from " + name(there) + " in " + fields);
                    }
                }
                report(source, expected, "is missing from " + target);
                report(source, actual, "is more than " + source + " has");
            }
        }
    }

    /**
     * Checks that the target holds each record of the source as often as the source does, in whatever partition and
     * order. Records are told apart by a hash of 64 bits.
     */
    void sameRecordsInAnyOrder(String source, int sourcePartitions, String target, int targetPartitions) {
        Map<Long, Integer> expected = new HashMap<>();
        for (int p = 0; p < sourcePartitions; p++) {
            try (PartitionReader reader = new PartitionReader(brokers, new TopicPartition(source, p))) {
                reader.forEachRemaining(record -> expected.merge(hash(record), 1, Integer::sum));
            }
        }
        for (int p = 0; p < targetPartitions; p++) {
            try (PartitionReader reader = new PartitionReader(brokers, new TopicPartition(target, p))) {
                reader.forEachRemaining(record -> {
                    if (expected.merge(hash(record), -1, Integer::sum) < 0) {
                        differences.add(source, name(record) + " is not in " + source + ", or not so often");
                    }
                });
            }
        }
        long missing = expected.values().stream().filter(count -> count > 0).mapToLong(Integer::longValue).sum();
        if (missing > 0) {
            differences.add(source, missing, missing + " records of " + source + " are missing from " + target);
        }
    }

    private void report(String topic, PartitionReader rest, String what) {
        rest.forEachRemaining(record -> differences.add(topic, name(record) + " " + what));
    }

    private static List<String> differingFields(ConsumerRecord<byte[], byte[]> a, ConsumerRecord<byte[], byte[]> b) {
        List<String> fields = new ArrayList<>();
        if (!Arrays.equals(a.key(), b.key())) {
            fields.add("key");
        }
        if (!Arrays.equals(a.value(), b.value())) {
            fields.add("value");
        }
        if (!Arrays.equals(a.headers().toArray(), b.headers().toArray())) {
            fields.add("headers");
        }
        if (a.timestamp() != b.timestamp() || a.timestampType() != b.timestampType()) {
            fields.add("timestamp");
        }
        return fields;
    }

    private static long hash(ConsumerRecord<byte[], byte[]> record) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(ByteBuffer.allocate(8).putLong(0, record.timestamp()));
            update(digest, record.key());
            update(digest, record.value());
            for (Header header : record.headers()) {
                update(digest, header.key().getBytes(UTF_8));
                update(digest, header.value());
            }
            return ByteBuffer.wrap(digest.digest()).getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void update(MessageDigest digest, byte[] bytes) {
        digest.update(ByteBuffer.allocate(4).putInt(0, bytes == null ? -1 : bytes.length));
        if (bytes != null) {
            digest.update(bytes);
        }
    }

    private static String name(ConsumerRecord<byte[], byte[]> record) {
        return record.topic() + "-" + record.partition() + " offset " + record.offset();
    }
}
