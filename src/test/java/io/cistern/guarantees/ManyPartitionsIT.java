package io.cistern.guarantees;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.luben.zstd.ZstdInputStream;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.PackagedCistern;
import io.cistern.testing.TestKafka;
import io.cistern.testing.stores.Fault;
import io.cistern.testing.stores.FaultyProxy;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.GZIPInputStream;
import org.apache.camel.util.TimeUtils;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** P6: what is held stays under its bound, under full load, with a heap of 512 MB, whatever the store does meanwhile. */
class ManyPartitionsIT {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int RECORD = 500;
    /** Records that are published to a partition before the next one gets some. */
    private static final int AT_ONCE = 50;
    private static String many;

    @TempDir
    private Path folder;
    private final String group = "memory-" + UUID.randomUUID();

    /** What was seen while it ran. */
    private static final class Seen {
        private double mostHeld;
        private final Set<String> members = new HashSet<>();
        private final Set<Integer> assigned = new HashSet<>();
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "zstd"})
    void whatIsHeldStaysUnderItsBoundWithAThousandPartitions(String compression) throws Exception {
        // Given a thousand partitions, whose records together take more than may be held
        int partitions = 1000;
        int each = Integer.getInteger("guarantees.records", 50);
        long limit = 32L << 20;
        if (many == null) {
            many = TestKafka.topic("memory", partitions);
            publish(many, partitions, 0, each);
        }
        Path bucket = Files.createDirectory(folder.resolve("bucket"));
        Seen seen = new Seen();
        long start;
        long seconds;
        long rss;
        try (PackagedCistern cistern = start(many, Map.of("BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(),
            "BSS_COMPRESSION", compression, "BSS_CACHE_UPLOAD_TIMEOUT", "4s", "BSS_MAX_CACHE_SIZE", "32MB",
            // All partitions come side by side
            "CAMEL_COMPONENT_KAFKA_MAXPARTITIONFETCHBYTES", "16384"))) {
            await().pollInterval(Duration.ofMillis(20)).until(() ->
                cistern.metric("cistern_held_bytes") > 0);
            start = System.nanoTime();
            awaitNoLag(cistern, many, seen, limit, Duration.ofSeconds(120));
            seconds = (System.nanoTime() - start) / 1_000_000_000;
            rss = cistern.mostMegabytes();
            // One lag for each partition, in an answer that Prometheus can have each few seconds
            long asked = System.nanoTime();
            String metrics = cistern.metrics();
            System.out.printf("1000 partitions, %s: metrics of %d KB in %d ms%n", compression, metrics.length() >> 10,
                (System.nanoTime() - asked) / 1_000_000);
            assertThat(metrics.lines().filter(line -> line.startsWith("cistern_lag_records{"))).hasSize(partitions)
                .allSatisfy(line -> assertThat(line).endsWith(" 0.0"));
            assertThat(metrics.length()).isLessThan(250_000);
        }

        // Then
        List<Path> files = BucketFiles.in(bucket, many);
        System.out.printf("1000 partitions, %s: %d MB in %d s, %d files, held at most %.1f MB of %d, RSS at most %d MB%n",
            compression, (long) partitions * each * RECORD >> 20, seconds, files.size(), seen.mostHeld / (1 << 20), limit >> 20, rss);
        assertThat(seen.mostHeld).isBetween(limit / 10.0, (double) limit);
        // The heap, and about as much as Java itself takes: nothing native grows with what is held.
        assertThat(rss).isLessThan(1000);
        Map<Integer, BitSet> stored = new HashMap<>();
        for (Path file : files) {
            try (InputStream in = Files.newInputStream(file)) {
                read(file.toString(), in, stored);
            }
        }
        assertThatAllIsStored(stored, partitions, each);
    }

    @Test
    void aStoreThatIsDownIsWaitedForWithinTheGroupAndTheBound() throws Exception {
        // Given a store that is well, and more than may be held
        Duration down = Duration.ofMillis(TimeUtils.toMilliSeconds(System.getProperty("guarantees.store-down", "24s")));
        int partitions = 200;
        int first = 150;
        int each = 400;
        long limit = 16L << 20;
        String topic = TestKafka.topic("memory.down", partitions);
        TestStore store = TestStores.s3();
        store.createBucket(group);
        Seen seen = new Seen();
        Map<String, String> settings = new HashMap<>();
        long rss;
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint())) {
            settings.putAll(store.settings(group, proxy.address()));
            // A store that hangs makes a request take 3.2 seconds, and there are hundreds of batches that are due
            settings.putAll(Map.of("KAFKA_MAX_POLL_INTERVAL", "15s", "BUCKET_TIMEOUT", "1s", "BSS_RETRY_DELAY_MAX", "300ms",
                "BSS_REST_AFTER_FAILURE", "1s", "BSS_MAX_CACHE_SIZE", "16MB", "BSS_CACHE_UPLOAD_TIMEOUT", "2s",
                "BSS_COMPRESSION", "zstd", "BSS_MAX_BYTES_PER_FILE", "1MB"));
            try (PackagedCistern cistern = start(topic, settings)) {
                publish(topic, partitions, 0, first);
                awaitNoLag(cistern, topic, seen, limit, Duration.ofSeconds(90));

                // When it goes away under load
                CompletableFuture<Void> load = CompletableFuture.runAsync(() -> publish(topic, partitions, first, each));
                proxy.fail(request -> true, Fault.status(503, store.errorBody(503)), Integer.MAX_VALUE);
                watch(cistern, seen, limit, down.dividedBy(6));
                proxy.heal();
                proxy.fail(request -> true, Fault.HANG, Integer.MAX_VALUE);
                watch(cistern, seen, limit, down.multipliedBy(2).dividedBy(3));
                proxy.heal();
                proxy.down();
                watch(cistern, seen, limit, down.dividedBy(6));
                load.get();
                assertThat(TestKafka.lag(group, topic)).isPositive();
                proxy.up();

                // Then it goes on by itself
                long start = System.nanoTime();
                awaitNoLag(cistern, topic, seen, limit, Duration.ofSeconds(120));
                rss = cistern.mostMegabytes();
                System.out.printf("Store down for %s: held at most %.1f MB of %d, RSS at most %d MB, members %d, lag 0 after %d s%n",
                    down, seen.mostHeld / (1 << 20), limit >> 20, rss, seen.members.size(),
                    (System.nanoTime() - start) / 1_000_000_000);
            }
        }
        assertThat(seen.members).as("ids of the one member").hasSize(1);
        assertThat(seen.assigned).containsExactly(partitions);
        assertThat(seen.mostHeld).isGreaterThan(limit / 10.0);
        assertThat(rss).isLessThan(1000);
        Map<Integer, BitSet> stored = new HashMap<>();
        for (String key : store.keys(group)) {
            if (key.startsWith(topic + "/")) {
                read(key, new ByteArrayInputStream(store.read(group, key)), stored);
            }
        }
        assertThatAllIsStored(stored, partitions, each);
    }

    private PackagedCistern start(String topic, Map<String, String> more) {
        Map<String, String> settings = new HashMap<>(Map.of("BSS_ROLES", "storer", "KAFKA_GROUP_ID", group,
            "BSS_EVENTS_TOPIC", TestKafka.topic("memory.events", 1), "LOG_LEVEL", "WARN",
            "BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_INGESTION", topic));
        settings.putAll(more);
        return new PackagedCistern(folder, "512m", settings);
    }

    private void awaitNoLag(PackagedCistern cistern, String topic, Seen seen, long limit, Duration atMost) {
        await().atMost(atMost).pollInterval(Duration.ofMillis(100)).until(() -> {
            look(cistern, seen, limit);
            return TestKafka.lag(group, topic) == 0;
        });
    }

    /** Looks for a while whether all stays as it should, while nothing can be stored. */
    private void watch(PackagedCistern cistern, Seen seen, long limit, Duration duration) throws Exception {
        try (Admin admin = TestKafka.broker().admin()) {
            await().pollInterval(Duration.ofMillis(100)).during(duration).atMost(duration.plusSeconds(20)).until(() -> {
                look(cistern, seen, limit);
                for (MemberDescription member : admin.describeConsumerGroups(List.of(group)).all().get().get(group).members()) {
                    seen.members.add(member.consumerId());
                    seen.assigned.add(member.assignment().topicPartitions().size());
                }
                return true;
            });
        }
    }

    private static void look(PackagedCistern cistern, Seen seen, long limit) {
        assertThat(cistern.isAlive()).as(cistern::output).isTrue();
        double held = cistern.metric("cistern_held_bytes");
        seen.mostHeld = Math.max(seen.mostHeld, held);
        assertThat(held).isLessThanOrEqualTo(limit);
    }

    /** Publishes records to each partition, as many as there are numbers from {@code from} to {@code to}. */
    private static void publish(String topic, int partitions, int from, int to) {
        Random random = new Random(42);
        AtomicReference<Exception> failure = new AtomicReference<>();
        // Answers when all partitions of a new topic are there, which takes a while for a thousand.
        TestKafka.lag("nobody", topic);
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int next = from; next < to; next += AT_ONCE) {
                for (int i = 0; i < partitions * AT_ONCE; i++) {
                    byte[] value = new byte[RECORD];
                    for (int at = 0; at < RECORD; at++) {
                        value[at] = (byte) ('a' + random.nextInt(16));
                    }
                    producer.send(new ProducerRecord<>(topic, i / AT_ONCE, null, value), (metadata, reason) -> {
                        if (reason != null) {
                            failure.set(reason);
                        }
                    });
                }
            }
        }
        assertThat(failure.get()).isNull();
    }

    private static void read(String name, InputStream in, Map<Integer, BitSet> stored) throws IOException {
        InputStream text = name.endsWith(".gz") ? new GZIPInputStream(in) : name.endsWith(".zst") ? new ZstdInputStream(in) : in;
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(text, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode record = JSON.readTree(line);
                assertThat(record.get("payload").asText()).hasSize(RECORD);
                stored.computeIfAbsent(record.get("partition").asInt(), ignored -> new BitSet()).set(record.get("offset").asInt());
            }
        }
    }

    private static void assertThatAllIsStored(Map<Integer, BitSet> stored, int partitions, int each) {
        assertThat(stored).hasSize(partitions);
        stored.forEach((partition, offsets) -> assertThat(offsets.cardinality()).as("partition " + partition).isEqualTo(each));
    }
}
