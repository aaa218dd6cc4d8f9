package io.cistern.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Reads a file bucket with nothing but a JSON parser. */
public final class BucketFiles {

    private static final ObjectMapper JSON = new ObjectMapper();

    private BucketFiles() {
    }

    /** The batch files of a folder, by name; empty if there is no such folder. */
    public static List<Path> in(Path bucket, String folder) {
        Path path = bucket.resolve(folder);
        if (!Files.isDirectory(path)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(path)) {
            return files.filter(file -> !file.getFileName().toString().startsWith(".")).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The lines of a batch file that is not compressed; each must end with a newline. */
    public static List<JsonNode> lines(Path file) {
        try {
            String text = Files.readString(file);
            if (!text.endsWith("\n")) {
                throw new AssertionError(file + " does not end with a newline");
            }
            List<JsonNode> lines = new ArrayList<>();
            for (String line : text.split("\n")) {
                lines.add(JSON.readTree(line));
            }
            return lines;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All lines of a folder, file by file. */
    public static List<JsonNode> allLines(Path bucket, String folder) {
        return in(bucket, folder).stream().flatMap(file -> lines(file).stream()).toList();
    }
}
