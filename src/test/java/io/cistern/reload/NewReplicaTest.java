package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.Settings;
import io.cistern.kafka.Entry;
import io.cistern.kafka.ReloadLog;
import io.cistern.kafka.Topics;
import io.cistern.testing.TestKafka;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.component.kafka.KafkaComponent;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.Test;

/** What a replica answers that has just begun to read what is known of reloads. */
class NewReplicaTest {

    private final String id = UUID.randomUUID().toString();

    @Test
    void itTellsNothingOfAReloadBeforeItHasReadHowFarThatIs() throws Exception {
        try (DefaultCamelContext camel = new DefaultCamelContext()) {
            camel.getComponent("kafka", KafkaComponent.class).getConfiguration().setBrokers(TestKafka.broker().bootstrapServers());
            Settings settings = settings();
            Topics topics = new Topics(settings);
            topics.setCamelContext(camel);

            // Given a reload that is in the middle
            ReloadLog former = new ReloadLog(settings, topics);
            former.tell((topic, key, value, timestamp) -> { });
            former.write(List.of(new Entry(settings.reload().requestsTopic(), null, id + "/request", Json.write(
                new Task.Accepted(Map.of("topic", "orders", "reIngestionTopic", "target"), 0, "http", "file:bucket")))));
            Lane lane = new Lane();
            lane.published = 42;
            former.write(List.of(new Entry(settings.reload().progressTopic(), null, id + "/0", Json.write(lane))));
            former.stop();

            // When another replica is asked about it that has read of it, and only later reads how far it is
            ReloadLog log = new ReloadLog(settings, topics);
            Reloads reloads = new Reloads(settings, new Requests(settings, null, topics, null), log);
            log.tell(new RequestsFirst(reloads));
            log.start();
            await().until(() -> reloads.find(id) != null);
            Map<String, Object> answer = reloads.detail(id);
            log.stop();

            // Then
            assertThat(answer).containsEntry("lineIndex", 42L);
        }
    }

    /** Tells of a request at once, and of progress half a second later. */
    private record RequestsFirst(Reloads reloads, List<Runnable> progress) implements ReloadLog.Reader {

        private RequestsFirst(Reloads reloads) {
            this(reloads, new ArrayList<>());
        }

        @Override
        public void read(String topic, String key, byte[] value, long timestamp) {
            if (topic.startsWith("progress")) {
                progress.add(() -> reloads.read(topic, key, value, timestamp));
            } else {
                reloads.read(topic, key, value, timestamp);
            }
            if (reloads.find(key.split("/")[0]) != null) {
                pause();
                progress.forEach(Runnable::run);
                progress.clear();
            }
        }

        private static void pause() {
            try {
                Thread.sleep(500);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static Settings settings() {
        Map<String, String> values = new HashMap<>(Map.of("camel.component.kafka.brokers",
            TestKafka.broker().bootstrapServers(), "bss.bucket.type", "file", "bss.bucket.name", "bucket",
            "kafka.start-timeout", "30s", "bss.reload.group-id", "reload", "bss.reload.tasks-partitions", "1", "bss.reload.retention", "1d"));
        for (String kind : List.of("requests", "progress", "tasks", "plans")) {
            values.put("bss.reload." + kind + "-topic", kind + "." + UUID.randomUUID());
        }
        return new Settings(values::get);
    }
}
