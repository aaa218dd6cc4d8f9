package io.cistern;

import java.io.IOException;
import java.util.List;
import org.springframework.boot.env.PropertySourceLoader;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.PropertySource;
import org.springframework.core.io.Resource;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;

/**
 * Loads YAML as Spring Boot does, and names file, line and column where it is wrong: Spring Boot's own loader leaves out the file
 * and fails with a stack trace. It comes before that one, and a file is loaded once.
 */
@Order(Ordered.HIGHEST_PRECEDENCE)
public final class LocatedYamlLoader implements PropertySourceLoader {

    private final YamlPropertySourceLoader loader = new YamlPropertySourceLoader();

    @Override
    public String[] getFileExtensions() {
        return loader.getFileExtensions();
    }

    /**
     * Loads a file.
     *
     * @throws SettingsException if it is not valid YAML, or has a key twice
     */
    @Override
    public List<PropertySource<?>> load(String name, Resource resource) throws IOException {
        try {
            return loader.load(name, resource);
        } catch (MarkedYAMLException e) {
            // The marked line itself is left out: it may hold a secret.
            String where = e.getProblemMark() == null ? "" : ", line " + (e.getProblemMark().getLine() + 1) + ", column "
                + (e.getProblemMark().getColumn() + 1);
            throw new SettingsException(List.of(file(resource) + where + ": " + printable(e.getProblem())));
        } catch (YAMLException e) {
            throw new SettingsException(List.of(file(resource) + ": " + printable(e.getMessage())));
        }
    }

    private static String file(Resource resource) {
        try {
            return resource.isFile() ? resource.getFile().getAbsoluteFile().toPath().normalize().toString()
                : resource.getDescription();
        } catch (IOException e) {
            return resource.getDescription();
        }
    }

    private static String printable(String problem) {
        return String.valueOf(problem).replaceAll("\\p{Cntrl}+", " ").trim();
    }
}
