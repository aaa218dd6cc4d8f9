package io.cistern.testing;

import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.springframework.beans.factory.config.YamlProcessor.MatchStatus;
import org.springframework.beans.factory.config.YamlPropertiesFactoryBean;
import org.springframework.core.io.FileSystemResource;
import org.springframework.util.PropertyPlaceholderHelper;

/** The repository's {@code application.yaml}, read without starting anything. */
public final class ApplicationYaml {

    private static final Properties FILE = read();

    private ApplicationYaml() {
    }

    /** All keys of the part that holds for every role. */
    public static Set<String> keys() {
        return new TreeSet<>(FILE.stringPropertyNames());
    }

    /** What the file says of a key, its {@code ${...}} as they are written; null if nothing. */
    public static String written(String key) {
        return FILE.getProperty(key);
    }

    /**
     * What a key's value is.
     *
     * @param settings values of environment variables, or of keys, which go before what the file says
     */
    public static Function<String, String> lookup(Map<String, String> settings) {
        PropertyPlaceholderHelper placeholders = new PropertyPlaceholderHelper("${", "}", ":", null, false);
        return key -> {
            String value = settings.getOrDefault(key, FILE.getProperty(key));
            return value == null ? null : placeholders.replacePlaceholders(value,
                name -> settings.getOrDefault(name, FILE.getProperty(name)));
        };
    }

    private static Properties read() {
        YamlPropertiesFactoryBean yaml = new YamlPropertiesFactoryBean();
        yaml.setDocumentMatchers(document -> document.containsKey("spring.config.activate.on-profile")
            ? MatchStatus.NOT_FOUND : MatchStatus.FOUND);
        yaml.setResources(new FileSystemResource(Path.of("application.yaml")));
        return yaml.getObject();
    }
}
