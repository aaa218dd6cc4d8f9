package io.cistern.testing.stores;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** The Big List of Naughty Strings: texts that trip up programs. It is fetched by npm, and never a part of this repository. */
public final class NaughtyStrings {

    private static final String PACKAGE = "blns@2.0.4";

    private NaughtyStrings() {
    }

    /** All of them; a test that asks for them is left out where there is no npm, with the reason in its result. */
    public static List<String> all() {
        Assumptions.assumeTrue(Node.whyNotWithNpm() == null, () -> "The list of strings " + Node.whyNotWithNpm());
        Path folder = Installation.folder("naughty-strings");
        Installation.install(folder, PACKAGE, List.of(Installation.npm(), "install", "--no-audit", "--no-fund", "--no-save",
            "--prefix", folder.toString(), PACKAGE));
        try {
            return new ObjectMapper().readValue(folder.resolve("node_modules/blns/resources/blns.json").toFile(),
                new TypeReference<>() { });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
