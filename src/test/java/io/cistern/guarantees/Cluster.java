package io.cistern.guarantees;

import io.cistern.broker.EmbeddedKafka;
import io.cistern.guarantees.Journal.Topic;
import io.cistern.testing.PackagedCistern;
import io.cistern.testing.Ports;
import io.cistern.testing.UnpackedJar;
import io.cistern.testing.stores.FaultyProxy;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.awaitility.Awaitility;

/** The processes of a round: a broker, a store behind a proxy, up to three storers, and a reloader. */
final class Cluster implements AutoCloseable {

    static final String GROUP = "guarantees";
    static final String EVENTS = "events";
    static final int STORERS = 3;
    /** Bytes that a storer may hold. */
    static final long MAX_CACHE_SIZE = 2 << 20;
    /** What is held is stored after this. */
    static final Duration UPLOAD_TIMEOUT = Duration.ofSeconds(2);
    /** After this a silent member is out of the group. */
    static final Duration SESSION_TIMEOUT = Duration.ofSeconds(6);
    /** How long a graceful stop may take; the JVM's own end comes on top. */
    static final Duration STOP_TIMEOUT = Duration.ofSeconds(15);

    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final Pattern WRITING = Pattern.compile(".+-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
    private static final Duration START_TIMEOUT = Duration.ofSeconds(90);

    private final Setup setup;
    private final Path folder;
    private final List<Topic> topics;
    private final UnpackedJar jar;
    private final TestStore store = TestStores.s3();
    private final FaultyProxy proxy = new FaultyProxy(store.endpoint());
    private final String bucket;
    private final int brokerPort = Ports.free();
    private final Child broker;
    private final List<Storer> storers = new ArrayList<>();
    private final int reloaderPort = Ports.free();
    private final Child reloader;
    private final Admin admin;

    /** Makes all of it and starts the broker. */
    Cluster(Setup setup, Path folder, List<Topic> topics, Evidence evidence) throws IOException, InterruptedException {
        this.setup = setup;
        this.folder = folder;
        this.topics = topics;
        this.jar = new UnpackedJar(PackagedCistern.JAR.resolveSibling("guarantees"));
        bucket = "guarantees-" + setup.seed();
        store.createBucket(bucket);
        broker = new Child(folder.resolve("broker"), List.of(Child.java(), "-Xmx400m", "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"), EmbeddedKafka.class.getName(),
            String.valueOf(brokerPort), folder.resolve("broker/data").toString(),
            "group.min.session.timeout.ms=1000",
            "group.consumer.session.timeout.ms=" + SESSION_TIMEOUT.toMillis(),
            "group.consumer.min.session.timeout.ms=1000",
            "group.consumer.heartbeat.interval.ms=1000",
            "group.consumer.min.heartbeat.interval.ms=1000",
            "transaction.abort.timed.out.transaction.cleanup.interval.ms=1000"), Map.of());
        startBroker();
        for (int i = 1; i <= STORERS; i++) {
            storers.add(new Storer("storer-" + i, this, evidence));
        }
        reloader = role("reloader", reloaderPort);
        admin = Admin.create(Map.of("bootstrap.servers", brokers(), "default.api.timeout.ms", 20_000,
            "request.timeout.ms", 5_000));
    }

    /** A process of the jar in the role that the name begins with, which is not started. */
    Child role(String name, int port) {
        return role(name, port, Map.of());
    }

    private List<String> launch() {
        return Stream.concat(Stream.of(Child.java(), "-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError"), jar.options().stream()).toList();
    }

    private Child role(String name, int port, Map<String, String> more) {
        Map<String, String> environment = new HashMap<>(store.settings(bucket, proxy.address()));
        environment.putAll(Map.of(
            "BSS_ROLES", name.replaceFirst("-.*", ""),
            "HTTP_PORT", String.valueOf(port),
            "KAFKA_BROKERS", brokers(),
            "KAFKA_GROUP_ID", GROUP,
            "KAFKA_DEQUEUE_STRATEGY", "earliest",
            "KAFKA_CONSUMERS", String.valueOf(setup.consumers()),
            "KAFKA_START_TIMEOUT", "5s",
            "BSS_EVENTS_TOPIC", EVENTS,
            "BSS_EXACTLY_ONCE", String.valueOf(setup.exactlyOnce()),
            "BSS_HTTP_AUTHENTICATION", "none"));
        environment.putAll(Map.of(
            "BSS_COMPRESSION", setup.compression(),
            "BSS_MAX_BYTES_PER_FILE", "256KB",
            "BSS_MAX_CACHE_SIZE", (MAX_CACHE_SIZE >> 10) + "KB",
            "BSS_CACHE_UPLOAD_TIMEOUT", UPLOAD_TIMEOUT.toMillis() + "ms",
            "BSS_RETRIES", "1",
            "BSS_RETRY_DELAY", "100ms",
            "BSS_RETRY_DELAY_MAX", "500ms",
            "BSS_REST_AFTER_FAILURE", "1s",
            "BUCKET_TIMEOUT", "2s",
            "SHUTDOWN_TIMEOUT_SECONDS", String.valueOf(STOP_TIMEOUT.toSeconds())));
        switch (setup.protocol()) {
            case EAGER -> environment.put("KAFKA_PARTITION_ASSIGNOR",
                "org.apache.kafka.clients.consumer.RangeAssignor");
            case COOPERATIVE -> environment.put("KAFKA_PARTITION_ASSIGNOR",
                "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
            case CONSUMER -> environment.put("KAFKA_GROUP_PROTOCOL", "consumer");
        }
        environment.putAll(more);
        writeSettings(folder.resolve(name));
        return new Child(folder.resolve(name), this::launch, environment);
    }

    private void writeSettings(Path home) {
        // The new protocol's timeouts are the broker's.
        String session = setup.protocol() == Setup.Protocol.CONSUMER ? "" : """
                    "[session.timeout.ms]": %d
                    "[heartbeat.interval.ms]": 1000
            """.formatted(SESSION_TIMEOUT.toMillis());
        String yaml = """
            camel:
              component:
                kafka:
                  additional-properties:
                    "[metadata.max.age.ms]": 2000
                    "[transaction.timeout.ms]": 10000
            """ + session + "bss:\n  topics-config:\n    data-topics-mapping:\n" + topics.stream().map(topic -> """
                  - ingestion: %s
                    bucket-folder: %s
                    post-ingestion: %s
            """.formatted(topic.name(), topic.folder(), topic.postIngestion())).collect(Collectors.joining());
        try {
            Files.createDirectories(home.resolve("config"));
            Files.writeString(home.resolve("config/application.yaml"), yaml);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts and ends a process of both roles once, if that makes later starts faster; there are empty topics. */
    void warmUp() {
        if (jar.isArchived()) {
            return;
        }
        String otherBucket = bucket + "-warm-up";
        store.createBucket(otherBucket);
        int port = Ports.free();
        Child both = role("storer-warm-up", port, Map.of("BSS_ROLES", "storer,reloader", "BUCKET_NAME", otherBucket,
            "KAFKA_GROUP_ID", "warm-up"));
        both.start();
        Awaitility.await().atMost(START_TIMEOUT).pollInterval(Duration.ofMillis(200)).until(() -> isReady(port));
        both.stop(START_TIMEOUT);
    }

    /** Whether a process of the jar says at this port that it runs and has all that it needs. */
    static boolean isReady(int port) {
        return get(port, "/actuator/health/readiness") != null;
    }

    /** What is answered there, or null if that is no success, or nothing. */
    static String get(int port, String path) {
        try {
            URI address = URI.create("http://" + Ports.HOST + ":" + port + path);
            HttpRequest request = HttpRequest.newBuilder(address).timeout(Duration.ofSeconds(2)).build();
            HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
            return answer.statusCode() == 200 ? answer.body() : null;
        } catch (IOException e) {
            return null;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    String brokers() {
        return Ports.HOST + ":" + brokerPort;
    }

    Admin admin() {
        return admin;
    }

    /**
     * Waits until the broker has taken up these partitions. A batch that it refuses before may be overtaken by the next one,
     * and is then refused for ever, as out of order.
     */
    void awaitLeaders(String topic, int partitions) {
        Map<TopicPartition, OffsetSpec> asked = IntStream.range(0, partitions).boxed().collect(Collectors.toMap(
            partition -> new TopicPartition(topic, partition), partition -> OffsetSpec.latest()));
        Awaitility.await().pollInterval(Duration.ofMillis(50)).ignoreExceptions()
            .until(() -> admin.listOffsets(asked).all().get().size() == partitions);
    }

    FaultyProxy proxy() {
        return proxy;
    }

    /** The body of the store's answers with this status. */
    String errorBody(int status) {
        return store.errorBody(status);
    }

    List<Storer> storers() {
        return storers;
    }

    int reloaderPort() {
        return reloaderPort;
    }

    void startReloader() {
        reloader.start();
    }

    Child reloader() {
        return reloader;
    }

    /** Starts the broker, on the data that is there; returns when it takes requests. */
    void startBroker() {
        int before = broker.output().split("ready ", -1).length;
        broker.start();
        Awaitility.await().atMost(START_TIMEOUT).pollInterval(Duration.ofMillis(100)).until(() -> {
            if (!broker.isAlive()) {
                throw new IllegalStateException("The broker did not start: see " + broker.folder());
            }
            return broker.output().split("ready ", -1).length > before;
        });
    }

    void stopBroker() {
        if (!broker.stop(Duration.ofSeconds(30))) {
            throw new IllegalStateException("The broker did not stop: see " + broker.folder());
        }
    }

    /** All paths in the bucket, past the proxy, without those by which the store keeps what is being written. */
    List<String> paths() {
        return store.keys(bucket).stream().filter(path -> !WRITING.matcher(path).matches()).toList();
    }

    /** What is in the bucket under a path, past the proxy; null if there is nothing. */
    byte[] read(String path) {
        return store.read(bucket, path);
    }

    void write(String path, byte[] bytes) {
        store.write(bucket, path, bytes);
    }

    @Override
    public void close() {
        storers.forEach(storer -> storer.process().kill());
        reloader.kill();
        broker.kill();
        admin.close(Duration.ZERO);
        proxy.close();
    }
}
