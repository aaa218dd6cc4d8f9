package io.cistern.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the README tells its readers to write. */
public final class Readme {

    private Readme() {
    }

    /** The first YAML block behind a heading. */
    public static String yamlBehind(String heading) {
        try {
            String text = Files.readString(Path.of("README.md"));
            int chapter = text.indexOf("\n" + heading + "\n");
            int start = text.indexOf("```yaml\n", chapter) + 8;
            if (chapter < 0 || start < 8) {
                throw new AssertionError("No YAML behind " + heading);
            }
            return text.substring(start, text.indexOf("```", start));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
