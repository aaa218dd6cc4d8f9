package io.cistern.storer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The way from an ingestion topic into the bucket and back, on a real broker, seen with plain clients. */
class StorerTest {

    private static final String GROUP = "storer-" + UUID.randomUUID();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String ANY = "any-" + UUID.randomUUID().toString().substring(0, 8);

    @TempDir
    static Path bucket;
    private static String orders;
    private static String events;
    private static String transactions;
    private static String stuck;
    private static String matched;
    private static RunningCistern cistern;

    @BeforeAll
    static void start() {
        orders = TestKafka.topic("orders_x.ingestion", 3);
        events = TestKafka.topic("events", 1);
        transactions = TestKafka.topic("transactions", 1);
        stuck = TestKafka.topic("stuck", 1);
        matched = TestKafka.topic(ANY, 1);
        cistern = RunningCistern.start(Map.ofEntries(
            Map.entry("KAFKA_BROKERS", TestKafka.broker().bootstrapServers()),
            Map.entry("KAFKA_GROUP_ID", GROUP),
            Map.entry("BUCKET_TYPE", "file"),
            Map.entry("BUCKET_NAME", bucket.toString()),
            Map.entry("BSS_EVENTS_TOPIC", events),
            Map.entry("BSS_CACHE_UPLOAD_TIMEOUT", "1s"),
            Map.entry("BSS_REST_AFTER_FAILURE", "500ms"),
            Map.entry("BSS_RETRY_DELAY", "10ms"),
            Map.entry("bss.topics-config.data-topics-mapping[0].ingestion", orders),
            Map.entry("bss.topics-config.data-topics-mapping[0].bucket-folder", "orders"),
            Map.entry("bss.topics-config.data-topics-mapping[1].ingestion", transactions),
            Map.entry("bss.topics-config.data-topics-mapping[2].ingestion", stuck),
            Map.entry("bss.topics-config.data-topics-mapping[3].ingestion-pattern", ANY + "\\..*")));
    }

    @AfterAll
    static void stop() {
        cistern.close();
    }

    @Test
    void aFileOfTimestampsFarApartIsFoundByAReloadOfEitherOfThem() throws Exception {
        // Given
        long now = Instant.parse("2022-11-14T13:26:37.728Z").toEpochMilli();
        long monthsBefore = Instant.parse("2022-03-01T00:00:00Z").toEpochMilli();
        publish(List.of(new ProducerRecord<>(orders, 0, now, bytes("k"), bytes("now")),
            new ProducerRecord<>(orders, 0, monthsBefore, bytes("k"), bytes("months before")),
            new ProducerRecord<>(orders, 1, now, bytes("k"), bytes("now too"))));
        awaitNoLag(orders);

        // Then it has an entry beside its facts, as the other one has not
        assertThat(BucketFiles.in(bucket, "orders")).hasSize(2);
        assertThat(BucketFiles.in(bucket, ".cistern/orders")).hasSize(2);
        assertThat(BucketFiles.in(bucket, ".cistern/.wide/orders")).singleElement().satisfies(entry ->
            assertThat(entry.getFileName().toString()).isEqualTo(
                BucketFiles.in(bucket, ".cistern/orders").get(0).getFileName().toString()).contains("_" + now + "_1_2"));

        // And each reload of the time before finds it: the first, which lists all, and those that list less
        for (int i = 0; i < 2; i++) {
            String target = TestKafka.topic("orders.before", 1);
            JsonNode status = cistern.reload("/reingestion/topic", "{\"topic\":\"" + orders + "\",\"reIngestionTopic\":\""
                + target + "\",\"startDate\":\"2022-03-01T00:00:00Z\",\"stopDate\":\"2022-03-02T00:00:00Z\"}");
            assertThat(status.get("status").asText()).isEqualTo("COMPLETE");
            assertThat(TestKafka.records(target)).singleElement().satisfies(record ->
                assertThat(record.value()).isEqualTo(bytes("months before")));
        }
        assertThat(BucketFiles.in(bucket, ".cistern/.listed/orders")).hasSize(1);
    }

    @Test
    void recordsOfAbortedTransactionsAreNotStoredAndTheLagStillGoesToZero() {
        // Given
        try (KafkaProducer<byte[], byte[]> producer = transactional()) {
            for (int i = 0; i < 6; i++) {
                producer.beginTransaction();
                producer.send(new ProducerRecord<>(transactions, bytes("k" + i), bytes(i % 2 == 0 ? "kept" : "aborted")));
                if (i % 2 == 0) {
                    producer.commitTransaction();
                } else {
                    producer.flush();
                    producer.abortTransaction();
                }
            }
        }

        // When
        awaitNoLag(transactions);

        // Then
        assertThat(BucketFiles.allLines(bucket, transactions)).extracting(line -> line.get("payload").asText())
            .containsExactly("kept", "kept", "kept");
        // And nothing is missing where they were
        JsonNode coverage = cistern.call("GET", "/status/" + transactions + "/coverage?deep=true", null).body();
        assertThat(coverage.get("holes").asLong()).as(coverage.toString()).isZero();
        assertThat(coverage.get("records").asLong()).isEqualTo(3);
    }

    @Test
    void aBatchThatCannotBeStoredIsNotCommittedAndStoredOnceTheBucketIsWellAgain() throws Exception {
        // Given
        Path folder = Files.createFile(bucket.resolve(stuck));

        // When
        publish(List.of(new ProducerRecord<>(stuck, bytes("k"), bytes("one")),
            new ProducerRecord<>(stuck, bytes("k"), bytes("two"))));

        // Then
        await().during(Duration.ofSeconds(4))
            .until(() -> TestKafka.lag(GROUP, stuck) == 2);

        // And meanwhile other partitions are stored
        publish(List.of(new ProducerRecord<>(matched, bytes("k"), bytes("v"))));
        awaitNoLag(matched);
        assertThat(TestKafka.lag(GROUP, stuck)).isEqualTo(2);

        // When
        Files.delete(folder);

        // Then
        awaitNoLag(stuck);
        assertThat(BucketFiles.allLines(bucket, stuck)).extracting(line -> line.get("payload").asText())
            .containsExactly("one", "two");
    }

    @Test
    void aTopicThatAPatternMatchesIsStoredInAFolderOfItsName() throws Exception {
        publish(List.of(new ProducerRecord<>(matched, bytes("k"), bytes("v"))));
        awaitNoLag(matched);
        assertThat(BucketFiles.allLines(bucket, matched)).isNotEmpty();
    }

    @Test
    void thePositionOfANewGroupIsCommittedBeforeTheFirstRecordComes() throws Exception {
        String quiet = TestKafka.topic("quiet", 1);
        String group = "quiet-" + UUID.randomUUID();
        Map<String, String> settings = settings(group, quiet, "BSS_ROLES", "storer", "KAFKA_DEQUEUE_STRATEGY", "latest");
        publish(List.of(new ProducerRecord<>(quiet, bytes("k"), bytes("before"))));
        try (RunningCistern first = RunningCistern.start(settings)) {
            awaitNoLag(group, quiet);
        }

        // When no storer runs
        publish(List.of(new ProducerRecord<>(quiet, bytes("k"), bytes("meanwhile"))));

        // Then the next one stores it, though it starts at the latest record where nothing is committed
        try (RunningCistern second = RunningCistern.start(settings)) {
            awaitNoLag(group, quiet);
        }
        assertThat(BucketFiles.allLines(bucket, quiet)).extracting(line -> line.get("payload").asText())
            .containsExactly("meanwhile");
    }

    @Test
    void recordsOfAPartitionThatIsAddedAreStoredFromItsFirstOne() throws Exception {
        // Given a group that starts at the latest record, and finds out about new partitions after a while
        String grown = TestKafka.topic("grown", 1);
        String group = "grown-" + UUID.randomUUID();
        publish(List.of(new ProducerRecord<>(grown, 0, null, bytes("too early"))));
        Map<String, String> settings = settings(group, grown, "KAFKA_DEQUEUE_STRATEGY", "latest",
            "camel.component.kafka.additional-properties[metadata.max.age.ms]", "2000");
        try (RunningCistern storer = RunningCistern.start(settings)) {
            awaitNoLag(group, grown);

            // When
            try (Admin admin = TestKafka.broker().admin()) {
                admin.createPartitions(Map.of(grown, NewPartitions.increaseTo(2))).all().get();
            }
            publish(List.of(new ProducerRecord<>(grown, 1, null, bytes("first of a new one"))));
            awaitNoLag(group, grown);
        }
        // Then
        assertThat(BucketFiles.allLines(bucket, grown)).extracting(line -> line.get("payload").asText())
            .containsExactly("first of a new one");
    }

    @Test
    void whatIsLeftOfATopicIsStoredWhenTheCommittedOffsetIsGone() throws Exception {
        String shortened = TestKafka.topic("shortened", 1);
        String group = "shortened-" + UUID.randomUUID();
        Map<String, String> settings = settings(group, shortened, "BSS_ROLES", "storer", "KAFKA_DEQUEUE_STRATEGY", "latest");
        List<String> kept = new ArrayList<>();
        TopicPartition partition = new TopicPartition(shortened, 0);
        try (Admin admin = TestKafka.broker().admin()) {
            admin.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(2))).all().get();
            for (int i = 0; i < 10; i++) {
                publish(List.of(new ProducerRecord<>(shortened, bytes("k"), bytes("v" + i))));
                if (i >= 5) {
                    kept.add("v" + i);
                }
            }
            admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(5))).all().get();
        }

        try (RunningCistern storer = RunningCistern.start(settings)) {
            awaitNoLag(group, shortened);
        }

        assertThat(BucketFiles.allLines(bucket, shortened)).extracting(line -> line.get("payload").asText())
            .containsExactlyElementsOf(kept);
        // Its facts do not say that there was nothing before it.
        assertThat(BucketFiles.in(bucket, ".cistern/" + shortened)).singleElement().satisfies(facts ->
            assertThat(facts.toString()).matches(".*_9_5\\.[^.]{22}~[^.]{12}"));
    }

    @Test
    void auditTellsRecordsThatExpiredBeforeTwoRestarts() throws Exception {
        // Given a partition whose unstored records are deleted while the storer is down, and which is idle after that
        String expired = TestKafka.topic("expired", 1);
        String group = "expired-" + UUID.randomUUID();
        Map<String, String> settings = settings(group, expired);
        TopicPartition partition = new TopicPartition(expired, 0);
        publish(List.of(new ProducerRecord<>(expired, bytes("stored"))));
        try (RunningCistern storer = RunningCistern.start(settings)) {
            awaitNoLag(group, expired);
        }
        publish(List.of(new ProducerRecord<>(expired, bytes("gone 1")), new ProducerRecord<>(expired, bytes("gone 2"))));
        try (Admin admin = TestKafka.broker().admin()) {
            admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(3))).all().get();
        }
        try (RunningCistern storer = RunningCistern.start(settings)) {
            awaitNoLag(group, expired);
        }

        // When it is restarted once more before the next record
        try (RunningCistern storer = RunningCistern.start(settings)) {
            publish(List.of(new ProducerRecord<>(expired, bytes("next"))));
            awaitNoLag(group, expired);

            JsonNode gaps = storer.call("GET", "/status/" + expired + "/coverage", null).body()
                .at("/topics/0/partitions/0/gaps");
            assertThat(gaps.toString()).isEqualTo("[{\"from\":1,\"to\":2,\"kind\":\"gone\"}]");
        }
    }

    @Test
    void filesHoldNoMoreRecordsAndBytesThanTheirLimits() throws Exception {
        String limited = TestKafka.topic("limited", 1);
        String group = "limited-" + UUID.randomUUID();
        List<ProducerRecord<byte[], byte[]>> published = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            published.add(new ProducerRecord<>(limited, bytes("key"), bytes("record " + i)));
        }
        publish(published);
        try (RunningCistern storer = RunningCistern.start(settings(group, limited, "BSS_ROLES", "storer",
            "BSS_MAX_RECORDS_PER_FILE", "100"))) {
            awaitNoLag(group, limited);
        }
        assertThat(BucketFiles.in(bucket, limited)).hasSize(50).allSatisfy(file ->
            assertThat(BucketFiles.lines(file)).hasSize(100));

        // And the bytes: the file is full with the record that reaches the limit
        String large = TestKafka.topic("limited.bytes", 1);
        String other = "limited-bytes-" + UUID.randomUUID();
        publish(published.stream().map(record -> new ProducerRecord<>(large, record.key(), record.value())).toList());
        try (RunningCistern storer = RunningCistern.start(settings(other, large, "BSS_ROLES", "storer",
            "BSS_MAX_BYTES_PER_FILE", "10KB", "BSS_CACHE_UPLOAD_TIMEOUT", "5s"))) {
            awaitNoLag(other, large);
        }
        List<Path> files = BucketFiles.in(bucket, large);
        long longest = 130;
        assertThat(files).hasSizeGreaterThan(20).allSatisfy(file ->
            assertThat(Files.size(file)).isLessThan(10 * 1024 + longest));
        assertThat(BucketFiles.allLines(bucket, large)).extracting(line -> line.get("offset").asInt())
            .containsExactlyInAnyOrderElementsOf(java.util.stream.IntStream.range(0, 5_000).boxed().toList());
    }

    @Test
    void offsetsWithoutARecordAreNotedWithTheNextFileAlsoOverARestart() throws Exception {
        // Given a record at offset 0, with its transaction's marker behind it
        String gaps = TestKafka.topic("gaps", 1);
        String group = "gaps-" + UUID.randomUUID();
        Map<String, String> settings = settings(group, gaps, "BSS_ROLES", "storer");
        try (KafkaProducer<byte[], byte[]> producer = transactional()) {
            commit(producer, gaps, "first");
            try (RunningCistern storer = RunningCistern.start(settings)) {
                awaitNoLag(group, gaps);
            }
            // When a restart follows, and what was aborted, before the next record, at offset 4
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(gaps, bytes("aborted")));
            producer.flush();
            producer.abortTransaction();
            commit(producer, gaps, "second");
            try (RunningCistern storer = RunningCistern.start(settings)) {
                awaitNoLag(group, gaps);
            }
        }
        // Then the second file's facts say that from offset 1 on there was nothing before it
        assertThat(BucketFiles.in(bucket, ".cistern/" + gaps)).hasSize(2).last().satisfies(facts ->
            assertThat(facts.toString()).matches(".*_4_1_1\\.[^.]{22}~[^.]{12}"));
    }

    private static KafkaProducer<byte[], byte[]> transactional() {
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(Map.of(
            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, TestKafka.broker().bootstrapServers(),
            ProducerConfig.TRANSACTIONAL_ID_CONFIG, UUID.randomUUID().toString()),
            new ByteArraySerializer(), new ByteArraySerializer());
        producer.initTransactions();
        return producer;
    }

    private static void commit(KafkaProducer<byte[], byte[]> producer, String topic, String value) {
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(topic, bytes(value)));
        producer.commitTransaction();
    }

    @Test
    void aTopicThatIsDeletedAndCreatedAgainIsStoredFromItsNewStart() throws Exception {
        String reborn = TestKafka.topic("reborn", 1);
        String group = "reborn-" + UUID.randomUUID();
        try (RunningCistern storer = RunningCistern.start(settings(group, reborn, "BSS_REST_AFTER_FAILURE", "200ms"));
            Admin admin = TestKafka.broker().admin()) {
            publish(List.of(new ProducerRecord<>(reborn, bytes("k"), bytes("first")),
                new ProducerRecord<>(reborn, bytes("k"), bytes("second"))));
            awaitNoLag(group, reborn);

            admin.deleteTopics(List.of(reborn)).all().get();
            await().until(() -> !admin.listTopics().names().get().contains(reborn));
            TestKafka.broker().createTopic(reborn, 1);
            publish(List.of(new ProducerRecord<>(reborn, bytes("k"), bytes("third"))));

            await().untilAsserted(() ->
                assertThat(BucketFiles.allLines(bucket, reborn)).extracting(line -> line.get("payload").asText())
                    .contains("first", "second", "third"));
            String target = TestKafka.topic("reborn.reingestion", 1);
            storer.reload("/reingestion/topic", "{\"topic\":\"" + reborn + "\",\"reIngestionTopic\":\"" + target + "\"}");
            assertThat(TestKafka.records(target)).extracting(record -> new String(record.value(), UTF_8))
                .containsExactly("first", "second", "third");
        }
    }

    @Test
    void filesAreClosedByTheirBytesOrRecordsAndCompressedAsAsked() throws Exception {
        String busy = TestKafka.topic("busy", 2);
        String group = "busy-" + UUID.randomUUID();
        List<ProducerRecord<byte[], byte[]>> published = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            published.add(new ProducerRecord<>(busy, i % 2, bytes("key" + i), bytes("{\"number\":" + i + "}")));
        }
        publish(published);
        Map<String, String> settings = settings(group, busy, "BSS_CACHE_UPLOAD_TIMEOUT", "1s", "BSS_COMPRESSION", "zstd",
            "KAFKA_MAX_POLL_RECORDS", "500", "BSS_MAX_RECORDS_PER_FILE", "2000");
        try (RunningCistern storer = RunningCistern.start(settings)) {
            awaitNoLag(group, busy);

            // Then 10,000 records a partition are in files of 2,000, or a poll more
            List<Path> files = BucketFiles.in(bucket, busy);
            assertThat(files).hasSizeBetween(8, 11).allMatch(file -> file.toString().endsWith(".txt.zst"));

            // And all come back
            String target = TestKafka.topic("busy.reingestion", 2);
            storer.reload("/reingestion/topic", "{\"topic\":\"" + busy + "\",\"reIngestionTopic\":\"" + target
                + "\",\"partitioning\":\"preserve\"}");
            assertThat(TestKafka.records(target).stream().map(TestKafka::contents).toList())
                .isEqualTo(TestKafka.records(busy).stream().map(TestKafka::contents).toList());
        }
    }

    @Test
    void whatComesToPartitionsThatHadNothingIsStoredWhileAnotherHasMoreThanAPollTakes() throws Exception {
        // Given a backlog of thousands of polls
        String uneven = TestKafka.topic("uneven", 3);
        String group = "uneven-" + UUID.randomUUID();
        List<ProducerRecord<byte[], byte[]>> published = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            published.add(new ProducerRecord<>(uneven, 0, bytes("key"), bytes("backlog " + i)));
        }
        publish(published);
        try (RunningCistern storer = RunningCistern.start(settings(group, uneven, "KAFKA_MAX_POLL_RECORDS", "2"))) {
            await().until(() -> TestKafka.lag(group, uneven) < published.size());

            // When
            List<ProducerRecord<byte[], byte[]>> more = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                more.add(new ProducerRecord<>(uneven, 1 + i % 2, bytes("key"), bytes("new " + i)));
            }
            publish(more);
            published.addAll(more);

            // Then
            awaitNoLag(group, uneven);
        }
        assertThat(BucketFiles.allLines(bucket, uneven)).extracting(line -> line.get("payload").asText())
            .containsExactlyInAnyOrderElementsOf(published.stream().map(record -> new String(record.value(), UTF_8)).toList());
    }

    /** Settings of a storer of one topic, and others as names and values, which go before. */
    private static Map<String, String> settings(String group, String topic, String... others) {
        Map<String, String> settings = new HashMap<>(Map.of(
            "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(), "KAFKA_GROUP_ID", group,
            "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "BSS_EVENTS_TOPIC", events,
            "BSS_CACHE_UPLOAD_TIMEOUT", "200ms", "bss.topics-config.data-topics-mapping[0].ingestion", topic));
        for (int i = 0; i < others.length; i += 2) {
            settings.put(others[i], others[i + 1]);
        }
        return settings;
    }

    private static void publish(List<ProducerRecord<byte[], byte[]>> records) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            List<Future<RecordMetadata>> sent = records.stream().map(producer::send).toList();
            for (Future<RecordMetadata> one : sent) {
                one.get();
            }
        }
    }

    private static void awaitNoLag(String topic) {
        awaitNoLag(GROUP, topic);
    }

    private static void awaitNoLag(String group, String topic) {
        await().until(() -> TestKafka.lag(group, topic) == 0);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }
}
