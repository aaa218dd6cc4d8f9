package io.cistern;

import io.cistern.settings.CommandLine;
import io.cistern.settings.UnknownSettings;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.slf4j.LoggerFactory;
import org.springframework.boot.Banner;
import org.springframework.boot.actuate.autoconfigure.logging.OpenTelemetryLoggingAutoConfiguration;
import org.springframework.boot.actuate.autoconfigure.opentelemetry.OpenTelemetryAutoConfiguration;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.autoconfigure.security.servlet.UserDetailsServiceAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.system.ApplicationHome;
import org.springframework.context.ApplicationListener;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.ContextRefreshedEvent;
import org.springframework.core.Ordered;
import org.springframework.core.env.ConfigurableEnvironment;

/** Runs the routes on Spring Boot: finds them, and checks everything before they start. */
// The client of Google's store brings OpenTelemetry, which is for those who set it up, and not for whoever has the jar.
// Users are those of the settings.
@SpringBootApplication(exclude = {OpenTelemetryAutoConfiguration.class, OpenTelemetryLoggingAutoConfiguration.class,
    UserDetailsServiceAutoConfiguration.class})
public class CisternApplication {

    /** The exit code when an argument is not known: nothing was started and nothing checked. */
    private static final int WRONG_ARGUMENTS = 2;

    public static void main(String[] args) {
        List<String> problems = CommandLine.problems(args);
        if (!problems.isEmpty()) {
            problems.forEach(System.err::println);
            System.exit(WRONG_ARGUMENTS);
        }
        if (AuditCommand.isAskedFor(args)) {
            System.exit(AuditCommand.run(Map.of(), args, System.out, System.err));
        }
        if (CheckCommand.isAskedFor(args)) {
            System.exit(CheckCommand.run(Map.of(), args, System.out, System.err));
        }
        start(Map.of(), args);
    }

    /**
     * Starts Cistern.
     *
     * @param defaults properties of the lowest precedence
     * @throws SettingsException if it cannot start as it is set up
     */
    public static ConfigurableApplicationContext start(Map<String, Object> defaults, String... args) {
        return new SpringApplicationBuilder(CisternApplication.class).bannerMode(Banner.Mode.OFF)
            .initializers(context -> requirePorts(context.getEnvironment())).properties(properties(defaults)).run(args);
    }

    /** Fails before the web server does, whose message names neither key nor variable. */
    private static void requirePorts(ConfigurableEnvironment environment) {
        List<String> problems = new HttpPortCheck(environment).problems();
        if (!problems.isEmpty()) {
            throw new SettingsException(problems);
        }
    }

    /** Where settings and routes are, and {@code defaults}: properties of the lowest precedence. */
    static Map<String, Object> properties(Map<String, Object> defaults) {
        Map<String, Object> properties = new HashMap<>();
        ApplicationHome home = new ApplicationHome(CisternApplication.class);
        properties.put("cistern.routes", RoutesFolder.find(home.getDir()));
        if (home.getSource() != null && home.getSource().isFile()) {
            // Beside the jar comes after the jar's own, and before the working directory's.
            String beside = home.getDir().toURI().toString();
            properties.put("spring.config.location", "optional:classpath:/,optional:classpath:/config/,optional:" + beside
                + ",optional:" + beside + "config/,optional:file:./,optional:file:./config/");
        }
        properties.putAll(defaults);
        return properties;
    }

    @Bean
    CheckFirst startupCheck(CamelContext context, ConfigurableEnvironment environment) {
        return new CheckFirst(context, environment);
    }

    /** Comes before Camel's own listener, which makes the beans and starts the routes: its order must be its class's. */
    record CheckFirst(CamelContext context, ConfigurableEnvironment environment) implements ApplicationListener<ContextRefreshedEvent>, Ordered {

        @Override
        public void onApplicationEvent(ContextRefreshedEvent event) {
            if (context.getStatus().isStopped()) {
                new UnknownSettings(environment).describe().forEach(LoggerFactory.getLogger(StartupCheck.class)::warn);
                new StartupCheck(context, environment.getRequiredProperty("cistern.routes")).run();
            }
        }

        @Override
        public int getOrder() {
            return HIGHEST_PRECEDENCE;
        }
    }

    /** Prints what keeps Cistern from starting as a list, and not as a stack trace. */
    static class SettingsFailureAnalyzer extends AbstractFailureAnalyzer<SettingsException> {

        @Override
        protected FailureAnalysis analyze(Throwable rootFailure, SettingsException cause) {
            StringBuilder description = new StringBuilder("Cistern cannot start as it is set up:");
            cause.problems().forEach(problem -> description.append("\n  - ").append(problem));
            return new FailureAnalysis(description.toString(),
                "Set these in the environment or in application.yaml, whose comments explain every key.", cause);
        }
    }
}
