package io.cistern;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;

/** Finds the routes: a folder that can be edited goes before what is packed into the jar. */
final class RoutesFolder {

    private RoutesFolder() {
    }

    /**
     * Where the routes are, for Camel's include pattern: {@code ./routes}, {@code routes} in {@code home} (the jar's
     * folder), or the ones in the jar, whichever is there first.
     */
    static String find(File home) {
        for (Path folder : new Path[] {Path.of("routes"), home.toPath().resolve("routes")}) {
            if (Files.isDirectory(folder)) {
                return "file:" + folder;
            }
        }
        return "classpath:routes";
    }
}
