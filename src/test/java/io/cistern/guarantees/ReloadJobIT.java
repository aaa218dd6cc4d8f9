package io.cistern.guarantees;

import static io.cistern.testing.BatchFiles.line;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.PackagedCistern;
import io.cistern.testing.TestKafka;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** P5 for a reload that many replicas work on: each stored record once and in order, whatever becomes of the replicas. */
class ReloadJobIT {

    private static final int PARTITIONS = 12;
    private static final int RECORDS = Integer.getInteger("reload.records", 2_000_000) / PARTITIONS;
    private static final int RECORDS_IN_A_FILE = 8_000;
    private static final Instant START = Instant.parse("2024-02-29T00:00:00Z");
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @TempDir
    static Path work;

    private static Path bucket;

    private final String group = "reload-" + UUID.randomUUID();
    private final Map<String, PackagedCistern> replicas = new LinkedHashMap<>();
    private String target;
    private String id;

    /** Files of twelve partitions, in the first of which a crash left files that overlap. */
    @BeforeAll
    static void store() throws IOException {
        bucket = Files.createDirectories(work.resolve("bucket"));
        for (int partition = 0; partition < PARTITIONS; partition++) {
            for (int first = 0; first < RECORDS; first += RECORDS_IN_A_FILE) {
                write(partition, first, Math.min(RECORDS, first + RECORDS_IN_A_FILE), START.plusSeconds(10_000_000));
            }
        }
        write(0, RECORDS / 2, Math.min(RECORDS, RECORDS / 2 + 3 * RECORDS_IN_A_FILE / 2), START.plusSeconds(10_000_100));
        write(0, 0, Math.min(RECORDS, 100), START.plusSeconds(10_000_200));
    }

    private static void write(int partition, int from, int to, Instant consumed) {
        BatchFiles.write(bucket, "orders", BatchFiles.name(time(from), "orders", partition, from, consumed),
            () -> LongStream.range(from, to).mapToObj(offset -> line(partition, offset, time(offset), "key " + offset,
                "value of partition " + partition + " at offset " + offset + ", and some more for the hundred bytes"))
                .iterator());
    }

    private static Instant time(long offset) {
        return START.plusMillis(offset * 10);
    }

    @AfterEach
    void stop() {
        replicas.values().forEach(PackagedCistern::kill);
    }

    @Test
    void twoMillionRecordsComeOnceAndInOrderThoughReplicasAreKilledAndThereIsAPause() throws Exception {
        // Given three replicas
        target = TestKafka.topic("reingestion", PARTITIONS);
        start("a", "b", "c");

        // When one is killed in the middle
        id = reload("a", ",\"recordsPerSecond\":120000");
        awaitPublished("a", RECORDS);
        kill("b");
        awaitPublished("a", 4L * RECORDS);

        // and it waits for a while, asked by one replica and told by another
        call("c", "/pause");
        await().atMost(PATIENCE).until(() -> show("a").get("phase").asText().equals("PAUSED"));
        long paused = show("a").get("lineIndex").asLong();
        start("d");
        assertThat(show("d").get("lineIndex").asLong()).isEqualTo(paused);
        assertThat(show("d").get("phase").asText()).isEqualTo("PAUSED");

        // and one more is killed when it goes on
        call("d", "/resume");
        awaitPublished("d", 7L * RECORDS);
        kill("c");
        awaitPublished("d", 9L * RECORDS);
        call("a", "/speed", "{}");

        // Then
        assertComplete("d", PARTITIONS);
    }

    @Test
    void recordsComeOnceThoughAllReplicasAreKilledAndOneWasFrozenPastItsSession() throws Exception {
        // Given
        target = TestKafka.topic("reingestion", PARTITIONS);
        start("a", "b");
        id = reload("b", ",\"partitions\":[0,1,2,3],\"recordsPerSecond\":20000");
        awaitPublished("b", RECORDS / 4);

        // When one freezes until another has its work, and then goes on
        replicas.get("a").freeze();
        long before = show("b").get("lineIndex").asLong();
        call("b", "/speed", "{\"recordsPerSecond\":40000}");
        awaitPublished("b", before + RECORDS);
        replicas.get("a").thaw();
        awaitPublished("b", before + 3L * RECORDS / 2);

        // and then all are lost
        kill("a");
        kill("b");
        start("c");
        assertThat(show("c").get("status").asText()).isEqualTo("START");
        call("c", "/speed", "{}");

        // Then
        assertComplete("c", 4);
    }

    private void assertComplete(String replica, int partitions) throws IOException {
        await().atMost(PATIENCE).until(() -> !show(replica).get("status").asText().equals("START"));
        JsonNode end = show(replica);
        assertThat(end.get("status").asText()).as("%s", end).isEqualTo("COMPLETE");
        assertThat(end.get("lineIndex").asLong()).isEqualTo((long) partitions * RECORDS);
        assertThat(end.get("partitions")).hasSize(partitions).allSatisfy(partition ->
            assertThat(partition.get("published").asLong()).isEqualTo(RECORDS));
        // A transaction that a killed replica has left open ends by itself.
        await().atMost(PATIENCE).until(() -> ends("read_committed").equals(ends("read_uncommitted")));
        List<Long> counts = new ArrayList<>();
        for (int partition = 0; partition < partitions; partition++) {
            counts.add(readInOrder(partition));
        }
        assertThat(counts).allSatisfy(count -> assertThat(count).isEqualTo(RECORDS));
    }

    private Map<TopicPartition, Long> ends(String isolation) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(isolation)) {
            return consumer.endOffsets(IntStream.range(0, PARTITIONS).mapToObj(i -> new TopicPartition(target, i)).toList());
        }
    }

    private static KafkaConsumer<byte[], byte[]> consumer(String isolation) {
        return new KafkaConsumer<>(Map.of(
            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, TestKafka.broker().bootstrapServers(),
            ConsumerConfig.ISOLATION_LEVEL_CONFIG, isolation), new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** Reads what is committed of a partition of the target: each record must be the next one; gives how many there are. */
    private long readInOrder(int partition) {
        long next = 0;
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("read_committed")) {
            TopicPartition read = new TopicPartition(target, partition);
            consumer.assign(List.of(read));
            consumer.seekToBeginning(List.of(read));
            long end = consumer.endOffsets(List.of(read)).get(read);
            while (consumer.position(read) < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    String value = new String(record.value(), StandardCharsets.UTF_8);
                    if (!value.startsWith("value of partition " + partition + " at offset " + next + ",")) {
                        throw new AssertionError("partition " + partition + ": expected offset " + next + ", not " + value);
                    }
                    assertThat(record.timestamp()).isEqualTo(time(next).toEpochMilli());
                    next++;
                }
            }
        }
        return next;
    }

    private void start(String... names) throws IOException {
        for (String name : names) {
            replicas.put(name, new PackagedCistern(Files.createDirectories(work.resolve(group + name)), "256m",
                Map.of("BSS_ROLES", "reloader", "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(),
                    "BSS_RELOAD_GROUP_ID", group)));
        }
        for (String name : names) {
            await().atMost(PATIENCE).ignoreExceptions().until(() ->
                replicas.get(name).call("/actuator/health", null).get("status").asText().equals("UP"));
        }
    }

    private void kill(String name) {
        replicas.get(name).kill();
    }

    private String reload(String replica, String more) throws IOException {
        JsonNode answer = replicas.get(replica).call("/reingestion/topic", "{\"topic\":\"orders\",\"reIngestionTopic\":\"" + target
            + "\",\"partitioning\":\"preserve\"" + more + "}");
        assertThat(answer.path("requestId").asText()).as("%s", answer).isNotEmpty();
        return answer.get("requestId").asText();
    }

    private void call(String replica, String what) throws IOException {
        call(replica, what, "");
    }

    private void call(String replica, String what, String body) throws IOException {
        JsonNode answer = replicas.get(replica).call("/reingestion/" + id + what, body);
        assertThat(answer.path("requestId").asText()).as("%s", answer).isEqualTo(id);
    }

    private JsonNode show(String replica) throws IOException {
        return replicas.get(replica).call("/reingestion/" + id, null);
    }

    private void awaitPublished(String replica, long count) {
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(50)).until(() -> {
            JsonNode reload = show(replica);
            assertThat(reload.get("status").asText()).as("%s", reload).isEqualTo("START");
            return reload.get("lineIndex").asLong() >= count;
        });
    }
}
