package io.cistern.testing;

import io.cistern.SettingsException;
import io.cistern.StartupCheck;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.camel.component.kafka.KafkaComponent;
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
            context.getComponent("kafka", KafkaComponent.class).getConfiguration()
                .setBrokers(lookup.apply("camel.component.kafka.brokers"));
            new StartupCheck(context, "file:routes").run();
            return List.of();
        } catch (SettingsException e) {
            return e.problems();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
