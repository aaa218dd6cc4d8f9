package io.cistern;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.cistern.Finding.Outcome;
import io.cistern.kafka.BrokerCheck;
import io.cistern.kafka.Topics;
import io.cistern.settings.BrokerAddresses;
import io.cistern.settings.UnknownSettings;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.apache.camel.impl.DefaultCamelContext;
import org.springframework.boot.Banner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.ConfigurableEnvironment;

/**
 * {@code --check [--write] [--format=table|json]}: tells whether settings, broker, topics, permissions, bucket and selectors
 * are right, what was tried for that and what came back, and ends. It serves nothing, and leaves everything as it was; only
 * with {@code --write} it puts the files that each start of a storer puts, and reads them back.
 */
final class CheckCommand {

    /** All is right, as far as it is known; something is not. */
    static final int RIGHT = 0;
    static final int WRONG = 1;

    private static final String OPTION = "--check";
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /** What Spring Boot runs: nothing but the settings and the logging. */
    private static final class Nothing {
    }

    private final Settings settings;
    private final Function<String, String> lookup;
    private final ConfigurableEnvironment environment;
    private final boolean writes;
    private final List<Finding> findings = new ArrayList<>();

    private CheckCommand(ConfigurableEnvironment environment, boolean writes) {
        this.environment = environment;
        this.writes = writes;
        lookup = environment::getProperty;
        settings = new Settings(lookup);
    }

    static boolean isAskedFor(String... args) {
        return List.of(args).contains(OPTION);
    }

    /**
     * Checks everything.
     *
     * @param defaults properties of the lowest precedence
     * @param out      gets the report, and nothing else
     * @param err      gets the logs, and why nothing could be checked
     * @return the exit code
     */
    static int run(Map<String, Object> defaults, String[] args, PrintStream out, PrintStream err) {
        // Whatever logs, logs to the console.
        System.setOut(err);
        Map<String, Object> quiet = new HashMap<>(Map.of("LOG_LEVEL", "ERROR"));
        quiet.putAll(defaults);
        try (ConfigurableApplicationContext spring = new SpringApplicationBuilder(Nothing.class)
            .web(WebApplicationType.NONE).bannerMode(Banner.Mode.OFF).logStartupInfo(false)
            .properties(CisternApplication.properties(quiet)).run(args)) {
            String format = spring.getEnvironment().getProperty("format", "table");
            if (!Set.of("table", "json").contains(format)) {
                err.println("Not checked: --format: expected table or json");
                return WRONG;
            }
            CheckCommand check = new CheckCommand(spring.getEnvironment(), List.of(args).contains("--write"));
            check.checkAll();
            return check.report(format, out);
        } catch (Exception e) {
            err.println("Not checked: " + e.getMessage());
            return WRONG;
        }
    }

    private void checkAll() throws Exception {
        checkSettings();
        findings.addAll(new HttpPortCheck(environment).run());
        String routes = environment.getRequiredProperty("cistern.routes");
        try (DefaultCamelContext context = Backend.context("cistern-check", lookup)) {
            AuditCommand.setUpKafka(context, environment);
            String brokers = settings.value("camel.component.kafka.brokers");
            if (!brokers.isEmpty() && BrokerAddresses.problem(brokers) == null) {
                Topics topics = new Topics(settings);
                topics.setCamelContext(context);
                findings.addAll(new BrokerCheck(settings, topics).run());
            }
            checkBucket(routes);
            if (settings.roles().contains(Settings.Role.RELOADER)) {
                checkSelectors(context);
            }
        }
    }

    private void checkSettings() {
        String subject = "application.yaml and the environment";
        List<String> problems = new ArrayList<>(settings.problems());
        problems.addAll(new UnknownSettings(environment).describe());
        problems.forEach(problem -> add("settings", subject, "read", Outcome.WRONG, problem));
        if (problems.isEmpty()) {
            add("settings", subject, "read", Outcome.RIGHT, "roles: " + settings.value("bss.roles")
                + "; ingestion topics or patterns: " + settings.mappings().size());
        }
        HttpAccess http = settings.http();
        if (http.warning() != null) {
            add("http", "who may call", "read the settings", Outcome.UNKNOWN, http.warning());
        }
        if (settings.roles().contains(Settings.Role.RELOADER) && (!http.isRequired() || http.hasCredentials())) {
            add("http", "who may call", "read the settings", Outcome.RIGHT, !http.isRequired() ? "everybody who reaches the port"
                : "API keys: " + http.apiKeys().size() + "; users: " + http.users().size() + "; tokens: " + issuer(http.tokens()));
        }
    }

    private static String issuer(HttpAccess.Tokens tokens) {
        return tokens == null ? "none" : "of " + (tokens.issuer() == null ? tokens.keys() : tokens.issuer());
    }

    private void checkBucket(String routes) {
        if (settings.problems().stream().anyMatch(problem -> problem.startsWith("bss.bucket."))) {
            return;
        }
        String subject = settings.value("bss.bucket.type") + " " + settings.value("bss.bucket.name");
        boolean isStorer = settings.roles().contains(Settings.Role.STORER);
        List<String> problems = StartupCheck.bucketProblems(settings, lookup, routes, writes, warning ->
            add("bucket", subject, "looked at some names of its folders", Outcome.UNKNOWN, warning));
        String tried = "listed it, and looked for a file" + (writes ? ", and wrote .cistern/.probe and a small file that was read back" : "");
        problems.forEach(problem -> add("bucket", subject, tried, Outcome.WRONG, problem));
        if (problems.isEmpty()) {
            add("bucket", subject, tried, Outcome.RIGHT, "it answers, and permits that");
            if (isStorer && !writes) {
                add("bucket", subject, "nothing", Outcome.UNKNOWN,
                    "whether files can be written, and are read as they were written: --write puts the empty file .cistern/.probe, and"
                        + " a small file that it reads back and deletes, as each start of a storer does");
            }
        }
    }

    private void checkSelectors(DefaultCamelContext context) {
        String subject = settings.reload().selectors() == null ? "none" : settings.reload().selectors().toString();
        List<String> problems = StartupCheck.selectorProblems(context, settings);
        problems.forEach(problem -> add("selectors", subject, "read and compiled", Outcome.WRONG, problem));
        if (problems.isEmpty()) {
            add("selectors", subject, "read and compiled", Outcome.RIGHT, "all of them can be used");
        }
    }

    private void add(String area, String subject, String tried, Outcome outcome, String found) {
        findings.add(new Finding(area, subject, tried, outcome, settings.withoutSecrets(found)));
    }

    private int report(String format, PrintStream out) throws Exception {
        long wrong = findings.stream().filter(finding -> finding.outcome() == Outcome.WRONG).count();
        if (format.equals("json")) {
            Map<String, Object> report = new LinkedHashMap<>();
            report.put("right", wrong == 0);
            report.put("findings", findings.stream().map(CheckCommand::asJson).toList());
            out.println(JSON.writeValueAsString(report));
        } else {
            findings.forEach(finding -> out.printf("%-8s %-10s %s: %s%n%20stried: %s%n", word(finding), finding.area(),
                finding.subject(), finding.found(), "", finding.tried()));
            out.println(wrong == 0 ? "Nothing is wrong." : wrong + " wrong.");
        }
        out.flush();
        return wrong == 0 ? RIGHT : WRONG;
    }

    private static Map<String, Object> asJson(Finding finding) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("what", finding.area());
        json.put("which", finding.subject());
        json.put("tried", finding.tried());
        json.put("outcome", word(finding));
        json.put("found", finding.found());
        return json;
    }

    private static String word(Finding finding) {
        return finding.outcome().name().toLowerCase(Locale.ROOT);
    }
}
