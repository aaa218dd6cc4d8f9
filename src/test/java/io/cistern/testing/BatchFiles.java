package io.cistern.testing;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/** Batch files written by hand, in the format that the contract documents: not with the code under test. */
public final class BatchFiles {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final DateTimeFormatter TIMESTAMP = new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

    /** Wraps the bytes of a file, in a compression for example. */
    public interface Wrapping {
        OutputStream wrap(OutputStream out) throws IOException;
    }

    private BatchFiles() {
    }

    /** A line as the contract has it; {@code key} and {@code payload} may be null. */
    public static String line(int partition, long offset, Instant timestamp, String key, String payload) {
        ObjectNode line = JSON.createObjectNode().put("timestamp", TIMESTAMP.format(timestamp)).put("partition", partition)
            .put("offset", offset).put("key", key).put("payload", payload);
        return line.toString();
    }

    /** The file's name of the contract. */
    public static String name(Instant first, String topic, int partition, long offset) {
        return TIMESTAMP.format(first) + "_" + topic + "_" + partition + "_" + offset + "_1668432398047.txt";
    }

    /** The name with the time when it was consumed. */
    public static String name(Instant first, String topic, int partition, long offset, Instant consumed) {
        return name(first, topic, partition, offset).replace("1668432398047", String.valueOf(consumed.toEpochMilli()));
    }

    /**
     * Writes what a storer notes of a file: an empty one, whose name says it.
     *
     * @param name  the file's, without its folder
     * @param facts least and greatest timestamp, last offset, count, and perhaps the offset from which on nothing was there
     */
    public static void writeFacts(Path bucket, String folder, String name, String topic, long... facts) {
        try {
            Path path = bucket.resolve(".cistern").resolve(folder);
            Files.createDirectories(path);
            Files.createFile(path.resolve(name.replace("_" + topic + "_", "_").replaceFirst("\\.txt.*", "") + "."
                + LongStream.of(facts).mapToObj(String::valueOf).collect(Collectors.joining("_"))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes lines, with a newline behind each; gives the path in the bucket. */
    public static String write(Path bucket, String folder, String name, Iterable<String> lines) {
        return write(bucket, folder, name, lines, out -> out);
    }

    /** Writes lines through a compression; gives the path in the bucket. */
    public static String write(Path bucket, String folder, String name, Iterable<String> lines, Wrapping compression) {
        try {
            Files.createDirectories(bucket.resolve(folder));
            try (OutputStream out = compression.wrap(Files.newOutputStream(bucket.resolve(folder).resolve(name)))) {
                for (String line : lines) {
                    out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
                }
            }
            return folder + "/" + name;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
