package io.cistern.storer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.broker.EmbeddedKafka;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A broker whose log files are not what they were: one with a damaged batch, and one that lost its last records. */
@ExtendWith(OutputCaptureExtension.class)
class DamagedLogTest {

    @TempDir
    Path bucket;
    @TempDir
    Path data;

    @ParameterizedTest
    @ValueSource(strings = {"classic", "consumer"})
    void onlyTheDamagedPartitionRests(String protocol, CapturedOutput output) throws Exception {
        try (EmbeddedKafka broker = new EmbeddedKafka(0, data).start()) {
            broker.createTopic("events", 1);
            broker.createTopic("damaged", 4);
            broker.createTopic("sound", 2);
            publish(broker, "damaged", 1, "first");
            publish(broker, "damaged", 1, "damaged");
            for (int partition = 0; partition < 4; partition++) {
                publish(broker, "damaged", partition, "later in " + partition);
            }
            broker.stop();
            flipByteOf("damaged".getBytes(UTF_8), log("damaged-1"));
            broker.start();

            try (RunningCistern cistern = RunningCistern.start(settings(broker, "damaged", protocol))) {
                for (int i = 0; i < 3; i++) {
                    publish(broker, "sound", 0, "sound " + i);
                    publish(broker, "damaged", 2, "still " + i);
                    int stored = i;
                    await().untilAsserted(() -> {
                        assertThat(payloads("sound")).contains("sound " + stored);
                        assertThat(payloads("damaged")).contains("first", "later in 0", "later in 2", "later in 3", "still " + stored);
                    });
                }
                assertThat(payloads("damaged")).doesNotContain("later in 1", "damaged");
                await().untilAsserted(() -> assertThat(cistern.call("GET", "/actuator/prometheus", null).response().body())
                    .contains("cistern_unreadable_partitions 1.0"));
                assertThat(output.getOut()).containsPattern(
                    "Partition cannot be read, paused: topic=damaged partition=1 offset=1 .*reason=.*");
            }
        }
    }

    @Test
    void goesOnWhereATruncatedLogDiffers() throws Exception {
        try (EmbeddedKafka broker = new EmbeddedKafka(0, data).start()) {
            broker.createTopic("events", 1);
            broker.createTopic("truncated", 1);
            for (int i = 0; i < 35; i++) {
                publish(broker, "truncated", 0, "kept " + i);
            }
            long kept = Files.size(log("truncated-0"));
            for (int i = 35; i < 40; i++) {
                publish(broker, "truncated", 0, "lost " + i);
            }
            try (RunningCistern cistern = RunningCistern.start(settings(broker, "truncated", "classic"))) {
                await().until(() -> payloads("truncated").size() == 40);

                // When the broker comes back without its last records, and gets others
                broker.stop();
                truncate("truncated-0", kept);
                broker.start();
                for (int i = 35; i < 60; i++) {
                    publish(broker, "truncated", 0, "new " + i);
                }

                // Then
                await().until(() -> payloads("truncated").contains("new 59"));
            }
        }
        assertThat(payloads("truncated")).containsExactlyInAnyOrderElementsOf(Stream.of(
            IntStream.range(0, 35).mapToObj(i -> "kept " + i), IntStream.range(35, 40).mapToObj(i -> "lost " + i),
            IntStream.range(35, 60).mapToObj(i -> "new " + i)).flatMap(all -> all).toList());
    }

    private List<String> payloads(String topic) {
        return BucketFiles.allLines(bucket, topic).stream().map(line -> line.get("payload").asText()).toList();
    }

    private Map<String, String> settings(EmbeddedKafka broker, String topic, String protocol) {
        return Map.ofEntries(
            Map.entry("BSS_ROLES", "storer"),
            Map.entry("KAFKA_BROKERS", broker.bootstrapServers()),
            Map.entry("KAFKA_GROUP_ID", "damaged"),
            Map.entry("KAFKA_GROUP_PROTOCOL", protocol),
            Map.entry("BUCKET_TYPE", "file"),
            Map.entry("BUCKET_NAME", bucket.toString()),
            Map.entry("BSS_EVENTS_TOPIC", "events"),
            Map.entry("BSS_CACHE_UPLOAD_TIMEOUT", "300ms"),
            Map.entry("bss.topics-config.data-topics-mapping[0].ingestion-pattern", topic + "|sound"));
    }

    private Path log(String partition) {
        return data.resolve(partition).resolve("00000000000000000000.log");
    }

    /** Damages the value of a record: its batch does not have its checksum any more. */
    private static void flipByteOf(byte[] value, Path log) throws IOException {
        byte[] bytes = Files.readAllBytes(log);
        int at = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1).indexOf(
            new String(value, java.nio.charset.StandardCharsets.ISO_8859_1));
        bytes[at] ^= 1;
        Files.write(log, bytes);
    }

    private void truncate(String partition, long length) throws IOException {
        try (RandomAccessFile log = new RandomAccessFile(log(partition).toFile(), "rw")) {
            log.setLength(length);
        }
        // The broker makes these anew of the log.
        try (Stream<Path> files = Files.list(data.resolve(partition))) {
            for (Path file : files.filter(one -> one.toString().matches(".*\\.(index|timeindex|snapshot)")).toList()) {
                Files.delete(file);
            }
        }
        Files.deleteIfExists(data.resolve(".kafka_cleanshutdown"));
    }

    private static void publish(EmbeddedKafka broker, String topic, int partition, String value) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrapServers()), new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>(topic, partition, null, value.getBytes(UTF_8))).get();
        }
    }
}
