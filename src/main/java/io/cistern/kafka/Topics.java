package io.cistern.kafka;

import io.cistern.Settings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.component.kafka.KafkaComponent;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Asks the broker which topics there are, with the connection of the {@code kafka} component. */
public final class Topics implements CamelContextAware {

    private final Settings settings;
    private CamelContext camelContext;

    public Topics(Settings settings) {
        this.settings = settings;
    }

    /**
     * The number of partitions of a topic; 0 if it does not exist.
     *
     * @throws KafkaException if the broker does not answer in time, or refuses
     */
    public int partitions(String topic) {
        try (Admin admin = admin()) {
            TopicDescription description = admin.describeTopics(List.of(topic)).topicNameValues().get(topic)
                .get(settings.startTimeout().toMillis(), TimeUnit.MILLISECONDS);
            return description.partitions().size();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                return 0;
            }
            throw new KafkaException("Topic " + topic + ": the broker did not say whether it exists: "
                + e.getCause().getMessage(), e.getCause());
        } catch (TimeoutException e) {
            throw new KafkaException("Topic " + topic + ": the broker did not answer in time", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KafkaException("Interrupted", e);
        }
    }

    /** The names of all topics that this user may see; throws as {@link #partitions} does. */
    public Set<String> names() {
        try (Admin admin = admin()) {
            return new TreeSet<>(admin.listTopics().names()
                .get(settings.startTimeout().toMillis(), TimeUnit.MILLISECONDS));
        } catch (ExecutionException e) {
            throw new KafkaException(e.getCause().getMessage(), e.getCause());
        } catch (TimeoutException e) {
            throw new KafkaException("no broker answered within " + settings.startTimeout().toSeconds() + "s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KafkaException("Interrupted", e);
        }
    }

    /** What is wrong with the broker or with the topics that the settings name, a sentence each; empty if all is right. */
    public List<String> problems() {
        if (settings.value("camel.component.kafka.brokers").isEmpty()) {
            return List.of();
        }
        Set<String> existing;
        try {
            existing = names();
        } catch (KafkaException e) {
            String reason = e.getCause() != null && e.getMessage() != null && e.getMessage().startsWith("Failed to create")
                ? e.getCause().getMessage() : e.getMessage();
            return List.of(Settings.name("camel.component.kafka.brokers") + ": "
                + settings.value("camel.component.kafka.brokers") + " cannot be used: " + reason);
        }
        List<String> problems = new ArrayList<>();
        if (settings.roles().contains(Settings.Role.STORER)) {
            String eventsTopic = settings.storer().eventsTopic();
            if (!eventsTopic.isEmpty() && !existing.contains(eventsTopic)) {
                problems.add(Settings.name("bss.events-topic") + ": topic " + eventsTopic + " does not exist");
            }
            settings.mappings().forEach(mapping -> problems.addAll(problems(mapping, existing)));
        }
        return problems;
    }

    private Collection<String> problems(Settings.Mapping mapping, Set<String> existing) {
        String where = "bss.topics-config.data-topics-mapping: ";
        List<String> problems = new ArrayList<>();
        if (mapping.topic() != null && !existing.contains(mapping.topic())) {
            problems.add(where + "ingestion topic " + mapping.topic() + " does not exist");
        }
        if (settings.storer().postIngestion()) {
            for (String topic : mapping.postIngestion()) {
                if (!existing.contains(topic)) {
                    problems.add(where + "post-ingestion topic " + topic + " does not exist");
                }
            }
        }
        return problems;
    }

    /**
     * Reads what Kafka still has of a topic; to be closed. Throws as {@link #partitions} does.
     *
     * @return null if the topic does not exist, or no broker is set
     */
    public TopicLog log(String topic) {
        int partitions = settings.value("camel.component.kafka.brokers").isEmpty() ? 0 : partitions(topic);
        return partitions == 0 ? null : new TopicLog(connection(), topic, partitions, settings.startTimeout());
    }

    /** A client of the broker, to be closed. */
    Admin admin() {
        return Admin.create(connection());
    }

    /** What every client needs to connect. */
    private Properties connection() {
        Properties all = camelContext.getComponent("kafka", KafkaComponent.class).getConfiguration()
            .createProducerProperties();
        all.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, settings.value("camel.component.kafka.brokers"));
        Security.apply(settings, all);
        Properties properties = new Properties();
        for (Map.Entry<Object, Object> entry : all.entrySet()) {
            if (AdminClientConfig.configNames().contains(entry.getKey())) {
                properties.put(entry.getKey(), entry.getValue());
            }
        }
        int timeout = (int) Math.min(Duration.ofMinutes(5).toMillis(), settings.startTimeout().toMillis());
        properties.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, timeout);
        properties.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, timeout);
        properties.remove(AdminClientConfig.CLIENT_ID_CONFIG);
        return properties;
    }

    @Override
    public void setCamelContext(CamelContext camelContext) {
        this.camelContext = camelContext;
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }
}
