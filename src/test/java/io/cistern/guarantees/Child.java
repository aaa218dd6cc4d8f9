package io.cistern.guarantees;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** A process with a folder of its own, {@code output.log} in it; it ends with this JVM at the latest. */
final class Child {

    private final Path folder;
    private final Supplier<List<String>> command;
    private final Map<String, String> environment;
    private Process process;

    /** @param environment added to that of this process, without its settings of Cistern */
    Child(Path folder, List<String> command, Map<String, String> environment) {
        this(folder, () -> command, environment);
    }

    /** @param command asked for at each start */
    Child(Path folder, Supplier<List<String>> command, Map<String, String> environment) {
        this.folder = folder;
        this.command = command;
        this.environment = environment;
        Runtime.getRuntime().addShutdownHook(new Thread(this::kill));
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    synchronized void start() {
        ProcessBuilder builder = new ProcessBuilder(command.get()).directory(folder.toFile()).redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()));
        builder.environment().keySet().removeIf(name ->
            name.matches("(BSS|BUCKET|KAFKA|HTTP|S3|AWS|AZURE|GOOGLE|LOG|SPRING|JAVA_TOOL)_.*"));
        builder.environment().putAll(environment);
        try {
            Files.writeString(log(), "---- start\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Path folder() {
        return folder;
    }

    private Path log() {
        return folder.resolve("output.log");
    }

    /** All that it has written, over all its starts. */
    String output() {
        try {
            return Files.exists(log()) ? Files.readString(log()) : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    synchronized boolean isAlive() {
        return process != null && process.isAlive();
    }

    /** Waits for its end; whether that came in time, and was a good one. */
    boolean ends(Duration atMost) throws InterruptedException {
        return process.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS) && process.exitValue() == 0;
    }

    /** The code with which it ended. */
    synchronized int exitCode() {
        return process.exitValue();
    }

    /** SIGKILL, even if it is frozen; returns when it has ended. */
    synchronized void kill() {
        if (process != null) {
            try {
                process.destroyForcibly().waitFor();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** SIGTERM; whether it ended in time. One that did not is killed. */
    boolean stop(Duration atMost) {
        Process stopping;
        synchronized (this) {
            stopping = process;
        }
        stopping.destroy();
        try {
            if (stopping.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS)) {
                return true;
            }
            stopping.destroyForcibly().waitFor();
            return false;
        } catch (InterruptedException e) {
            stopping.destroyForcibly();
            throw new IllegalStateException(e);
        }
    }

    /** SIGSTOP: it does nothing any more, and does not know it. */
    void freeze() {
        signal("-STOP");
    }

    /** SIGCONT: it goes on where it was. */
    void thaw() {
        signal("-CONT");
    }

    private synchronized void signal(String name) {
        try {
            new ProcessBuilder("kill", name, String.valueOf(process.pid())).start().waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
