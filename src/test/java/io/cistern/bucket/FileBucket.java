package io.cistern.bucket;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;

/** A folder as the bucket, behind the backend's own routes, without the rest of the application. */
public final class FileBucket implements AutoCloseable {

    private final DefaultCamelContext context = new DefaultCamelContext();
    private final Bucket bucket = new Bucket();
    private final Path root;

    public FileBucket(Path root) {
        this.root = root;
        Properties settings = new Properties();
        settings.putAll(Map.of("bss.bucket.name", root.toString(), "bss.retries", "0", "bss.retry-delay", "1",
            "bss.retry-delay-max", "1"));
        context.getPropertiesComponent().setInitialProperties(settings);
        try {
            PluginHelper.getRoutesLoader(context).loadRoutes(
                ResourceHelper.resolveMandatoryResource(context, "file:routes/buckets/file.camel.yaml"),
                ResourceHelper.resolveMandatoryResource(context, "file:routes/errors.camel.yaml"));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        context.start();
        bucket.setCamelContext(context);
    }

    public Bucket bucket() {
        return bucket;
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
        context.stop();
    }
}
