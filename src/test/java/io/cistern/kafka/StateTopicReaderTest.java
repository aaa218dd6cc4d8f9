package io.cistern.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the reader of the state topics outlives. */
class StateTopicReaderTest {

    private static final TopicPartition PARTITION = new TopicPartition("requests", 0);
    private static final TopicPartition SECOND = new TopicPartition("requests", 1);

    private final List<MockConsumer<byte[], byte[]>> consumers = new CopyOnWriteArrayList<>();
    private final List<String> read = Collections.synchronizedList(new ArrayList<>());
    private RuntimeException failureOfReader;
    private RuntimeException failureOfClient;
    private final StateTopicReader reader = new StateTopicReader(this::consumer, List.of(PARTITION),
        (topic, key, value, timestamp) -> {
            read.add(key);
            if (failureOfReader != null) {
                throw failureOfReader;
            }
        }, Duration.ofMillis(1));
    private final Thread thread = new Thread(reader, "reader");

    private MockConsumer<byte[], byte[]> consumer() {
        if (failureOfClient != null && !consumers.isEmpty()) {
            RuntimeException failure = failureOfClient;
            failureOfClient = null;
            throw failure;
        }
        MockConsumer<byte[], byte[]> consumer = new MockConsumer<>(OffsetResetStrategy.EARLIEST);
        consumer.updateBeginningOffsets(Map.of(PARTITION, 0L, SECOND, 0L));
        consumers.add(consumer);
        return consumer;
    }

    @AfterEach
    void close() throws InterruptedException {
        reader.close();
        thread.join();
        assertThat(consumers).allMatch(MockConsumer::closed);
    }

    @Test
    void replacesAClientThatFailsWithAnythingButAKafkaException() {
        // Given
        thread.start();
        publish(0, 0, "a");
        awaitRead(1);

        // When the client breaks, and the next one cannot be made at once
        failureOfClient = new IllegalStateException("no client");
        consumers.get(0).schedulePollTask(() -> {
            throw new IllegalStateException("broken");
        });

        // Then another one goes on where the first one was
        await().until(() -> consumers.size() == 2);
        publish(1, 1, "b");
        awaitRead(2);
        assertThat(read).containsExactly("a", "b");
        assertThat(consumers.get(0).closed()).isTrue();
    }

    @Test
    void keepsItsClientAfterAKafkaException() {
        thread.start();
        publish(0, 0, "a");
        awaitRead(1);

        consumers.get(0).setPollException(new TopicAuthorizationException("requests"));
        publish(0, 1, "b");

        awaitRead(2);
        assertThat(consumers).hasSize(1);
    }

    @Test
    void readsOnAfterARecordThatCannotBeTaken() {
        failureOfReader = new IllegalStateException("not taken");
        thread.start();

        publish(0, 0, "a");
        publish(0, 1, "b");

        awaitRead(2);
        assertThat(read).containsExactly("a", "b");
    }

    @Test
    void readsATopicFromItsStartThatWasCreatedAgain() {
        // Given
        thread.start();
        publish(0, 0, "a");
        awaitRead(1);

        // When it was created again, with two partitions
        reader.reassign(Set.of("requests"), List.of(PARTITION, SECOND));
        assertThat(reader.hasReached(Map.of(PARTITION, 1L))).isFalse();

        // Then
        await().until(() -> consumers.size() == 2 && consumers.get(1).assignment().size() == 2);
        publish(1, 0, "b");
        awaitRead(1);
        assertThat(read).containsExactly("a", "b");
        await().until(() -> reader.hasReached(Map.of(PARTITION, 1L, SECOND, 0L)));
    }

    private void publish(int consumer, long offset, String key) {
        await().until(() -> consumers.size() > consumer && consumers.get(consumer).assignment().contains(PARTITION));
        consumers.get(consumer).schedulePollTask(() -> consumers.get(consumer)
            .addRecord(new ConsumerRecord<>("requests", 0, offset, key.getBytes(UTF_8), new byte[0])));
    }

    private void awaitRead(long end) {
        await().until(() -> reader.hasReached(Map.of(PARTITION, end)));
    }
}
