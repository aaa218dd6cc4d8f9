package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.Test;

class StateTopicMonitorTest {

    private final Map<String, Uuid> topics = new ConcurrentHashMap<>(Map.of("requests", Uuid.randomUuid(),
        "tasks", Uuid.randomUuid()));
    private final List<Set<String>> told = new CopyOnWriteArrayList<>();
    private RuntimeException failure;
    private final StateTopicMonitor monitor = new StateTopicMonitor(() -> Map.copyOf(topics),
        () -> List.of("requests", "tasks").forEach(topic -> topics.computeIfAbsent(topic, name -> Uuid.randomUuid())),
        names -> {
            told.add(names);
            if (failure != null) {
                throw failure;
            }
        }, List.of("requests", "tasks"), Map.copyOf(topics), Duration.ofHours(1));

    @Test
    void tellsNothingWhileTheTopicsAreTheSame() {
        monitor.look();
        monitor.look();
        assertThat(told).isEmpty();
    }

    @Test
    void createsATopicThatIsMissing() {
        topics.remove("tasks");
        monitor.look();
        monitor.look();
        assertThat(topics).containsKeys("requests", "tasks");
        assertThat(told).containsExactly(Set.of("tasks"));
    }

    @Test
    void createsATopicThatWasMissingFromTheStart() {
        StateTopicMonitor started = new StateTopicMonitor(() -> Map.copyOf(topics),
            () -> topics.put("plans", Uuid.randomUuid()), told::add, List.of("requests", "tasks", "plans"), Map.copyOf(topics),
            Duration.ofMillis(1));
        Thread thread = new Thread(started, "monitor");
        thread.start();
        await().until(() -> !told.isEmpty());
        started.close();
        assertThat(told).containsExactly(Set.of("plans"));
    }

    @Test
    void noticesATopicThatWasCreatedAgainBySomebodyElse() {
        topics.put("requests", Uuid.randomUuid());
        monitor.look();
        monitor.look();
        assertThat(told).containsExactly(Set.of("requests"));
    }

    @Test
    void tellsAgainAfterAFailure() {
        topics.remove("tasks");
        failure = new KafkaException("away");
        assertThatThrownBy(monitor::look).isSameAs(failure);
        topics.remove("requests");
        failure = null;
        monitor.look();
        monitor.look();
        assertThat(told).containsExactly(Set.of("tasks"), Set.of("tasks", "requests"));
    }

    @Test
    void outlivesEveryException() throws InterruptedException {
        AtomicInteger looks = new AtomicInteger();
        StateTopicMonitor failing = new StateTopicMonitor(() -> {
            looks.incrementAndGet();
            throw new IllegalStateException("broken");
        }, () -> { }, names -> { }, topics.keySet(), topics, Duration.ofHours(1));
        Thread thread = new Thread(failing, "monitor");
        thread.start();
        for (int i = 0; i < 3; i++) {
            int before = looks.get();
            failing.hurry();
            await().until(() -> looks.get() > before);
        }
        failing.close();
        thread.join();
    }
}
