package io.cistern.storer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.testing.RoutesCopy;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.RunningCistern.Answer;
import io.cistern.testing.TestKafka;
import io.cistern.testing.stores.Fault;
import io.cistern.testing.stores.FaultyProxy;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A bucket that lists and reads, and takes no files: the readiness probe says so, and why. */
class RefusedWritesTest {

    private static final AtomicBoolean IS_FULL = new AtomicBoolean();

    private final String topic = TestKafka.topic("refused", 1);

    @TempDir
    private Path folder;

    /** A step of an edited route: a disk without room. */
    public static final class Disk {

        public static void write() throws IOException {
            if (IS_FULL.get()) {
                throw new FileSystemException("/srv/secret/place", null, "No space left on device");
            }
        }
    }

    @Test
    void aStoreThatRefusesBatchFiles() throws Exception {
        TestStore store = TestStores.s3();
        String bucket = "refused-" + UUID.randomUUID();
        store.createBucket(bucket);
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint())) {
            Map<String, String> settings = new HashMap<>(store.settings(bucket, proxy.address()));
            settings.put("BUCKET_RETRIES", "0");
            try (RunningCistern cistern = start(settings)) {
                await().until(() -> readiness(cistern).status() == 200);

                // When the bucket is over its quota, but for what is there already
                proxy.fail(request -> request.method().equals("PUT") && !request.target().contains(".cistern/probe"),
                    Fault.status(507, """
                        <?xml version="1.0" encoding="UTF-8"?>
                        <Error><Code>QuotaExceeded</Code><Message>Bucket quota exceeded</Message></Error>"""), Integer.MAX_VALUE);
                publish();

                // Then
                await().until(() -> readiness(cistern).status() == 503);
                assertThat(readiness(cistern).body().toString()).contains("\"reason\":", "quota exceeded")
                    .doesNotContain(settings.get("S3_KEY"));
                assertThat(cistern.call("GET", "/actuator/health/liveness", null).status()).isEqualTo(200);

                // When there is room again
                proxy.heal();
                await().until(() -> TestKafka.lag("refused-" + topic, topic) == 0);
                await().until(() -> readiness(cistern).status() == 200);
            }
        }
    }

    @Test
    void aDiskThatIsFull() throws Exception {
        Path routes = RoutesCopy.edited(folder, "buckets/file.camel.yaml", yaml -> yaml.replace("""
                    - to:
                        id: write
            """, """
                    - filter:
                        id: has-contents
                        simple:
                          expression: "${variable.length} > 0"
                        steps:
                          - bean:
                              id: disk
                              beanType: %s
                              method: write
                    - to:
                        id: write
            """.formatted(Disk.class.getName()).indent(0)));
        Path bucket = Files.createDirectory(folder.resolve("bucket"));
        IS_FULL.set(false);
        try (RunningCistern cistern = start(Map.of("cistern.routes", "file:" + routes, "BUCKET_TYPE", "file",
            "BUCKET_NAME", bucket.toString()))) {
            await().until(() -> readiness(cistern).status() == 200);

            // When
            IS_FULL.set(true);
            publish();

            // Then
            await().until(() -> readiness(cistern).status() == 503);
            assertThat(readiness(cistern).body().toString()).contains("\"reason\":", "No space left on device")
                .doesNotContain(bucket.toString(), "/srv/secret");

            // When there is room again
            IS_FULL.set(false);
            await().until(() -> readiness(cistern).status() == 200);
        } finally {
            IS_FULL.set(false);
        }
    }

    private RunningCistern start(Map<String, String> more) {
        Map<String, String> settings = new HashMap<>(Map.of("BSS_ROLES", "storer",
            "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(), "KAFKA_GROUP_ID", "refused-" + topic,
            "BSS_EVENTS_TOPIC", TestKafka.topic("refused.events", 1), "BSS_CACHE_UPLOAD_TIMEOUT", "100ms",
            "BSS_REST_AFTER_FAILURE", "100ms", "BSS_RETRIES", "1", "LOG_LEVEL", "OFF",
            "bss.topics-config.data-topics-mapping[0].ingestion", topic));
        settings.put("BSS_RETRY_DELAY", "20ms");
        settings.put("BSS_RETRY_DELAY_MAX", "100ms");
        settings.putAll(more);
        return RunningCistern.start(settings);
    }

    private void publish() throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            producer.send(new ProducerRecord<>(topic, "k".getBytes(UTF_8), "v".getBytes(UTF_8))).get();
        }
    }

    private static Answer readiness(RunningCistern cistern) {
        return cistern.call("GET", "/actuator/health/readiness", null);
    }
}
