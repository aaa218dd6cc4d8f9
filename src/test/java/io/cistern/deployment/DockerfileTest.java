package io.cistern.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.testing.Dockerfile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What can be said of the image's recipe without building it. */
class DockerfileTest {

    private final Dockerfile dockerfile = new Dockerfile();

    @Test
    void eachImageThatItBeginsWithIsPinnedByItsVersion() {
        assertThat(dockerfile.bases()).allSatisfy(base -> assertThat(
            base.equals("scratch") || dockerfile.names().contains(base) || ImageNames.isPinned(base)).as(base).isTrue());
    }

    @Test
    void runsOnAJavaWithoutACompiler() {
        assertThat(dockerfile.bases().get(dockerfile.bases().size() - 1)).contains("-jre");
    }

    @Test
    void runsAsAUserThatIsNotRootAndIsANumber() {
        assertThat(dockerfile.only(null, "USER")).matches("[1-9]\\d{3,}:[1-9]\\d{3,}");
        // Behind it nothing is installed any more, nor is another user set.
        List<String> keywords = dockerfile.stage(null).map(Dockerfile.Instruction::keyword).toList();
        assertThat(keywords.subList(keywords.indexOf("USER"), keywords.size())).doesNotContain("RUN", "COPY", "ADD");
    }

    @Test
    void startsJavaItselfSoThatItIsTheOneWhichIsToldToStop() {
        assertThat(Dockerfile.command(dockerfile.only(null, "ENTRYPOINT"))).startsWith("java");
        assertThat(dockerfile.only(null, "STOPSIGNAL")).isEqualTo("SIGTERM");
        assertThat(Dockerfile.command(dockerfile.only(null, "HEALTHCHECK"))).isNotEmpty();
    }

    @Test
    void leavesTheOptionsOfJavaToWhoeverRunsIt() {
        assertThat(dockerfile.environment()).doesNotContainKeys("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS");
        // Java does not start with two.
        assertThat(dockerfile.environment().get("JDK_JAVA_OPTIONS")).as("collector").doesNotContainPattern("\\+Use\\w+GC\\b");
    }

    @Test
    void takesOnlyWhatIsThereAndIsNotIgnored() throws IOException {
        List<String> admitted = Files.readAllLines(Path.of(".dockerignore")).stream()
            .filter(line -> line.startsWith("!")).map(line -> line.substring(1)).toList();

        List<String> sources = Stream.of("maven", "built", null).flatMap(stage -> dockerfile.copies(stage, null).stream())
            .map(copy -> copy[0]).toList();

        assertThat(sources).contains("pom.xml", "application.yaml", "routes", "src/main", "target/cistern.jar")
            .allSatisfy(source -> assertThat(admitted).contains(source))
            .filteredOn(source -> !source.startsWith("target/")).allSatisfy(source -> assertThat(Path.of(source)).exists());
    }
}
