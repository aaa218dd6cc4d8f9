package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.Test;

class TopicBackoffTest {

    private long now = 5;
    private final TopicBackoff backoff = new TopicBackoff(Duration.ofSeconds(5), () -> now);

    @Test
    void isNotWaitedForUntilItsBackOffIsOver() {
        backoff.answered("slow", new KafkaException(new TimeoutException()), Duration.ofSeconds(3).toNanos());

        assertThatThrownBy(() -> backoff.requireAvailable("slow")).isInstanceOf(TopicUnavailableException.class)
            .hasMessageContaining("slow");
        assertThatCode(() -> backoff.requireAvailable("other")).doesNotThrowAnyException();
        now += Duration.ofSeconds(9).toNanos() - 1;
        assertThatThrownBy(() -> backoff.requireAvailable("slow")).isInstanceOf(TopicUnavailableException.class);
        now++;
        assertThatCode(() -> backoff.requireAvailable("slow")).doesNotThrowAnyException();
    }

    @Test
    void isWaitedForAgainOnceItAcknowledges() {
        backoff.answered("slow", new TimeoutException(), Duration.ofMinutes(5).toNanos());

        backoff.answered("slow", null, 1);

        assertThatCode(() -> backoff.requireAvailable("slow")).doesNotThrowAnyException();
    }

    @Test
    void aRefusalIsNoReasonToBackOff() {
        backoff.answered("narrow", new RecordTooLargeException(), 1);

        assertThatCode(() -> backoff.requireAvailable("narrow")).doesNotThrowAnyException();
    }

    @Test
    void theBackOffIsBounded() {
        backoff.answered("slow", new TimeoutException(), Duration.ofMinutes(5).toNanos());

        now += Duration.ofSeconds(30).toNanos();

        assertThatCode(() -> backoff.requireAvailable("slow")).doesNotThrowAnyException();
    }
}
