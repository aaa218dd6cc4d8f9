package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.Settings;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.camel.component.micrometer.MicrometerConstants;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

/** Lag counts what is not stored, a process tells of its own partitions only, and of a thousand of them in a small answer. */
class ConsumerMetersTest {

    private static final int PARTITIONS = 1000;

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final ConsumerMeters meters = new ConsumerMeters(new Settings(
        Map.of("bss.max-cache-size", "64MB", "bss.cache-upload-timeout", "30s")::get));

    @Test
    void tellsOfEachPartitionWhatIsNotStoredAndForgetsItWithThePartition() throws Exception {
        // Given a thousand partitions with ten records each, of which eight were polled
        List<TopicPartition> partitions = IntStream.range(0, PARTITIONS)
            .mapToObj(partition -> new TopicPartition("orders.of.some.customers", partition)).toList();
        try (DefaultCamelContext context = new DefaultCamelContext();
            MockConsumer<byte[], byte[]> consumer = new MockConsumer<>(OffsetResetStrategy.EARLIEST)) {
            context.getRegistry().bind(MicrometerConstants.METRICS_REGISTRY_NAME, registry);
            meters.setCamelContext(context);
            int before = registry.scrape().length();
            consumer.assign(partitions);
            consumer.updateBeginningOffsets(partitions.stream().collect(Collectors.toMap(one -> one, one -> 0L)));
            consumer.updateEndOffsets(partitions.stream().collect(Collectors.toMap(one -> one, one -> 10L)));
            Map<TopicPartition, Position> positions = new HashMap<>();
            for (TopicPartition partition : partitions) {
                consumer.seek(partition, 0);
                for (int i = 0; i < 8; i++) {
                    consumer.addRecord(new ConsumerRecord<>(partition.topic(), partition.partition(), i, null, new byte[1]));
                }
                positions.put(partition, new Position(0, null));
                positions.get(partition).handedOut = 8;
            }
            consumer.poll(Duration.ZERO);

            // When it looks, at once and when the broker must have answered
            meters.look(consumer, positions);
            assertThat(registry.find("cistern.lag").gauges()).as("it does not ask the broker").isEmpty();
            await().pollInterval(Duration.ofMillis(100)).until(() -> {
                meters.look(consumer, positions);
                return registry.find("cistern.lag").gauges().size() == PARTITIONS;
            });

            // Then what is held is not stored
            assertThat(registry.find("cistern.lag").tag("partition", "7").gauge().value()).isEqualTo(10);
            String scrape = registry.scrape();
            System.out.printf("Metrics of 1000 partitions: %d KB, and %d KB without them%n", scrape.length() / 1024, before / 1024);
            assertThat(scrape.length()).isLessThan(150_000);

            // When some is stored, the age is that of what comes next
            double age = age();
            assertThat(age).isPositive();
            positions.values().forEach(position -> position.acknowledged = 5);
            meters.look(consumer, positions);
            assertThat(registry.find("cistern.lag").tag("partition", "7").gauge().value()).isEqualTo(5);
            assertThat(age()).isLessThan(age);

            // When all is
            consumer.updateEndOffsets(partitions.stream().collect(Collectors.toMap(one -> one, one -> 8L)));
            positions.values().forEach(position -> position.acknowledged = 8);
            meters.look(consumer, positions);
            assertThat(registry.find("cistern.lag").tag("partition", "7").gauge().value()).isZero();
            assertThat(age()).isZero();

            // When records of an open transaction follow, which the consumer does not know
            TopicPartition hanging = partitions.get(7);
            meters.known(Map.of(), Map.of(hanging, 59L));
            meters.look(consumer, positions);
            assertThat(registry.find("cistern.lag").tag("partition", "7").gauge().value()).isEqualTo(51);
            assertThat(age()).isPositive();

            // When a partition cannot be read, so that no position is known
            positions.remove(partitions.get(8));
            meters.look(consumer, positions);
            assertThat(meters.partitionsWithoutPosition()).containsExactly(partitions.get(8));
            meters.known(Map.of(partitions.get(8), 20L), Map.of(partitions.get(8), 120L));
            meters.look(consumer, positions);
            assertThat(registry.find("cistern.lag").tag("partition", "8").gauge().value()).isEqualTo(100);

            // When partitions go
            meters.forget(partitions.subList(1, PARTITIONS));
            assertThat(registry.find("cistern.lag").gauges()).singleElement()
                .satisfies(gauge -> assertThat(gauge.getId().getTag("partition")).isEqualTo("0"));
            meters.forget(partitions);
            assertThat(registry.find("cistern.lag").gauges()).isEmpty();
            assertThat(registry.find("cistern.unstored.age").gauges()).isEmpty();
        }
    }

    private double age() {
        return registry.find("cistern.unstored.age").tag("topic", "orders.of.some.customers").gauge().value();
    }
}
