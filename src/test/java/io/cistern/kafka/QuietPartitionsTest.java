package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class QuietPartitionsTest {

    private static final int MOST = 3;
    private static final long SHORT = Duration.ofMillis(10).toNanos();
    private static final long LONG = Duration.ofMillis(500).toNanos();
    private static final TopicPartition BUSY = new TopicPartition("orders", 0);
    private static final TopicPartition QUIET = new TopicPartition("orders", 1);
    private static final TopicPartition RESTS = new TopicPartition("orders", 2);

    private final MockConsumer<byte[], byte[]> kafka = new MockConsumer<>(OffsetResetStrategy.EARLIEST);
    private long now = Long.MAX_VALUE;
    private final QuietPartitions quiet = new QuietPartitions(kafka, MOST, () -> now);

    @BeforeEach
    void assign() {
        kafka.assign(List.of(BUSY, QUIET, RESTS));
        kafka.updateEndOffsets(Map.of(BUSY, 1000L, QUIET, 7L, RESTS, 7L));
        kafka.seek(BUSY, 100);
        kafka.seek(QUIET, 7);
        kafka.seek(RESTS, 7);
        kafka.pause(Set.of(RESTS));
    }

    @Test
    void nothingIsPausedWhileAPollTakesAllThatThereIs() {
        kafka.seek(BUSY, 1000);

        assertThat(quiet.look(polled(MOST - 1), SHORT)).isFalse();
        assertThat(quiet.look(ConsumerRecords.empty(), LONG)).isFalse();
        assertThat(quiet.look(polled(MOST - 1), LONG)).isFalse();
        assertThat(quiet.look(polled(MOST), LONG)).isFalse();

        assertThat(kafka.paused()).containsExactly(RESTS);
    }

    @Test
    void nothingIsPausedAsLongAsMoreComesAtOnce() {
        for (int i = 0; i < 1000; i++) {
            pass(Duration.ofMillis(20));
            assertThat(quiet.look(polled(i % 2 == 0 ? MOST : 1), SHORT)).isFalse();
        }

        assertThat(kafka.paused()).containsExactly(RESTS);
    }

    @Test
    void whatHasNothingIsPausedOnceMoreOfAnotherWasWaitedFor() {
        keepWaiting();

        assertThat(kafka.paused()).containsExactlyInAnyOrder(QUIET, RESTS);
        assertThat(quiet.contains(QUIET)).isTrue();
        assertThat(quiet.contains(BUSY)).isFalse();
        // It is paused for another reason, and not by this one.
        assertThat(quiet.contains(RESTS)).isFalse();

        // The rest of a fetch, with more behind it
        assertThat(quiet.look(polled(1), SHORT)).isFalse();
        assertThat(quiet.contains(QUIET)).isTrue();
    }

    @Test
    void whereAllHaveMoreItWasSomethingElseThatWasWaitedFor() {
        kafka.seek(QUIET, 0);
        keepWaiting();
        kafka.seek(QUIET, 7);
        pass(Duration.ofSeconds(1));

        assertThat(quiet.look(polled(MOST), SHORT)).isFalse();
        assertThat(quiet.contains(QUIET)).isFalse();
        assertThat(quiet.look(polled(MOST), LONG)).isFalse();
        assertThat(quiet.contains(QUIET)).isTrue();
    }

    @Test
    void pollsThatAreShortAreOneWait() {
        quiet.look(polled(MOST), SHORT);
        pass(Duration.ofSeconds(1));
        for (int i = 0; i < 9; i++) {
            quiet.look(ConsumerRecords.empty(), SHORT);
            assertThat(quiet.contains(QUIET)).isFalse();
        }

        quiet.look(ConsumerRecords.empty(), SHORT);

        assertThat(quiet.contains(QUIET)).isTrue();
    }

    @Test
    void itIsReadAgainWhenTheOtherHasNoMore() {
        keepWaiting();
        kafka.seek(BUSY, 1000);

        assertThat(quiet.look(polled(1), SHORT)).isTrue();
        assertThat(quiet.contains(QUIET)).isFalse();
    }

    @Test
    void itIsReadAgainWhenNothingComesOfTheOther() {
        keepWaiting();
        for (int i = 0; i < 9; i++) {
            assertThat(quiet.look(ConsumerRecords.empty(), LONG)).isFalse();
        }

        assertThat(quiet.look(ConsumerRecords.empty(), LONG)).isTrue();
        assertThat(quiet.contains(QUIET)).isFalse();
    }

    @Test
    void itIsLookedAtNowAndThen() {
        keepWaiting();
        pass(Duration.ofMillis(4900));
        assertThat(quiet.look(polled(MOST), SHORT)).isFalse();
        pass(Duration.ofMillis(100));
        assertThat(quiet.look(polled(MOST), SHORT)).isTrue();
        kafka.resume(Set.of(QUIET));

        // Not before it could be fetched
        assertThat(quiet.look(polled(MOST), SHORT)).isFalse();
        assertThat(quiet.contains(QUIET)).isFalse();
        pass(Duration.ofMillis(20));
        assertThat(quiet.look(polled(MOST), SHORT)).isFalse();
        assertThat(quiet.contains(QUIET)).isTrue();
        assertThat(kafka.paused()).containsExactlyInAnyOrder(QUIET, RESTS);
    }

    @Test
    void whatGoesToAnotherConsumerIsForgotten() {
        keepWaiting();

        quiet.forget(Set.of(QUIET));

        assertThat(quiet.contains(QUIET)).isFalse();
    }

    /** A poll that was full, and one that came late though there was more. */
    private void keepWaiting() {
        pass(Duration.ofSeconds(1));
        assertThat(quiet.look(polled(MOST), SHORT)).isFalse();
        assertThat(quiet.look(polled(MOST), LONG)).isFalse();
    }

    private void pass(Duration time) {
        now += time.toNanos();
    }

    private static ConsumerRecords<byte[], byte[]> polled(int count) {
        ConsumerRecord<byte[], byte[]> one = new ConsumerRecord<>(BUSY.topic(), BUSY.partition(), 0, null, new byte[0]);
        return new ConsumerRecords<>(Map.of(BUSY, Collections.nCopies(count, one)));
    }
}
