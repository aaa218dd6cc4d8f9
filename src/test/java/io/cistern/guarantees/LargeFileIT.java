package io.cistern.guarantees;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.PackagedCistern;
import io.cistern.testing.TestKafka;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.stream.LongStream;
import java.util.zip.GZIPOutputStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** P6 for reloads: a file larger than the heap passes. */
class LargeFileIT {

    private static final int RECORDS = 20_000;
    private static final Instant FIRST = Instant.parse("2024-02-29T00:00:00Z");

    @TempDir
    Path work;

    @Test
    void aFileLargerThanTheHeapPasses() throws Exception {
        // Given one of 300 MB
        Path bucket = Files.createDirectories(work.resolve("bucket"));
        String text = "x".repeat(15_000);
        BatchFiles.write(bucket, "large", BatchFiles.name(FIRST, "large", 0, 0) + ".gz",
            () -> LongStream.range(0, RECORDS).mapToObj(offset -> BatchFiles.line(0, offset, FIRST, null, offset + text)).iterator(),
            GZIPOutputStream::new);
        String target = TestKafka.topic("large", 1);

        // When
        try (PackagedCistern cistern = new PackagedCistern(work, "112m", Map.of("BSS_ROLES", "reloader",
            "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "KAFKA_MAX_REQUEST_SIZE", "8388608"))) {
            await().ignoreExceptions().until(() ->
                cistern.call("/actuator/health", null).get("status").asText().equals("UP"));
            String id = cistern.call("/reingestion/topic", "{\"topic\":\"large\",\"reIngestionTopic\":\"" + target + "\"}")
                .get("requestId").asText();

            // Then
            JsonNode end = await().until(() -> cistern.call("/reingestion/" + id, null),
                reload -> !reload.get("status").asText().equals("START"));
            assertThat(end.get("status").asText()).as("%s", end).isEqualTo("COMPLETE");
            System.out.println("A file of 300 MB with a heap of 112 MB: RSS at most " + cistern.mostMegabytes() + " MB");
        }
        long next = 0;
        for (ConsumerRecord<byte[], byte[]> record : TestKafka.records(TestKafka.broker(), target, "read_committed")) {
            assertThat(new String(record.value(), 0, 10)).startsWith(next++ + "x");
        }
        assertThat(next).isEqualTo(RECORDS);
    }
}
