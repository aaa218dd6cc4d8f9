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
