package io.cistern.bucket;

import io.cistern.Settings;
import io.cistern.testing.ApplicationYaml;
import java.util.Map;
import java.util.Properties;
import java.util.function.Function;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;

/** A bucket behind its backend's own routes, without the rest of the application. */
public final class TestBucket implements AutoCloseable {

    private final DefaultCamelContext context = new DefaultCamelContext();
    private final Bucket bucket;

    /** @param environment values of environment variables */
    public TestBucket(Map<String, String> environment) {
        this("file:routes/buckets", environment);
    }

    /**
     * @param backends    the folder of the backends' files
     * @param environment values of environment variables, or of properties that are not Cistern's
     */
    TestBucket(String backends, Map<String, String> environment) {
        Function<String, String> lookup = ApplicationYaml.lookup(environment);
        Settings settings = new Settings(lookup);
        Properties properties = new Properties();
        ApplicationYaml.keys().stream().filter(key -> key.startsWith("bss."))
            .forEach(key -> properties.put(key, lookup.apply(key)));
        properties.putAll(environment);
        context.getPropertiesComponent().setInitialProperties(properties);
        context.getRegistry().bind("settings", settings);
        try {
            PluginHelper.getRoutesLoader(context).loadRoutes(
                ResourceHelper.resolveMandatoryResource(context,
                    backends + "/" + environment.get("BUCKET_TYPE") + ".camel.yaml"),
                ResourceHelper.resolveMandatoryResource(context, "file:routes/errors.camel.yaml"));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        bucket = new Bucket(settings);
        bucket.setCamelContext(context);
        context.start();
    }

    public Bucket bucket() {
        return bucket;
    }

    public DefaultCamelContext context() {
        return context;
    }

    @Override
    public void close() {
        context.stop();
    }
}
