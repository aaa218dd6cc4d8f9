package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cistern.Settings;
import io.cistern.testing.TestKafka;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.component.kafka.KafkaComponent;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.MetricsContext;
import org.apache.kafka.common.metrics.MetricsReporter;
import org.junit.jupiter.api.Test;

class ReloadLogTest {

    /** Knows which clients are open, and refuses consumers. */
    public static final class RefusedConsumers implements MetricsReporter {

        private static final Set<RefusedConsumers> OPEN = ConcurrentHashMap.newKeySet();

        @Override
        public void contextChange(MetricsContext context) {
            if (context.contextLabels().get(MetricsContext.NAMESPACE).equals("kafka.consumer")) {
                throw new KafkaException("no consumers");
            }
            OPEN.add(this);
        }

        @Override
        public void close() {
            OPEN.remove(this);
        }

        @Override
        public void init(List<KafkaMetric> metrics) {
        }

        @Override
        public void metricChange(KafkaMetric metric) {
        }

        @Override
        public void metricRemoval(KafkaMetric metric) {
        }

        @Override
        public void configure(Map<String, ?> configs) {
        }
    }

    @Test
    void leavesNoClientOpenWhenItCannotStart() throws Exception {
        try (DefaultCamelContext camel = new DefaultCamelContext()) {
            var kafka = camel.getComponent("kafka", KafkaComponent.class).getConfiguration();
            kafka.setBrokers(TestKafka.broker().bootstrapServers());
            kafka.setAdditionalProperties(Map.of(CommonClientConfigs.METRIC_REPORTER_CLASSES_CONFIG,
                RefusedConsumers.class.getName()));
            Settings settings = settings();
            Topics topics = new Topics(settings);
            topics.setCamelContext(camel);
            ReloadLog log = new ReloadLog(settings, topics);

            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(log::start).isInstanceOf(KafkaException.class);
                assertThat(RefusedConsumers.OPEN).isEmpty();
            }
        }
    }

    private static Settings settings() {
        Map<String, String> values = new HashMap<>(Map.of("camel.component.kafka.brokers",
            TestKafka.broker().bootstrapServers(), "bss.bucket.type", "file", "bss.bucket.name", "bucket",
            "kafka.start-timeout", "30s", "bss.reload.group-id", "reload", "bss.reload.tasks-partitions", "1",
            "bss.reload.retention", "1d"));
        for (String kind : List.of("requests", "progress", "tasks", "plans")) {
            values.put("bss.reload." + kind + "-topic", kind + "." + UUID.randomUUID());
        }
        return new Settings(values::get);
    }
}
