package io.cistern.observability;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** The queries of the dashboard and of the alert rules. */
final class Queries {

    static final Path DASHBOARD = Path.of("docker", "grafana", "cistern-dashboard.json");
    static final Path ALERTS = Path.of("docker", "prometheus", "alerts.yaml");

    private Queries() {
    }

    static JsonNode dashboard() {
        return read(new ObjectMapper(), DASHBOARD);
    }

    /** The rules, by their names. */
    static Map<String, JsonNode> alerts() {
        Map<String, JsonNode> alerts = new LinkedHashMap<>();
        read(new ObjectMapper(new YAMLFactory()), ALERTS).get("groups").forEach(group ->
            group.get("rules").forEach(rule -> alerts.put(rule.get("alert").asText(), rule)));
        return alerts;
    }

    /** The queries of the dashboard's panels, by the panel's title and the query's letter, its variables set to all. */
    static Map<String, String> ofDashboard() {
        Map<String, String> queries = new LinkedHashMap<>();
        dashboard().get("panels").forEach(panel -> panel.path("targets").forEach(target ->
            queries.put(panel.get("title").asText() + " " + target.get("refId").asText(), filled(target.get("expr").asText()))));
        return queries;
    }

    /** What a variable of the dashboard is filled with: the part of {@code label_values(…, label)} before the label. */
    static Map<String, String> ofVariables() {
        Map<String, String> queries = new LinkedHashMap<>();
        dashboard().get("templating").get("list").forEach(variable -> {
            String query = variable.path("query").path("query").asText();
            if (!query.isEmpty()) {
                queries.put("$" + variable.get("name").asText(), "count by (" + query.replaceAll(".*, (\\w+)\\)$", "$1") + ") ("
                    + filled(query.replaceAll("^label_values\\((.*), \\w+\\)$", "$1")) + ")");
            }
        });
        return queries;
    }

    private static String filled(String expression) {
        return expression.replace("$__rate_interval", "1m").replace("$job", ".*").replace("$topic", ".*");
    }

    private static JsonNode read(ObjectMapper mapper, Path file) {
        try {
            return mapper.readTree(file.toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
