package io.cistern.routes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.cistern.testing.ApplicationYaml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The build's check of the routes, and that it finds what it is for. */
class RoutesLintTest {

    private static final Path ROUTES = Path.of("routes");

    private static final String GOOD = """
        # What this is for.

        - beans:
            - name: clock
              type: java.util.concurrent.atomic.AtomicInteger
            - name: strategy
              type: io.cistern.batch.KeepRecords
              properties:
                clock: "#bean:clock"

        - routeConfiguration:
            id: policy
            description: What happens when a step fails
            onException:
              - onException:
                  id: any
                  exception:
                    - java.lang.Exception
                  steps:
                    - log:
                        id: failure
                        message: "${exception.message}"

        - route:
            id: one
            description: A route
            nodePrefixId: one-
            routeConfigurationId: policy
            from:
              id: start
              uri: direct
              parameters:
                name: one
              steps:
                - split:
                    id: records
                    aggregationStrategy: "#bean:strategy"
                    streaming: true
                    simple:
                      expression: "${body}"
                    steps:
                      - setBody:
                          id: count
                          method:
                            ref: clock
                            method: incrementAndGet
                - choice:
                    id: choice
                    when:
                      - id: is-full
                        simple:
                          expression: "${body} > {{bss.retries}}"
                        steps:
                          - stop:
                              id: stop
                    otherwise:
                      id: otherwise
                      steps:
                        - to:
                            id: publish
                            uri: kafka
                            parameters:
                              topic: "{{bean:clock.toString}}"
                              additionalProperties.x: "1"
        """;

    static Set<String> backends() throws IOException {
        try (Stream<Path> files = Files.list(ROUTES.resolve("buckets"))) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new));
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void theRoutesAreRightWithEachBackend(String backend) throws IOException {
        assertThat(lintWith(backend).problems()).isEmpty();
    }

    /**
     * A file is to be seen at once; only a backend is one file, with all that has to be said to its client.
     */
    @Test
    void noOtherFileIsLong() throws IOException {
        Map<String, Long> longFiles = new TreeMap<>();
        for (String backend : backends()) {
            longFiles.putAll(lintWith(backend).longFiles());
        }
        assertThat(longFiles).allSatisfy((file, lines) ->
            assertThat(lines).as(file).isLessThanOrEqualTo(
                file.startsWith("buckets/") ? 300 : 150));
    }

    /** Camel may make all beans of a file once more: one that refers to a later one would then keep the former one. */
    @Test
    void aBeanComesBehindThoseThatItRefersTo() throws IOException {
        Set<String> made = new TreeSet<>();
        for (String line : Files.readAllLines(ROUTES.resolve("beans.camel.yaml"))) {
            Matcher name = Pattern.compile("\\s*- name: (\\w+)").matcher(line);
            Matcher reference = Pattern.compile(".*\"#bean:(\\w+)\".*").matcher(line);
            if (name.matches()) {
                made.add(name.group(1));
            } else if (reference.matches()) {
                assertThat(made).contains(reference.group(1));
            }
        }
        assertThat(made).hasSizeGreaterThan(10);
    }

    @Test
    void everySettingIsUsed() throws IOException {
        assertThat(RouteLint.unusedKeys(ownKeys(), text(ROUTES, ".yaml"), text(Path.of("src/main/java"), ".java"),
            Files.readString(Path.of("application.yaml")))).isEmpty();
    }

    @Test
    void whatIsRightIsLeftAlone() {
        assertThat(lint(GOOD)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        // the style
        "# What this is for. | # | no comment at the start",
        "    id: one\\n | | [2].route: id is missing",
        "    description: A route\\n | | description is missing",
        "    description: What happens when a step fails\\n | | description is missing",
        "    nodePrefixId: one-\\n | | nodePrefixId is missing",
        "    routeConfigurationId: policy\\n | | routeConfigurationId is missing",
        "      id: start\\n | | route.from: id is missing",
        "            id: records\\n | | from.steps[0]: id is missing",
        "                  id: count\\n | | steps[0]: id is missing",
        "              - id: is-full\\n                simple | - simple | when[0]: id is missing",
        "              id: otherwise\\n | | choice.otherwise: id is missing",
        "                    id: publish\\n | | steps[0]: id is missing",
        "          id: any\\n | | onException: id is missing",
        "                id: failure\\n | | steps[0]: id is missing",
        "uri: kafka | uri: kafka:topic?brokers=localhost | a query string in uri",
        "                  id: count | id: records | there are two steps records",
        // the canonical form
        "log:\\n                id: failure\\n                message: `${exception.message}` | log: failed | expected object, not string",
        "simple:\\n              expression: `${body}`\\n | simple: x\\n | expected object, not string",
        "method:\\n                    ref: clock\\n                    method: incrementAndGet | method: clock | expected object, not string",
        "                - to:\\n                    id: publish | - to: direct:x\\n                - to:\\n                    id: publish | expected object, not string",
        "- route:\\n    id: one\\n | - from:\\n    id: one\\n | there is no property from",
        "streaming: true | streaming: yes please | streaming: expected boolean",
        "streaming: true | streamed: true | there is no property streamed",
        "- route: | - rout: | there is no property rout",
        "                - to: | - too: | there is no property too",
        "    description: A route | description: A route\\n    description: twice | no YAML: Duplicate field",
        // what is named is there
        "#bean:strategy | #bean:strateg | there is no bean strateg",
        "#bean:strategy | strateg | there is no bean strateg",
        "#bean:clock | #bean:clok | there is no bean clok",
        "ref: clock | ref: clok | there is no bean clok",
        "method: incrementAndGet | method: increment | bean clock has no public method increment",
        "atomic.AtomicInteger | atomic.AtomicInt | there is no class java.util.concurrent.atomic.AtomicInt",
        "{{bean:clock.toString}} | {{bean:clok.toString}} | there is no bean clok",
        "{{bean:clock.toString}} | {{bean:clock.getX}} | bean clock has no public method getX",
        "{{bss.retries}} | {{bss.retry}} | application.yaml has no key bss.retry",
        "{{bss.retries}} | {{bss.retries:3}} | application.yaml has no key bss.retries:3",
        "{{bss.retries}} | {{?bss.retries}} | application.yaml has no key ?bss.retries",
        "routeConfigurationId: policy | routeConfigurationId: polizy | there is no routeConfiguration polizy",
        "routeConfigurationId: policy | routeConfigurationId: polizy | routeConfiguration policy is never used",
        "name: one | name: two | direct:one is called, but no route starts with it",
        "name: one | name: two | direct:two is never called",
        "uri: kafka | uri: kafke | there is no component kafke",
        "additionalProperties.x | brokerz | component kafka has no option brokerz",
        "                      topic: | brokers: | component kafka needs topic"})
    void whatIsWrongIsTold(String part, String instead, String problem) {
        String from = part.replace("\\n", "\n").replace('`', '"');
        assertThat(GOOD).contains(from);
        String yaml = instead == null ? GOOD.replaceFirst(" *" + Pattern.quote(from), "")
            : GOOD.replaceFirst(Pattern.quote(from), Matcher.quoteReplacement(instead.replace("\\n", "\n")));

        assertThat(lint(yaml)).anySatisfy(found -> assertThat(found).contains(problem));
    }

    @Test
    void routesAndBeansOfOneNameAreTold() {
        assertThat(lint(GOOD + "\n" + GOOD.substring(GOOD.indexOf("- route:")))).anyMatch(problem ->
            problem.contains("there are two routes one"));
        assertThat(lint(GOOD.replace("name: strategy", "name: clock"))).anyMatch(problem ->
            problem.contains("bean clock is declared twice"));
    }

    @Test
    void longFilesAndRoutesAreTold() {
        StringBuilder yaml = new StringBuilder(GOOD);
        for (int i = 0; i < 20; i++) {
            yaml.append("        - stop:\n            id: stop-").append(i).append("\n# a line\n# a line\n# a line\n");
        }
        RouteLint lint = new RouteLint(Map.of("long", yaml.toString(), "short", GOOD), ownKeys(), Set.of("one"));
        assertThat(lint.longFiles()).containsOnlyKeys("long");
        assertThat(lint.problems()).anyMatch(problem -> problem.contains("27 steps are too many for one route"));
    }

    @Test
    void aSettingIsUsedByARouteOrJavaOrAnotherSettingOnly() {
        assertThat(RouteLint.unusedKeys(Set.of("a.route", "a.java", "an.other", "a.table", "a.word"), "x: '{{a.route}}'",
            "text(\"a.java\"); Map.entry(\"a.table\", \"A_TABLE\");", "a.word: ${an.other}"))
            .containsExactly("a.table", "a.word");
    }

    private static RouteLint lintWith(String backend) throws IOException {
        Map<String, String> files = new TreeMap<>();
        try (Stream<Path> core = Files.list(ROUTES)) {
            for (Path file : core.filter(file -> file.toString().endsWith(".camel.yaml")).toList()) {
                files.put(file.getFileName().toString(), Files.readString(file));
            }
        }
        files.put("buckets/" + backend, Files.readString(ROUTES.resolve("buckets").resolve(backend)));
        Set<String> calledFromOutside = new TreeSet<>();
        Matcher matcher = Pattern.compile("\"direct:([a-z-]+)\"").matcher(text(Path.of("src/main/java"), ".java"));
        while (matcher.find()) {
            calledFromOutside.add(matcher.group(1));
        }
        assertThat(calledFromOutside).hasSizeGreaterThan(3);
        new ObjectMapper(new YAMLFactory()).readTree(Path.of("src/main/resources/static/openapi.yaml").toFile())
            .findValuesAsText("operationId").forEach(calledFromOutside::add);
        return new RouteLint(files, ApplicationYaml.keys(), calledFromOutside);
    }

    private static List<String> lint(String yaml) {
        return new RouteLint(Map.of("snippet", yaml), ownKeys(), Set.of("one")).problems();
    }

    private static Set<String> ownKeys() {
        return ApplicationYaml.keys().stream().filter(key -> key.startsWith("bss.") || key.startsWith("kafka."))
            .collect(Collectors.toSet());
    }

    private static String text(Path folder, String extension) throws IOException {
        StringBuilder text = new StringBuilder();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(path -> path.toString().endsWith(extension)).toList()) {
                text.append(Files.readString(file)).append('\n');
            }
        }
        return text.toString();
    }
}
