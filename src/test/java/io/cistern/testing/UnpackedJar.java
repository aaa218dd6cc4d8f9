package io.cistern.testing;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.springframework.util.FileSystemUtils;

/**
 * The packaged jar, taken apart as Spring Boot's own tools do it, with an archive of its classes, as the image has it: each
 * start takes a third of the time so. It is launched with the options that the image sets.
 */
public final class UnpackedJar {

    private static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java").toString();

    private static UnpackedJar shared;

    private final Path home;

    /** One that all tests share, with its archive. */
    public static synchronized UnpackedJar shared() {
        if (shared == null) {
            try {
                shared = new UnpackedJar(PackagedCistern.JAR.resolveSibling("unpacked")).train();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                throw new IllegalStateException("Interrupted", e);
            }
        }
        return shared;
    }

    /** Takes the jar that the build has made apart, in a folder in this one, unless that was done. */
    public UnpackedJar(Path folder) throws IOException, InterruptedException {
        home = folder.resolve("jar-" + Files.getLastModifiedTime(PackagedCistern.JAR).toMillis());
        if (!Files.exists(jar())) {
            FileSystemUtils.deleteRecursively(home);
            Files.createDirectories(home);
            if (run("-Djarmode=tools", "-jar", PackagedCistern.JAR.toString(), "extract", "--force", "--destination",
                home.toString()) != 0) {
                throw new IllegalStateException("Cannot take " + PackagedCistern.JAR + " apart: see " + home);
            }
        }
    }

    private Path jar() {
        return home.resolve("cistern.jar");
    }

    private Path archive() {
        return home.resolve("classes.jsa");
    }

    private int run(String... options) throws IOException, InterruptedException {
        File log = home.resolve("output.log").toFile();
        Process process = new ProcessBuilder(Stream.concat(Stream.of(JAVA), Stream.of(options)).toList())
            .directory(home.toFile()).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(log)).start();
        if (!process.waitFor(2, TimeUnit.MINUTES)) {
            process.destroyForcibly();
            throw new IllegalStateException("Not done after two minutes: see " + log);
        }
        return process.exitValue();
    }

    /** Makes the archive as the image's build does, by a start without settings, which ends by itself; unless there is one. */
    public UnpackedJar train() throws IOException, InterruptedException {
        if (!isArchived()) {
            run("-XX:ArchiveClassesAtExit=" + archive(), "-jar", jar().toString());
            if (!isArchived()) {
                throw new IllegalStateException("There came no archive of classes: see " + home);
            }
        }
        return this;
    }

    public boolean isArchived() {
        return Files.exists(archive());
    }

    /**
     * The last options of the JVM that starts it, those that the image sets among them; if there is no archive yet, this start
     * makes it when it ends.
     */
    public List<String> options() {
        String ofImage = new Dockerfile().environment().get("JDK_JAVA_OPTIONS").replaceAll("=/(opt/cistern|tmp)/", "=" + home + "/");
        return Stream.concat(Stream.of(ofImage.replace("-XX:SharedArchiveFile=", isArchived() ? "-XX:SharedArchiveFile="
            : "-XX:ArchiveClassesAtExit=").split(" ")), Stream.of("-jar", jar().toString())).toList();
    }
}
