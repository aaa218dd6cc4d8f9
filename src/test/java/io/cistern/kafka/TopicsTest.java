package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.Settings;
import io.cistern.testing.ApplicationYaml;
import io.cistern.testing.TestKafka;
import java.util.List;
import java.util.Map;
import org.apache.camel.component.kafka.KafkaComponent;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.Test;

/** What brokers say of their topics. */
class TopicsTest {

    @Test
    void batchesAreAsLargeAsTopicsTakeAndAsThereIsRoomFor() throws Exception {
        String wide = TestKafka.topic("batches.wide", 1);
        String narrow = "batches.narrow." + wide.substring(wide.length() - 8);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", TestKafka.broker().bootstrapServers()))) {
            admin.createTopics(List.of(new NewTopic(narrow, 1, (short) 1).configs(Map.of("max.message.bytes", "10000"))))
                .all().get();
        }
        try (DefaultCamelContext camel = new DefaultCamelContext()) {
            camel.getComponent("kafka", KafkaComponent.class).getConfiguration().setBrokers(TestKafka.broker().bootstrapServers());
            Topics topics = new Topics(new Settings(ApplicationYaml.lookup(Map.of("BSS_ROLES", "reloader",
                "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(), "KAFKA_MAX_REQUEST_SIZE", "32000000",
                "BUCKET_TYPE", "file", "BUCKET_NAME", "bucket", "BSS_HTTP_AUTHENTICATION", "none"))));
            topics.setCamelContext(camel);

            assertThat(topics.batchBytes(List.of(wide), 1)).as("half of 32 MB").isEqualTo(16_000_000);
            assertThat(topics.batchBytes(List.of(wide), 100)).as("a hundred in 16 MB").isEqualTo(160_000);
            assertThat(topics.batchBytes(List.of(wide), 10_000)).as("never less than usual").isEqualTo(16_384);
            assertThat(topics.batchBytes(List.of(wide, narrow), 1)).as("the one that takes least").isEqualTo(10_000);
            assertThat(topics.batchBytes(List.of(narrow), 10_000)).isEqualTo(10_000);
            assertThat(topics.batchBytes(List.of(wide, "is-not-there"), 1)).as("is not said").isEqualTo(16_384);
        }
    }
}
