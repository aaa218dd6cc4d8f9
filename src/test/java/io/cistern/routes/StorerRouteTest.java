package io.cistern.routes;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.CisternApplication;
import io.cistern.batch.Batch;
import io.cistern.batch.BatchFile;
import io.cistern.batch.OpenBatches;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.TestKafka;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.CamelContext;
import org.apache.camel.builder.AdviceWith;
import org.apache.camel.model.AggregateDefinition;
import org.apache.camel.test.spring.junit5.CamelSpringBootTest;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;

/** The storer's route with steps of it made to fail: nothing is acknowledged that is not through all of them. */
@CamelSpringBootTest
@SpringBootTest(classes = CisternApplication.class, webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT)
@DirtiesContext
class StorerRouteTest {

    private static final String GROUP = "route-" + UUID.randomUUID();
    private static String topic;
    private static String forwarded;
    private static String post;
    private static String dropped;
    private static String events;
    private static Path bucket;

    @Autowired
    private CamelContext context;

    @DynamicPropertySource
    static void settings(DynamicPropertyRegistry registry) throws IOException {
        topic = TestKafka.topic("route", 1);
        forwarded = TestKafka.topic("route.forwarded", 1);
        post = TestKafka.topic("route.post", 1);
        dropped = TestKafka.topic("route.dropped", 1);
        events = TestKafka.topic("route.events", 1);
        bucket = Files.createTempDirectory("cistern-route");
        registry.add("cistern.routes", () -> "file:routes");
        registry.add("KAFKA_BROKERS", () -> TestKafka.broker().bootstrapServers());
        registry.add("KAFKA_GROUP_ID", () -> GROUP);
        registry.add("KAFKA_DEQUEUE_STRATEGY", () -> "earliest");
        registry.add("BUCKET_TYPE", () -> "file");
        registry.add("BUCKET_NAME", bucket::toString);
        registry.add("BSS_EVENTS_TOPIC", () -> events);
        registry.add("BSS_CACHE_UPLOAD_TIMEOUT", () -> "300ms");
        registry.add("BSS_HTTP_AUTHENTICATION", () -> "none");
        registry.add("BSS_RETRIES", () -> "2");
        registry.add("BSS_RETRY_DELAY", () -> "20ms");
        registry.add("BSS_REST_AFTER_FAILURE", () -> "1500ms");
        registry.add("bss.topics-config.data-topics-mapping[0].ingestion", () -> topic);
        registry.add("bss.topics-config.data-topics-mapping[1].ingestion", () -> forwarded);
        registry.add("bss.topics-config.data-topics-mapping[2].ingestion", () -> dropped);
        registry.add("bss.topics-config.data-topics-mapping[1].post-ingestion[0]", () -> post);
    }

    @Test
    void aFailedStepIsTriedAsOftenAsSetThenTheBatchRestsAndNothingIsCommittedBefore() throws Exception {
        // Given an event that cannot be emitted, five times
        AtomicInteger attempts = new AtomicInteger();
        AtomicInteger files = new AtomicInteger();
        AdviceWith.adviceWith(context, "announce-batch-file", route ->
            route.weaveAddFirst().process(exchange -> {
                if (!exchange.getVariable("batch", BatchFile.class).getTopic().equals(topic)) {
                    return;
                }
                files.set(BucketFiles.in(bucket, topic).size());
                if (attempts.incrementAndGet() <= 5) {
                    throw new IllegalStateException("no event today");
                }
            }));

        // When
        publish(topic);

        // Then it is tried three times with the file that is stored, and the batch rests
        await().until(() -> attempts.get() == 3);
        assertThat(files).hasValue(1);
        assertThat(TestKafka.lag(GROUP, topic)).isEqualTo(1);
        assertThat(events(topic)).isZero();

        // And announced once after that, with the file that is there
        await().until(() -> TestKafka.lag(GROUP, topic) == 0);
        assertThat(attempts).hasValue(6);
        assertThat(BucketFiles.in(bucket, topic)).hasSize(1);
        assertThat(events(topic)).isOne();
        OpenBatches openBatches = context.getRegistry().lookupByNameAndType("openBatches", OpenBatches.class);
        assertThat(openBatches.heldBytes()).isZero();
    }

    @Test
    void aBatchThatCannotBePassedOnIsNotAcknowledged() throws Exception {
        // Given a post-ingestion topic that cannot be written to, four times
        AtomicInteger attempts = new AtomicInteger();
        AdviceWith.adviceWith(context, "forward-batch-file", route ->
            route.weaveAddFirst().process(exchange -> {
                if (attempts.incrementAndGet() <= 4) {
                    throw new IllegalStateException("not forwarded today");
                }
            }));

        // When
        publish(forwarded);

        // Then
        await().until(() -> attempts.get() == 3);
        await().during(Duration.ofSeconds(1)).until(() -> TestKafka.lag(GROUP, forwarded) == 1);
        assertThat(TestKafka.records(post)).isEmpty();

        // And it is stored, announced and passed on again, and acknowledged then
        await().until(() -> TestKafka.lag(GROUP, forwarded) == 0);
        assertThat(attempts).hasValue(5);
        assertThat(TestKafka.records(post)).hasSize(1);
    }

    @Test
    void aBatchThatAStepOfTheRouteDropsIsReadAgain() throws Exception {
        // Given a step that ends the way of the first batch, without a failure
        AtomicInteger batches = new AtomicInteger();
        AdviceWith.adviceWith(context, "storer", route -> route.weaveByType(AggregateDefinition.class).before()
            .filter(exchange -> exchange.getMessage().getBody(Batch.class).getTopic().equals(dropped)
                && batches.incrementAndGet() == 1).stop().end());

        // When
        publish(dropped);

        // Then
        await().until(() -> TestKafka.lag(GROUP, dropped) == 0);
        assertThat(BucketFiles.allLines(bucket, dropped)).hasSize(1);
        assertThat(batches.get()).isGreaterThan(1);
    }

    private static void publish(String to) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            producer.send(new ProducerRecord<>(to, "k".getBytes(UTF_8), "v".getBytes(UTF_8))).get();
        }
    }

    private static long events(String of) {
        return TestKafka.records(events).stream().filter(event -> new String(event.key(), UTF_8).contains(of)).count();
    }
}
