package io.cistern.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.ApplicationYaml;
import io.cistern.testing.Dockerfile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.FileSystemUtils;

/** The manifests for Kubernetes: as files, and as Kustomize puts them together where there is a {@code kubectl} that has it. */
class ManifestsTest {

    private static final Path FOLDER = Path.of("docker", "kubernetes");
    private static final Path ROUTES = Path.of("routes", "kustomization.yaml");
    private static final Set<String> KUSTOMIZATION = Set.of("apiVersion", "kind", "namespace", "resources", "components",
        "configMapGenerator", "patches", "labels", "images");

    @TempDir
    private Path folder;

    @Test
    void eachResourceIsWhatItsKindMayBe() throws IOException {
        assertThat(resources()).hasSizeGreaterThan(20)
            .allSatisfy(resource -> assertThat(Kinds.problems(resource)).isEmpty());
    }

    @Test
    void kustomizationsNameWhatIsThereAndNothingLiesAroundUnnamed() throws IOException {
        Set<Path> named = new HashSet<>();
        for (Path file : kustomizations()) {
            JsonNode kustomization = Yaml.documents(file).get(0);
            kustomization.fieldNames().forEachRemaining(field -> assertThat(KUSTOMIZATION).as(file.toString()).contains(field));
            for (Path path : files(kustomization, file.getParent())) {
                assertThat(path).as(file.toString()).exists();
                if (Files.isDirectory(path)) {
                    assertThat(path.resolve("kustomization.yaml")).as(file.toString()).exists();
                } else {
                    // Kustomize refuses files of other folders.
                    assertThat(path).as(file.toString()).startsWith(file.getParent());
                }
                named.add(path);
            }
        }
        try (Stream<Path> files = Files.walk(FOLDER)) {
            assertThat(files.filter(Files::isRegularFile).filter(file -> !file.endsWith("kustomization.yaml"))
                .filter(file -> !named.contains(file))).isEmpty();
        }
    }

    @Test
    void theConfigMapsOfRoutesHoldEachRoute() throws IOException {
        JsonNode generators = Yaml.documents(ROUTES).get(0).get("configMapGenerator");
        try (Stream<Path> routes = Files.walk(Path.of("routes"))) {
            assertThat(generators.findValues("files").stream().flatMap(files -> texts(files).stream()))
                .extracting(Path.of("routes")::resolve).containsExactlyInAnyOrderElementsOf(routes.filter(path -> path.toString().endsWith(".camel.yaml")).toList());
        }
        // And the component mounts those of buckets in their folder.
        JsonNode patch = Yaml.documents(Yaml.documents(FOLDER.resolve("components/routes/kustomization.yaml")).get(0)
            .at("/patches/0/patch").asText()).get(0);
        assertThat(patch.at("/spec/template/spec/volumes/0/projected/sources/1/configMap/items").findValuesAsText("path"))
            .containsExactlyInAnyOrderElementsOf(texts(generators.at("/1/files")));
    }

    @Test
    void settingsAreThoseThatThereAre() throws IOException {
        Set<String> names = new TreeSet<>();
        for (Path file : kustomizations()) {
            for (JsonNode generator : Yaml.documents(file).get(0).path("configMapGenerator")) {
                texts(generator.path("literals")).forEach(literal -> names.add(literal.split("=")[0]));
                for (String env : texts(generator.path("envs"))) {
                    Files.readAllLines(file.resolveSibling(env)).stream().filter(line -> !line.startsWith("#"))
                        .forEach(line -> names.add(line.split("=")[0]));
                }
            }
        }
        names.remove("SPRING_PROFILES_ACTIVE");
        assertThat(names).contains("KAFKA_BROKERS").allSatisfy(name -> assertThat(SettingNames.known()).contains(name));
    }

    @ParameterizedTest
    @ValueSource(strings = {"parallel", "sequential"})
    void mappedTopicsAreThoseThatAreMade(String overlay) throws IOException {
        JsonNode mappings = Yaml.documents(FOLDER.resolve("overlays").resolve(overlay).resolve("application.yaml")).get(0)
            .at("/bss/topics-config/data-topics-mapping");
        Set<String> made = resources().stream().filter(resource -> resource.get("kind").asText().equals("KafkaTopic"))
            .map(resource -> resource.at("/metadata/name").asText()).collect(Collectors.toSet());

        assertThat(mappings.findValuesAsText("ingestion")).isNotEmpty().allSatisfy(topic -> assertThat(made).contains(topic));
        List<JsonNode> postIngestion = mappings.findValues("post-ingestion");
        assertThat(postIngestion).hasSize(overlay.equals("sequential") ? mappings.size() : 0);
        assertThat(postIngestion.stream().flatMap(topics -> texts(topics).stream()))
            .allSatisfy(topic -> assertThat(made).contains(topic));
    }

    @Test
    void podsHaveNoRightThatTheyDoNotNeed() throws IOException {
        String user = new Dockerfile().only(null, "USER").split(":")[0];
        assertThat(deployments()).hasSizeGreaterThanOrEqualTo(4).allSatisfy(deployment -> {
            JsonNode pod = deployment.at("/spec/template/spec");
            assertThat(pod.at("/securityContext/runAsNonRoot").asBoolean()).isTrue();
            assertThat(pod.at("/securityContext/seccompProfile/type").asText()).isEqualTo("RuntimeDefault");
            for (JsonNode container : pod.get("containers")) {
                JsonNode rights = container.get("securityContext");
                assertThat(rights.get("readOnlyRootFilesystem").asBoolean()).isTrue();
                assertThat(rights.get("allowPrivilegeEscalation").asBoolean(true)).isFalse();
                assertThat(rights.at("/capabilities/drop/0").asText()).isEqualTo("ALL");
                assertThat(container.at("/resources/limits/memory").asText()).isNotEmpty();
                assertThat(container.at("/resources/requests/cpu").asText()).isNotEmpty();
            }
        });
        assertThat(cistern()).hasSize(2).allSatisfy(deployment -> {
            JsonNode pod = deployment.at("/spec/template/spec");
            assertThat(pod.at("/securityContext/runAsUser").asText()).isEqualTo(user);
            for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
                assertThat(pod.at("/containers/0/" + probe + "/httpGet/path").asText()).startsWith("/actuator/health/");
            }
            assertThat(pod.at("/terminationGracePeriodSeconds").asInt()).isGreaterThan(
                Integer.parseInt(ApplicationYaml.lookup(Map.of()).apply("camel.main.shutdown-timeout"))
                    + pod.at("/containers/0/lifecycle/preStop/exec/command/1").asInt());
        });
    }

    @Test
    void secretsAreNamedAndNeverWritten() throws IOException {
        assertThat(resources()).extracting(resource -> resource.get("kind").asText()).doesNotContain("Secret");
        assertThat(Files.readString(FOLDER.resolve("base/settings.env")))
            .doesNotContainPattern("(?m)^\\w*(PASSWORD|KEY|TOKEN)\\w*=");
        assertThat(cistern()).allSatisfy(deployment ->
            assertThat(deployment.at("/spec/template/spec/containers/0").findValues("secretRef")).hasSizeGreaterThanOrEqualTo(3));
    }

    @Test
    void whatSelectsPodsFindsThem() throws IOException {
        List<JsonNode> pods = deployments().stream().map(deployment -> deployment.at("/spec/template/metadata/labels")).toList();
        List<JsonNode> selectors = new ArrayList<>();
        for (JsonNode resource : resources()) {
            JsonNode spec = resource.path("spec");
            switch (resource.get("kind").asText()) {
                case "Deployment", "PodDisruptionBudget" -> selectors.add(spec.at("/selector/matchLabels"));
                case "Service" -> selectors.add(spec.get("selector"));
                case "NetworkPolicy" -> selectors.add(spec.at("/podSelector/matchLabels"));
                case "ScaledObject" -> assertThat(cistern()).extracting(deployment -> deployment.at("/metadata/name"))
                    .contains(spec.at("/scaleTargetRef/name"));
                default -> {
                }
            }
        }
        assertThat(selectors).hasSizeGreaterThan(8).allSatisfy(selector -> assertThat(pods).anyMatch(labels -> selector.size() > 0
            && selector.properties().stream().allMatch(label -> label.getValue().equals(labels.get(label.getKey())))));
    }

    @Test
    void theScriptMakesTheSameTopicsAsStrimzi() throws Exception {
        // Given a command that writes down what it is told
        Path calls = folder.resolve("calls");
        Path command = folder.resolve("kafka-topics.sh");
        Files.writeString(command, "#!/bin/sh\necho \"$@\" >> " + calls + "\n");
        assertThat(command.toFile().setExecutable(true)).isTrue();
        ProcessBuilder script = new ProcessBuilder("bash", Path.of("docker/topics.sh").toAbsolutePath().toString(),
            "--bootstrap-server", "kafka:9092").redirectErrorStream(true).redirectOutput(folder.resolve("output").toFile());
        script.environment().merge("PATH", folder.toString(), (path, first) -> first + ":" + path);

        assertThat(exitCode(script)).as(Files.readString(folder.resolve("output"))).isZero();

        Map<String, String> made = new HashMap<>();
        for (String call : Files.readAllLines(calls)) {
            assertThat(call).startsWith("--bootstrap-server kafka:9092 --create --if-not-exists ");
            made.put(word(call, "--topic"), word(call, "--partitions") + " " + word(call, "--replication-factor") + " "
                + Stream.of(call.split(" ")).filter(word -> word.contains("=")).collect(Collectors.toCollection(TreeSet::new)));
        }
        Map<String, String> strimzi = new HashMap<>();
        resources().stream().filter(resource -> resource.get("kind").asText().equals("KafkaTopic")).forEach(topic -> {
            Set<String> config = new TreeSet<>();
            topic.at("/spec/config").properties().forEach(entry -> config.add(entry.getKey() + "=" + entry.getValue().asText()));
            strimzi.put(topic.at("/metadata/name").asText(),
                topic.at("/spec/partitions") + " " + topic.at("/spec/replicas") + " " + config);
        });
        assertThat(made).isEqualTo(strimzi).hasSizeGreaterThan(10);
    }

    @ParameterizedTest
    @ValueSource(strings = {"parallel", "sequential"})
    void kustomizePutsAnOverlayTogetherWithEachComponent(String overlay) throws Exception {
        Assumptions.assumeTrue(kustomize(Path.of("docker/kubernetes/strimzi")) != null,
            "Needs kubectl with Kustomize 5 on the PATH: overlays are checked as files only");
        List<JsonNode> plain = Yaml.documents(kustomize(FOLDER.resolve("overlays").resolve(overlay)));
        // The same, and all that is optional
        Path copy = folder.resolve("docker/kubernetes");
        FileSystemUtils.copyRecursively(FOLDER, copy);
        FileSystemUtils.copyRecursively(Path.of("routes"), folder.resolve("routes"));
        Path file = copy.resolve("overlays").resolve(overlay).resolve("kustomization.yaml");
        Files.writeString(file, Files.readString(file).replace("# - ../../components/", "- ../../components/"));
        List<JsonNode> whole = Yaml.documents(kustomize(file.getParent()));

        assertThat(whole).hasSizeGreaterThan(plain.size() + 3);
        assertThat(Stream.concat(plain.stream(), whole.stream())).allSatisfy(resource -> {
            assertThat(Kinds.problems(resource)).isEmpty();
            assertThat(resource.at("/metadata/namespace").asText()).isEqualTo("cistern");
        });
        // Names of config maps have hashes, and what refers to them has the same
        Set<String> maps = whole.stream().filter(resource -> resource.get("kind").asText().equals("ConfigMap"))
            .map(resource -> resource.at("/metadata/name").asText()).collect(Collectors.toSet());
        assertThat(whole.stream().filter(resource -> resource.get("kind").asText().equals("Deployment"))
            .flatMap(resource -> Stream.of("configMap", "configMapRef").flatMap(kind -> resource.findValues(kind).stream()))
            .map(reference -> reference.get("name").asText())).hasSizeGreaterThan(8)
            .allSatisfy(name -> assertThat(maps).contains(name));
        Map<String, JsonNode> deployments = plain.stream().filter(resource -> resource.get("kind").asText().equals("Deployment"))
            .collect(Collectors.toMap(resource -> resource.at("/metadata/name").asText(), resource -> resource));
        assertThat(deployments).containsKeys("cistern-storer", "cistern-reloader");
        assertThat(deployments.values()).allSatisfy(deployment ->
            assertThat(ImageNames.isPinned(deployment.at("/spec/template/spec/containers/0/image").asText())).isTrue());
        JsonNode settings = plain.stream()
            .filter(resource -> resource.at("/metadata/name").asText().startsWith("cistern-settings-")).findFirst().orElseThrow();
        assertThat(settings.at("/data/BSS_ENABLE_POST_INGESTION").asBoolean()).isEqualTo(overlay.equals("sequential"));
        if (overlay.equals("parallel")) {
            assertThat(deployments.get("orders-replay").at("/spec/replicas").asInt(-1)).isZero();
        } else {
            assertThat(deployments.get("orders-downstream").at("/spec/replicas").asInt()).isPositive();
        }
    }

    /** What {@code kubectl kustomize} makes of a folder; null if there is no kubectl, or one with an older Kustomize. */
    private String kustomize(Path of) throws Exception {
        Path output = folder.resolve("kustomized");
        Path errors = folder.resolve("kustomize-errors");
        try {
            ProcessBuilder version = new ProcessBuilder("kubectl", "version", "--client").redirectOutput(output.toFile())
                .redirectError(errors.toFile());
            if (exitCode(version) != 0 || !Files.readString(output).matches("(?s).*Kustomize Version: v[5-9].*")) {
                return null;
            }
        } catch (IOException e) {
            return null;
        }
        ProcessBuilder command = new ProcessBuilder("kubectl", "kustomize", of.toString()).redirectOutput(output.toFile())
            .redirectError(errors.toFile());
        assertThat(exitCode(command)).as(of + ": " + Files.readString(errors, StandardCharsets.UTF_8)).isZero();
        return Files.readString(output);
    }

    private static int exitCode(ProcessBuilder builder) throws IOException, InterruptedException {
        Process process = builder.start();
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        return process.exitValue();
    }

    private static String word(String call, String behind) {
        return call.replaceFirst(".* " + behind + " (\\S+).*", "$1");
    }

    private static List<JsonNode> deployments() throws IOException {
        return resources().stream().filter(resource -> resource.get("kind").asText().equals("Deployment")).toList();
    }

    private static List<JsonNode> cistern() throws IOException {
        return deployments().stream()
            .filter(deployment -> deployment.at("/metadata/name").asText().startsWith("cistern-")).toList();
    }

    /** All that lies in files which a kustomization names as resources. */
    private static List<JsonNode> resources() throws IOException {
        List<JsonNode> resources = new ArrayList<>();
        for (Path file : kustomizations()) {
            texts(Yaml.documents(file).get(0).path("resources")).stream().map(file.getParent()::resolve)
                .filter(Files::isRegularFile).forEach(path -> resources.addAll(Yaml.documents(path)));
        }
        return resources;
    }

    private static List<Path> kustomizations() throws IOException {
        try (Stream<Path> files = Files.walk(FOLDER)) {
            return Stream.concat(files.filter(file -> file.endsWith("kustomization.yaml")), Stream.of(ROUTES)).sorted().toList();
        }
    }

    private static List<Path> files(JsonNode kustomization, Path folder) {
        List<String> names = new ArrayList<>(texts(kustomization.path("resources")));
        names.addAll(texts(kustomization.path("components")));
        for (JsonNode generator : kustomization.path("configMapGenerator")) {
            names.addAll(texts(generator.path("files")));
            names.addAll(texts(generator.path("envs")));
        }
        return names.stream().map(name -> folder.resolve(name).normalize()).toList();
    }

    private static List<String> texts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asText).toList();
    }
}
