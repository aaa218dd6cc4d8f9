package io.cistern.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.testing.BatchFiles;
import io.cistern.testing.RoutesCopy;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.RunningCistern.Answer;
import io.cistern.testing.TestKafka;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.web.embedded.tomcat.TomcatWebServer;
import org.springframework.boot.web.servlet.context.ServletWebServerApplicationContext;

/** A call is answered however long the bucket takes. */
class SlowBucketTest {

    private static final String MARK = "        name: bucket-list\n      steps:\n";
    private static final long SERVERS_LIMIT_MILLIS = 100;
    /** The server looks once a second for what is over its limit. */
    private static final long LISTING_MILLIS = 3000;

    @TempDir
    private Path folder;

    @Test
    void aCallIsNotGivenUpByTheServer() throws Exception {
        Path routes = RoutesCopy.edited(folder, "buckets/file.camel.yaml", yaml -> {
            assertThat(yaml).containsOnlyOnce(MARK);
            return yaml.replace(MARK,
                MARK + "        - delay:\n            constant:\n              expression: \"" + LISTING_MILLIS + "\"\n");
        });
        Path bucket = Files.createDirectory(folder.resolve("bucket"));
        Instant start = Instant.parse("2022-11-14T13:26:37.728Z");
        BatchFiles.write(bucket, "orders", BatchFiles.name(start, "orders", 0, 0),
            List.of(BatchFiles.line(0, 0, start, "k", "v")));
        try (RunningCistern cistern = RunningCistern.start(Map.of("cistern.routes", "file:" + routes, "BSS_ROLES", "reloader",
            "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "KAFKA_BROKERS", TestKafka.broker().bootstrapServers()))) {
            ((TomcatWebServer) ((ServletWebServerApplicationContext) cistern.context()).getWebServer()).getTomcat()
                .getConnector().setAsyncTimeout(SERVERS_LIMIT_MILLIS);
            long called = System.nanoTime();

            Answer count = cistern.call("GET", "/status/orders/count", null);

            assertThat(count.status()).as(count.response().body()).isEqualTo(200);
            assertThat(count.body().asLong()).isEqualTo(1);
            assertThat(System.nanoTime() - called).isGreaterThan(LISTING_MILLIS * 1_000_000);
        }
    }
}
