package io.cistern.deployment;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.Dockerfile;
import io.cistern.testing.PackagedCistern;
import io.cistern.testing.TestKafka;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.util.FileSystemUtils;

/**
 * The jar as the image runs it: what the Dockerfile puts where, its environment, entry point, health check and user, in a
 * folder that takes the place of the image's root and cannot be written to, but for {@code /tmp} and the bucket.
 */
class ImageIT {

    private static final Set<PosixFilePermission> ANYBODY = PosixFilePermissions.fromString("rwxrwxrwx");

    private final Dockerfile dockerfile = new Dockerfile();
    private Path folder;
    private Path root;
    private String topic;
    private String group;

    @BeforeEach
    void build() throws Exception {
        // Not JUnit's folder: another user must be able to look into this one.
        folder = Files.createTempDirectory("cistern-image-",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        root = folder.resolve("root");
        topic = TestKafka.topic("image", 2);
        group = "image-" + UUID.randomUUID();
        Path layers = Files.createDirectories(folder.resolve(inside(dockerfile.only("layers", "WORKDIR"))));
        Files.copy(PackagedCistern.JAR, layers.resolve("cistern.jar"));
        assertThat(run(layers, List.of("sh", "-c", dockerfile.only("layers", "RUN").replaceFirst("^java ", java() + " ")),
            Map.of())).isZero();
        for (String[] copy : dockerfile.copies(null, "layers")) {
            FileSystemUtils.copyRecursively(folder.resolve(inside(copy[0])), root.resolve(inside(copy[1])));
        }
        for (String[] copy : dockerfile.copies(null, null)) {
            Files.copy(Path.of(copy[0]), root.resolve(inside(copy[1])));
        }
        String archiving = dockerfile.stage(null).filter(instruction -> instruction.keyword().equals("RUN"))
            .map(Dockerfile.Instruction::text).filter(text -> text.contains("-XX:ArchiveClassesAtExit")).findFirst().orElseThrow();
        assertThat(run(folder, List.of("sh", "-c", placed(archiving).replaceFirst("^java ", java() + " ")), Map.of())).isZero();
        assertThat(root.resolve("opt/cistern/classes.jsa")).isRegularFile();
        Files.createDirectories(workingFolder());
        for (String writable : List.of("tmp", "archive")) {
            Files.setPosixFilePermissions(Files.createDirectories(root.resolve(writable)), ANYBODY);
        }
    }

    @AfterEach
    void delete() throws IOException {
        setWritable(true);
        FileSystemUtils.deleteRecursively(folder);
    }

    @Test
    void storesReloadsAndStopsAsAUserThatCanWriteNothingButItsTemporaryFolder() throws Exception {
        // Given routes, settings and a selector that are mounted, and options of Java
        Path routes = mounted("routes");
        FileSystemUtils.copyRecursively(Path.of("routes"), routes);
        Path steps = routes.resolve("storer-store.camel.yaml");
        Files.writeString(steps, Files.readString(steps).replace("\"Stored: file=", "\"Archived: file="));
        String events = TestKafka.topic("image.events", 1);
        Files.writeString(mounted("config").resolve("application.yaml"), "bss:\n  events-topic: of-nobody\n"
            + "  topics-config:\n    data-topics-mapping:\n      - ingestion: " + topic + "\n        bucket-folder: orders\n");
        // As docker/kubernetes/components/kafka-tls has it
        Files.writeString(mounted("config").resolve("application-kafka-tls.yaml"), "bss.events-topic: " + events + "\n");
        Files.writeString(mounted("selectors").resolve("second.jq"), ". == 2");
        for (String folder : List.of("routes", "config", "selectors")) {
            link(folder);
        }
        String target = TestKafka.topic("image.reingestion", 1);
        setWritable(false);
        Map<String, Long> before = files();
        assertThat(health(65000)).as("nothing runs there").isNotZero();

        int exitCode;
        String output;
        try (PackagedCistern cistern = start()) {
            publish("1", "2", "3");
            await().until(() -> {
                assertThat(cistern.isAlive()).as(cistern::output).isTrue();
                return health(cistern.port(), "readiness") == 0;
            });
            assertThat(health(cistern.port())).isZero();
            assertThatTopicsAreThoseOfTheManifests(cistern.port());
            await().until(() -> TestKafka.lag(group, topic) == 0);
            String id = cistern.call("/reingestion/topic", "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\"" + target
                + "\",\"customSelectorName\":\"second\"}").get("requestId").asText();
            await().until(() -> {
                JsonNode status = cistern.call("/status-service/" + id, null);
                return status.get("status").asText().equals("COMPLETE");
            });
            assertThat(TestKafka.records(target)).extracting(record -> new String(record.value(), UTF_8)).containsExactly("2");

            // When it is told to stop with records in memory
            publish("4");
            await().until(() -> cistern.metric("cistern_held_bytes") > 0);
            exitCode = cistern.stop();
            assertThat(health(cistern.port())).isNotZero();
            output = cistern.output();
        }

        // Then these are stored too, and nothing else was written
        assertThat(exitCode).as(output).isEqualTo(128 + 15);
        assertThat(TestKafka.lag(group, topic)).as(output).isZero();
        assertThat(output).contains("Archived: file=orders/").contains("Picked up JAVA_TOOL_OPTIONS")
            .contains("Picked up JDK_JAVA_OPTIONS");
        try (Stream<Path> stored = Files.list(root.resolve("archive/orders"))) {
            assertThat(stored).isNotEmpty().allMatch(file -> file.toString().endsWith(".txt.zst"));
        }
        assertThat(files()).isEqualTo(before);
    }

    /** The topics that a reloader makes where they are missing are those which the manifests would have made. */
    private void assertThatTopicsAreThoseOfTheManifests(int port) throws Exception {
        Map<String, String> made = new TreeMap<>();
        Map<String, String> wanted = new TreeMap<>();
        try (Admin admin = TestKafka.broker().admin()) {
            for (JsonNode manifest : Yaml.documents(Path.of("docker/kubernetes/strimzi/topics.yaml"))) {
                String name = manifest.at("/metadata/name").asText();
                if (name.matches("cistern\\.reload\\.(requests|progress|tasks|plans)")) {
                    String of = name.replace("cistern.reload", "reload-" + port);
                    Config config = admin.describeConfigs(List.of(new ConfigResource(ConfigResource.Type.TOPIC, of))).all().get()
                        .values().iterator().next();
                    int partitions = admin.describeTopics(List.of(of)).allTopicNames().get().get(of).partitions().size();
                    made.put(name, partitions + " " + config.entries().stream()
                        .filter(entry -> entry.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG)
                        .collect(Collectors.toMap(ConfigEntry::name, ConfigEntry::value, (one, other) -> one, TreeMap::new)));
                    Map<String, String> settings = new TreeMap<>();
                    manifest.at("/spec/config").properties()
                        .forEach(entry -> settings.put(entry.getKey(), entry.getValue().asText()));
                    wanted.put(name, manifest.at("/spec/partitions").asInt() + " " + settings);
                }
            }
        }
        assertThat(made).isEqualTo(wanted).hasSize(4);
    }

    /** The folder in which contents of a mount lie, as in a pod. */
    private Path mounted(String name) throws IOException {
        return Files.createDirectories(workingFolder().resolve(name).resolve("..2022_11_14_13_26_37.728"));
    }

    /** Makes the links by which a pod sees the files of a config map: they lead to one which leads to their folder. */
    private void link(String name) throws IOException {
        Path mount = workingFolder().resolve(name);
        Path contents = mounted(name);
        Files.createSymbolicLink(mount.resolve("..data"), contents.getFileName());
        try (Stream<Path> files = Files.list(contents)) {
            for (Path file : files.toList()) {
                Files.createSymbolicLink(mount.resolve(file.getFileName()), Path.of("..data").resolve(file.getFileName()));
            }
        }
    }

    private PackagedCistern start() {
        Map<String, String> settings = new HashMap<>(Map.of("KAFKA_GROUP_ID", group, "BSS_CACHE_UPLOAD_TIMEOUT", "2s",
            "BUCKET_TYPE", "file", "BUCKET_NAME", root.resolve("archive").toString(), "BSS_HTTP_AUTHENTICATION", "none",
            "CONFIGURATIONS_PATH", workingFolder().toString(), "SPRING_PROFILES_ACTIVE", "kafka-tls",
            "JAVA_TOOL_OPTIONS", "-Dbss.compression=zstd -Djava.io.tmpdir=" + root.resolve("tmp")));
        dockerfile.environment().forEach((name, value) -> settings.put(name, placed(value)));
        List<String> command = Dockerfile.command(dockerfile.only(null, "ENTRYPOINT")).stream().map(this::placed).toList();
        return new PackagedCistern(workingFolder(), folder.resolve("output.log"), asItsUser(command), settings);
    }

    private int health(int port, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(Dockerfile.command(dockerfile.only(null, "HEALTHCHECK")).stream()
            .map(this::placed).toList());
        command.addAll(List.of(arguments));
        return run(workingFolder(), asItsUser(command), Map.of("HTTP_PORT", String.valueOf(port)));
    }

    /** As the Dockerfile's user, if this process may be another one; else as the one that it is, if that is not root. */
    private List<String> asItsUser(List<String> command) {
        if (!System.getProperty("user.name").equals("root")) {
            return command;
        }
        String[] user = dockerfile.only(null, "USER").split(":");
        List<String> all = new ArrayList<>(List.of("setpriv", "--reuid", user[0], "--regid", user[1], "--clear-groups",
            "--no-new-privs"));
        all.addAll(command);
        return all;
    }

    private int run(Path work, List<String> command, Map<String, String> environment) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(command).directory(work.toFile()).redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("commands.log").toFile()));
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        return process.exitValue();
    }

    /** A word of a command, its paths of the image put into the folder. */
    private String placed(String word) {
        return word.equals("java") ? java() : word.replaceAll("(?<=^|=| )/(?=opt/|tmp/|archive|cistern)", root + "/");
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    private Path workingFolder() {
        return root.resolve(inside(dockerfile.only(null, "WORKDIR")));
    }

    private static String inside(String absolute) {
        return absolute.substring(1);
    }

    private void setWritable(boolean writable) throws IOException {
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path path : paths.filter(path -> !isWritten(path)).toList()) {
                Set<PosixFilePermission> permissions = new HashSet<>(Files.getPosixFilePermissions(path));
                permissions.removeAll(PosixFilePermissions.fromString("-w--w--w-"));
                if (writable) {
                    permissions.add(PosixFilePermission.OWNER_WRITE);
                }
                Files.setPosixFilePermissions(path, permissions);
            }
        }
    }

    private boolean isWritten(Path path) {
        return path.startsWith(root.resolve("tmp")) || path.startsWith(root.resolve("archive"));
    }

    /** All that is in the image beside what may be written to, and when it was. */
    private Map<String, Long> files() throws IOException {
        Map<String, Long> files = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path path : paths.filter(path -> !isWritten(path) && !path.equals(root)).toList()) {
                files.put(path.toString(), Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS).toMillis());
            }
        }
        return files;
    }

    private void publish(String... values) {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (String value : values) {
                producer.send(new ProducerRecord<>(topic, value.getBytes(UTF_8), value.getBytes(UTF_8)));
            }
        }
    }
}
