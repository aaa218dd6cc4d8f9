package io.cistern.testing;

import io.cistern.SettingsException;
import io.cistern.StartupCheck;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.component.kafka.KafkaComponent;
import org.apache.camel.component.kafka.KafkaConfiguration;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.spi.PropertiesSource;

/** What the start-up check finds wrong, without starting anything. */
public final class StartupProblems {

    private StartupProblems() {
    }

    /** Prints what is wrong with the settings of the environment, each on a line, and behind it a line with "done". */
    public static void main(String[] args) {
        of(System.getenv()).forEach(System.out::println);
        System.out.println("done");
    }

    /** What is wrong with settings under the names of their environment variables; empty if nothing is. */
    public static List<String> of(Map<String, String> settings) {
        Function<String, String> lookup = ApplicationYaml.lookup(settings);
        try (DefaultCamelContext context = new DefaultCamelContext()) {
            context.getPropertiesComponent().addPropertiesSource(new PropertiesSource() {
                @Override
                public String getName() {
                    return "test";
                }

                @Override
                public String getProperty(String name) {
                    return lookup.apply(name);
                }
            });
            KafkaConfiguration kafka = context.getComponent("kafka", KafkaComponent.class).getConfiguration();
            kafka.setBrokers(lookup.apply("camel.component.kafka.brokers"));
            kafka.setSecurityProtocol(lookup.apply("camel.component.kafka.security-protocol"));
            Matcher property = Pattern.compile("camel.component.kafka.additional-properties\\[(.+)]").matcher("");
            settings.forEach((key, value) -> {
                if (property.reset(key).matches()) {
                    kafka.getAdditionalProperties().put(property.group(1), value);
                }
            });
            new StartupCheck(context, "file:routes").run();
            return List.of();
        } catch (SettingsException e) {
            return e.problems();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
