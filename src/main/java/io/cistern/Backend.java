package io.cistern;

import io.cistern.bucket.Bucket;
import java.util.List;
import java.util.function.Function;
import org.apache.camel.CamelContext;
import org.apache.camel.StartupSummaryLevel;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.spi.PropertiesSource;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;

/** The bucket behind its backend's own routes, in a Camel context that has nothing else. */
final class Backend implements AutoCloseable {

    private final DefaultCamelContext context;
    private final Bucket bucket;

    /**
     * Starts the backend's routes; the bucket is not asked yet.
     *
     * @param lookup       gives a key's value, or null
     * @param routesFolder where the routes are, {@code file:path} or {@code classpath:path}
     * @throws SettingsException if there is no such backend
     * @throws Exception         if its routes do not start
     */
    Backend(Settings settings, Function<String, String> lookup, String routesFolder) throws Exception {
        context = context("cistern-backend", lookup);
        try {
            String type = settings.value("bss.bucket.type");
            String file = routesFolder + "/buckets/" + type + ".camel.yaml";
            Resource routes = ResourceHelper.resolveResource(context, file);
            if (routes == null || !routes.exists()) {
                throw new SettingsException(List.of(Settings.name("bss.bucket.type") + ": there is no backend " + type
                    + ": no file " + file));
            }
            context.getRegistry().bind("settings", settings);
            PluginHelper.getRoutesLoader(context).loadRoutes(routes,
                ResourceHelper.resolveMandatoryResource(context, routesFolder + "/errors.camel.yaml"));
            context.start();
            bucket = new Bucket(settings);
            bucket.setCamelContext(context);
        } catch (Exception e) {
            context.close();
            throw e;
        }
    }

    /** An empty context with the settings as its properties. */
    static DefaultCamelContext context(String name, Function<String, String> lookup) {
        DefaultCamelContext context = new DefaultCamelContext();
        context.getCamelContextExtension().setName(name);
        context.setStartupSummaryLevel(StartupSummaryLevel.Off);
        context.getPropertiesComponent().addPropertiesSource(new PropertiesSource() {
            @Override
            public String getName() {
                return "settings";
            }

            @Override
            public String getProperty(String key) {
                return lookup.apply(key);
            }
        });
        return context;
    }

    Bucket bucket() {
        return bucket;
    }

    CamelContext context() {
        return context;
    }

    @Override
    public void close() {
        context.stop();
    }
}
