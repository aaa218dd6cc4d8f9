package io.cistern.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The packaged jar in a process of its own, with settings in its environment and nothing else from this process. */
public final class PackagedCistern implements AutoCloseable {

    /** The jar that the build has made. */
    public static final Path JAR = Path.of("target", "cistern.jar").toAbsolutePath();

    private final HttpClient http = HttpClient.newHttpClient();
    private final int port = Ports.free();
    private final Path output;
    private final Process process;

    /** Starts it as the image does, from the jar taken apart; otherwise as the other one. */
    public PackagedCistern(Path work, String heap, Map<String, String> settings) {
        this(work, UnpackedJar.shared().options(), heap, settings);
    }

    /** Starts it from a jar; otherwise as the other one. */
    public PackagedCistern(Path work, Path jar, String heap, Map<String, String> settings) {
        this(work, List.of("-jar", jar.toString()), heap, settings);
    }

    /**
     * Starts it, and does not wait.
     *
     * @param work     its working folder, which gets its {@code output.log}
     * @param heap     the most heap, such as {@code 256m}
     * @param settings by the names of their environment variables
     */
    private PackagedCistern(Path work, List<String> launch, String heap, Map<String, String> settings) {
        this(work, work.resolve("output.log"), command(launch, heap), settings);
    }

    private static List<String> command(List<String> launch, String heap) {
        List<String> command = new ArrayList<>(List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx" + heap));
        command.addAll(launch);
        return command;
    }

    /**
     * Starts it by another command, and does not wait.
     *
     * @param work     its working folder, in which it need not be able to write
     * @param output   the file that gets what it prints
     * @param settings by the names of their environment variables
     */
    public PackagedCistern(Path work, Path output, List<String> command, Map<String, String> settings) {
        this.output = output;
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.directory(work.toFile()).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().keySet().removeIf(name ->
            name.matches("(BSS|BUCKET|KAFKA|HTTP|S3|AWS|AZURE|GOOGLE|LOG|OTEL|SPRING)_.*"));
        builder.environment().put("HTTP_PORT", String.valueOf(port));
        builder.environment().put("BSS_HTTP_AUTHENTICATION", "none");
        builder.environment().put("KAFKA_BROKERS", TestKafka.broker().bootstrapServers());
        builder.environment().put("KAFKA_DEQUEUE_STRATEGY", "earliest");
        builder.environment().put("BSS_RELOAD_GROUP_ID", "reload-" + port);
        builder.environment().putAll(settings);
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** What it has printed so far. */
    public String output() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Asks the HTTP interface: a POST if there is a body, which may be null. */
    public JsonNode call(String path, String body) throws IOException {
        return new ObjectMapper().readTree(text(path, body));
    }

    private String text(String path, String body) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + path))
            .header("Content-Type", "application/json");
        try {
            return http.send((body == null ? request.GET() : request.POST(HttpRequest.BodyPublishers.ofString(body))).build(),
                HttpResponse.BodyHandlers.ofString()).body();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    /** All metrics, as Prometheus reads them. */
    public String metrics() throws IOException {
        return text("/actuator/prometheus", null);
    }

    /** A metric without tags, as Prometheus reads it; -1 while there is none. */
    public double metric(String name) {
        try {
            return metrics().lines().filter(line -> line.startsWith(name + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1))).findFirst().orElse(-1);
        } catch (IOException notUpYet) {
            return -1;
        }
    }

    /** Megabytes of memory that the process has had at the most, heap and all else; -1 where the system does not say. */
    public long mostMegabytes() throws IOException {
        Path status = Path.of("/proc", String.valueOf(process.pid()), "status");
        return Files.exists(status) ? Files.readAllLines(status).stream().filter(line -> line.startsWith("VmHWM:"))
            .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024).findFirst().orElse(-1) : -1;
    }

    /** Ends it as a lost machine does, at once. */
    public void kill() {
        process.destroyForcibly();
    }

    /** Stops its threads where they are, until {@link #thaw}. */
    public void freeze() throws IOException, InterruptedException {
        signal("STOP");
    }

    /** Has them go on. */
    public void thaw() throws IOException, InterruptedException {
        signal("CONT");
    }

    private void signal(String name) throws IOException, InterruptedException {
        if (new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid())).start().waitFor() != 0) {
            throw new IOException("kill -" + name + " failed");
        }
    }

    /** The port of its HTTP interface. */
    public int port() {
        return port;
    }

    /** Ends it as Kubernetes does; the code with which it has ended. */
    public int stop() {
        close();
        return process.exitValue();
    }

    /** Ends it as Kubernetes does, and waits for that. */
    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(40, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("The jar did not stop");
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
