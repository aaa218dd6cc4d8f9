package io.cistern.testing.stores;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.springframework.util.FileSystemUtils;

/** A temporary folder with a folder for each bucket. */
public final class FolderStore implements TestStore {

    private final Path root;

    FolderStore() {
        try {
            root = Files.createTempDirectory("cistern-folder-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Runtime.getRuntime().addShutdownHook(new Thread(this::close));
    }

    Path root() {
        return root;
    }

    @Override
    public String type() {
        return "file";
    }

    /** Null: it is on the disk. */
    @Override
    public URI endpoint() {
        return null;
    }

    @Override
    public Map<String, String> settings(String bucket, URI endpoint) {
        return Map.of("BUCKET_TYPE", type(), "BUCKET_NAME", root.resolve(bucket).toString());
    }

    @Override
    public Map<String, String> wrongCredentials(String bucket, URI endpoint) {
        throw new UnsupportedOperationException("A folder has no credentials");
    }

    @Override
    public void createBucket(String bucket) {
        try {
            Files.createDirectory(root.resolve(bucket));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void write(String bucket, String key, byte[] bytes) {
        Path file = root.resolve(bucket).resolve(key);
        try {
            Files.createDirectories(file.getParent());
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public byte[] read(String bucket, String key) {
        Path file = root.resolve(bucket).resolve(key);
        try {
            return Files.exists(file) ? Files.readAllBytes(file) : null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public List<String> keys(String bucket) {
        Path folder = root.resolve(bucket);
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).map(file -> folder.relativize(file).toString()).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String errorBody(int status) {
        throw new UnsupportedOperationException("A folder has no HTTP statuses");
    }

    @Override
    public void close() {
        try {
            FileSystemUtils.deleteRecursively(root);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
