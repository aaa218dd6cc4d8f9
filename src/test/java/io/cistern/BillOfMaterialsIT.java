package io.cistern;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.testing.PackagedCistern;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the jar says that it consists of is what is in it, under licences that may be. */
class BillOfMaterialsIT {

    private static final String BILL = "META-INF/sbom/application.cdx.json";
    /** Spring Boot's build leaves them out, since they hold nothing, and puts in what is no dependency. */
    private static final String EMPTY = "spring-boot-starter";
    private static final String OF_THE_BUILD = "spring-boot-jarmode-tools-";

    private static final Set<String> LIBRARIES = new TreeSet<>();
    private static JsonNode bill;

    @BeforeAll
    static void open() throws IOException {
        try (ZipFile jar = new ZipFile(PackagedCistern.JAR.toFile())) {
            assertThat(jar.getEntry(BILL)).as("%s, which the build leaves out with -o", BILL).isNotNull();
            bill = new ObjectMapper().readTree(jar.getInputStream(jar.getEntry(BILL)));
            jar.stream().map(entry -> entry.getName()).filter(name -> name.matches("BOOT-INF/lib/.+"))
                .forEach(name -> LIBRARIES.add(name.substring("BOOT-INF/lib/".length())));
        }
    }

    @Test
    void everyLibraryIsAComponentAndEveryComponentIsALibrary() {
        Set<String> components = new TreeSet<>();
        for (JsonNode component : bill.get("components")) {
            String classifier = component.get("purl").asText().replaceFirst("[^?]*\\??", "").replaceFirst("&?type=jar", "")
                .replaceFirst("classifier=", "-").replace("&", "");
            components.add(component.get("name").asText() + "-" + component.get("version").asText() + classifier + ".jar");
        }
        components.removeIf(name -> name.startsWith(EMPTY));
        LIBRARIES.removeIf(name -> name.startsWith(OF_THE_BUILD));
        assertThat(components).hasSizeGreaterThan(200).isEqualTo(LIBRARIES);
    }

    @Test
    void everyComponentMayBeHadUnderALicenceThatMayBe() throws IOException {
        Set<String> allowed = Files.readAllLines(Path.of("docs/security-supply-chain.md")).stream()
            .filter(line -> line.matches("\\| `.*")).map(line -> line.split("`")[1]).collect(Collectors.toSet());
        assertThat(allowed).contains("Apache-2.0", "MIT");
        Map<String, List<String>> others = new HashMap<>();
        for (JsonNode component : bill.get("components")) {
            List<String> licences = new ArrayList<>();
            for (JsonNode choice : component.path("licenses")) {
                licences.add(choice.has("expression") ? choice.get("expression").asText()
                    : choice.get("license").path("id").asText(choice.get("license").path("name").asText()));
            }
            if (licences.stream().noneMatch(allowed::contains)) {
                others.put(component.get("purl").asText(), licences);
            }
        }
        assertThat(others).isEmpty();
    }
}
