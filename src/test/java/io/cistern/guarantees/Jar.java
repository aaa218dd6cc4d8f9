package io.cistern.guarantees;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.springframework.util.FileSystemUtils;

/**
 * The packaged jar, taken apart as Spring Boot's own tools do it, with an archive of its classes: a round starts it a
 * dozen times, each of which takes a third of the time so.
 */
final class Jar {

    private static final Path PACKED = Path.of("target", "cistern.jar").toAbsolutePath();

    private final Path home;

    Jar() throws IOException, InterruptedException {
        home = PACKED.resolveSibling("guarantees").resolve("jar-" + Files.getLastModifiedTime(PACKED).toMillis());
        if (!Files.exists(home.resolve("cistern.jar"))) {
            FileSystemUtils.deleteRecursively(home);
            Child tools = new Child(home, List.of(Child.java(), "-Djarmode=tools", "-jar", PACKED.toString(), "extract",
                "--force", "--destination", home.toString()), Map.of());
            tools.start();
            if (!tools.ends(Duration.ofMinutes(1))) {
                throw new IllegalStateException("Cannot take " + PACKED + " apart: see " + home);
            }
        }
    }

    boolean isArchived() {
        return Files.exists(archive());
    }

    private Path archive() {
        return home.resolve("classes.jsa");
    }

    /** Starts a role; if there is no archive yet, this start makes it when it ends. */
    List<String> command() {
        return List.of(Child.java(), "-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            "-XX:+ExitOnOutOfMemoryError",
            (isArchived() ? "-XX:SharedArchiveFile=" : "-XX:ArchiveClassesAtExit=") + archive(), "-jar",
            home.resolve("cistern.jar").toString());
    }
}
