package io.cistern.storer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.batch.OpenBatches;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A replica comes while batches are held: what moves is read again, what stays goes on. */
class RebalanceTest {

    private static final int PARTITIONS = 6;

    @ParameterizedTest
    @ValueSource(strings = {"range", "cooperative", "consumer"})
    void aReplicaThatComesLeavesNothingOutAndWhatStaysIsNotInterrupted(String protocol, @TempDir Path bucket)
        throws Exception {
        // Given a replica that holds batches of all partitions
        String topic = TestKafka.topic("rebalance." + protocol, PARTITIONS);
        String events = TestKafka.topic("rebalance.events", 1);
        Map<String, String> settings = settings(protocol, topic, events, bucket);
        List<TopicPartition> stayed = new ArrayList<>();
        try (RunningCistern one = RunningCistern.start(settings)) {
            await().until(() -> members(topic).size() == 1);
            publish(topic, "before");
            MemberDescription first = members(topic).get(0);
            OpenBatches openBatches = one.context().getBean(CamelContext.class).getRegistry()
                .lookupByNameAndType("openBatches", OpenBatches.class);
            await().until(() -> openBatches.getKeys().size() == PARTITIONS);

            // When another one comes
            try (RunningCistern two = RunningCistern.start(settings)) {
                await().until(() -> {
                    List<MemberDescription> members = members(topic);
                    return members.size() == 2
                        && members.stream().allMatch(member -> member.assignment().topicPartitions().size() == PARTITIONS / 2);
                });
                members(topic).stream().filter(member -> member.consumerId().equals(first.consumerId()))
                    .forEach(member -> stayed.addAll(member.assignment().topicPartitions()));
                publish(topic, "after");
                await().until(() -> TestKafka.lag(topic, topic) == 0);
            }
        }

        // Then every record is stored once: what was dropped had not been stored
        for (int partition = 0; partition < PARTITIONS; partition++) {
            int wanted = partition;
            assertThat(BucketFiles.allLines(bucket, topic).stream().filter(line -> line.get("partition").asInt() == wanted)
                .map(line -> line.get("payload").asText())).containsExactly("before", "after");
        }
        if (!protocol.equals("range")) {
            assertThat(stayed).hasSize(PARTITIONS / 2).allSatisfy(partition -> assertThat(lines(bucket, topic, partition))
                .as("one file with what was held when the other one came").hasSize(2));
        }
    }

    private static List<JsonNode> lines(Path bucket, String topic, TopicPartition partition) {
        return BucketFiles.lines(BucketFiles.in(bucket, topic).stream()
            .filter(file -> file.getFileName().toString().contains("_" + partition.partition() + "_0_"))
            .findFirst().orElseThrow());
    }

    private static Map<String, String> settings(String protocol, String topic, String events, Path bucket) {
        return Map.ofEntries(
            Map.entry("KAFKA_BROKERS", TestKafka.broker().bootstrapServers()),
            Map.entry("KAFKA_GROUP_ID", topic),
            Map.entry("KAFKA_GROUP_PROTOCOL", protocol.equals("consumer") ? "consumer" : "classic"),
            Map.entry("KAFKA_PARTITION_ASSIGNOR", "org.apache.kafka.clients.consumer."
                + (protocol.equals("range") ? "RangeAssignor" : "CooperativeStickyAssignor")),
            Map.entry("BSS_ROLES", "storer"),
            Map.entry("BUCKET_TYPE", "file"),
            Map.entry("BUCKET_NAME", bucket.toString()),
            Map.entry("BSS_EVENTS_TOPIC", events),
            Map.entry("BSS_CACHE_UPLOAD_TIMEOUT", "20s"),
            Map.entry("bss.topics-config.data-topics-mapping[0].ingestion", topic));
    }

    private static List<MemberDescription> members(String group) throws Exception {
        try (Admin admin = TestKafka.broker().admin()) {
            return List.copyOf(admin.describeConsumerGroups(List.of(group)).all().get().get(group).members());
        }
    }

    private static void publish(String topic, String value) {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int partition = 0; partition < PARTITIONS; partition++) {
                producer.send(new ProducerRecord<>(topic, partition, null, value.getBytes(UTF_8)));
            }
        }
    }
}
