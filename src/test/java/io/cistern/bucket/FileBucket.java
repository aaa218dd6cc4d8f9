package io.cistern.bucket;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** A folder as the bucket, behind the backend's own routes, without the rest of the application. */
public final class FileBucket implements AutoCloseable {

    private final TestBucket bucket;
    private final Path root;

    public FileBucket(Path root) {
        this(root, Map.of());
    }

    /** @param environment further environment variables */
    public FileBucket(Path root, Map<String, String> environment) {
        this.root = root;
        Map<String, String> all = new HashMap<>(environment);
        all.putAll(Map.of("BUCKET_TYPE", "file", "BUCKET_NAME", root.toString()));
        this.bucket = new TestBucket(all);
    }

    public Bucket bucket() {
        return bucket.bucket();
    }

    public Path root() {
        return root;
    }

    /** Puts a file there, as any other program may. */
    public Path write(String path, byte[] bytes) {
        try {
            Path file = root.resolve(path);
            Files.createDirectories(file.getParent());
            return Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        bucket.close();
    }
}
