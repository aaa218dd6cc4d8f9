package io.cistern;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** A wrong {@code application.yaml} is one line with file, line and column. */
class LocatedYamlLoaderTest {

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "bss:~  roles: storer~ retries: 3~ | 3 | 2 | expected <block end>, but found '<block mapping start>'",
        "bss:~  roles: storer~kafka:~  password: hunter2~bss:~  retries: 3~ | 5 | 1 | found duplicate key bss",
        "bss:~  roles: [storer~kafka:~  group-id: g~ | 3 | 6 | expected ',' or ']', but got :",
        "bss:~\troles: storer~ | 2 | 1 | found character '\\t(TAB)' that cannot start any token. (Do not use \\t(TAB) for indentation)",
        "bss:~  password: \"hunter2~ | 3 | 1 | found unexpected end of stream"})
    void namesFileLineAndColumn(String yaml, int line, int column, String problem) throws IOException {
        Path file = Files.writeString(folder.resolve("application.yaml"), yaml.replace('~', '\n'));
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream stdout = System.out;
        try {
            assertThat(CheckCommand.run(Map.of(), new String[] {"--check", "--spring.config.location=" + folder + "/"},
                new PrintStream(new ByteArrayOutputStream()), new PrintStream(err))).isEqualTo(CheckCommand.WRONG);
        } finally {
            System.setOut(stdout);
        }
        assertThat(err.toString(UTF_8)).contains("Not checked: " + file + ", line " + line + ", column " + column + ": " + problem
            + "\n").doesNotContain("\tat ").doesNotContain("hunter2");
    }

    @Test
    void loadsAFileOnceAndAsSpringBootDoes() throws IOException {
        Files.writeString(folder.resolve("application.yaml"), "a: 1\n---\nspring.config.activate.on-profile: other\na: 2\n");
        SpringApplication application = new SpringApplicationBuilder(Map.class).web(WebApplicationType.NONE).build();
        try (ConfigurableApplicationContext context = application.run("--spring.config.location=" + folder + "/")) {
            assertThat(context.getEnvironment().getProperty("a")).isEqualTo("1");
            assertThat(context.getEnvironment().getPropertySources().stream().map(source -> source.getName())
                .filter(name -> name.contains(folder.toString()))).hasSize(1);
        }
    }
}
