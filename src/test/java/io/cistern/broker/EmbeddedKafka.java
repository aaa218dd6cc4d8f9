package io.cistern.broker;

import io.cistern.testing.Ports;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;

import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;
import org.springframework.util.FileSystemUtils;

/**
 * A real Kafka broker in this process: one node, broker and controller at once, without TLS or SASL unless
 * {@link #set} says so. It can be stopped and started again on the same data and port. It is not a cluster, and it
 * cannot be killed as a process can: {@link #main} runs it as a process of its own for that.
 */
public final class EmbeddedKafka implements AutoCloseable {

    private static final int NODE = 1;
    private static final Duration TOPIC_TIMEOUT = Duration.ofSeconds(20);

    private final int port;
    private final Path data;
    private final boolean temporary;
    private final Map<String, String> settings = new HashMap<>();
    private int securedPort;
    private KafkaRaftServer server;

    /** A broker on a free port, with its data in a temporary folder that {@link #close} deletes. */
    public EmbeddedKafka() {
        this(0, temporaryFolder(), true);
    }

    /**
     * @param port 0: a free one, which stays the same over stop and start
     * @param data the folder of the data, made if it is missing and never deleted; data found in it is used
     */
    public EmbeddedKafka(int port, Path data) {
        this(port, data, false);
    }

    private EmbeddedKafka(int port, Path data, boolean temporary) {
        this.port = port == 0 ? Ports.free() : port;
        this.data = data;
        this.temporary = temporary;
    }

    /** Sets a broker property by its Kafka name, over the values chosen here; takes effect at the next start. */
    public EmbeddedKafka set(String name, String value) {
        settings.put(name, value);
        return this;
    }

    /**
     * Adds a listener SECURED on a free port, for SASL over TLS; its key store and mechanisms are set by {@link #set}, as
     * {@code listener.name.secured.…}.
     */
    public EmbeddedKafka secure() {
        securedPort = Ports.free();
        return this;
    }

    /** Where the listener of {@link #secure} is. */
    public String securedServers() {
        return Ports.HOST + ":" + securedPort;
    }

    /**
     * Starts the broker and returns when it takes requests. Does nothing when it runs.
     *
     * @throws IllegalStateException if it does not start; threads of it may stay behind
     */
    public synchronized EmbeddedKafka start() {
        if (server != null) {
            return this;
        }
        KafkaRaftServer starting = null;
        try {
            Map<String, String> properties = properties();
            format(properties);
            starting = new KafkaRaftServer(new KafkaConfig(properties, false), Time.SYSTEM);
            starting.startup();
            server = starting;
            return this;
        } catch (Exception e) {
            if (starting != null) {
                starting.shutdown();
            }
            throw new IllegalStateException("Kafka did not start on " + bootstrapServers() + " with data in " + data, e);
        }
    }

    /** Stops the broker in good order and returns when it is down; the data stays. Does nothing when it is down. */
    public synchronized void stop() {
        if (server != null) {
            server.shutdown();
            server.awaitShutdown();
            server = null;
        }
    }

    @Override
    public void close() {
        stop();
        if (temporary) {
            try {
                FileSystemUtils.deleteRecursively(data);
            } catch (IOException e) {
                throw new UncheckedIOException("Cannot delete the broker's data in " + data, e);
            }
        }
    }

    public String bootstrapServers() {
        return Ports.HOST + ":" + port;
    }

    public int port() {
        return port;
    }

    /** The folder of the data. */
    public Path data() {
        return data;
    }

    /** A new client, which the caller closes. */
    public Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", bootstrapServers(), "client.id", "embedded-kafka"));
    }

    public void createTopic(String name, int partitions) {
        createTopic(name, partitions, Map.of());
    }

    /**
     * Makes a topic and returns when clients see it.
     *
     * @param configs the topic's properties by their Kafka names
     * @throws IllegalStateException if there is such a topic already, or Kafka refuses it
     */
    public void createTopic(String name, int partitions, Map<String, String> configs) {
        try (Admin admin = admin()) {
            admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1).configs(configs))).all().get();
            long deadline = System.nanoTime() + TOPIC_TIMEOUT.toNanos();
            while (!seen(admin, name)) {
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("Topic " + name + " was made but is not seen after " + TOPIC_TIMEOUT);
                }
                Thread.sleep(10);
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("Cannot make topic " + name + ": " + e.getCause().getMessage(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while topic " + name + " was made", e);
        }
    }

    private static boolean seen(Admin admin, String topic) throws ExecutionException, InterruptedException {
        try {
            return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().stream()
                    .allMatch(partition -> partition.leader() != null);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                return false;
            }
            throw e;
        }
    }

    private void format(Map<String, String> properties) throws Exception {
        if (Files.exists(data.resolve("meta.properties"))) {
            return;
        }
        Files.createDirectories(data);
        new Formatter()
                .setNodeId(NODE)
                .setClusterId(Uuid.randomUuid().toString())
                .setReleaseVersion(MetadataVersion.latestProduction())
                .setControllerListenerName("CONTROLLER")
                .setDirectories(List.of(properties.get("log.dirs")))
                .setMetadataLogDirectory(properties.get("log.dirs"))
                .setPrintStream(new PrintStream(OutputStream.nullOutputStream()))
                .run();
    }

    private Map<String, String> properties() {
        // Only this process talks to the controller, so that its port need not stay the same.
        int controllerPort = Ports.free();
        Map<String, String> p = new HashMap<>();
        p.put("process.roles", "broker,controller");
        p.put("node.id", String.valueOf(NODE));
        p.put("listeners", "PLAINTEXT://" + bootstrapServers() + ",CONTROLLER://" + Ports.HOST + ":" + controllerPort);
        p.put("advertised.listeners", "PLAINTEXT://" + bootstrapServers());
        p.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        if (securedPort != 0) {
            p.compute("listeners", (name, listeners) -> listeners + ",SECURED://" + securedServers());
            p.compute("advertised.listeners", (name, listeners) -> listeners + ",SECURED://" + securedServers());
            p.compute("listener.security.protocol.map", (name, protocols) -> protocols + ",SECURED:SASL_SSL");
        }
        p.put("controller.listener.names", "CONTROLLER");
        p.put("controller.quorum.voters", NODE + "@" + Ports.HOST + ":" + controllerPort);
        p.put("log.dirs", data.toAbsolutePath().toString());

        p.put("auto.create.topics.enable", "false");
        p.put("default.replication.factor", "1");
        p.put("offsets.topic.replication.factor", "1");
        p.put("offsets.topic.num.partitions", "4");
        p.put("transaction.state.log.replication.factor", "1");
        p.put("transaction.state.log.min.isr", "1");
        p.put("transaction.state.log.num.partitions", "4");
        p.put("group.initial.rebalance.delay.ms", "0");
        p.put("group.coordinator.rebalance.protocols", "classic,consumer");
        // Records keep the timestamps of those who wrote them, however old: time must not delete any.
        p.put("log.retention.ms", "-1");

        p.put("message.max.bytes", "20971520");
        p.put("replica.fetch.max.bytes", "20971520");
        p.put("num.network.threads", "2");
        p.put("num.io.threads", "4");
        p.put("background.threads", "2");
        p.put("log.cleaner.threads", "1");
        p.put("log.cleaner.backoff.ms", "500");
        p.put("log.cleaner.dedupe.buffer.size", "4194304");
        p.put("log.index.size.max.bytes", "1048576");
        p.put("broker.session.timeout.ms", "3000");
        p.put("broker.heartbeat.interval.ms", "500");
        p.putAll(settings);
        return p;
    }

    private static Path temporaryFolder() {
        try {
            return Files.createTempDirectory("cistern-kafka-");
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot make a temporary folder for the broker's data", e);
        }
    }

    /**
     * Runs a broker until the process is ended: {@code EmbeddedKafka <port> <data folder> [<broker property>=<value> ...]}.
     * When it takes requests it prints {@code ready <bootstrap servers>}; when it cannot start, the process ends with code 1.
     */
    public static void main(String[] args) {
        try {
            EmbeddedKafka kafka = new EmbeddedKafka(Integer.parseInt(args[0]), Path.of(args[1]));
            for (int i = 2; i < args.length; i++) {
                String[] property = args[i].split("=", 2);
                kafka.set(property[0], property[1]);
            }
            kafka.start();
            Runtime.getRuntime().addShutdownHook(new Thread(kafka::close, "stop"));
            System.out.println("ready " + kafka.bootstrapServers());
        } catch (Throwable e) {
            e.printStackTrace();
            // Not exit: threads of a broker that started halfway keep the process.
            Runtime.getRuntime().halt(1);
        }
    }
}
