package io.cistern.guarantees;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.CisternApplication;
import io.cistern.testing.TestKafka;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A storer whose memory does not suffice ends with a line and an exit code, and loses nothing. */
class OutOfMemoryTest {

    private static final int RECORDS = 600;

    @Test
    void aStorerWithoutMemoryEndsWithExitCodeThree(@TempDir Path folder) throws Exception {
        // Given records of a megabyte each, which a broker has in some kilobytes
        String topic = TestKafka.topic("compressed", 1);
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
            Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, TestKafka.broker().bootstrapServers(),
                ProducerConfig.COMPRESSION_TYPE_CONFIG, "zstd", ProducerConfig.MAX_REQUEST_SIZE_CONFIG, 20_000_000),
            new ByteArraySerializer(), new ByteArraySerializer())) {
            for (int i = 0; i < RECORDS; i++) {
                producer.send(new ProducerRecord<>(topic, new byte[1_000_000]));
            }
        }

        // When a storer polls them with 256 MB of heap and no option of the JVM for this
        Path bucket = Files.createDirectory(folder.resolve("bucket"));
        String group = "memory-" + topic;
        Child storer = new Child(folder.resolve("storer"), List.of(Child.java(), "-Xmx256m", "-cp",
            System.getProperty("java.class.path"), CisternApplication.class.getName()), Map.ofEntries(
                Map.entry("HTTP_PORT", "0"), Map.entry("BSS_ROLES", "storer"), Map.entry("BSS_HTTP_AUTHENTICATION", "none"),
                Map.entry("KAFKA_BROKERS", TestKafka.broker().bootstrapServers()), Map.entry("KAFKA_GROUP_ID", group),
                Map.entry("KAFKA_DEQUEUE_STRATEGY", "earliest"), Map.entry("BSS_EVENTS_TOPIC", TestKafka.topic("events", 1)),
                Map.entry("BUCKET_TYPE", "file"), Map.entry("BUCKET_NAME", bucket.toString()),
                Map.entry("CISTERN_ROUTES", "file:" + Path.of("routes").toAbsolutePath()),
                Map.entry("BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_INGESTION", topic)));
        storer.start();
        try {
            await().until(() -> !storer.isAlive());
        } finally {
            storer.kill();
        }

        // Then
        assertThat(storer.exitCode()).as(storer.output()).isEqualTo(3);
        assertThat(storer.output().lines()).filteredOn(line -> line.contains("Fatal error, ending the process")).hasSize(1);
    }
}
