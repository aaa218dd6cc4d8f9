package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.camel.health.HealthCheck;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.GroupAuthorizationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.WakeupException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which failures of a poll end a client, and that another one takes its place. */
class ReplaceableConsumerTest {

    private static final Duration TIMEOUT = Duration.ofMillis(1);

    private final List<MockConsumer<Object, Object>> clients = new ArrayList<>();
    private long nanos = 1;
    private double secondsSinceHeartbeat = 1;
    private RuntimeException nextCreation;
    private Consumer<Object, Object> consumer;
    private ConsumerHealth health;
    private int closes;

    @BeforeEach
    void start() {
        start("consumer");
    }

    private void start(String protocol) {
        clients.clear();
        Properties properties = new Properties();
        properties.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, protocol);
        properties.put(ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG, 60_000);
        health = new ConsumerHealth();
        closes = 0;
        consumer = ReplaceableConsumer.of(properties, this::client, health, () -> closes++, () -> nanos);
        consumer.subscribe(List.of("orders"), new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(java.util.Collection<TopicPartition> partitions) {
            }

            @Override
            public void onPartitionsAssigned(java.util.Collection<TopicPartition> partitions) {
            }
        });
    }

    private MockConsumer<Object, Object> client() {
        if (nextCreation != null) {
            throw nextCreation;
        }
        MetricName name = new MetricName("last-heartbeat-seconds-ago", "consumer-coordinator-metrics", "", Map.of());
        MockConsumer<Object, Object> client = new MockConsumer<>(OffsetResetStrategy.NONE) {
            @Override
            public synchronized Map<MetricName, ? extends Metric> metrics() {
                return Map.of(name, new Metric() {
                    @Override
                    public MetricName metricName() {
                        return name;
                    }

                    @Override
                    public Object metricValue() {
                        return secondsSinceHeartbeat;
                    }
                });
            }
        };
        clients.add(client);
        return client;
    }

    private void failPoll(KafkaException failure) {
        clients.get(clients.size() - 1).setPollException(failure);
        assertThat(consumer.poll(TIMEOUT).isEmpty()).isTrue();
    }

    private void pass(Duration time) {
        nanos += time.toNanos();
    }

    @Test
    void replacesAClientWhoseMemberIsFatal() {
        // When the group is refused
        pass(Duration.ofMinutes(10));
        failPoll(new GroupAuthorizationException("storer"));

        // Then the client is closed, and nothing of it can be used
        assertThat(clients).singleElement().satisfies(client -> assertThat(client.closed()).isTrue());
        assertThat(consumer.assignment()).isEmpty();
        consumer.pause(Set.of());
        consumer.poll(TIMEOUT);
        assertThat(clients).as("not before the delay").hasSize(1);

        // When the delay is over
        pass(Duration.ofSeconds(1));
        consumer.poll(TIMEOUT);

        // Then there is another one with the same subscription
        assertThat(clients).hasSize(2);
        assertThat(clients.get(1).subscription()).containsExactly("orders");
        assertThat(clients.get(1).closed()).isFalse();
    }

    @Test
    void doublesTheDelayWhileNewClientsFailToo() {
        List<Long> delays = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            failPoll(new GroupAuthorizationException("storer"));
            int before = clients.size();
            long seconds = 0;
            while (clients.size() == before) {
                pass(Duration.ofSeconds(1));
                seconds++;
                consumer.poll(TIMEOUT);
            }
            delays.add(seconds);
        }
        assertThat(delays).containsExactly(2L, 4L, 8L, 16L, 32L, 60L, 60L, 60L);
    }

    @ParameterizedTest
    @CsvSource({"consumer, fenced, true", "classic, fenced, true", "consumer, group, true", "classic, group, false",
        "consumer, topic, false", "consumer, offset, false", "consumer, timeout, false", "consumer, unknown, false"})
    void keepsAClientThatCanWorkAgain(String protocol, String failure, boolean isReplaced) {
        start(protocol);

        failPoll(switch (failure) {
            case "fenced" -> new FencedInstanceIdException("another member");
            case "group" -> new GroupAuthorizationException("storer");
            case "topic" -> new TopicAuthorizationException(Set.of("orders"));
            case "offset" -> new OffsetOutOfRangeException(Map.of(new TopicPartition("orders", 0), 7L));
            case "timeout" -> new TimeoutException("no answer");
            default -> new KafkaException("Received exception when fetching the next record");
        });

        assertThat(clients.get(0).closed()).isEqualTo(isReplaced);
    }

    @Test
    void replacesAClientWhosePollsFailForAMinute() {
        start("classic");
        failPoll(new KafkaException("unknown"));
        pass(Duration.ofSeconds(59));
        failPoll(new KafkaException("unknown"));
        assertThat(clients.get(0).closed()).isFalse();

        pass(Duration.ofSeconds(1));
        failPoll(new KafkaException("unknown"));

        assertThat(clients.get(0).closed()).isTrue();
    }

    @Test
    void replacesAClientThatIsPolledAndSendsNoHeartbeats() {
        consumer.poll(TIMEOUT);
        secondsSinceHeartbeat = 121;
        for (int i = 0; i < 121; i++) {
            assertThat(clients.get(0).closed()).isFalse();
            pass(Duration.ofSeconds(1));
            consumer.poll(TIMEOUT);
        }
        assertThat(clients.get(0).closed()).isTrue();
    }

    @Test
    void keepsAClientThatSentNoHeartbeatsWhileItWasNotPolled() {
        consumer.poll(TIMEOUT);
        secondsSinceHeartbeat = 400;
        for (int i = 0; i < 5; i++) {
            pass(Duration.ofMinutes(5));
            consumer.poll(TIMEOUT);
        }
        assertThat(clients.get(0).closed()).isFalse();
    }

    @Test
    void triesAgainWhenTheNextClientCannotBeCreated() {
        failPoll(new GroupAuthorizationException("storer"));
        nextCreation = new KafkaException("No resolvable bootstrap urls");
        pass(Duration.ofMinutes(1));
        assertThat(consumer.poll(TIMEOUT).isEmpty()).isTrue();
        assertThat(clients).hasSize(1);

        nextCreation = null;
        pass(Duration.ofMinutes(1));
        consumer.poll(TIMEOUT);

        assertThat(clients).hasSize(2);
    }

    @Test
    void isUnhealthyWhenItIsNotPolled() {
        consumer.poll(TIMEOUT);
        pass(Duration.ofSeconds(60));
        assertThat(health.isAlive()).isTrue();

        pass(Duration.ofSeconds(1));
        assertThat(health.isAlive()).isFalse();
        assertThat(health.call().getState()).isEqualTo(HealthCheck.State.DOWN);
        assertThat(health.call().getDetails()).containsEntry("reason",
            "consumers not polled for longer than kafka.max-poll-interval: 1");

        // A poll that fails is one
        failPoll(new TimeoutException("no answer"));
        assertThat(health.isAlive()).isTrue();
        assertThat(health.call().getState()).isEqualTo(HealthCheck.State.UP);

        // A consumer that was closed need not be polled
        pass(Duration.ofMinutes(5));
        consumer.close();
        assertThat(health.isAlive()).isTrue();
        assertThat(closes).isEqualTo(1);
    }

    @Test
    void aWakeupEndsTheWaitForTheNextClient() {
        failPoll(new GroupAuthorizationException("storer"));

        consumer.wakeup();

        assertThatThrownBy(() -> consumer.poll(TIMEOUT)).isInstanceOf(WakeupException.class);
        consumer.unsubscribe();
        consumer.close();
    }
}
