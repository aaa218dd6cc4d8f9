package io.cistern;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.springframework.boot.Banner;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.system.ApplicationHome;
import org.springframework.boot.web.error.ErrorAttributeOptions;
import org.springframework.boot.web.servlet.error.DefaultErrorAttributes;
import org.springframework.boot.web.servlet.error.ErrorAttributes;
import org.springframework.context.ApplicationListener;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.ContextRefreshedEvent;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;
import org.springframework.web.context.request.WebRequest;

/** Runs the routes on Spring Boot: finds them, checks everything before they start, and answers what no route answers. */
@SpringBootApplication
public class CisternApplication {

    public static void main(String[] args) {
        start(Map.of(), args);
    }

    /**
     * Starts Cistern.
     *
     * @param defaults properties of the lowest precedence
     * @throws SettingsException if it cannot start as it is set up
     */
    public static ConfigurableApplicationContext start(Map<String, Object> defaults, String... args) {
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
        return new SpringApplicationBuilder(CisternApplication.class).bannerMode(Banner.Mode.OFF)
            .properties(properties).run(args);
    }

    @Bean
    @Order(Ordered.HIGHEST_PRECEDENCE)
    ApplicationListener<ContextRefreshedEvent> startupCheck(CamelContext context, Environment environment) {
        return event -> {
            if (context.getStatus().isStopped()) {
                new StartupCheck(context, environment.getRequiredProperty("cistern.routes")).run();
            }
        };
    }

    /** Answers what no route does (an unknown path, a wrong method) as the routes answer mistakes. */
    @Bean
    ErrorAttributes errorAttributes() {
        return new DefaultErrorAttributes() {
            @Override
            public Map<String, Object> getErrorAttributes(WebRequest request, ErrorAttributeOptions options) {
                Map<String, Object> all = super.getErrorAttributes(request, options);
                String error = String.valueOf(all.get("error"));
                Map<String, Object> answer = new LinkedHashMap<>();
                answer.put("message", error);
                answer.put("code", error.toLowerCase(java.util.Locale.ROOT).replace(' ', '-'));
                return answer;
            }
        };
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
