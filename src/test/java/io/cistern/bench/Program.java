package io.cistern.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A JVM whose CPU time (user and system) and memory are read from {@code /proc} every 20 ms as long as it lives, and whose GC
 * log tells its pauses. On systems without {@code /proc} these figures are 0. It ends with this JVM at the latest.
 */
final class Program implements AutoCloseable {

    private static final Pattern PAUSE = Pattern.compile("Pause .* ([0-9.]+)ms$");
    private static final double TICKS_PER_SECOND = 100;

    private final Path folder;
    private final Process process;
    private final long startedMillis = System.currentTimeMillis();
    /** CPU seconds by the time at which they were read, in milliseconds since the epoch. */
    private final TreeMap<Long, Double> cpu = new TreeMap<>();
    private final Thread watcher = new Thread(this::watch, "bench-watch");
    private volatile long peakKilobytes;

    /**
     * Starts it.
     *
     * @param folder      its own and working folder, with its output.log and gc.log
     * @param options     of the JVM, and then the class with its arguments, or -jar
     * @param environment all of Cistern's settings that it sees
     */
    Program(Path folder, String heap, List<String> options, Map<String, String> environment) {
        this.folder = folder;
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx" + heap, "-Xlog:gc:file=" + folder.resolve("gc.log")));
        command.addAll(options);
        try {
            Files.createDirectories(folder);
            ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true)
                .redirectOutput(folder.resolve("output.log").toFile());
            builder.environment().keySet().removeIf(name ->
                name.matches("(BSS|BUCKET|KAFKA|HTTP|S3|AWS|AZURE|GOOGLE|LOG|SPRING|JAVA_TOOL)_.*"));
            builder.environment().putAll(environment);
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        watcher.setDaemon(true);
        watcher.start();
    }

    /** The options that run a class of the tests. */
    static List<String> ofClass(Class<?> main, Object... arguments) {
        return Stream.concat(Stream.of("-cp", System.getProperty("java.class.path"), main.getName()),
            Stream.of(arguments).map(String::valueOf)).toList();
    }

    private void watch() {
        Path proc = Path.of("/proc", String.valueOf(process.pid()));
        while (process.isAlive()) {
            try {
                String stat = Files.readString(proc.resolve("stat"));
                // Behind the name, which may hold anything, comes the third field.
                String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
                double seconds = (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
                synchronized (cpu) {
                    cpu.put(System.currentTimeMillis(), seconds);
                }
                for (String line : Files.readAllLines(proc.resolve("status"))) {
                    if (line.startsWith("VmHWM:")) {
                        peakKilobytes = Math.max(peakKilobytes, Long.parseLong(line.replaceAll("\\D", "")));
                    }
                }
                Thread.sleep(20);
            } catch (IOException | RuntimeException gone) {
                return;
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    long startedMillis() {
        return startedMillis;
    }

    /** CPU seconds that it had taken at a time, 0 before it was started. */
    double cpuSeconds(long atMillis) {
        synchronized (cpu) {
            Map.Entry<Long, Double> read = cpu.floorEntry(atMillis);
            return read == null ? 0 : read.getValue();
        }
    }

    /** The most memory that it had, heap and all else. */
    long peakMegabytes() {
        return peakKilobytes / 1024;
    }

    /** The milliseconds of its pauses for GC, in their order. */
    List<Double> pauses() {
        return lines("gc.log").stream().map(PAUSE::matcher).filter(Matcher::find)
            .map(pause -> Double.parseDouble(pause.group(1))).toList();
    }

    /** The lines that it has written so far. */
    List<String> output() {
        return lines("output.log");
    }

    /** What is behind the last such word in its output, up to a blank. */
    String said(String word) {
        return output().stream().filter(line -> line.contains(word)).reduce((a, b) -> b)
            .map(line -> line.substring(line.indexOf(word) + word.length()).split(" ")[0])
            .orElseThrow(() -> new IllegalStateException("No " + word + " in " + folder.resolve("output.log")));
    }

    private List<String> lines(String file) {
        try {
            return Files.exists(folder.resolve(file)) ? Files.readAllLines(folder.resolve(file)) : List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Waits for its end, which must be a good one; gives the time of it. */
    long awaitEnd(Duration atMost) {
        try {
            if (!process.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS) || process.exitValue() != 0) {
                throw new IllegalStateException("It did not end well: see " + folder.resolve("output.log"));
            }
            long ended = System.currentTimeMillis();
            watcher.join();
            return ended;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** SIGTERM, and waits. */
    void stop() {
        process.destroy();
        try {
            if (!process.waitFor(40, TimeUnit.SECONDS)) {
                throw new IllegalStateException("It did not stop: see " + folder.resolve("output.log"));
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
