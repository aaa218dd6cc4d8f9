package io.cistern.testing.stores;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.springframework.util.FileSystemUtils;

/** A store that runs as a process of its own, with a temporary folder; both are gone when this JVM ends. */
final class StoreProcess implements AutoCloseable {

    private static final Duration START_TIMEOUT = Duration.ofSeconds(60);

    private final Path folder;
    private final Thread atExit = new Thread(this::stop);
    private Process process;

    /** Makes the folder only. */
    StoreProcess(String name) {
        try {
            folder = Files.createTempDirectory("cistern-" + name + "-");
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot make a temporary folder for " + name, e);
        }
    }

    Path folder() {
        return folder;
    }

    /** Writes a file into the folder. */
    Path file(String name, String text) {
        try {
            return Files.writeString(folder.resolve(name), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs the command in the folder; returns when something answers HTTP requests at the address. */
    StoreProcess start(List<String> command, URI address) {
        Path log = folder.resolve("output.log");
        Runtime.getRuntime().addShutdownHook(atExit);
        try {
            process = new ProcessBuilder(command).directory(folder.toFile())
                .redirectErrorStream(true).redirectOutput(log.toFile()).start();
            Awaitility.await().atMost(START_TIMEOUT).pollInterval(Duration.ofMillis(50))
                .until(() -> !process.isAlive() || answers(address));
            if (process.isAlive()) {
                return this;
            }
            throw new IllegalStateException("Ended at its start: " + command + "\n" + Files.readString(log));
        } catch (IOException | ConditionTimeoutException | IllegalStateException e) {
            close();
            throw new IllegalStateException("No store at " + address + ": " + e.getMessage(), e);
        }
    }

    private static boolean answers(URI address) {
        try {
            HttpURLConnection connection = (HttpURLConnection) address.toURL().openConnection();
            connection.setConnectTimeout(5_000);
            connection.setReadTimeout(5_000);
            connection.getResponseCode();
            connection.disconnect();
            return true;
        } catch (IOException notYet) {
            return false;
        }
    }

    /** Ends the process and deletes the folder. */
    @Override
    public void close() {
        Runtime.getRuntime().removeShutdownHook(atExit);
        stop();
    }

    private void stop() {
        try {
            if (process != null) {
                process.destroyForcibly().waitFor(30, TimeUnit.SECONDS);
            }
            FileSystemUtils.deleteRecursively(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot delete " + folder, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
