package io.cistern.settings;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.springframework.boot.origin.Origin;
import org.springframework.boot.origin.OriginLookup;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.EnumerablePropertySource;
import org.springframework.core.env.PropertySource;

/** Finds keys and environment variables that look like settings of Cistern, but are none: most of them are misspelt. */
public final class UnknownSettings {

    private static final Pattern KEY = Pattern.compile("(?i)(bss|kafka)(\\..*)?");
    private static final Pattern VARIABLE = Pattern.compile("(BSS|KAFKA|BUCKET|S3)_[A-Z0-9_]+");
    /**
     * The variables that Kubernetes and Docker set for a service. {@code <SERVICE>_PORT} is one of them by its value only, see
     * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables.
     */
    private static final Pattern SERVICE_VARIABLE =
        Pattern.compile(".*_SERVICE_(HOST|PORT(_\\w+)?)|.*_PORT_\\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?");
    private static final Pattern SERVICE_ADDRESS = Pattern.compile("(tcp|udp|sctp)://.*");
    /** The variables of Kafka's own scripts, which hosts with Kafka's tools have. */
    private static final Set<String> KAFKA_SCRIPTS = Set.of("KAFKA_HOME", "KAFKA_OPTS", "KAFKA_HEAP_OPTS", "KAFKA_JMX_OPTS",
        "KAFKA_GC_LOG_OPTS", "KAFKA_LOG4J_OPTS", "KAFKA_LOG4J_CMD_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_DEBUG",
        "KAFKA_VERSION");

    private final KnownSettings known = KnownSettings.read();
    private final ConfigurableEnvironment environment;

    public UnknownSettings(ConfigurableEnvironment environment) {
        this.environment = environment;
    }

    /** A sentence for each unknown name, in alphabetical order, with the nearest known one. It shows no values. */
    public List<String> describe() {
        Map<String, String> found = new TreeMap<>();
        for (PropertySource<?> source : environment.getPropertySources()) {
            if (source instanceof EnumerablePropertySource<?> enumerable) {
                for (String name : enumerable.getPropertyNames()) {
                    String nearest = nearest(name, enumerable);
                    if (nearest != null) {
                        found.putIfAbsent(name, printable(name) + origin(source, name) + ": unknown, the nearest known "
                            + nearest);
                    }
                }
            }
        }
        return List.copyOf(found.values());
    }

    /** The nearest known name in words; null if {@code name} is known, or not one of Cistern's. */
    private String nearest(String name, EnumerablePropertySource<?> source) {
        if (VARIABLE.matcher(name).matches()) {
            boolean isForeign = SERVICE_VARIABLE.matcher(name).matches() || KAFKA_SCRIPTS.contains(name)
                || name.endsWith("_PORT") && SERVICE_ADDRESS.matcher(String.valueOf(source.getProperty(name))).matches();
            return isForeign || known.hasVariable(name) ? null : "variable is " + known.nearestVariable(name);
        }
        if (!KEY.matcher(name).matches() || known.hasKey(name)) {
            return null;
        }
        return "key is " + known.nearestKey(name);
    }

    private static String origin(PropertySource<?> source, String name) {
        Origin origin = OriginLookup.getOrigin(source, name);
        return origin == null ? " (" + printable(source.getName()) + ")" : " (" + printable(origin.toString()) + ")";
    }

    private static String printable(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }
}
