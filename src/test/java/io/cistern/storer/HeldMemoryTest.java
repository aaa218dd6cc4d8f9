package io.cistern.storer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.batch.OpenBatches;
import io.cistern.batch.PolledBatch;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.RoutesCopy;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.camel.CamelContext;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is held stays under the bound over all partitions and consumers together, beside little else, and all is stored. */
class HeldMemoryTest {

    private static final int PARTITIONS = 40;
    private static final int RECORDS = 6_000;
    private static final long LIMIT = 1024 * 1024;

    @Test
    void whatIsHeldStaysUnderTheBoundWithManyPartitionsAndTwoConsumers(@TempDir Path bucket) throws Exception {
        // Given 36 MB in 40 partitions, which want files of 1 MB, and 1 MB that may be held
        String topic = TestKafka.topic("memory", PARTITIONS);
        String events = TestKafka.topic("memory.events", 1);
        String group = "memory-" + UUID.randomUUID();
        // Control characters take most space in JSON: 6 MB become 36
        byte[] value = "\0".repeat(1000).getBytes();
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int i = 0; i < RECORDS; i++) {
                producer.send(new ProducerRecord<>(topic, i % PARTITIONS, null, value));
            }
        }

        // When
        AtomicLong most = new AtomicLong();
        try (RunningCistern cistern = RunningCistern.start(Map.ofEntries(
            Map.entry("KAFKA_BROKERS", TestKafka.broker().bootstrapServers()),
            Map.entry("KAFKA_GROUP_ID", group),
            Map.entry("KAFKA_CONSUMERS", "2"),
            Map.entry("KAFKA_CLIENT_ID", "memory"),
            Map.entry("BSS_ROLES", "storer"),
            Map.entry("BUCKET_TYPE", "file"),
            Map.entry("BUCKET_NAME", bucket.toString()),
            Map.entry("BSS_EVENTS_TOPIC", events),
            Map.entry("BSS_CACHE_UPLOAD_TIMEOUT", "3s"),
            Map.entry("BSS_MAX_BYTES_PER_FILE", "1MB"),
            Map.entry("BSS_MAX_CACHE_SIZE", "1MB"),
            Map.entry("LOG_LEVEL", "ERROR"),
            Map.entry("bss.topics-config.data-topics-mapping[0].ingestion", topic)))) {
            OpenBatches openBatches = cistern.context().getBean(CamelContext.class).getRegistry()
                .lookupByNameAndType("openBatches", OpenBatches.class);
            await().pollInterval(Duration.ofMillis(1)).until(() -> {
                most.accumulateAndGet(openBatches.heldBytes(), Math::max);
                return openBatches.isEmpty() && BucketFiles.in(bucket, topic).size() > 0
                    && TestKafka.lag(group, topic) == 0;
            });
        }

        // Then
        assertThat(most.get()).isGreaterThan(LIMIT / 10).isLessThanOrEqualTo(LIMIT);
        assertThat(BucketFiles.allLines(bucket, topic)).hasSize(RECORDS);
    }

    @Test
    void whatWasPolledIsNotHeldBesideAFileThatIsOpen(@TempDir Path folder) throws Exception {
        // Given a step that notes what is polled, and records for files that stay open
        Path routes = RoutesCopy.edited(folder, "storer.camel.yaml", yaml -> yaml.replace("        - aggregate:\n", """
                    - bean:
                        beanType: io.cistern.storer.HeldMemoryTest$Noted
                        method: note
                    - aggregate:
            """));
        String topic = TestKafka.topic("polled", 4);
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int i = 0; i < 100; i++) {
                producer.send(new ProducerRecord<>(topic, i % 4, null, new byte[100]));
            }
        }

        // When
        try (RunningCistern cistern = RunningCistern.start(Map.ofEntries(
            Map.entry("cistern.routes", "file:" + routes),
            Map.entry("KAFKA_BROKERS", TestKafka.broker().bootstrapServers()),
            Map.entry("KAFKA_GROUP_ID", "polled-" + UUID.randomUUID()),
            Map.entry("KAFKA_DEQUEUE_STRATEGY", "earliest"),
            Map.entry("BSS_ROLES", "storer"),
            Map.entry("BUCKET_TYPE", "file"),
            Map.entry("BUCKET_NAME", Files.createDirectory(folder.resolve("bucket")).toString()),
            Map.entry("BSS_EVENTS_TOPIC", TestKafka.topic("polled.events", 1)),
            Map.entry("BSS_CACHE_UPLOAD_TIMEOUT", "10m"),
            Map.entry("bss.topics-config.data-topics-mapping[0].ingestion", topic)))) {
            OpenBatches openBatches = cistern.context().getBean(CamelContext.class).getRegistry()
                .lookupByNameAndType("openBatches", OpenBatches.class);
            await().until(() -> openBatches.getKeys().size() == 4);

            // Then
            assertThat(Noted.POLLED).isNotEmpty();
            await().until(Noted::areGone);
            assertThat(openBatches.getKeys()).hasSize(4);
            // And each was when the next one of the same poll came
            assertThat(Noted.heldUpToTheNext).isFalse();
        }
    }

    /** A step of the edited route. */
    public static final class Noted {

        private static final Queue<WeakReference<PolledBatch>> POLLED = new ConcurrentLinkedQueue<>();
        private static volatile boolean heldUpToTheNext;

        /** Notes what there is, without holding it. */
        public void note(PolledBatch polled) {
            heldUpToTheNext |= !areGone();
            POLLED.add(new WeakReference<>(polled));
        }

        private static boolean areGone() {
            System.gc();
            return POLLED.stream().allMatch(polled -> polled.refersTo(null));
        }
    }
}
