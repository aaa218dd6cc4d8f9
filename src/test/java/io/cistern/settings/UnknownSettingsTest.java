package io.cistern.settings;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.testing.ApplicationYaml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.core.io.FileSystemResource;

/** Misspelt keys and environment variables, and names that only look like them. */
class UnknownSettingsTest {

    private static final String MAPPING = "bss.topics-config.data-topics-mapping";

    @ParameterizedTest
    @CsvSource({
        "BSS_MAX_BYTE_PER_FILE, BSS_MAX_BYTES_PER_FILE",
        "BSS_CACHE_UPLOAD_TIMOUT, BSS_CACHE_UPLOAD_TIMEOUT",
        "KAFKA_BROKER, KAFKA_BROKERS",
        "BUCKET_TYP, BUCKET_TYPE",
        "S3_KEYID, S3_KEY_ID",
        "BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_INGESTON, BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_INGESTION",
        "BSS_MAX_BYTESPER_FILE, BSS_MAX_BYTES_PER_FILE"})
    void namesTheNearestVariable(String variable, String nearest) {
        List<String> found = ofVariables(Map.of(variable, "secret"));
        assertThat(found).singleElement().asString().startsWith(variable
            + " (systemEnvironment): unknown, the nearest known variable is ").doesNotContain("secret");
        assertThat(found.get(0)).endsWith(" " + nearest);
    }

    @ParameterizedTest
    @CsvSource({
        "bss.buket, bss.bucket",
        "bss.buket.type, bss.bucket.type",
        "bss.max-byte-per-file, bss.max-bytes-per-file",
        "kafka.groupid.x, kafka.group-id",
        "kafka.brokers, kafka.consumers",
        "bss.topics-config.data-topics-mapping[2].buket-folder, bss.topics-config.data-topics-mapping[2].bucket-folder",
        "bss.topics-config.data-topic-mapping[0].ingestion, bss.topics-config.data-topics-mapping[0].ingestion"})
    void namesTheNearestKey(String key, String nearest) {
        assertThat(of(Map.of(key, "x"))).singleElement().asString().startsWith(key + " (")
            .endsWith(": unknown, the nearest known key is " + nearest);
    }

    @ParameterizedTest
    @ValueSource(strings = {"BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_INGESTION", "BSS_TOPICSCONFIG_DATATOPICSMAPPING_12_BUCKETFOLDER",
        "BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_POSTINGESTION_3", "BSS_TOPICS_CONFIG_DATA_TOPICS_MAPPING_0_FORMER_FOLDERS_1",
        "BSS_MAXRECORDSPERFILE", "BSS_BUCKET_S3KEYID", "BSS_BUCKET_TYPE", "KAFKA_GROUPID", "S3_BUCKET_OWNER",
        "KAFKA_PORT_9092_TCP", "KAFKA_PORT_9092_TCP_ADDR", "KAFKA_SERVICE_HOST", "KAFKA_SERVICE_PORT",
        "KAFKA_SERVICE_PORT_TCP_CLIENTS", "KAFKA_KAFKA_BOOTSTRAP_SERVICE_HOST", "S3_PORT_443_TCP_PROTO", "KAFKA_HEAP_OPTS",
        "AWS_REGION", "HTTP_PORT", "BSSX"})
    void takesOtherSpellingsAndForeignVariables(String variable) {
        assertThat(ofVariables(Map.of(variable, "x"))).isEmpty();
    }

    @Test
    void tellsTheAddressOfAServiceByItsValue() {
        assertThat(ofVariables(Map.of("KAFKA_PORT", "tcp://10.0.0.1:9092", "S3_GATEWAY_PORT", "udp://10.0.0.2:53"))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"bss.maxBytesPerFile", "bss.max_bytes_per_file", "bss.topicsConfig.dataTopicsMapping[7].ingestion",
        MAPPING + "[0].post-ingestion", MAPPING + "[0].post-ingestion[4]", "spring.kafka.x", "cistern.routes"})
    void takesOtherSpellingsOfKeys(String key) {
        assertThat(of(Map.of(key, "x"))).isEmpty();
    }

    @Test
    void namesFileLineAndColumn() throws IOException {
        StandardEnvironment environment = empty();
        environment.getPropertySources().addLast(new YamlPropertySourceLoader().load("file", new ByteArrayResource(
            "bss:\n  buket:\n    type: s3\n".getBytes(), "application.yaml")).get(0));
        assertThat(new UnknownSettings(environment).describe()).singleElement().asString().startsWith("bss.buket.type (")
            .contains("application.yaml", "3:11");
    }

    @Test
    void knowsWhatTheRepositoryUses() throws IOException {
        Map<String, Object> keys = new HashMap<>();
        ApplicationYaml.keys().forEach(key -> keys.put(key, ""));
        assertThat(of(keys)).isEmpty();
        StandardEnvironment environment = empty();
        for (String file : List.of("docker/demo/application.yaml", "docker/kubernetes/base/application.yaml",
            "docker/kubernetes/overlays/parallel/application.yaml", "docker/kubernetes/overlays/sequential/application.yaml")) {
            new YamlPropertySourceLoader().load(file, new FileSystemResource(file)).forEach(environment.getPropertySources()::addLast);
        }
        assertThat(new UnknownSettings(environment).describe()).isEmpty();

        Map<String, Object> documented = new HashMap<>();
        Matcher variable = Pattern.compile("(?<![A-Z_])(BSS|BUCKET|S3)_[A-Z0-9_]*[A-Z0-9]").matcher(
            Files.readString(Path.of("docs/reference.md")) + Files.readString(Path.of("README.md")));
        while (variable.find()) {
            documented.put(variable.group(), "");
        }
        assertThat(documented).hasSizeGreaterThan(30);
        assertThat(ofVariables(documented)).isEmpty();
    }

    private static List<String> of(Map<String, Object> properties) {
        StandardEnvironment environment = empty();
        environment.getPropertySources().addLast(new MapPropertySource("commandLineArgs", properties));
        return new UnknownSettings(environment).describe();
    }

    private static List<String> ofVariables(Map<String, ?> variables) {
        StandardEnvironment environment = empty();
        environment.getPropertySources().addLast(new SystemEnvironmentPropertySource("systemEnvironment", new HashMap<>(variables)));
        return new UnknownSettings(environment).describe();
    }

    private static StandardEnvironment empty() {
        StandardEnvironment environment = new StandardEnvironment();
        new ArrayList<>(environment.getPropertySources().stream().toList())
            .forEach(source -> environment.getPropertySources().remove(source.getName()));
        return environment;
    }
}
