package io.cistern.settings;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Arguments that the process takes, and those that it refuses. */
class CommandLineTest {

    @Test
    void takesOptionsAndProperties() {
        assertThat(CommandLine.problems()).isEmpty();
        assertThat(CommandLine.problems("--check", "--write", "--format=json")).isEmpty();
        assertThat(CommandLine.problems("--audit=orders", "--deep", "--format=table")).isEmpty();
        assertThat(CommandLine.problems("--audit", "--deep=true")).isEmpty();
        assertThat(CommandLine.problems("--server.port=3001", "--bss.roles=storer", "--HTTP_PORT=1", "--debug",
            "--bss.topics-config.data-topics-mapping[0].ingestion=orders", "--spring.config.location=")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "--chek, --check",
        "-check, --check",
        "check, --check",
        "--Check, --check",
        "--adit=orders, --audit",
        "--fromat=json, --format",
        "--wirte, --write"})
    void namesTheNearestOption(String arg, String nearest) {
        assertThat(CommandLine.problems(arg)).singleElement().asString()
            .startsWith(arg.replaceAll("=.*", "") + ": unknown option, the nearest known one is " + nearest + ";");
    }

    @Test
    void refusesOptionsThatWouldDoNothing() {
        assertThat(CommandLine.problems("--write")).containsExactly("--write: is an option of --check only");
        assertThat(CommandLine.problems("--check", "--deep")).containsExactly("--deep: is an option of --audit only");
        assertThat(CommandLine.problems("--format=json")).containsExactly("--format: is an option of --audit and --check only");
        assertThat(CommandLine.problems("--check=true")).containsExactly("--check: takes no value");
        assertThat(CommandLine.problems("--check", "--write=true")).containsExactly("--write: takes no value");
    }

    @Test
    void showsNoValueOfAnUnknownOption() {
        assertThat(CommandLine.problems("--password=hunter2")).singleElement().asString().doesNotContain("hunter2");
    }
}
