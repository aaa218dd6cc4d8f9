package io.cistern.storer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.testing.BucketFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two consumers of one process: as static members of their group, and what they report of their lag. */
class ConsumersTest {

    private static final String GROUP = "members-" + UUID.randomUUID();
    private static final String RELOADS = "reload-" + UUID.randomUUID();

    @TempDir
    static Path bucket;
    private static String orders;
    private static RunningCistern cistern;

    @BeforeAll
    static void start() {
        orders = TestKafka.topic("members", 2);
        cistern = RunningCistern.start(Map.ofEntries(
            Map.entry("KAFKA_BROKERS", TestKafka.broker().bootstrapServers()),
            Map.entry("KAFKA_GROUP_ID", GROUP),
            Map.entry("KAFKA_CONSUMERS", "2"),
            Map.entry("BSS_RELOAD_GROUP_ID", RELOADS),
            Map.entry("camel.component.kafka.additional-properties[group.instance.id]", "replica-a"),
            Map.entry("BUCKET_TYPE", "file"),
            Map.entry("BUCKET_NAME", bucket.toString()),
            Map.entry("BSS_EVENTS_TOPIC", TestKafka.topic("members.events", 1)),
            Map.entry("BSS_CACHE_UPLOAD_TIMEOUT", "300ms"),
            Map.entry("bss.topics-config.data-topics-mapping[0].ingestion", orders)));
    }

    @AfterAll
    static void stop() {
        cistern.close();
    }

    @Test
    void eachConsumerIsAStaticMemberOfItsGroup() throws Exception {
        try (Admin admin = TestKafka.broker().admin(); KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            // When
            await().until(() -> members(admin, GROUP).size() == 2 && members(admin, RELOADS).size() == 2);
            for (int i = 0; i < 10; i++) {
                producer.send(new ProducerRecord<>(orders, i % 2, "k".getBytes(UTF_8), "v".getBytes(UTF_8)));
            }
            producer.flush();
            await().until(() -> TestKafka.lag(GROUP, orders) == 0);

            // Then no member fences another one
            for (String group : List.of(GROUP, RELOADS)) {
                assertThat(members(admin, group)).extracting(MemberDescription::groupInstanceId)
                    .containsExactlyInAnyOrder(Optional.of("replica-a-1"), Optional.of("replica-a-2"));
            }
            assertThat(BucketFiles.allLines(bucket, orders)).hasSizeGreaterThanOrEqualTo(10);
        }
    }

    private static Collection<MemberDescription> members(Admin admin, String group) throws Exception {
        return admin.describeConsumerGroups(List.of(group)).all().get().get(group).members();
    }

    @Test
    void recordsOfAnOpenTransactionCountAsLag() {
        MeterRegistry meters = cistern.context().getBean(MeterRegistry.class);
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(Map.of(
            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, TestKafka.broker().bootstrapServers(),
            ProducerConfig.TRANSACTIONAL_ID_CONFIG, "hanging-" + GROUP), new ByteArraySerializer(), new ByteArraySerializer())) {
            // Given
            await().until(() -> TestKafka.lag(GROUP, orders) == 0 && lag(meters) == 0);

            // When
            producer.initTransactions();
            producer.beginTransaction();
            for (int i = 0; i < 51; i++) {
                producer.send(new ProducerRecord<>(orders, 0, "k".getBytes(UTF_8), "v".getBytes(UTF_8)));
            }
            producer.flush();

            // Then
            await().until(() -> lag(meters) == 51);
            assertThat(meters.get("cistern.unstored.age").tag("topic", orders).gauge().value()).isPositive();

            // When
            producer.commitTransaction();

            // Then
            await().until(() -> lag(meters) == 0);
            assertThat(TestKafka.lag(GROUP, orders)).isZero();
        }
    }

    private static double lag(MeterRegistry meters) {
        return meters.find("cistern.lag").tag("topic", orders).gauges().stream().mapToDouble(gauge -> gauge.value()).sum();
    }
}
