package io.cistern.deployment;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.PackagedCistern;
import io.cistern.testing.TestKafka;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
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
        FileSystemUtils.copyRecursively(Path.of("routes"), workingFolder().resolve("routes"));
        Path steps = workingFolder().resolve("routes/storer-store.camel.yaml");
        Files.writeString(steps, Files.readString(steps).replace("\"Stored: file=", "\"Archived: file="));
        String events = TestKafka.topic("image.events", 1);
        Files.createDirectory(workingFolder().resolve("config"));
        Files.writeString(workingFolder().resolve("config/application.yaml"), "bss:\n  events-topic: " + events
            + "\n  topics-config:\n    data-topics-mapping:\n      - ingestion: " + topic + "\n        bucket-folder: orders\n");
        Files.createDirectory(workingFolder().resolve("selectors"));
        Files.writeString(workingFolder().resolve("selectors/second.jq"), ". == 2");
        String target = TestKafka.topic("image.reingestion", 1);
        setWritable(false);
        Map<String, Long> before = files();
        assertThat(health(65000)).as("nothing runs there").isNotZero();

        int exitCode;
        String output;
        try (PackagedCistern cistern = start()) {
            publish("1", "2", "3");
            await().atMost(Duration.ofSeconds(90)).until(() -> {
                assertThat(cistern.isAlive()).as(cistern::output).isTrue();
                return health(cistern.port(), "readiness") == 0;
            });
            assertThat(health(cistern.port())).isZero();
            await().atMost(Duration.ofSeconds(30)).until(() -> TestKafka.lag(group, topic) == 0);
            String id = cistern.call("/reingestion/topic", "{\"topic\":\"" + topic + "\",\"reIngestionTopic\":\"" + target
                + "\",\"customSelectorName\":\"second\"}").get("requestId").asText();
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                JsonNode status = cistern.call("/status-service/" + id, null);
                return status.get("status").asText().equals("COMPLETE");
            });
            assertThat(TestKafka.records(target)).extracting(record -> new String(record.value(), UTF_8)).containsExactly("2");

            // When it is told to stop with records in memory
            publish("4");
            await().atMost(Duration.ofSeconds(10)).until(() -> cistern.metric("cistern_held_bytes") > 0);
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

    private PackagedCistern start() {
        Map<String, String> settings = new HashMap<>(Map.of("KAFKA_GROUP_ID", group, "BSS_CACHE_UPLOAD_TIMEOUT", "2s",
            "BUCKET_TYPE", "file", "BUCKET_NAME", root.resolve("archive").toString(), "BSS_HTTP_AUTHENTICATION", "none",
            "CONFIGURATIONS_PATH", workingFolder().toString(),
            "JAVA_TOOL_OPTIONS", "-Dbss.compression=zstd -Djava.io.tmpdir=" + root.resolve("tmp")));
        dockerfile.environment().forEach((name, value) -> settings.put(name, placed(value)));
        List<String> command = asItsUser(Dockerfile.command(dockerfile.only(null, "ENTRYPOINT")).stream().map(this::placed).toList());
        return new PackagedCistern(workingFolder(), folder.resolve("output.log"), command, settings);
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
        return word.equals("java") ? java() : word.replaceAll("(?<=^|=)/(?=opt/|tmp/|archive|cistern)", root + "/");
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
