package io.cistern.demo;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import io.cistern.broker.EmbeddedKafka;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;

/** Tells on the console what runs, where it is and what to try; it changes nothing. */
final class DemoGuide {

    private final EmbeddedKafka kafka;
    private final Path bucket;
    private final String base;
    private final Instant start;

    DemoGuide(EmbeddedKafka kafka, Path bucket, String base, Instant start) {
        this.kafka = kafka;
        this.bucket = bucket;
        this.base = base;
        this.start = start.truncatedTo(ChronoUnit.SECONDS);
    }

    void printWhatRuns(int rate) {
        System.out.printf("""

                Cistern's demo runs; Ctrl-C ends it.

                  Kafka   %s
                  topics  %s: %d records a second
                  files   %s
                  page    %s/swagger-ui.html

                """, kafka.bootstrapServers(), names(Shop.TOPICS.stream().map(Shop.Topic::ingestion).toList()), rate,
                bucket, base);
    }

    /** Waits for the first file of the first topic, or gives up with a message that says where to look. */
    void awaitFirstFile(Duration patience) throws InterruptedException {
        Instant deadline = Instant.now().plus(patience);
        while (files(Shop.TOPICS.get(0)).isEmpty()) {
            if (Instant.now().isAfter(deadline)) {
                throw new IllegalStateException("No file in " + bucket + " after " + patience.toSeconds()
                        + " s; LOG_LEVEL=INFO shows what Cistern does");
            }
            Thread.sleep(100);
        }
    }

    void printWhatToTry() {
        Shop.Topic topic = Shop.TOPICS.get(0);
        System.out.printf("""
                Reload the topic's records of one minute:
                  %s
                Reload one file:
                  %s
                How far a reload is, by the requestId of its answer:
                  curl -s %s/status-service/<requestId>
                What the bucket holds:
                  curl -s %s/status/folders
                  curl -s %s/status/%s/count

                """,
                post("topic", "{\"topic\":\"%s\",\"reIngestionTopic\":\"%s\",\"startDate\":\"%s\",\"stopDate\":\"%s\"}"
                        .formatted(topic.ingestion(), topic.reingestion(), start, start.plusSeconds(60))),
                post("file", "{\"fileName\":\"%s/%s\",\"reIngestionTopic\":\"%s\"}"
                        .formatted(topic.folder(), files(topic).get(0), topic.reingestion())),
                base, base, base, topic.folder());
    }

    void printProgress(long published) throws InterruptedException, ExecutionException {
        System.out.printf("%s  %,d records published, %d files stored, %,d records in the reingestion topics%n",
                LocalTime.now().truncatedTo(ChronoUnit.SECONDS), published,
                Shop.TOPICS.stream().mapToInt(topic -> files(topic).size()).sum(), reloaded());
    }

    private long reloaded() throws InterruptedException, ExecutionException {
        Map<TopicPartition, OffsetSpec> ends = Shop.TOPICS.stream()
                .flatMap(topic -> IntStream.range(0, topic.partitions())
                        .mapToObj(p -> new TopicPartition(topic.reingestion(), p)))
                .collect(Collectors.toMap(partition -> partition, partition -> OffsetSpec.latest()));
        try (Admin admin = kafka.admin()) {
            return admin.listOffsets(ends).all().get().values().stream().mapToLong(end -> end.offset()).sum();
        }
    }

    /** The names of a topic's files in order; not those that are still being written. */
    private List<String> files(Shop.Topic topic) {
        String[] names = bucket.resolve(topic.folder()).toFile()
                .list((folder, name) -> name.contains("_" + topic.ingestion() + "_") && !name.startsWith("."));
        return names == null ? List.of() : List.of(names).stream().sorted().toList();
    }

    private String post(String call, String body) {
        return "curl -s -X POST " + base + "/reingestion/" + call + " -H 'Content-Type: application/json' -d '" + body + "'";
    }

    private static String names(List<String> topics) {
        return String.join(", ", topics);
    }
}
