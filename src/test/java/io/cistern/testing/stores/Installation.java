package io.cistern.testing.stores;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.springframework.util.FileSystemUtils;

/** The files of a store's program, fetched into the build folder when a test needs them for the first time. */
public final class Installation {

    private static final boolean WINDOWS = System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("windows");
    private static final int MINUTES = 10;

    private Installation() {
    }

    /** The folder of a store's program, made by {@link #install}. */
    public static Path folder(String name) {
        return Path.of("target", "test-stores", name).toAbsolutePath();
    }

    /**
     * Runs a command that fills the folder, unless the same was done before; other processes that want the same wait.
     *
     * @param what    what the folder is to hold: other words make it anew
     * @param command fills the folder, which is empty then
     */
    public static synchronized void install(Path folder, String what, List<String> command) {
        Path log = folder.resolveSibling(folder.getFileName() + ".log");
        Path marker = folder.resolve("complete");
        try {
            Files.createDirectories(folder.getParent());
            try (FileChannel lock = FileChannel.open(folder.resolveSibling(folder.getFileName() + ".lock"),
                StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                lock.lock();
                if (Files.exists(marker) && Files.readString(marker).equals(what)) {
                    return;
                }
                FileSystemUtils.deleteRecursively(folder);
                Files.createDirectories(folder);
                Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
                if (!process.waitFor(MINUTES, TimeUnit.MINUTES)) {
                    process.descendants().forEach(ProcessHandle::destroyForcibly);
                    process.destroyForcibly();
                    throw new IllegalStateException("Not done after " + MINUTES + " minutes: " + command);
                }
                if (process.exitValue() != 0) {
                    throw new IllegalStateException("Failed: " + command + "\n" + Files.readString(log));
                }
                Files.writeString(marker, what);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot install " + folder, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted at " + command, e);
        }
    }

    /** The Maven that runs this build, else the one on the PATH, with the local repository of this build. */
    public static List<String> maven() {
        String home = System.getProperty("maven.home", System.getenv("MAVEN_HOME"));
        String script = WINDOWS ? "mvn.cmd" : "mvn";
        List<String> command = new ArrayList<>();
        command.add(home == null ? script : Path.of(home, "bin", script).toString());
        Stream.of("maven.repo.local", "localRepository").map(System::getProperty).filter(Objects::nonNull).findFirst()
            .ifPresent(path -> command.add("-Dmaven.repo.local=" + path));
        return command;
    }

    public static String npm() {
        return WINDOWS ? "npm.cmd" : "npm";
    }
}
