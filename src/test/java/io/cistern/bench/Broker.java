package io.cistern.bench;

import io.cistern.broker.EmbeddedKafka;
import io.cistern.testing.Ports;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.management.InstanceNotFoundException;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;

/** A real broker as a process of its own, filled with {@link Data}. It counts what clients fetch. */
final class Broker implements AutoCloseable {

    static final String EVENTS = "bench-events";

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final int port = Ports.free();
    private final int jmxPort = Ports.free();
    private final Program program;
    private final Admin admin;
    private final JMXConnector connector;
    private final MBeanServerConnection beans;

    Broker(Path folder) throws IOException {
        List<String> options = new ArrayList<>(List.of("-Dcom.sun.management.jmxremote.port=" + jmxPort,
            "-Dcom.sun.management.jmxremote.rmi.port=" + jmxPort, "-Dcom.sun.management.jmxremote.host=" + Ports.HOST,
            "-Djava.rmi.server.hostname=" + Ports.HOST, "-Dcom.sun.management.jmxremote.authenticate=false",
            "-Dcom.sun.management.jmxremote.ssl=false"));
        options.addAll(Program.ofClass(EmbeddedKafka.class, port, folder.resolve("data"), "log.retention.bytes=-1",
            "log.segment.delete.delay.ms=1000"));
        program = new Program(folder, "1g", options, Map.of());
        Awaitility.await().atMost(PATIENCE).pollInterval(Duration.ofMillis(100)).until(() -> {
            if (!program.isAlive()) {
                throw new IllegalStateException("The broker did not start: see " + folder);
            }
            return program.output().stream().anyMatch(line -> line.startsWith("ready "));
        });
        admin = Admin.create(Map.of("bootstrap.servers", address()));
        connector = JMXConnectorFactory.connect(new JMXServiceURL(
            "service:jmx:rmi:///jndi/rmi://" + Ports.HOST + ":" + jmxPort + "/jmxrmi"));
        beans = connector.getMBeanServerConnection();
        createTopic(EVENTS, 4);
    }

    String address() {
        return Ports.HOST + ":" + port;
    }

    /** Makes a topic; returns when all its partitions take records. */
    void createTopic(String name, int partitions) {
        createTopics(List.of(name), partitions);
    }

    /** Makes topics alike. */
    void createTopics(List<String> names, int partitions) {
        try {
            admin.createTopics(names.stream().map(name -> new NewTopic(name, partitions, (short) 1)).toList()).all().get();
        } catch (Exception e) {
            throw new IllegalStateException("Cannot make " + names, e);
        }
        Awaitility.await().atMost(PATIENCE).ignoreExceptions().until(() ->
            admin.describeTopics(names).allTopicNames().get().values().stream().allMatch(topic ->
                topic.partitions().stream().allMatch(partition -> partition.leader() != null)));
        for (String name : names) {
            Awaitility.await().atMost(PATIENCE).ignoreExceptions().until(() -> count(name, partitions) == 0);
        }
    }

    /** Offsets in all partitions together. */
    long count(String topic, int partitions) {
        try {
            return admin.listOffsets(IntStream.range(0, partitions).boxed().collect(Collectors.toMap(
                partition -> new TopicPartition(topic, partition), partition -> OffsetSpec.latest()))).all().get().values().stream()
                .mapToLong(end -> end.offset()).sum();
        } catch (Exception e) {
            throw new IllegalStateException("Cannot ask for the ends of " + topic, e);
        }
    }

    void deleteTopics(List<String> names) {
        try {
            admin.deleteTopics(names).all().get();
        } catch (Exception e) {
            throw new IllegalStateException("Cannot delete " + names, e);
        }
    }

    /** Publishes this many records of the data, to the topics in turn. */
    void fill(List<String> topics, Data data, long records) {
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("linger.ms", 5, "batch.size", 65_536,
            "buffer.memory", 64 << 20))) {
            for (long number = 0; number < records; number++) {
                producer.send(data.record(topics.get((int) (number % topics.size())), number));
            }
        }
    }

    /** Publishes this many records of the data to the first partitions of a topic only, in batches compressed by lz4. */
    void fillFirst(String topic, int partitions, Data data, long records) {
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("linger.ms", 5, "batch.size", 65_536,
            "compression.type", "lz4"))) {
            for (long number = 0; number < records; number++) {
                ProducerRecord<byte[], byte[]> record = data.record(topic, number);
                producer.send(new ProducerRecord<>(topic, (int) (number % partitions), record.timestamp(), record.key(),
                    record.value(), record.headers()));
            }
        }
    }

    /** Publishes records of the data evenly for a while, as what happens now would come; gives how many. */
    long trickle(String topic, Data data, long perSecond, Duration time) {
        long begun = System.nanoTime();
        long published = 0;
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of())) {
            for (long passed = 0; passed < time.toNanos(); passed = System.nanoTime() - begun) {
                for (long due = (long) (passed / 1e9 * perSecond); published < due; published++) {
                    producer.send(data.record(topic, published));
                }
                Thread.sleep(1);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return published;
    }

    private KafkaProducer<byte[], byte[]> producer(Map<String, Object> settings) {
        Map<String, Object> all = new HashMap<>(settings);
        all.put("bootstrap.servers", address());
        return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** Bytes of a topic, or with null of all, that clients have fetched since the broker was started. */
    long fetched(String topic) {
        try {
            return (long) beans.getAttribute(
                new ObjectName("kafka.server:type=BrokerTopicMetrics,name=BytesOutPerSec"
                + (topic == null ? "" : ",topic=" + topic)), "Count");
        } catch (InstanceNotFoundException nothingYet) {
            return 0;
        } catch (Exception e) {
            throw new IllegalStateException("Cannot ask the broker what was fetched of " + topic, e);
        }
    }

    @Override
    public void close() throws IOException {
        connector.close();
        admin.close(Duration.ZERO);
        program.close();
    }
}
