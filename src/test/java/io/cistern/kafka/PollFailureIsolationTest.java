package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PollFailureIsolationTest {

    private static final int PARTITIONS = 1000;

    private final AtomicLong now = new AtomicLong();
    private final PollFailureIsolation isolation = new PollFailureIsolation(now::get);
    private final List<TopicPartition> all = IntStream.range(0, PARTITIONS)
        .mapToObj(partition -> new TopicPartition("orders", partition)).toList();

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 499, 500, 998, 999})
    void findsThePartitionInFewSteps(int damaged) {
        TopicPartition wanted = all.get(damaged);
        TopicPartition found = isolation.failed(all);
        int steps = 1;
        while (found == null) {
            assertThat(steps++).isLessThan(40);
            if (isolation.isHeldBack(wanted)) {
                now.addAndGet(Duration.ofSeconds(3).toNanos());
                assertThat(isolation.succeeded()).isTrue();
            } else {
                found = isolation.failed(all.stream().filter(partition -> !isolation.isHeldBack(partition)).toList());
            }
        }
        assertThat(found).isEqualTo(wanted);
        assertThat(all).noneMatch(isolation::isHeldBack);
    }

    @Test
    void endsWhenNoPollFailsAnyMore() {
        isolation.failed(all);
        int steps = 0;
        while (all.stream().anyMatch(isolation::isHeldBack)) {
            assertThat(steps++).isLessThan(20);
            now.addAndGet(Duration.ofSeconds(3).toNanos());
            isolation.succeeded();
        }
    }

    @Test
    void clearsNoPartitionByOneQuickPoll() {
        isolation.failed(all);
        now.addAndGet(Duration.ofSeconds(2).toNanos());
        assertThat(isolation.succeeded()).isFalse();
    }

    @Test
    void startsAgainAfterARebalance() {
        isolation.failed(all.subList(0, 2));
        assertThat(isolation.reset()).isTrue();
        assertThat(isolation.isHeldBack(all.get(1))).isFalse();
        assertThat(isolation.reset()).isFalse();
        assertThat(isolation.failed(all.subList(1, 2))).isEqualTo(all.get(1));
    }
}
