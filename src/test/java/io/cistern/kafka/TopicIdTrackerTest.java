package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.KafkaException;
import org.junit.jupiter.api.Test;

class TopicIdTrackerTest {

    private final Map<String, String> broker = new HashMap<>(Map.of("orders", "A"));
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicLong updates = new AtomicLong(1);
    private final AtomicLong now = new AtomicLong();
    private boolean isAway;
    private final TopicIdTracker tracker = new TopicIdTracker(topics -> {
        asked.incrementAndGet();
        if (isAway) {
            throw new KafkaException("away");
        }
        return Map.copyOf(broker);
    }, updates::get, now::get);

    @Test
    void asksOnlyAfterMetadataUpdates() {
        assertThat(tracker.recreated(Set.of("orders"))).isEmpty();
        assertThat(tracker.idOf("orders")).isEqualTo("A");
        broker.put("orders", "B");

        assertThat(tracker.recreated(Set.of("orders"))).isEmpty();
        assertThat(asked).hasValue(1);

        updates.incrementAndGet();
        assertThat(tracker.recreated(Set.of("orders"))).containsExactly("orders");
        assertThat(tracker.idOf("orders")).isEqualTo("B");
        assertThat(tracker.recreated(Set.of("orders"))).isEmpty();
    }

    @Test
    void asksAgainForABrokerThatIsLate() {
        tracker.recreated(Set.of("orders"));
        updates.incrementAndGet();
        tracker.recreated(Set.of("orders"));
        broker.put("orders", "B");

        now.addAndGet(Duration.ofMillis(999).toNanos());
        assertThat(tracker.recreated(Set.of("orders"))).isEmpty();
        now.addAndGet(Duration.ofMillis(1).toNanos());
        assertThat(tracker.recreated(Set.of("orders"))).containsExactly("orders");

        // And three times in all
        for (int second = 0; second < 100; second++) {
            now.addAndGet(Duration.ofSeconds(1).toNanos());
            tracker.recreated(Set.of("orders"));
        }
        assertThat(asked).hasValue(5);
    }

    @Test
    void keepsTheIdOfADeletedTopic() {
        tracker.recreated(Set.of("orders"));
        broker.clear();
        updates.incrementAndGet();
        assertThat(tracker.recreated(Set.of("orders"))).isEmpty();
        assertThat(tracker.idOf("orders")).isEqualTo("A");

        broker.put("orders", "B");
        updates.incrementAndGet();
        assertThat(tracker.recreated(Set.of("orders"))).containsExactly("orders");
    }

    @Test
    void asksAgainAfterAFailure() {
        tracker.recreated(Set.of("orders"));
        updates.incrementAndGet();
        isAway = true;
        assertThatThrownBy(() -> tracker.recreated(Set.of("orders"))).isInstanceOf(KafkaException.class);
        isAway = false;
        broker.put("orders", "B");
        assertThat(tracker.recreated(Set.of("orders"))).containsExactly("orders");
    }

    @Test
    void looksUpATopicThatIsNew() {
        tracker.recreated(Set.of("orders"));
        broker.put("bills", "C");
        assertThat(tracker.recreated(Set.of("orders", "bills"))).isEmpty();
        assertThat(tracker.idOf("bills")).isEqualTo("C");
    }

    @Test
    void knowsNoIdsOfABrokerWithoutThem() {
        broker.clear();
        assertThat(tracker.recreated(Set.of("orders"))).isEmpty();
        assertThat(tracker.idOf("orders")).isNull();
        updates.incrementAndGet();
        assertThat(tracker.recreated(Set.of("orders"))).isEmpty();
    }
}
