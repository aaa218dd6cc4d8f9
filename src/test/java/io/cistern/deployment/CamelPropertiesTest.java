package io.cistern.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.testing.ApplicationYaml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * {@code application.yaml} in the words of Camel Main, which reads properties and asks the environment by {@code {{env:…}}}.
 * The file is made by this test: run it with {@code -Dcamel-properties.write=true} when application.yaml has changed.
 */
class CamelPropertiesTest {

    private static final Path FILE = Path.of("docker", "camel-k", "application.properties");
    /** Names of variables are in capitals, those of keys are not. */
    private static final Pattern VARIABLE =
        Pattern.compile("\\$\\{([A-Z][A-Z0-9_]*:[^${}]*(?:\\{\\{[^{}]*}}[^${}]*)*)}");
    private static final Pattern KEY = Pattern.compile("\\$\\{([a-z][a-z0-9.-]*)}");
    private static final String HEAD = """
        # application.yaml for Camel Main, Camel JBang: what each key means is said there, and what its environment variable is.
        # This file is made from it: mvn test -Dtest=CamelPropertiesTest -Dcamel-properties.write=true

        camel.main.name=cistern
        camel.main.streamCachingEnabled=false
        camel.main.shutdownTimeout={{env:SHUTDOWN_TIMEOUT_SECONDS:25}}
        camel.main.shutdownLogInflightExchangesOnTimeout=false
        camel.server.enabled=true
        camel.server.port={{env:HTTP_PORT:3000}}
        camel.health.enabled=true

        """;

    @Test
    void holdsEachKeyOfApplicationYaml() throws IOException {
        String made = HEAD + ApplicationYaml.keys().stream().filter(key -> key.matches("(bss|kafka|camel\\.component)\\..*"))
            .map(key -> key + "=" + inWordsOfCamel(key)).collect(Collectors.joining("\n", "", "\n"));
        if (Boolean.getBoolean("camel-properties.write")) {
            Files.writeString(FILE, made);
        }

        assertThat(FILE).hasContent(made);
    }

    private static String inWordsOfCamel(String key) {
        if (key.equals("bss.reload.schedule.request")) {
            // JSON, in which nothing is looked for: set it here.
            return "";
        }
        String value = ApplicationYaml.written(key);
        for (String before = ""; !before.equals(value);) {
            before = value;
            // What is inside of another one comes first.
            value = VARIABLE.matcher(value).replaceAll("{{env:$1}}");
            value = KEY.matcher(value).replaceAll("{{$1}}");
        }
        assertThat(value).doesNotContain("${");
        return value;
    }
}
