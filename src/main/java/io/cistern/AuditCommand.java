package io.cistern;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.cistern.bucket.Bucket;
import io.cistern.bucket.BucketException;
import io.cistern.kafka.Topics;
import io.cistern.reload.Audit;
import io.cistern.reload.Planner;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.apache.camel.CamelContext;
import org.apache.camel.component.kafka.KafkaComponent;
import org.apache.camel.component.kafka.springboot.KafkaComponentConfiguration;
import org.apache.camel.spring.boot.util.CamelPropertiesHelper;
import org.springframework.boot.Banner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.Environment;

/**
 * {@code --audit=<folder> [--deep] [--format=table|json]}: audits a folder, prints the report, and ends. It starts the
 * backend's routes and nothing else, and needs the settings of the bucket; those of the broker are optional.
 */
final class AuditCommand {

    /** Everything is there; something is not; the folder could not be audited. */
    static final int COMPLETE = 0;
    static final int HOLES = 1;
    static final int NOT_AUDITED = 2;

    private static final String OPTION = "--audit";
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /** What Spring Boot runs: nothing but the settings and the logging. */
    private static final class Nothing {
    }

    private AuditCommand() {
    }

    static boolean isAskedFor(String... args) {
        return List.of(args).stream().anyMatch(arg -> arg.equals(OPTION) || arg.startsWith(OPTION + "="));
    }

    /**
     * Audits a folder.
     *
     * @param defaults properties of the lowest precedence
     * @param out      gets the report, and nothing else
     * @param err      gets the logs, and why the folder could not be audited
     * @return the exit code
     */
    static int run(Map<String, Object> defaults, String[] args, PrintStream out, PrintStream err) {
        // Whatever logs, logs to the console.
        System.setOut(err);
        Map<String, Object> quiet = new HashMap<>(Map.of("LOG_LEVEL", "WARN"));
        quiet.putAll(defaults);
        try (ConfigurableApplicationContext spring = new SpringApplicationBuilder(Nothing.class)
            .web(WebApplicationType.NONE).bannerMode(Banner.Mode.OFF).logStartupInfo(false)
            .properties(CisternApplication.properties(quiet)).run(args)) {
            return run(spring.getEnvironment(), out);
        } catch (SettingsException e) {
            e.problems().forEach(problem -> err.println("Not audited: " + problem));
        } catch (Exception e) {
            err.println("Not audited: " + reason(e));
        }
        return NOT_AUDITED;
    }

    private static int run(Environment environment, PrintStream out) {
        // What only other roles need is not asked for.
        Map<String, String> own = Map.of("bss.roles", "reloader", "bss.http.authentication", "none");
        Function<String, String> lookup = key -> own.getOrDefault(key, environment.getProperty(key));
        Settings settings = new Settings(lookup);
        String folder = environment.getProperty("audit", "");
        String format = environment.getProperty("format", "table");
        String deep = environment.getProperty("deep", "false");
        List<String> problems = new ArrayList<>(settings.problems());
        problems.removeIf(problem -> problem.equals(Settings.name("camel.component.kafka.brokers") + ": is required"));
        if (!Settings.isFolder(folder)) {
            problems.add("--audit: expected the name of a folder in the bucket, as in --audit=orders");
        }
        if (!Set.of("table", "json").contains(format)) {
            problems.add("--format: expected table or json");
        }
        if (!Set.of("", "true", "false").contains(deep)) {
            problems.add("--deep: expected true or false");
        }
        if (!problems.isEmpty()) {
            throw new SettingsException(problems);
        }
        try (Backend backend = new Backend(settings, lookup, environment.getRequiredProperty("cistern.routes"))) {
            setUpKafka(backend.context(), environment);
            Bucket bucket = backend.bucket();
            Topics topics = new Topics(settings);
            topics.setCamelContext(backend.context());
            Map<String, Object> report = new Audit(settings, bucket, topics, new Planner(bucket))
                .of(folder, !deep.equals("false"));
            if (format.equals("json")) {
                out.println(JSON.writeValueAsString(report));
            } else {
                AuditTable.print(JSON.valueToTree(report), out);
            }
            out.flush();
            return report.get("holes").equals(0L) ? COMPLETE : HOLES;
        } catch (SettingsException e) {
            throw e;
        } catch (Exception e) {
            throw new SettingsException(List.of(settings.withoutSecrets(reason(e))));
        }
    }

    /** As Camel's starter does it. */
    static void setUpKafka(CamelContext context, Environment environment) {
        KafkaComponentConfiguration configuration = Binder.get(environment)
            .bindOrCreate("camel.component.kafka", KafkaComponentConfiguration.class);
        CamelPropertiesHelper.copyProperties(context, configuration, context.getComponent("kafka", KafkaComponent.class));
    }

    private static String reason(Exception failure) {
        return failure instanceof UncheckedIOException || failure.getMessage() == null
            ? BucketException.reason(failure) : failure.getMessage();
    }
}
