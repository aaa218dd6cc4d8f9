package io.cistern.deployment;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import io.cistern.testing.PackagedCistern;
import io.cistern.testing.TestKafka;
import io.cistern.testing.stores.Installation;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The routes by Camel JBang's {@code camel run}, with the script that users call: settings from the environment, beans from
 * their jar, no Spring. What JBang would download is there before.
 */
class CamelJBangIT {

    private static final Path SOURCES = Path.of("src", "test", "jbang").toAbsolutePath();

    @TempDir
    private Path folder;

    @Test
    void storesAndReloads() throws Exception {
        // Given
        String topic = TestKafka.topic("jbang", 2);
        String events = TestKafka.topic("jbang.events", 1);
        String target = TestKafka.topic("jbang.reingestion", 2);
        String group = "jbang-" + UUID.randomUUID();
        Path bucket = Files.createDirectory(folder.resolve("bucket"));
        StringBuffer traces = new StringBuffer();
        HttpServer collector = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        collector.createContext("/v1/traces", exchange -> {
            traces.append(new String(exchange.getRequestBody().readAllBytes(), ISO_8859_1));
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        collector.start();
        Map<String, String> settings = new HashMap<>(Map.of("KAFKA_GROUP_ID", group, "BSS_CACHE_UPLOAD_TIMEOUT", "300ms",
            "BSS_EVENTS_TOPIC", events, "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(),
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:" + collector.getAddress().getPort() + "/v1/traces",
            "BSS_HTTP_AUTHENTICATION", "none", "PATH", camel().getParent() + File.pathSeparator + System.getenv("PATH")));
        List<String> command = List.of("bash", Path.of("docker/camel-k/jbang.sh").toAbsolutePath().toString(),
            "--property=bss.topics-config.data-topics-mapping[0].ingestion=" + topic);

        try (PackagedCistern cistern = new PackagedCistern(folder, folder.resolve("output.log"), command, settings)) {
            // When
            try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
                for (String value : List.of("one", "two", "three")) {
                    producer.send(new ProducerRecord<>(topic, value.getBytes(UTF_8), value.getBytes(UTF_8)));
                }
            }

            // Then
            await().until(() -> {
                assertThat(cistern.isAlive()).as(cistern::output).isTrue();
                return TestKafka.lag(group, topic) == 0;
            });
            assertThat(TestKafka.records(events)).isNotEmpty();

            // When
            String id = cistern.call("/reingestion/topic", "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\"" + target
                + "\"}").get("requestId").asText();

            // Then
            await().until(() ->
                cistern.call("/status-service/" + id, null).get("status").asText().equals("COMPLETE"));
            assertThat(TestKafka.records(target)).extracting(record -> new String(record.value(), UTF_8))
                .containsExactlyInAnyOrder("one", "two", "three");
            await().until(() -> traces.toString().contains("bucket-put"));
        } finally {
            collector.stop(0);
        }
    }

    /** A {@code camel} for the PATH: the one of JBang but for its launcher, with its downloads done before. */
    private Path camel() throws IOException {
        Path jbang = Installation.folder("camel-jbang");
        List<String> command = new ArrayList<>(Installation.maven());
        command.addAll(List.of("-q", "-B", "-ntp", "-f", SOURCES.resolve("pom.xml").toString(),
            "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies",
            "-DincludeScope=runtime", "-DoutputDirectory=" + jbang));
        Installation.install(jbang, Files.readString(SOURCES.resolve("pom.xml")), command);
        Path camel = Files.createDirectories(folder.resolve("bin")).resolve("camel");
        Files.writeString(camel, """
            #!/bin/sh
            exec '%s' -XX:TieredStopAtLevel=1 -Duser.home='%s' -Dmaven.repo.local='%s' -cp '%s/*' '%s' "$@" --download=false
            """.formatted(Path.of(System.getProperty("java.home"), "bin", "java"), folder, repository(), jbang,
                SOURCES.resolve("Camel.java")));
        assertThat(camel.toFile().setExecutable(true)).isTrue();
        return camel;
    }

    /** Where Maven has put what it has downloaded. */
    private static String repository() {
        return Stream.of("maven.repo.local", "localRepository").map(System::getProperty).filter(Objects::nonNull).findFirst()
            .orElse(Path.of(System.getProperty("user.home"), ".m2", "repository").toString());
    }
}
