package io.cistern.kafka;

import io.cistern.Settings;
import io.cistern.settings.BrokerAddresses;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
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
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Asks the broker which topics there are, with the connection of the {@code kafka} component. */
public final class Topics implements CamelContextAware {

    private static final String SEGMENT_BYTES = String.valueOf(64 << 20);
    /** A request may be a list of keys of a megabyte. */
    private static final String MESSAGE_BYTES = String.valueOf(10 << 20);

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

    /**
     * The ids of topics by their names, without those that do not exist, or have no id that this user may see.
     *
     * @throws KafkaException if the broker does not answer in time, or refuses
     */
    Map<String, String> ids(Collection<String> names) {
        Map<String, String> ids = new HashMap<>();
        describe(names, new TreeSet<>()).forEach((name, topic) -> ids.put(name, id(topic)));
        ids.values().removeIf(Objects::isNull);
        return ids;
    }

    /**
     * Of topics by name and id, those that do not exist any more; another topic of the name may. What this user may not see is
     * not known to be deleted. Throws as {@link #ids} does.
     */
    Set<String> deleted(Map<String, String> idsByTopic) {
        Set<String> deleted = new TreeSet<>();
        describe(idsByTopic.keySet(), deleted).forEach((name, topic) -> {
            if (!idsByTopic.get(name).equals(id(topic))) {
                deleted.add(name);
            }
        });
        return deleted;
    }

    /** The topics that exist and that this user may see; adds those that do not exist to {@code missing}. */
    private Map<String, TopicDescription> describe(Collection<String> names, Set<String> missing) {
        Map<String, TopicDescription> found = new HashMap<>();
        try (Admin admin = admin()) {
            for (var asked : admin.describeTopics(names).topicNameValues().entrySet()) {
                try {
                    found.put(asked.getKey(), asked.getValue().get(settings.startTimeout().toMillis(), TimeUnit.MILLISECONDS));
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                        missing.add(asked.getKey());
                    } else if (!(e.getCause() instanceof TopicAuthorizationException)) {
                        throw new KafkaException("The broker did not describe topic " + asked.getKey() + ": "
                            + e.getCause().getMessage(), e.getCause());
                    }
                }
            }
        } catch (TimeoutException e) {
            throw new KafkaException("The broker did not describe topics in time: " + names, e);
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        }
        return found;
    }

    /** The id of a topic; null if the broker has none, as brokers before 2.8. */
    static String id(TopicDescription topic) {
        return topic.topicId() == null || topic.topicId().equals(Uuid.ZERO_UUID) ? null : topic.topicId().toString();
    }

    /** Which records a topic takes; {@link TopicLimits#NONE} if the broker does not say it. */
    public TopicLimits limits(String topic) {
        return configs(List.of(topic)).stream().findFirst().map(config -> {
            boolean isBounded = config.get(TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG).value().equals("CreateTime");
            return new TopicLimits(
                number(config, TopicConfig.MAX_MESSAGE_BYTES_CONFIG),
                config.get(TopicConfig.CLEANUP_POLICY_CONFIG).value().contains(TopicConfig.CLEANUP_POLICY_COMPACT),
                isBounded ? number(config, TopicConfig.MESSAGE_TIMESTAMP_BEFORE_MAX_MS_CONFIG) : Long.MAX_VALUE,
                isBounded ? number(config, TopicConfig.MESSAGE_TIMESTAMP_AFTER_MAX_MS_CONFIG) : Long.MAX_VALUE,
                Codec.ofTopic(config.get(TopicConfig.COMPRESSION_TYPE_CONFIG).value()));
        }).orElse(TopicLimits.NONE);
    }

    /**
     * How long after its timestamp a record is deleted by a topic, in milliseconds; empty if its timestamp does not matter, or
     * the broker does not say it.
     */
    public OptionalLong retentionByTimestamp(String topic) {
        return configs(List.of(topic)).stream()
            .filter(config -> config.get(TopicConfig.CLEANUP_POLICY_CONFIG).value().contains(TopicConfig.CLEANUP_POLICY_DELETE)
                && config.get(TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG).value().equals("CreateTime"))
            .mapToLong(config -> number(config, TopicConfig.RETENTION_MS_CONFIG))
            .filter(millis -> millis >= 0 && millis != Long.MAX_VALUE).findFirst();
    }

    /**
     * The most bytes of a batch of Kafka's. It is what all of these topics take: a producer that makes larger ones divides them
     * into such of the same size again, for ever. It is no more than leaves half of a producer's memory to others, but what
     * producers make by themselves; and this where a broker does not say what its topics take.
     *
     * @param open how many batches a producer fills at the same time
     */
    public int batchBytes(Collection<String> names, int open) {
        int room = Math.max(BatchClients.USUAL_BATCH_BYTES, Integer.parseInt(settings.value("kafka.max-request-size")) / 2 / open);
        return configs(names).stream().mapToInt(config ->
            (int) Math.min(room, number(config, TopicConfig.MAX_MESSAGE_BYTES_CONFIG)))
            .min().orElse(BatchClients.USUAL_BATCH_BYTES);
    }

    /** The configurations of topics; none if the broker does not say all: asking needs a permission that publishing does not. */
    private Collection<Config> configs(Collection<String> names) {
        try (Admin admin = admin()) {
            return admin.describeConfigs(names.stream().map(name -> new ConfigResource(ConfigResource.Type.TOPIC, name)).toList())
                .all().get(settings.startTimeout().toMillis(), TimeUnit.MILLISECONDS).values();
        } catch (ExecutionException | TimeoutException e) {
            return List.of();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KafkaException("Interrupted", e);
        }
    }

    private static long number(Config config, String name) {
        ConfigEntry entry = config.get(name);
        // Older brokers know less.
        return entry == null || entry.value() == null ? Long.MAX_VALUE : Long.parseLong(entry.value());
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
        String brokers = settings.value("camel.component.kafka.brokers");
        if (brokers.isEmpty() || BrokerAddresses.problem(brokers) != null) {
            return List.of();
        }
        Set<String> existing;
        try {
            existing = names();
        } catch (KafkaException e) {
            return List.of(Settings.name("camel.component.kafka.brokers") + ": " + brokers + " cannot be used: "
                + new BrokerFailure(settings, connection()).describe(e));
        }
        List<String> problems = new ArrayList<>();
        if (settings.roles().contains(Settings.Role.STORER)) {
            String eventsTopic = settings.storer().eventsTopic();
            if (!eventsTopic.isEmpty() && !existing.contains(eventsTopic)) {
                problems.add(Settings.name("bss.events-topic") + ": topic " + eventsTopic + " does not exist");
            }
            settings.mappings().forEach(mapping -> problems.addAll(problems(mapping, existing)));
        }
        if (settings.roles().contains(Settings.Role.RELOADER) && settings.problems().isEmpty()) {
            Map<String, String> needed = new LinkedHashMap<>();
            needed.put("bss.reload.events-topic", settings.reload().eventsTopic());
            needed.put("bss.reload.dead-letter-topic", settings.reload().deadLetterTopic());
            if (settings.schedule().isSet()) {
                needed.put("bss.reload.schedule.request", (String) settings.schedule().request().get("reIngestionTopic"));
            }
            needed.forEach((key, topic) -> {
                if (!topic.isEmpty() && !existing.contains(topic)) {
                    problems.add(Settings.name(key) + ": topic " + topic + " does not exist");
                }
            });
            try {
                createReloadTopics();
            } catch (KafkaException e) {
                problems.add("bss.reload: the topics that hold the state of reloads: " + e.getMessage());
            }
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
        return partitions == 0 ? null : new TopicLog(connection(), topic, partitions,
            ids(List.of(topic)).get(topic), settings.startTimeout());
    }

    /** A client of the broker, to be closed. */
    Admin admin() {
        return Admin.create(connection());
    }

    /**
     * Makes the topics that hold the state of reloads where they are missing, with the broker's own replication.
     *
     * @throws KafkaException if the broker does not answer in time, or refuses
     */
    void createReloadTopics() {
        Settings.Reload reload = settings.reload();
        Map<String, String> compacted = Map.of(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT,
            TopicConfig.SEGMENT_BYTES_CONFIG, SEGMENT_BYTES, TopicConfig.MAX_MESSAGE_BYTES_CONFIG, MESSAGE_BYTES);
        Map<String, String> kept = Map.of(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_DELETE,
            TopicConfig.RETENTION_MS_CONFIG, String.valueOf(reload.retention().toMillis()),
            TopicConfig.MAX_MESSAGE_BYTES_CONFIG, MESSAGE_BYTES);
        Set<String> existing = names();
        List<NewTopic> missing = new ArrayList<>(List.of(
            new NewTopic(reload.requestsTopic(), Optional.of(1), Optional.empty()).configs(compacted),
            new NewTopic(reload.progressTopic(), Optional.of(1), Optional.empty()).configs(compacted),
            new NewTopic(reload.tasksTopic(), Optional.of(reload.tasksPartitions()), Optional.empty()).configs(compacted),
            new NewTopic(reload.plansTopic(), Optional.of(1), Optional.empty()).configs(kept)));
        missing.removeIf(topic -> existing.contains(topic.name()));
        if (missing.isEmpty()) {
            return;
        }
        try (Admin admin = admin()) {
            for (Map.Entry<String, KafkaFuture<Void>> made : admin.createTopics(missing).values().entrySet()) {
                try {
                    made.getValue().get(settings.startTimeout().toMillis(), TimeUnit.MILLISECONDS);
                } catch (ExecutionException e) {
                    if (!(e.getCause() instanceof TopicExistsException)) {
                        throw new KafkaException("Topic " + made.getKey() + " cannot be made: " + e.getCause().getMessage(),
                            e.getCause());
                    }
                }
            }
            awaitPartitions(admin, missing.stream().map(NewTopic::name).toList());
        } catch (TimeoutException e) {
            throw new KafkaException("no broker answered within " + settings.startTimeout().toSeconds() + "s", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KafkaException("Interrupted", e);
        }
    }

    /** A topic that was just made has no leaders for a moment, which upsets producers. */
    private void awaitPartitions(Admin admin, List<String> names) throws InterruptedException {
        long deadline = System.nanoTime() + settings.startTimeout().toNanos();
        while (true) {
            try {
                Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
                admin.describeTopics(names).allTopicNames().get(settings.startTimeout().toMillis(), TimeUnit.MILLISECONDS)
                    .forEach((name, topic) -> topic.partitions().forEach(partition ->
                        asked.put(new TopicPartition(name, partition.partition()), OffsetSpec.latest())));
                admin.listOffsets(asked).all().get(settings.startTimeout().toMillis(), TimeUnit.MILLISECONDS);
                return;
            } catch (ExecutionException | TimeoutException e) {
                if (System.nanoTime() > deadline) {
                    throw new KafkaException("The topics of reloads have no leaders in time: " + e.getMessage(), e);
                }
                Thread.sleep(100);
            }
        }
    }

    /** What every client needs to connect. */
    Properties connection() {
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
