package io.cistern.observability;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.CisternApplication;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a process logs, as text and as JSON; it is set up wrong here, which it logs at once. */
class LogsTest {

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"ecs, log.level, @timestamp", "logstash, level, @timestamp", "gelf, _level_name, timestamp"})
    void eachLineIsAJsonObjectIfThatIsAskedFor(String format, String level, String time) throws Exception {
        List<String> lines = lines("LOG_FORMAT", format);

        assertThat(lines).isNotEmpty();
        boolean isTold = false;
        for (String line : lines) {
            JsonNode json = new ObjectMapper().readTree(line);
            assertThat(json.isObject()).as(line).isTrue();
            assertThat(field(json, level).asText()).as(line).isNotEmpty();
            assertThat(json.path(time).asText()).as(line).isNotEmpty();
            isTold |= line.contains("KAFKA_BROKERS): is required");
        }
        assertThat(isTold).isTrue();
    }

    /** ECS has objects in objects, or dots in names. */
    private static JsonNode field(JsonNode json, String name) {
        return json.has(name) ? json.get(name) : json.at("/" + name.replace('.', '/'));
    }

    @Test
    void otherwiseItIsText() throws Exception {
        assertThat(lines("LOG_FORMAT", "")).noneMatch(line -> line.startsWith("{"))
            .anyMatch(line -> line.contains("KAFKA_BROKERS): is required"));
    }

    private List<String> lines(String name, String value) throws IOException, InterruptedException {
        // The tests' own logging is left behind.
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.endsWith("test-classes")).collect(Collectors.joining(File.pathSeparator));
        Path output = folder.resolve("output.log");
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1", "-cp", classPath, CisternApplication.class.getName())
            .directory(folder.toFile()).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().clear();
        builder.environment().put(name, value);
        Process process = builder.start();
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        return Files.readAllLines(output);
    }
}
