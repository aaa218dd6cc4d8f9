package io.cistern.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.cistern.Settings;
import io.cistern.reload.ReloadRequest;
import io.cistern.testing.ApplicationYaml;
import io.cistern.testing.JsonSchema;
import io.cistern.testing.Markdown;
import io.cistern.testing.Markdown.Block;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import net.thisptr.jackson.jq.JsonQuery;
import net.thisptr.jackson.jq.Versions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.config.YamlPropertiesFactoryBean;
import org.springframework.core.io.ByteArrayResource;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

/** What the pages tell their readers to write is right: settings, commands, calls, and where links lead. */
class PagesTest {

    private interface Check {
        void of(Block block) throws Exception;
    }

    private static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final List<Markdown> PAGES = Markdown.pages();

    /** Of these, those without a name and text are for the eye only. */
    private static final Set<String> LANGUAGES = Set.of("yaml", "json", "shell", "jq", "xml", "text", "");
    /** Lists in YAML: pieces of routes, which tests of their own load and run. */
    private static final Set<String> RUN_BY_ANOTHER_TEST = Set.of("docs/extending.md ## Changing a route",
        "docs/extending.md ## A store of your own");
    private static final Set<String> OF_APPLICATION_YAML = Set.of("bss", "kafka", "camel", "server", "logging", "management",
        "spring", "springdoc", "cistern");
    /** Objects in YAML that other programs read, by a field that each of them has. */
    private static final Set<String> OF_OTHERS = Set.of("apiVersion", "services", "scrape_configs", "groups", "resources");
    private static final Set<String> COMMANDS = Set.of("curl", "jq", "java", "mvn", "export", "mkdir", "cp", "cat", "echo", "ls",
        "cd", "sleep", "grep", "sed", "chmod", "rm", "git", "docker", "kubectl", "kustomize", "helm", "camel", "jbang", "npm",
        "openssl", "keytool", "promtool", "aws", "az", "gcloud", "mc", "unzip", "tar", "for", "test", "base64", "printf",
        "timeout", "watch", "tail", "head", "kamel", "sha256sum", "htpasswd", "cut", "tr",
        "sort", "awk", "xargs", "true");
    private static final Pattern VARIABLE = Pattern.compile("(BSS|BUCKET|KAFKA|S3)_[A-Z0-9_]+");
    /** What Kafka's own scripts read. */
    private static final Set<String> VARIABLES_OF_OTHERS = Set.of("KAFKA_OPTS", "KAFKA_HEAP_OPTS");
    private static final Pattern OWN_FILE = Pattern.compile("(docs|docker|routes|src)/.*");

    @Test
    void everyBlockIsOfAKindThatIsChecked() {
        assertThat(blocks(block -> !LANGUAGES.contains(block.language())))
            .as("blocks of a language that no test knows").isEmpty();
        assertThat(blocks(block -> Set.of("", "text").contains(block.language())
            && block.text().matches("(?sm).*^(curl|java|mvn|kafka-\\S+|bss:).*")))
            .as("commands and settings that are not marked as such").isEmpty();
    }

    @Test
    void yamlIsOfSettingsThatHoldOrOfAProgramThatIsKnown() {
        check("yaml", block -> {
            for (JsonNode document : documents(block)) {
                if (document.isArray()) {
                    assertThat(RUN_BY_ANOTHER_TEST).contains(block.page() + " " + block.heading());
                } else if (OF_OTHERS.stream().noneMatch(document::has)) {
                    assertThat(document.fieldNames()).toIterable().isSubsetOf(OF_APPLICATION_YAML);
                    assertHolds(block.text());
                }
            }
        });
    }

    @Test
    void jsonAndItsQueriesCanBeRead() {
        check("json", block -> {
            for (String line : block.text().split("\n(?=\\{)")) {
                JSON.readTree(line);
            }
        });
        check("jq", block -> JsonQuery.compile(block.text(), Versions.JQ_1_6));
        check("xml", block -> {
            Document document = DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(new InputSource(new StringReader(block.text())));
            assertThat(document.getDocumentElement()).isNotNull();
        });
    }

    @Test
    void shellIsWhatAShellReads(@TempDir Path scripts) throws Exception {
        List<String> paths = new ArrayList<>();
        for (Block block : blocks(block -> block.language().equals("shell"))) {
            String name = block.toString().replace('/', '-').replace(':', '-');
            paths.add(Files.writeString(scripts.resolve(name), block.text()).toString());
        }
        StringBuilder all = new StringBuilder();
        paths.forEach(path -> all.append("bash -n ").append(path).append("\n"));
        Process bash = new ProcessBuilder("bash").redirectErrorStream(true).start();
        bash.getOutputStream().write(all.toString().getBytes(StandardCharsets.UTF_8));
        bash.getOutputStream().close();
        String output = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(bash.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(output).isEmpty();
        assertThat(paths).hasSizeGreaterThan(10);
    }

    @Test
    void commandsAreKnownWithTheirOptionsVariablesAndFiles() {
        check("shell", block -> {
            for (Shell.Step step : Shell.parse(block.text())) {
                step.assignments().keySet().forEach(PagesTest::assertVariable);
                for (List<Shell.Word> command : step.commands()) {
                    List<String> words = command.stream().map(word -> word.expand(Map.of())).toList();
                    if (KafkaTools.know(words.get(0))) {
                        KafkaTools.parse(words);
                    } else {
                        boolean isScript = OWN_FILE.matcher(words.get(0)).matches();
                        assertThat(isScript || COMMANDS.contains(words.get(0))).as("command %s is known", words.get(0)).isTrue();
                        assertCommand(words);
                    }
                }
            }
        });
    }

    @Test
    void callsAreThoseOfTheInterface() {
        check("shell", block -> {
            for (Shell.Step step : Shell.parse(block.text())) {
                for (List<Shell.Word> command : step.commands()) {
                    List<String> words = command.stream().map(word -> word.expand(variables(block))).toList();
                    if (words.get(0).equals("curl")) {
                        assertCall(Curl.parse(words));
                    } else if (words.get(0).equals("jq")) {
                        JsonQuery.compile(words.get(words.size() - 1), Versions.JQ_1_6);
                    }
                }
            }
        });
    }

    @Test
    void linksLeadSomewhere() {
        List<String> dead = new ArrayList<>();
        Map<Path, Markdown> byPath = PAGES.stream().collect(Collectors.toMap(page -> page.path().normalize(), page -> page));
        for (Markdown page : PAGES) {
            for (Markdown.Link link : page.links()) {
                if (link.target().matches("https://.*")) {
                    continue;
                }
                String[] parts = link.target().split("#", 2);
                Path to = parts[0].isEmpty() ? page.path().normalize()
                    : page.path().resolveSibling(URLDecoder.decode(parts[0], StandardCharsets.UTF_8)).normalize();
                boolean leads = Files.exists(to) && (parts.length == 1
                    || byPath.containsKey(to) && byPath.get(to).anchors().contains(parts[1]));
                if (!leads) {
                    dead.add(page.path() + ":" + link.line() + ": " + link.target());
                }
            }
        }
        assertThat(dead).isEmpty();
    }

    @Test
    void everyPageCanBeReachedFromTheReadme() {
        Map<Path, Markdown> byPath = PAGES.stream().collect(Collectors.toMap(page -> page.path().normalize(), page -> page));
        Set<Path> reached = new TreeSet<>();
        List<Path> open = new ArrayList<>(List.of(Path.of("README.md")));
        while (!open.isEmpty()) {
            Path page = open.remove(open.size() - 1);
            if (byPath.containsKey(page) && reached.add(page)) {
                byPath.get(page).links().forEach(link ->
                    open.add(page.resolveSibling(link.target().replaceFirst("#.*", "")).normalize()));
            }
        }
        assertThat(reached).isEqualTo(new TreeSet<>(byPath.keySet()));
    }

    @Test
    void theReferenceHasEveryOptionOfTheHttpInterface() throws IOException {
        String reference = Files.readString(Path.of("docs", "reference.md"));
        openapi().get("paths").fieldNames().forEachRemaining(path -> {
            String last = path.replaceFirst("/reingestion/\\{requestId}/(resume|stop)$", "`/$1`");
            assertThat(reference).contains(last);
        });
        String reloads = Files.readString(Path.of("docs", "reloads.md"));
        openapi().at("/components/schemas/TopicRequest/properties").fieldNames().forEachRemaining(field -> {
            if (!Set.of("topic", "reIngestionTopic").contains(field)) {
                assertThat(reloads).contains("`" + field + "`");
            }
        });
    }

    /** A row may give the ends of further names only: {@code BSS_RELOAD_SCHEDULE_CRON}, {@code _PERIOD}. */
    @Test
    void theReferenceHasEveryVariableOfApplicationYaml() throws IOException {
        List<String> rows = Stream.of("docs/reference.md", "docs/reloads.md").flatMap(page -> lines(Path.of(page)))
            .filter(line -> line.startsWith("| `")).toList();
        Set<String> missing = new TreeSet<>();
        for (Matcher name = Pattern.compile("\\$\\{([A-Z0-9_]+):").matcher(Files.readString(Path.of("application.yaml")));
            name.find();) {
            String variable = name.group(1);
            if (rows.stream().noneMatch(row -> isIn(variable, row))) {
                missing.add(variable);
            }
        }
        assertThat(missing).isEmpty();
    }

    private static boolean isIn(String variable, String row) {
        String first = row.substring(3, row.indexOf('`', 3));
        return row.contains("`" + variable + "`") || Pattern.compile("`(_[A-Z0-9_]+)`").matcher(row).results()
            .map(end -> end.group(1)).anyMatch(end -> variable.endsWith(end)
                && first.startsWith(variable.substring(0, variable.length() - end.length())));
    }

    private static Stream<String> lines(Path page) {
        try {
            return Files.readAllLines(page).stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Checks all blocks of a language; all that are wrong are told at once, by page and line. */
    private static void check(String language, Check check) {
        List<String> problems = new ArrayList<>();
        for (Block block : blocks(block -> block.language().equals(language))) {
            try {
                check.of(block);
            } catch (Exception | AssertionError e) {
                problems.add(block + ": " + e);
            }
        }
        assertThat(problems).isEmpty();
    }

    private static List<Block> blocks(Predicate<Block> which) {
        return PAGES.stream().flatMap(page -> page.blocks().stream()).filter(which).toList();
    }

    private static List<JsonNode> documents(Block block) throws IOException {
        List<JsonNode> documents = new ArrayList<>();
        for (String document : block.text().split("(?m)^---$")) {
            documents.add(YAML.readTree(document));
        }
        return documents;
    }

    /** A fragment of application.yaml has keys that are there only, and with it nothing is wrong. */
    private static void assertHolds(String text) {
        YamlPropertiesFactoryBean yaml = new YamlPropertiesFactoryBean();
        yaml.setResources(new ByteArrayResource(text.getBytes(StandardCharsets.UTF_8)));
        Properties fragment = yaml.getObject();
        Map<String, String> settings = new HashMap<>(Map.of("KAFKA_BROKERS", "localhost:9092", "KAFKA_GROUP_ID", "group",
            "BUCKET_TYPE", "file", "BUCKET_NAME", "bucket", "BSS_EVENTS_TOPIC", "events", "BSS_HTTP_AUTHENTICATION", "none"));
        if (!text.contains("data-topics-mapping:")) {
            settings.put("bss.topics-config.data-topics-mapping[0].ingestion", "orders.ingestion");
        }
        for (String key : fragment.stringPropertyNames()) {
            String list = key.replaceFirst("\\[.*", "");
            if (key.matches("(bss|kafka)\\..*")) {
                assertThat(ApplicationYaml.keys()).containsAnyOf(key, list);
            }
            settings.put(key, fragment.getProperty(key));
        }
        assertThat(new Settings(ApplicationYaml.lookup(settings)).problems()).isEmpty();
    }

    private static void assertVariable(String name) {
        if (VARIABLE.matcher(name).matches() && !VARIABLES_OF_OTHERS.contains(name)) {
            boolean feeds = ApplicationYaml.keys().stream().anyMatch(key -> ApplicationYaml.written(key).contains("${" + name)
                || key.replace("-", "").replace('.', '_').toUpperCase(Locale.ROOT).equals(name));
            boolean isOfAList = name.startsWith("BSS_TOPICSCONFIG_DATATOPICSMAPPING_");
            assertThat(feeds || isOfAList).as("variable %s is one of application.yaml", name).isTrue();
        }
    }

    private static void assertCommand(List<String> words) throws IOException {
        String command = words.get(0);
        if (command.equals("export")) {
            words.stream().skip(1).forEach(word -> assertVariable(word.replaceFirst("=.*", "")));
        }
        // With that property it is Spring Boot's own tools that are run.
        boolean isOurs = command.equals("java") && words.stream().anyMatch(word -> word.endsWith("cistern.jar"))
            && !words.contains("-Djarmode=tools");
        if (isOurs) {
            words.stream().filter(word -> word.startsWith("--")).forEach(PagesTest::assertOption);
        }
        if (command.equals("mvn")) {
            assertMaven(words);
        }
        for (String word : words) {
            assertThat(!OWN_FILE.matcher(word).matches() || Files.exists(Path.of(word))).as("file %s is there", word).isTrue();
        }
    }

    private static void assertMaven(List<String> words) throws IOException {
        for (String word : words) {
            if (word.startsWith("-P")) {
                assertThat(Files.readString(Path.of("pom.xml"))).contains("<id>" + word.substring(2) + "</id>");
            }
            for (Matcher option = Pattern.compile("(--[a-z.-]+)(=|$| )").matcher(word); option.find();) {
                assertOption(option.group(1));
            }
        }
    }

    /** An option is a key, or one that the program or its demo asks for by its name. */
    private static void assertOption(String option) {
        String name = option.substring(2).replaceFirst("=.*", "");
        boolean isKey = ApplicationYaml.keys().contains(name);
        assertThat(isKey || sources().anyMatch(source -> source.contains("\"" + name + "\"") || source.contains("\"--" + name)))
            .as("option %s is known", option).isTrue();
    }

    private static Stream<String> sources() {
        try (Stream<Path> main = Files.walk(Path.of("src/main/java")); Stream<Path> demo = Files.walk(
            Path.of("src/test/java/io/cistern/demo"))) {
            List<String> texts = new ArrayList<>();
            for (Path file : Stream.concat(main, demo).filter(file -> file.toString().endsWith(".java")).toList()) {
                texts.add(Files.readString(file));
            }
            return texts.stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The variables that a block sets to a text. */
    private static Map<String, String> variables(Block block) {
        Map<String, String> variables = new HashMap<>();
        for (Shell.Step step : Shell.parse(block.text())) {
            step.assignments().forEach((name, value) -> variables.put(name, value.expand(variables)));
        }
        return variables;
    }

    private static void assertCall(Curl curl) throws IOException {
        String path = curl.pathOfCistern();
        if (path == null || path.matches("/(actuator/.*|openapi.yaml|swagger-ui.html)")) {
            return;
        }
        JsonNode paths = openapi().get("paths");
        String name = path.replaceFirst("\\?.*", "");
        List<String> operations = new ArrayList<>();
        paths.fieldNames().forEachRemaining(template -> {
            if (name.matches(template.replaceAll("\\{[^}]*}", "[^/]+"))
                && paths.get(template).has(curl.method().toLowerCase(Locale.ROOT))) {
                operations.add(template);
            }
        });
        assertThat(operations).as("%s %s in the interface's document", curl.method(), path).isNotEmpty();
        String template = operations.contains(name) ? name : operations.get(0);
        JsonNode operation = paths.get(template).get(curl.method().toLowerCase(Locale.ROOT));
        for (Matcher parameter = Pattern.compile("[?&](\\w+)=").matcher(path); parameter.find();) {
            assertThat(operation.get("parameters").findValuesAsText("name")).contains(parameter.group(1));
        }
        assertThat(curl.body() != null).as("%s %s has a body", curl.method(), path).isEqualTo(operation.has("requestBody"));
        if (curl.body() != null) {
            JsonNode body = JSON.readTree(curl.body());
            JsonNode schema = operation.at("/requestBody/content/application~1json/schema");
            assertThat(new JsonSchema(openapi(), true).problems(schema, body, "body")).isEmpty();
            Map<String, Object> asked = JSON.convertValue(body, new TypeReference<>() {
            });
            if (template.equals("/reingestion/topic")) {
                ReloadRequest.ofTopic(asked, topic -> topic);
            } else if (template.equals("/reingestion/file")) {
                ReloadRequest.ofFile(asked);
            }
        }
    }

    private static JsonNode openapi() throws IOException {
        return YAML.readTree(Path.of("src/main/resources/static/openapi.yaml").toFile());
    }
}
