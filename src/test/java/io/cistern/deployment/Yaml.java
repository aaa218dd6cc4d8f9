package io.cistern.deployment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** YAML as JSON: anchors and merge keys resolved, a key that is there twice refused. */
final class Yaml {

    private Yaml() {
    }

    /** All documents of a file. */
    static List<JsonNode> documents(Path file) {
        try {
            return documents(Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            throw new AssertionError(file + " is no YAML: " + e.getMessage(), e);
        }
    }

    /** All documents of a text. */
    static List<JsonNode> documents(String text) {
        ObjectMapper json = new ObjectMapper();
        return StreamSupport.stream(yaml().loadAll(text).spliterator(), false)
            .map(document -> json.<JsonNode>valueToTree(document)).toList();
    }

    /** The one document of a resource on the class path. */
    static JsonNode resource(String name) {
        try (InputStream stream = Yaml.class.getResourceAsStream(name)) {
            return new ObjectMapper().valueToTree(yaml().load(stream));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static org.yaml.snakeyaml.Yaml yaml() {
        LoaderOptions options = new LoaderOptions();
        options.setAllowDuplicateKeys(false);
        // For definitions of resources
        options.setMaxAliasesForCollections(1000);
        return new org.yaml.snakeyaml.Yaml(new SafeConstructor(options));
    }
}
