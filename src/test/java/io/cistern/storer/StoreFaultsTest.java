package io.cistern.storer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.batch.OpenBatches;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import io.cistern.testing.stores.Fault;
import io.cistern.testing.stores.FaultyProxy;
import io.cistern.testing.stores.FaultyProxy.Request;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.stream.LongStream;
import org.apache.camel.CamelContext;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A store that fails while it is written and read: nothing is lost, and nothing seems done that is not. */
class StoreFaultsTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int PARTITIONS = 3;
    private static final int RECORDS = 20_000;
    private static final long LIMIT = 2 << 20;
    private static final Instant FIRST = Instant.parse("2022-11-14T13:26:37.728Z");
    private static final int IN_FILE = 2000;

    private final String bucket = "storer-" + UUID.randomUUID();
    private final String topic = TestKafka.topic("faults", PARTITIONS);
    private final String events = TestKafka.topic("faults.events", 1);
    private final String group = "faults-" + UUID.randomUUID();

    private TestStore store(String type) {
        TestStore store = TestStores.of(type);
        store.createBucket(bucket);
        return store;
    }

    private RunningCistern start(TestStore store, FaultyProxy proxy, String role, Map<String, String> more) {
        Map<String, String> settings = new HashMap<>(store.settings(bucket, proxy.address()));
        settings.putAll(Map.of("BSS_ROLES", role, "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "BUCKET_TIMEOUT", "1s", "BSS_RETRY_DELAY", "20ms", "BSS_RETRY_DELAY_MAX", "100ms", "LOG_LEVEL", "OFF"));
        if (role.equals("storer")) {
            settings.putAll(Map.of("KAFKA_GROUP_ID", group, "KAFKA_CLIENT_ID", "faults", "BSS_EVENTS_TOPIC", events,
                "BSS_CACHE_UPLOAD_TIMEOUT", "1s", "BSS_REST_AFTER_FAILURE", "100ms", "BSS_RETRIES", "1",
                "BSS_MAX_CACHE_SIZE", "2MB", "BSS_MAX_BYTES_PER_FILE", "256KB",
                "bss.topics-config.data-topics-mapping[0].ingestion", topic));
        }
        settings.putAll(more);
        return RunningCistern.start(settings);
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "azure", "google"})
    void whatIsCommittedIsInTheBucketWhateverTheStoreDoes(String type) throws Exception {
        TestStore store = store(type);
        Predicate<Request> puts = request -> !request.method().equals("GET") && !request.method().equals("HEAD");
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint());
            RunningCistern cistern = start(store, proxy, "storer", Map.of())) {
            OpenBatches openBatches = cistern.context().getBean(CamelContext.class).getRegistry()
                .lookupByNameAndType("openBatches", OpenBatches.class);
            CompletableFuture<Void> produced = CompletableFuture.runAsync(this::produce);

            // When
            for (Fault fault : List.of(Fault.status(503, store.errorBody(503)), Fault.status(403, store.errorBody(403)),
                Fault.RESET, Fault.RESET_AFTER_STORING, Fault.HANG)) {
                proxy.fail(puts, fault, Integer.MAX_VALUE);
                int before = proxy.requests().size();
                // Then
                await().pollInterval(Duration.ofMillis(20)).until(() -> {
                    assertThat(openBatches.heldBytes()).isLessThanOrEqualTo(LIMIT);
                    return proxy.requests().size() >= before + 4;
                });
                checkCommitted(store);
                proxy.heal();
            }
            produced.get();
            await().pollInterval(Duration.ofMillis(50)).until(() -> {
                assertThat(openBatches.heldBytes()).isLessThanOrEqualTo(LIMIT);
                return openBatches.isEmpty() && TestKafka.lag(group, topic) == 0;
            });
        }

        Map<Integer, Set<Long>> stored = stored(store);
        for (int partition = 0; partition < PARTITIONS; partition++) {
            assertThat(stored.get(partition)).hasSize((RECORDS + PARTITIONS - 1 - partition) / PARTITIONS);
        }
    }

    private void produce() {
        byte[] value = "x".repeat(1000).getBytes(StandardCharsets.UTF_8);
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int i = 0; i < RECORDS; i++) {
                producer.send(new ProducerRecord<>(topic, i % PARTITIONS, null, value));
            }
        }
    }

    /** No offset is committed before its record is in the bucket. */
    private void checkCommitted(TestStore store) throws Exception {
        Map<Integer, Long> committed = new HashMap<>();
        try (var admin = TestKafka.broker().admin()) {
            admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get()
                .forEach((partition, offset) -> committed.put(partition.partition(), offset.offset()));
        }
        Map<Integer, Set<Long>> stored = stored(store);
        committed.forEach((partition, offset) -> assertThat(stored.getOrDefault(partition, Set.of()))
            .as("partition %d, of which %d is committed", partition, offset)
            .containsAll(LongStream.range(0, offset).boxed().toList()));
    }

    /** The offsets in the bucket by partition; each file is whole, and in order. */
    private Map<Integer, Set<Long>> stored(TestStore store) throws IOException {
        Map<Integer, Set<Long>> stored = new TreeMap<>();
        for (String key : files(store)) {
            byte[] bytes = store.read(bucket, key);
            if (bytes == null) {
                // S3Proxy lists files that are being written: what cannot be read does not count.
                continue;
            }
            String text = new String(bytes, StandardCharsets.UTF_8);
            assertThat(text).as(key).endsWith("\n");
            long last = -1;
            for (String line : text.split("\n")) {
                JsonNode record = JSON.readTree(line);
                assertThat(record.get("offset").asLong()).as(key).isGreaterThan(last);
                last = record.get("offset").asLong();
                stored.computeIfAbsent(record.get("partition").asInt(), ignored -> new TreeSet<>()).add(last);
            }
        }
        return stored;
    }

    private List<String> files(TestStore store) {
        return store.keys(bucket).stream().filter(key -> key.startsWith(topic + "/")).toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "azure", "google"})
    void aPutWhoseAnswerIsLostLeavesOneFileWithOneEvent(String type) throws Exception {
        TestStore store = store(type);
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint());
            RunningCistern cistern = start(store, proxy, "storer", Map.of())) {
            // Lost to all attempts of the client and to the first one of the storer
            proxy.fail(request -> !request.method().equals("GET") && request.target().contains(topic)
                && !request.target().contains(".cistern"), Fault.RESET_AFTER_STORING, 4);
            try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
                producer.send(new ProducerRecord<>(topic, 0, null, new byte[] {'x'})).get();
            }

            await().until(() -> TestKafka.lag(group, topic) == 0);

            assertThat(files(store)).hasSize(1);
            assertThat(stored(store)).isEqualTo(Map.of(0, Set.of(0L)));
            assertThat(TestKafka.records(events)).singleElement().satisfies(event ->
                assertThat(JSON.readTree(event.value()).get("filePath").asText()).isEqualTo(files(store).get(0)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "azure", "google"})
    void aReloadIsWholeOrSaysWhatIsMissing(String type) throws Exception {
        TestStore store = store(type);
        List<String> paths = new ArrayList<>();
        List<String> values = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            StringBuilder text = new StringBuilder();
            for (int j = 0; j < IN_FILE; j++) {
                int offset = i * IN_FILE + j;
                values.add(offset + "x".repeat(500));
                text.append(BatchFiles.line(0, offset, FIRST.plusSeconds(offset), null, values.get(offset))).append('\n');
            }
            paths.add("orders/" + BatchFiles.name(FIRST.plusSeconds(i * IN_FILE), "orders", 0, i * IN_FILE));
            store.write(bucket, paths.get(i), text.toString().getBytes(StandardCharsets.UTF_8));
        }
        String second = paths.get(1).substring(paths.get(1).lastIndexOf('/') + 1);
        Predicate<Request> download = request -> request.method().equals("GET")
            && java.net.URLDecoder.decode(request.target(), StandardCharsets.UTF_8).contains(second);
        Predicate<Request> body = type.equals("google")
            ? download.and(request -> request.target().contains("alt=media")) : download;
        // Of the folder's facts: the other listing is asked for before a reload is accepted too.
        Predicate<Request> listing = request -> request.method().equals("GET") && request.target().contains(".cistern");

        try (FaultyProxy proxy = new FaultyProxy(store.endpoint());
            RunningCistern cistern = start(store, proxy, "reloader", Map.of("BSS_RELOAD_BATCH_RECORDS", "100"))) {
            for (Fault fault : List.of(Fault.truncate(300_000), Fault.resetAfter(300_000), Fault.truncate(0))) {
                proxy.fail(body, fault, 1);
                String target = TestKafka.topic("whole", 1);
                JsonNode status = reload(cistern, target);
                assertThat(status.get("status").asText()).as(fault + " " + status).isEqualTo("COMPLETE");
                assertThat(values(target)).isEqualTo(values);
                proxy.heal();
            }

            // Azure's client asks six times for the rest by itself, with rests of five seconds.
            for (Fault fault : type.equals("azure") ? List.of(Fault.status(403, store.errorBody(403)))
                : List.of(Fault.truncate(0), Fault.status(403, store.errorBody(403)))) {
                proxy.fail(download, fault, Integer.MAX_VALUE);
                String target = TestKafka.topic("broken", 1);
                JsonNode status = reload(cistern, target);
                assertThat(status.get("status").asText()).as(fault + " " + status).isEqualTo("ERROR");
                assertThat(status.get("message").asText()).contains(paths.get(1));
                assertThat(values(target)).isEqualTo(values.subList(0, status.get("lineIndex").asInt()))
                    .hasSize(IN_FILE);
                proxy.heal();
            }

            for (Fault fault : List.of(Fault.status(503, store.errorBody(503)), Fault.truncate(0), Fault.truncate(10))) {
                proxy.fail(listing, fault, Integer.MAX_VALUE);
                String target = TestKafka.topic("unlisted", 1);
                JsonNode status = reload(cistern, target);
                assertThat(status.get("status").asText()).as(fault + " " + status).isEqualTo("ERROR");
                assertThat(status.get("message").asText()).contains("orders");
                assertThat(values(target)).isEmpty();
                proxy.heal();
            }
        }
    }

    private static JsonNode reload(RunningCistern cistern, String target) {
        return cistern.reload("/reingestion/topic",
            JSON.createObjectNode().put("topic", "orders").put("reIngestionTopic", target).toString());
    }

    private static List<String> values(String target) {
        return TestKafka.records(target).stream().map(record -> new String(record.value(), StandardCharsets.UTF_8)).toList();
    }
}
