package io.cistern.testing;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * Compares JSON or YAML with a schema: the keywords of JSON Schema that Camel's YAML schema and an OpenAPI document use.
 * Any other keyword is taken as a comment.
 */
public final class JsonSchema {

    private static final String UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

    private final JsonNode document;
    private final boolean strict;

    /**
     * @param document what {@code $ref}s are looked up in
     * @param strict   whether an object may have the properties only that its schema names, unless that says otherwise
     */
    public JsonSchema(JsonNode document, boolean strict) {
        this.document = document;
        this.strict = strict;
    }

    /** What is wrong with {@code value}, a sentence each that starts with its place; empty if it is right. */
    public List<String> problems(JsonNode schema, JsonNode value, String place) {
        List<String> problems = new ArrayList<>();
        check(schema, value, place, problems);
        return problems;
    }

    /** The schema itself, or the one that it refers to. */
    public JsonNode resolve(JsonNode schema) {
        JsonNode resolved = schema;
        while (resolved.has("$ref")) {
            resolved = document.at(resolved.get("$ref").asText().substring(1));
        }
        return resolved;
    }

    private void check(JsonNode unresolved, JsonNode value, String place, List<String> problems) {
        JsonNode schema = merged(resolve(unresolved));
        if (schema.isMissingNode()) {
            problems.add(place + ": the schema is missing: " + unresolved);
            return;
        }
        if (value.isNull() && schema.path("nullable").asBoolean()) {
            return;
        }
        if (schema.has("type") && !hasType(schema.get("type").asText(), value)) {
            problems.add(place + ": expected " + schema.get("type").asText() + ", not " + kind(value));
            return;
        }
        if (schema.has("enum") && !isPlaceholder(value)
            && StreamSupport.stream(schema.get("enum").spliterator(), false).noneMatch(value::equals)) {
            problems.add(place + ": expected one of " + schema.get("enum"));
        }
        if (schema.has("minimum") && value.asLong() < schema.get("minimum").asLong()) {
            problems.add(place + ": less than " + schema.get("minimum"));
        }
        checkFormat(schema.path("format").asText(), value, place, problems);
        if (value.isObject()) {
            checkObject(schema, value, place, problems);
        }
        if (value.isArray() && schema.has("items")) {
            for (int i = 0; i < value.size(); i++) {
                check(schema.get("items"), value.get(i), place + "[" + i + "]", problems);
            }
        }
        for (String keyword : List.of("oneOf", "anyOf")) {
            if (schema.has(keyword)) {
                checkAlternatives(schema.get(keyword), value, place, problems);
            }
        }
        if (schema.has("not") && problems(schema.get("not"), value, place).isEmpty()) {
            problems.add(place + ": has what it must not have");
        }
    }

    /** The objects of {@code allOf} as one, so that each may have the properties of the others. */
    private JsonNode merged(JsonNode schema) {
        if (!schema.has("allOf")) {
            return schema;
        }
        ObjectNode all = JsonNodeFactory.instance.objectNode().put("type", "object");
        for (JsonNode part : schema.get("allOf")) {
            JsonNode one = merged(resolve(part));
            all.withArray("required").addAll((ArrayNode) one.withArray("required"));
            all.withObject("/properties").setAll((ObjectNode) one.withObject("/properties"));
        }
        return all;
    }

    private void checkObject(JsonNode schema, JsonNode value, String place, List<String> problems) {
        schema.path("required").forEach(name -> {
            if (!value.has(name.asText())) {
                problems.add(place + ": " + name.asText() + " is missing");
            }
        });
        JsonNode properties = schema.path("properties");
        boolean closed = schema.has("additionalProperties") ? schema.get("additionalProperties").equals(BooleanNode.FALSE)
            : strict && schema.has("properties");
        value.properties().forEach(property -> {
            String name = property.getKey();
            if (properties.has(name)) {
                check(properties.get(name), property.getValue(), place + "." + name, problems);
            } else if (closed) {
                problems.add(place + ": there is no property " + name + ", but " + names(properties));
            }
        });
        if (schema.has("maxProperties") && value.size() > schema.get("maxProperties").asInt()) {
            problems.add(place + ": more than " + schema.get("maxProperties") + " properties");
        }
    }

    /** One alternative is enough; if none fits, what is wrong is what the closest one says. */
    private void checkAlternatives(JsonNode alternatives, JsonNode value, String place, List<String> problems) {
        List<String> closest = null;
        for (JsonNode alternative : alternatives) {
            List<String> found = problems(alternative, value, place);
            if (found.isEmpty()) {
                return;
            }
            if (closest == null || depth(found) > depth(closest)) {
                closest = found;
            }
        }
        problems.addAll(closest == null ? List.of() : closest);
    }

    /** The deeper an alternative fits, the likelier it was meant. */
    private static int depth(List<String> problems) {
        return problems.stream().mapToInt(problem -> problem.substring(0, problem.indexOf(": ")).length()).max().orElse(0);
    }

    private static void checkFormat(String format, JsonNode value, String place, List<String> problems) {
        if (format.equals("uuid") && !value.asText().matches(UUID)) {
            problems.add(place + ": no UUID");
        }
        if (format.equals("date-time")) {
            try {
                OffsetDateTime.parse(value.asText());
            } catch (DateTimeException e) {
                problems.add(place + ": no date-time");
            }
        }
    }

    private static boolean hasType(String type, JsonNode value) {
        return switch (type) {
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "string" -> value.isTextual();
            case "integer" -> value.isIntegralNumber();
            case "number" -> value.isNumber() || isPlaceholder(value);
            case "boolean" -> value.isBoolean() || isPlaceholder(value);
            default -> true;
        };
    }

    /** A Camel placeholder may stand for any scalar. */
    private static boolean isPlaceholder(JsonNode value) {
        return value.isTextual() && value.asText().matches("\\{\\{.+}}");
    }

    private static String kind(JsonNode value) {
        return value.getNodeType().name().toLowerCase(Locale.ROOT);
    }

    private static String names(JsonNode properties) {
        Set<String> names = new HashSet<>();
        properties.fieldNames().forEachRemaining(names::add);
        return names.stream().sorted().collect(Collectors.joining(", "));
    }
}
