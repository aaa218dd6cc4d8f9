package io.cistern.routes;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import groovy.lang.GroovyShell;
import io.cistern.testing.JsonSchema;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.codehaus.groovy.control.CompilationFailedException;

/**
 * Checks YAML routes without starting them: Camel's own schema in its canonical form (no compact notations), the project's
 * style, and that whatever is named (beans and their methods, settings, endpoints and their options, error policies) is
 * there. The files of one backend are checked together with all others.
 */
final class RouteLint {

    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory())
        .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
    private static final ObjectNode SCHEMA = canonicalSchema();
    private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{(.*?)}}");
    /** How a script reads a setting, and gets a bean. */
    private static final Pattern SETTING = Pattern.compile("settings\\.value\\('(.*?)'\\)");
    private static final Pattern LOOKUP = Pattern.compile("registry\\.lookupByName\\('(.*?)'\\)");
    private static final Pattern BEAN = Pattern.compile("bean:(\\w+)(?:\\.(\\w+))?");
    /** What refers to a bean by its name, with or without #bean: in front. */
    private static final Set<String> REFERENCES = Set.of("aggregationStrategy", "aggregationRepository", "executorService",
        "onPrepare", "onRedeliveryRef", "onExceptionOccurredRef", "redeliveryPolicyRef");
    /** What has steps of its own, beside those in a list of steps. */
    private static final Set<String> BRANCHES = Set.of("route", "routeConfiguration", "from", "rest", "onException",
        "onCompletion", "otherwise", "doFinally", "onWhen");
    private static final int MOST_LINES = 150;
    private static final int MOST_STEPS = 15;

    private final Map<String, String> files;
    private final Set<String> keys;
    private final Set<String> calledFromOutside;
    private final Map<String, String> beans = new HashMap<>();
    private final Set<String> policies = new HashSet<>();
    private final Set<String> namedPolicies = new HashSet<>();
    private final Set<String> defined = new HashSet<>();
    private final Set<String> called = new TreeSet<>();
    private final Set<String> routeIds = new HashSet<>();
    private final List<String> problems = new ArrayList<>();

    /**
     * @param files             texts by their names: those of {@code routes/}, with those of one backend
     * @param keys              the keys of application.yaml
     * @param calledFromOutside names of direct: endpoints that Java or the HTTP interface calls
     */
    RouteLint(Map<String, String> files, Set<String> keys, Set<String> calledFromOutside) {
        this.files = files;
        this.keys = keys;
        this.calledFromOutside = calledFromOutside;
    }

    /** What is wrong, a sentence each that starts with the file and the place in it. */
    List<String> problems() {
        Map<String, JsonNode> parsed = new HashMap<>();
        files.forEach((name, text) -> {
            try {
                JsonNode document = YAML.readTree(text);
                parsed.put(name, document);
                problems.addAll(new JsonSchema(SCHEMA, false).problems(SCHEMA, document, name));
            } catch (IOException e) {
                problems.add(name + ": no YAML: " + e.getMessage().lines().findFirst().orElse(""));
            }
            if (!text.startsWith("# ")) {
                problems.add(name + ": no comment at the start that says what the file is for");
            }
        });
        parsed.values().forEach(this::declare);
        parsed.forEach((name, document) -> walk(document, "", name));
        calledFromOutside.forEach(called::add);
        for (String endpoint : called) {
            if (!defined.contains(endpoint)) {
                problems.add("direct:" + endpoint + " is called, but no route starts with it");
            }
        }
        for (String endpoint : defined) {
            if (!called.contains(endpoint)) {
                problems.add("direct:" + endpoint + " is never called");
            }
        }
        for (String policy : policies) {
            if (!namedPolicies.contains(policy)) {
                problems.add("routeConfiguration " + policy + " is never used");
            }
        }
        return problems;
    }

    /** The files that have more lines than a person sees at once, with their lines. */
    Map<String, Long> longFiles() {
        Map<String, Long> found = new HashMap<>();
        files.forEach((name, text) -> {
            if (text.lines().count() > MOST_LINES) {
                found.put(name, text.lines().count());
            }
        });
        return found;
    }

    /** The keys that neither a route, nor Java, nor another key uses; Java's table of their variables is no use. */
    static Set<String> unusedKeys(Set<String> keys, String routes, String java, String applicationYaml) {
        String uses = routes + java.replaceAll("Map\\.entry\\(\"[^\"]+\"", "") + applicationYaml;
        Set<String> unused = new TreeSet<>();
        for (String key : keys) {
            if (!uses.contains("{{" + key + "}}") && !uses.contains("'" + key + "'") && !uses.contains("\"" + key + "\"") && !uses.contains("${" + key + "}")) {
                unused.add(key);
            }
        }
        return unused;
    }

    private void declare(JsonNode document) {
        for (JsonNode element : document) {
            element.path("beans").forEach(bean -> {
                if (beans.put(bean.path("name").asText(), bean.path("type").asText()) != null) {
                    problems.add("bean " + bean.path("name").asText() + " is declared twice");
                }
            });
            if (element.has("routeConfiguration")) {
                policies.add(element.at("/routeConfiguration/id").asText());
            }
        }
    }

    private void walk(JsonNode node, String name, String place) {
        if (node.isObject()) {
            checkObject(node, name, place);
            node.properties().forEach(property ->
                walk(property.getValue(), property.getKey(), place + "." + property.getKey()));
        } else if (node.isArray()) {
            for (int i = 0; i < node.size(); i++) {
                String id = node.get(i).elements().hasNext() ? node.get(i).elements().next().path("id").asText("") : "";
                String element = place + "[" + (id.isEmpty() ? i : id) + "]";
                if (name.equals("steps") && node.get(i).isObject()) {
                    node.get(i).elements().forEachRemaining(step -> requireId(step, element));
                } else if (name.equals("doCatch") || name.equals("when")) {
                    requireId(node.get(i), element);
                }
                walk(node.get(i), "", element);
            }
        } else if (node.isTextual()) {
            checkText(node.asText(), name, place);
        }
    }

    private void checkObject(JsonNode node, String name, String place) {
        if (BRANCHES.contains(name)) {
            requireId(node, place);
        }
        if (name.equals("route")) {
            checkRoute(node, place);
        } else if (name.equals("routeConfiguration")) {
            require(node, "description", place);
        } else if (place.matches("[^.]*\\[\\d+]\\.beans\\[\\w+]")) {
            loadClass(node.path("type").asText(), place);
        }
        if (node.has("uri")) {
            checkEndpoint(node, name.equals("from"), place);
        }
        if ((name.equals("method") || name.equals("bean")) && node.has("ref")) {
            requireMethod(node.get("ref").asText(), node.path("method").asText(null), place);
        }
    }

    private void checkRoute(JsonNode route, String place) {
        for (String field : List.of("description", "nodePrefixId", "routeConfigurationId")) {
            require(route, field, place);
        }
        String policy = route.path("routeConfigurationId").asText();
        namedPolicies.add(policy);
        if (!policy.isEmpty() && !policies.contains(policy)) {
            problems.add(place + ": there is no routeConfiguration " + policy);
        }
        if (!routeIds.add(route.path("id").asText())) {
            problems.add(place + ": there are two routes " + route.path("id").asText());
        }
        List<String> ids = new ArrayList<>();
        route.path("from").path("steps").findValues("id").forEach(id -> ids.add(id.asText()));
        ids.stream().filter(id -> ids.indexOf(id) != ids.lastIndexOf(id)).distinct()
            .forEach(id -> problems.add(place + ": there are two steps " + id));
        if (ids.size() > MOST_STEPS) {
            problems.add(place + ": " + ids.size() + " steps are too many for one route");
        }
    }

    private void checkEndpoint(JsonNode endpoint, boolean isFrom, String place) {
        String uri = endpoint.get("uri").asText();
        if (uri.contains("?")) {
            problems.add(place + ": a query string in uri: expected parameters");
            return;
        }
        String scheme = uri.replaceFirst(":.*", "");
        JsonNode options = options(scheme);
        if (options == null) {
            problems.add(place + ": there is no component " + scheme);
            return;
        }
        JsonNode parameters = endpoint.path("parameters");
        parameters.fieldNames().forEachRemaining(name -> {
            if (!options.has(name) && options.findValuesAsText("prefix").stream().noneMatch(name::startsWith)) {
                problems.add(place + ": component " + scheme + " has no option " + name);
            }
        });
        options.properties().forEach(option -> {
            if (option.getValue().path("required").asBoolean() && !parameters.has(option.getKey()) && !uri.contains(":")) {
                problems.add(place + ": component " + scheme + " needs " + option.getKey());
            }
        });
        if (scheme.equals("direct")) {
            String name = uri.contains(":") ? uri.substring(uri.indexOf(':') + 1) : parameters.path("name").asText();
            (isFrom ? defined : called).add(name);
        }
    }

    private void checkText(String text, String name, String place) {
        for (Matcher matcher = PLACEHOLDER.matcher(text); matcher.find();) {
            Matcher bean = BEAN.matcher(matcher.group(1));
            if (bean.matches()) {
                requireMethod(bean.group(1), bean.group(2), place);
            } else if (!keys.contains(matcher.group(1))) {
                problems.add(place + ": application.yaml has no key " + matcher.group(1));
            }
        }
        for (Matcher matcher = SETTING.matcher(text); matcher.find();) {
            if (!keys.contains(matcher.group(1))) {
                problems.add(place + ": application.yaml has no key " + matcher.group(1));
            }
        }
        for (Matcher matcher = LOOKUP.matcher(text); matcher.find();) {
            requireMethod(matcher.group(1), null, place);
        }
        if (place.contains(".groovy.") || name.equals("script")) {
            compile(text, place);
        }
        if (text.startsWith("#bean:")) {
            requireMethod(text.substring(6), null, place);
        } else if (REFERENCES.contains(name)) {
            requireMethod(text, null, place);
        }
    }

    /** Whether it is Groovy, where it would be run for the first time when something fails. */
    private void compile(String script, String place) {
        try {
            new GroovyShell().parse(script);
        } catch (CompilationFailedException e) {
            problems.add(place + ": no Groovy: " + e.getMessage());
        }
    }

    private void requireId(JsonNode node, String place) {
        if (node.isObject()) {
            require(node, "id", place);
        }
    }

    private void require(JsonNode node, String field, String place) {
        if (node.path(field).asText().isEmpty()) {
            problems.add(place + ": " + field + " is missing");
        }
    }

    private void requireMethod(String bean, String method, String place) {
        if (!beans.containsKey(bean)) {
            problems.add(place + ": there is no bean " + bean);
            return;
        }
        Class<?> type = loadClass(beans.get(bean), place);
        if (type != null && method != null
            && Arrays.stream(type.getMethods()).noneMatch(candidate -> candidate.getName().equals(method))) {
            problems.add(place + ": bean " + bean + " has no public method " + method);
        }
    }

    private Class<?> loadClass(String name, String place) {
        try {
            return Class.forName(name);
        } catch (ClassNotFoundException e) {
            problems.add(place + ": there is no class " + name);
            return null;
        }
    }

    /** What Camel's component says of its options; null if there is no such component. */
    private static JsonNode options(String scheme) {
        try (InputStream service = resource("META-INF/services/org/apache/camel/component/" + scheme)) {
            if (service == null) {
                return null;
            }
            Properties properties = new Properties();
            properties.load(service);
            String type = properties.getProperty("class");
            String path = "META-INF/" + type.substring(0, type.lastIndexOf('.')).replace('.', '/') + "/" + scheme + ".json";
            try (InputStream json = resource(path)) {
                return new ObjectMapper().readTree(json).get("properties");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Camel's schema without its compact notations: text instead of an object, and a from without a route. */
    private static ObjectNode canonicalSchema() {
        try (InputStream json = resource("schema/camelYamlDsl.json")) {
            ObjectNode schema = (ObjectNode) new ObjectMapper().readTree(json);
            removeTextAlternatives(schema);
            ((ObjectNode) schema.at("/items/properties")).remove("from");
            return schema;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void removeTextAlternatives(JsonNode node) {
        if (node.path("oneOf") instanceof ArrayNode alternatives && alternatives.size() == 2
            && alternatives.get(0).path("type").asText().equals("string") && alternatives.get(1).has("properties")) {
            alternatives.remove(0);
        }
        node.forEach(RouteLint::removeTextAlternatives);
    }

    private static InputStream resource(String path) {
        return RouteLint.class.getClassLoader().getResourceAsStream(path);
    }
}
