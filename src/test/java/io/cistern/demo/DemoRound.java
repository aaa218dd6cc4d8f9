package io.cistern.demo;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.broker.EmbeddedKafka;
import io.cistern.demo.BucketCheck.Stored;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * The whole way once: publish, store, check the files and events, reload, compare. All checks are plain clients' and
 * know nothing of Cistern's code.
 */
final class DemoRound {

    /** Starts Cistern with these settings and returns when it is up. */
    interface Start {
        CisternHttp cistern(Map<String, Object> defaults) throws Exception;
    }

    /** What was measured of a topic; times in milliseconds. */
    private record Row(long records, Stored stored, long reloadMillis, long differences) {

        Row plus(Row other) {
            return new Row(records + other.records, stored.plus(other.stored), reloadMillis + other.reloadMillis,
                    differences + other.differences);
        }
    }

    /** Small, so that a short round has many files, and so that most of them are full. */
    private static final Map<String, Object> SETTINGS =
            Map.of("BSS_MAX_BYTES_PER_FILE", "1MB", "BSS_CACHE_UPLOAD_TIMEOUT", "2s");
    private static final Instant FIRST_CHANGE = Instant.parse("2024-11-14T08:00:00Z");

    private final EmbeddedKafka kafka;
    private final String brokers;
    private final Path bucket;
    private final Start start;
    private final long records;
    private final Duration timeout;
    private final Instant begin = Instant.now();
    private final Instant deadline;
    private final Differences differences = new Differences();

    DemoRound(EmbeddedKafka kafka, Path bucket, Start start, long records, Duration timeout) {
        this.kafka = kafka;
        this.brokers = kafka.bootstrapServers();
        this.bucket = bucket;
        this.start = start;
        this.records = records;
        this.timeout = timeout;
        this.deadline = begin.plus(timeout);
    }

    /** Returns 0, or 1 if anything differs. */
    int run() throws Exception {
        say("Kafka runs on %s, the bucket is %s", brokers, bucket);
        try (Feed feed = new Feed(brokers, ChangeStream.startingAt(FIRST_CHANGE, 1))) {
            feed.publish(records);
            say("published %,d records to %d topics", feed.published(), Shop.TOPICS.size());
        }
        CisternHttp cistern = start.cistern(SETTINGS);
        say("Cistern is up on %s", cistern.base());
        Map<String, Long> published = awaitStored();
        say("stored: consumer group %s has no lag", Shop.GROUP);

        Map<String, Row> table = new LinkedHashMap<>();
        BucketCheck bucketCheck = new BucketCheck(bucket, brokers, Shop.EVENTS, differences);
        TopicCheck topicCheck = new TopicCheck(brokers, differences);
        for (Shop.Topic topic : Shop.TOPICS) {
            Stored stored = bucketCheck.check(topic.folder(), topic.ingestion(), topic.partitions());
            long millis = reload(cistern, topic, published.get(topic.ingestion()));
            topicCheck.sameRecordsInOrder(topic.ingestion(), topic.reingestion(), topic.partitions());
            if (topic.ingestion().equals(ChangeStream.ORDERS)) {
                topicCheck.sameRecordsInAnyOrder(topic.ingestion(), topic.partitions(), Shop.POST, Shop.POST_PARTITIONS);
            }
            table.put(topic.ingestion(), new Row(published.get(topic.ingestion()), stored, millis,
                    differences.count(topic.ingestion())));
            say("checked files and events of %s, reloaded it into %s, compared", topic.ingestion(), topic.reingestion());
        }
        print(table);
        return differences.total() == 0 ? 0 : 1;
    }

    /** Waits until the consumer group has no lag, and returns how many records each ingestion topic has. */
    private Map<String, Long> awaitStored() throws Exception {
        Map<TopicPartition, OffsetSpec> latest = Shop.TOPICS.stream()
                .flatMap(topic -> IntStream.range(0, topic.partitions())
                        .mapToObj(p -> new TopicPartition(topic.ingestion(), p)))
                .collect(Collectors.toMap(partition -> partition, partition -> OffsetSpec.latest()));
        try (Admin admin = kafka.admin()) {
            Map<String, Long> published = new TreeMap<>();
            Map<TopicPartition, Long> ends = new TreeMap<>((a, b) -> a.toString().compareTo(b.toString()));
            admin.listOffsets(latest).all().get().forEach((partition, end) -> {
                ends.put(partition, end.offset());
                published.merge(partition.topic(), end.offset(), Long::sum);
            });
            while (true) {
                Map<TopicPartition, OffsetAndMetadata> committed =
                        admin.listConsumerGroupOffsets(Shop.GROUP).partitionsToOffsetAndMetadata().get();
                Map<TopicPartition, Long> lag = new LinkedHashMap<>();
                ends.forEach((partition, end) -> {
                    OffsetAndMetadata offset = committed.get(partition);
                    long behind = end - (offset == null ? 0 : offset.offset());
                    if (behind != 0) {
                        lag.put(partition, behind);
                    }
                });
                if (lag.isEmpty()) {
                    return published;
                }
                if (Instant.now().isAfter(deadline)) {
                    throw new IllegalStateException("After " + timeout.toSeconds() + " s (--demo.timeout), records that"
                            + " are not stored and committed, by topic-partition: " + lag);
                }
                Thread.sleep(100);
            }
        }
    }

    private long reload(CisternHttp cistern, Shop.Topic topic, long expected) throws Exception {
        long begin = System.nanoTime();
        String id = cistern.reload(topic.ingestion(), topic.reingestion());
        JsonNode status = cistern.awaitEnd(id, deadline);
        long millis = Math.max(1, (System.nanoTime() - begin) / 1_000_000);
        if (!status.path("status").asText().equals("COMPLETE")) {
            differences.add(topic.ingestion(), "The reload of " + topic.ingestion() + " is not complete"
                    + (Instant.now().isAfter(deadline) ? " after " + timeout.toSeconds() + " s (--demo.timeout)" : "")
                    + ": " + status);
        } else if (status.path("lineIndex").asLong() != expected) {
            differences.add(topic.ingestion(), "The reload of " + topic.ingestion() + " says it published "
                    + status.path("lineIndex") + " records of " + expected);
        }
        return millis;
    }

    private void print(Map<String, Row> table) {
        String format = "%-22s %11s %9s %6s %11s %12s %12s%n";
        System.out.println();
        System.out.printf(format, "topic", "records", "MB", "files", "stored/s", "reloaded/s", "differences");
        table.forEach((topic, row) -> printRow(format, topic, row));
        printRow(format, "total", table.values().stream().reduce(new Row(0, Stored.NOTHING, 0, 0), Row::plus));
        System.out.println("""

                stored/s    records by the time from the first record's consumption (in the files' names) to the last file's
                            writing (in the file system), all topics at the same time; everything was published before,
                            and the wait for the last, half-filled files (bss.cache-upload-timeout) is in it
                reloaded/s  records by the time from the request to the status COMPLETE, one topic after the other
                differences found in files, events, post-ingestion and reingestion topics, compared with what was published
                """);
        differences.firstFew().forEach(difference -> System.out.println("  - " + difference));
        System.out.println(differences.total() == 0 ? "All is the same." : differences.total() + " differences.");
    }

    private static void printRow(String format, String name, Row row) {
        long storing = Math.max(1, row.stored().lastWritten() - row.stored().firstConsumed());
        System.out.printf(format, name, "%,d".formatted(row.records()),
                "%.1f".formatted(row.stored().bytes() / 1e6), row.stored().files(),
                row.stored().files() == 0 ? "-" : "%,d".formatted(row.records() * 1000 / storing),
                row.reloadMillis() == 0 ? "-" : "%,d".formatted(row.records() * 1000 / row.reloadMillis()),
                "%,d".formatted(row.differences()));
    }

    private void say(String what, Object... args) {
        double seconds = Duration.between(begin, Instant.now()).toMillis() / 1e3;
        System.out.printf("%6.1f s  %s%n", seconds, what.formatted(args));
    }
}
