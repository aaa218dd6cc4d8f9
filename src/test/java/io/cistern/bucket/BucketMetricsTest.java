package io.cistern.bucket;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.cistern.testing.BucketFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import io.cistern.testing.stores.Fault;
import io.cistern.testing.stores.FaultyProxy;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.camel.component.micrometer.MicrometerConstants;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is counted of the bucket's requests and bytes, in Java and on the page that Prometheus reads. */
class BucketMetricsTest {

    @TempDir
    private Path folder;

    @Test
    void requestsAreCountedByTheirOutcomeAndBytesByTheirDirection() throws Exception {
        TestStore store = TestStores.s3();
        String name = "metrics-" + UUID.randomUUID();
        store.createBucket(name);
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint())) {
            Map<String, String> settings = new HashMap<>(store.settings(name, proxy.address()));
            settings.put("BUCKET_RETRIES", "0");
            try (TestBucket opened = new TestBucket(settings)) {
                Bucket bucket = opened.bucket();
                assertThat(counts(opened)).isEmpty();

                // Two files of 100 and 7 bytes, and one that is there already
                bucket.put("orders/a.txt", BucketContract.content(BucketContract.bytes(100)));
                bucket.put("orders/b.txt", BucketContract.content(BucketContract.bytes(7)));
                assertThat(counts(opened)).isEqualTo(Map.of("put success", 2L, "put bytes", 107L));
                assertThatThrownBy(() -> bucket.put("orders/a.txt", BucketContract.content(BucketContract.bytes(5))))
                    .isInstanceOf(FileAlreadyExistsException.class);
                // The one that is there is looked at, but not read
                assertThat(counts(opened)).isEqualTo(Map.of("put success", 2L, "put bytes", 107L, "put exists", 1L,
                    "get success", 1L, "get bytes", 0L));

                // Reads: a whole one, a part of one, and one that is missing
                try (InputStream in = bucket.get("orders/a.txt")) {
                    assertThat(in.readAllBytes()).hasSize(100);
                }
                try (InputStream in = bucket.get("orders/a.txt")) {
                    assertThat(in.readNBytes(30)).hasSize(30);
                }
                assertThatThrownBy(() -> bucket.get("orders/missing.txt")).isInstanceOf(NoSuchFileException.class);
                assertThat(bucket.exists("orders/b.txt")).isTrue();
                assertThat(BucketContract.all(bucket.list("orders", null))).hasSize(2);
                assertThat(counts(opened)).isEqualTo(Map.of("put success", 2L, "put bytes", 107L, "put exists", 1L,
                    "get success", 4L, "get bytes", 130L, "get missing", 1L, "list success", 1L));

                // Failures
                proxy.fail(request -> true, Fault.status(500, store.errorBody(500)), Integer.MAX_VALUE);
                assertThatThrownBy(() -> bucket.put("orders/c.txt", BucketContract.content(BucketContract.bytes(9))))
                    .isInstanceOf(BucketException.class);
                assertThatThrownBy(() -> bucket.get("orders/a.txt")).isInstanceOf(BucketException.class);
                assertThatThrownBy(() -> bucket.list("orders", null).hasNext()).isInstanceOf(UncheckedIOException.class);
                assertThat(counts(opened)).containsEntry("put failure", 1L).containsEntry("get failure", 1L)
                    .containsEntry("list failure", 1L).containsEntry("put bytes", 107L).containsEntry("get bytes", 130L);
            }
        }
    }

    @Test
    void prometheusReadsThem() throws Exception {
        Path bucket = Files.createDirectory(folder.resolve("bucket"));
        String topic = TestKafka.topic("metrics", 1);
        String target = TestKafka.topic("metrics.again", 1);
        try (RunningCistern cistern = RunningCistern.start(Map.of("KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "KAFKA_GROUP_ID", "metrics-" + UUID.randomUUID(), "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(),
            "BSS_EVENTS_TOPIC", TestKafka.topic("metrics.events", 1), "BSS_CACHE_UPLOAD_TIMEOUT", "100ms",
            "bss.topics-config.data-topics-mapping[0].ingestion", topic));
            KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            // Given a record that is stored and reloaded
            producer.send(new ProducerRecord<>(topic, "k".getBytes(UTF_8), "v".getBytes(UTF_8))).get();
            await().until(() -> !BucketFiles.in(bucket, topic).isEmpty());
            await().until(() -> metric(cistern,
                "cistern_bucket_requests_seconds_count{operation=\"put\",outcome=\"success\"}") == 2);
            assertThat(cistern.reload("/reingestion/topic",
                "{\"topic\": \"" + topic + "\", \"reIngestionTopic\": \"" + target + "\"}").get("status").asText())
                .isEqualTo("COMPLETE");
            long size = Files.size(BucketFiles.in(bucket, topic).get(0));

            // Then: the file and what is known of it were written, the file was read, and folders were listed
            assertThat(metric(cistern, "cistern_bucket_bytes_total{operation=\"put\"}")).isEqualTo(size);
            assertThat(metric(cistern, "cistern_bucket_bytes_total{operation=\"get\"}")).isEqualTo(size);
            assertThat(metric(cistern, "cistern_bucket_requests_seconds_count{operation=\"get\",outcome=\"success\"}"))
                .isPositive();
            assertThat(metric(cistern, "cistern_bucket_requests_seconds_count{operation=\"list\",outcome=\"success\"}"))
                .isPositive();
            assertThat(metric(cistern, "cistern_bucket_requests_seconds_sum{operation=\"put\",outcome=\"success\"}"))
                .isPositive();
            for (String operation : List.of("put", "get", "list")) {
                assertThat(metric(cistern, "cistern_bucket_requests_seconds_count{operation=\"" + operation
                    + "\",outcome=\"failure\"}")).as(operation).isZero();
            }
        }
    }

    /** A metric's value as Prometheus reads it; -1 if there is none. */
    private static double metric(RunningCistern cistern, String nameAndTags) {
        return cistern.call("GET", "/actuator/prometheus", null).response().body().lines()
            .filter(line -> line.startsWith(nameAndTags + " "))
            .mapToDouble(line -> Double.parseDouble(line.substring(nameAndTags.length() + 1))).findFirst().orElse(-1);
    }

    /** All counters and timers of the bucket, under their operation and outcome. */
    private static Map<String, Long> counts(TestBucket opened) {
        MeterRegistry meters = opened.context().getRegistry()
            .lookupByNameAndType(MicrometerConstants.METRICS_REGISTRY_NAME, MeterRegistry.class);
        Map<String, Long> counts = new TreeMap<>();
        meters.find("cistern.bucket.requests").timers().forEach(timer ->
            counts.put(timer.getId().getTag("operation") + " " + timer.getId().getTag("outcome"), timer.count()));
        // Those of failures are there before the first one.
        counts.values().removeIf(count -> count == 0);
        meters.find("cistern.bucket.bytes").counters().forEach(counter ->
            counts.put(counter.getId().getTag("operation") + " bytes", (long) counter.count()));
        return counts;
    }
}
