package io.cistern.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is given to Camel K. */
class IntegrationTest {

    private static final Path FILE = Path.of("docker", "camel-k", "integrations.yaml");

    @TempDir
    private Path folder;

    @Test
    void isWhatCamelKDefinesAsAnIntegration() {
        assertThat(Yaml.documents(FILE)).extracting(integration -> integration.at("/metadata/name").asText())
            .containsExactly("cistern-storer", "cistern-reloader");
        assertThat(Yaml.documents(FILE)).allSatisfy(integration -> {
            assertThat(Kinds.problems(integration)).isEmpty();
            assertThat(ImageNames.isPinned(integration.at("/spec/traits/container/image").asText())).isTrue();
        });
    }

    @Test
    void hasTheSameEnvironmentAndProbesAsTheDeployment() {
        for (JsonNode integration : Yaml.documents(FILE)) {
            JsonNode deployment = Yaml.documents(Path.of("docker/kubernetes/base",
                integration.at("/metadata/name").asText().replace("cistern-", "") + ".yaml")).get(0);
            JsonNode container = deployment.at("/spec/template/spec/containers/0");

            assertThat(integration.at("/spec/template/spec/containers/0/envFrom").findValuesAsText("name"))
                .isEqualTo(container.get("envFrom").findValuesAsText("name"));
            assertThat(texts(integration.at("/spec/traits/environment/vars")))
                .contains("BSS_ROLES=" + container.at("/env/0/value").asText());
            for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
                assertThat(integration.at("/spec/traits/health/" + probe)).isEqualTo(container.at("/" + probe + "/httpGet/path"));
            }
        }
    }

    @Test
    void whatItMountsIsMadeByTheScript() throws Exception {
        // Given a kubectl that writes down what it is told
        Path calls = folder.resolve("calls");
        Path kubectl = folder.resolve("kubectl");
        Files.writeString(kubectl, "#!/bin/sh\necho \"$@\" >> " + calls + "\n");
        assertThat(kubectl.toFile().setExecutable(true)).isTrue();
        Path path = Path.of("docker/camel-k/config.sh").toAbsolutePath();
        ProcessBuilder script = new ProcessBuilder("bash", path.toString(), "archive")
            .directory(folder.toFile()).redirectErrorStream(true).redirectOutput(folder.resolve("output").toFile());
        script.environment().merge("PATH", folder.toString(), (paths, first) -> first + ":" + paths);

        Process process = script.start();
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }

        assertThat(process.exitValue()).as(Files.readString(folder.resolve("output"))).isZero();
        List<String> made = Files.readAllLines(calls).stream().filter(call -> call.startsWith("create configmap ")).toList();
        for (JsonNode integration : Yaml.documents(FILE)) {
            for (String mounted : texts(integration.at("/spec/traits/mount/resources"))) {
                String name = mounted.replaceFirst("configmap:([^@]+)@.*", "$1");
                assertThat(made).anyMatch(call -> call.startsWith("create configmap " + name + " "));
            }
        }
        assertThat(made).flatExtracting(call -> List.of(call.split(" "))).filteredOn(word -> word.startsWith("--from-"))
            .allSatisfy(word -> assertThat(Path.of(word.replaceFirst(".*=", ""))).exists());
        assertThat(Files.readAllLines(calls)).filteredOn(call -> call.contains("apply"))
            .hasSameSizeAs(made).allMatch(call -> call.startsWith("--namespace archive apply "));
    }

    private static List<String> texts(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asText).toList();
    }
}
