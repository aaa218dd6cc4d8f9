package io.cistern.kafka;

import io.cistern.Finding;
import io.cistern.Finding.Outcome;
import io.cistern.Settings;
import io.cistern.Settings.Role;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.DescribeConsumerGroupsOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Tells of the broker, the topics and the groups whether they are there, and what this user may do; it changes nothing. */
public final class BrokerCheck {

    private static final Set<AclOperation> READS = EnumSet.of(AclOperation.DESCRIBE, AclOperation.READ);
    private static final Set<AclOperation> WRITES = EnumSet.of(AclOperation.DESCRIBE, AclOperation.WRITE);
    private static final Set<AclOperation> BOTH = EnumSet.of(AclOperation.DESCRIBE, AclOperation.READ, AclOperation.WRITE);

    private final Settings settings;
    private final Topics topics;
    private final List<Finding> findings = new ArrayList<>();

    public BrokerCheck(Settings settings, Topics topics) {
        this.settings = settings;
        this.topics = topics;
    }

    /** What is found; the first one is that of the broker, and the only one if it does not answer. */
    public List<Finding> run() {
        String brokers = settings.value("camel.component.kafka.brokers");
        try (Admin admin = topics.admin()) {
            DescribeClusterResult cluster = admin.describeCluster(
                new DescribeClusterOptions().includeAuthorizedOperations(true));
            int nodes = get(cluster.nodes()).size();
            add("broker", brokers + " (" + connection() + ")", "asked for its nodes", Outcome.RIGHT,
                nodes + (nodes == 1 ? " node" : " nodes") + " of cluster " + get(cluster.clusterId()));
            Set<AclOperation> ofCluster = get(cluster.authorizedOperations());
            if (settings.roles().contains(Role.STORER)) {
                storer(admin);
            }
            if (settings.roles().contains(Role.RELOADER)) {
                reloader(admin, ofCluster != null && ofCluster.contains(AclOperation.CREATE));
            }
        } catch (ExecutionException | TimeoutException | KafkaException e) {
            add("broker", brokers + " (" + connection() + ")", "asked", Outcome.WRONG,
                new BrokerFailure(settings, topics.connection()).describe(e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new KafkaException("Interrupted", e);
        }
        return findings;
    }

    private String connection() {
        var properties = topics.connection();
        String protocol = properties.getOrDefault("security.protocol", "PLAINTEXT").toString();
        return protocol + (protocol.startsWith("SASL") ? ", " + properties.get("sasl.mechanism")
            + (settings.value("kafka.username").isEmpty() ? "" : " as " + settings.value("kafka.username")) : "");
    }

    private void storer(Admin admin) throws InterruptedException, ExecutionException, TimeoutException {
        Map<String, String> ingestion = new LinkedHashMap<>();
        Map<String, String> others = new LinkedHashMap<>();
        Set<String> all = settings.mappings().stream().allMatch(mapping -> mapping.pattern() == null) ? Set.of()
            : new TreeSet<>(get(admin.listTopics().names()));
        for (Settings.Mapping mapping : settings.mappings()) {
            if (mapping.topic() != null) {
                ingestion.put(mapping.topic(), "ingestion");
            } else {
                List<String> matching = all.stream().filter(name -> mapping.pattern().matcher(name).matches()).toList();
                add("topic", mapping.pattern() + " (pattern of ingestion topics)", "listed topics", Outcome.RIGHT,
                    matching.size() + " match, of those that this user sees");
                matching.forEach(name -> ingestion.putIfAbsent(name, "ingestion"));
            }
            if (settings.storer().postIngestion()) {
                mapping.postIngestion().forEach(name -> others.put(name, "post-ingestion"));
            }
        }
        others.put(settings.storer().eventsTopic(), "events of files");
        describe(admin, ingestion, READS, false);
        describe(admin, others, WRITES, false);
        group(admin, settings.value("kafka.group-id"), "storer");
    }

    private void reloader(Admin admin, boolean mayCreate) throws InterruptedException, TimeoutException {
        Settings.Reload reload = settings.reload();
        Map<String, String> state = new LinkedHashMap<>();
        new TreeSet<>(reload.stateTopics()).forEach(name -> state.put(name, "state of reloads"));
        describe(admin, state, BOTH, mayCreate);
        Map<String, String> others = new LinkedHashMap<>();
        others.put(reload.eventsTopic(), "events of reloads");
        others.put(reload.deadLetterTopic(), "dead letters");
        if (settings.schedule().isSet()) {
            others.put(String.valueOf(settings.schedule().request().get("reIngestionTopic")), "scheduled reload");
        }
        describe(admin, others, WRITES, false);
        group(admin, reload.groupId(), "reloader");
    }

    /** Asks for each topic by itself: of one that this user must not see nothing else should be unknown. */
    private void describe(Admin admin, Map<String, String> purposes, Set<AclOperation> needed, boolean isMadeIfMissing)
        throws InterruptedException, TimeoutException {
        List<String> names = purposes.keySet().stream().filter(Settings::isTopicName).toList();
        Map<String, KafkaFuture<TopicDescription>> answers = admin.describeTopics(names,
            new DescribeTopicsOptions().includeAuthorizedOperations(true)).topicNameValues();
        for (String name : names) {
            String subject = name + " (" + purposes.get(name) + ")";
            try {
                TopicDescription topic = get(answers.get(name));
                int partitions = topic.partitions().size();
                permitted("topic", subject, partitions + (partitions == 1 ? " partition" : " partitions"), needed,
                    topic.authorizedOperations());
            } catch (ExecutionException e) {
                boolean isMissing = e.getCause() instanceof UnknownTopicOrPartitionException;
                add("topic", subject, "described", isMissing && isMadeIfMissing ? Outcome.RIGHT : Outcome.WRONG,
                    !isMissing ? reason(e) : isMadeIfMissing ? "does not exist, and is made at the start" : "does not exist");
            }
        }
    }

    private void group(Admin admin, String group, String role) throws InterruptedException, TimeoutException {
        if (group.isEmpty()) {
            return;
        }
        try {
            ConsumerGroupDescription description = get(admin.describeConsumerGroups(List.of(group),
                new DescribeConsumerGroupsOptions().includeAuthorizedOperations(true)).describedGroups().get(group));
            int members = description.members().size();
            permitted("group", group + " (" + role + ")", members + (members == 1 ? " consumer" : " consumers") + " in it",
                READS, description.authorizedOperations());
        } catch (ExecutionException e) {
            add("group", group + " (" + role + ")", "described", Outcome.WRONG, reason(e));
        }
    }

    private void permitted(String area, String subject, String found, Set<AclOperation> needed, Set<AclOperation> granted) {
        String asked = "described, and asked whether this user may " + String.join(", ", names(needed));
        if (granted == null) {
            add(area, subject, asked, Outcome.UNKNOWN, found + "; the broker does not say what is permitted");
            return;
        }
        Set<AclOperation> missing = EnumSet.copyOf(needed);
        missing.removeAll(granted);
        add(area, subject, asked, missing.isEmpty() ? Outcome.RIGHT : Outcome.WRONG,
            found + (missing.isEmpty() ? "" : "; not permitted: " + String.join(", ", names(missing))));
    }

    private static List<String> names(Set<AclOperation> operations) {
        return operations.stream().map(operation -> operation.name().charAt(0) + operation.name().substring(1).toLowerCase())
            .toList();
    }

    private void add(String area, String subject, String tried, Outcome outcome, String found) {
        findings.add(new Finding(area, subject, tried, outcome, settings.withoutSecrets(found)));
    }

    private <T> T get(KafkaFuture<T> answer) throws InterruptedException, ExecutionException, TimeoutException {
        return answer.get(settings.startTimeout().toMillis(), TimeUnit.MILLISECONDS);
    }

    private String reason(Exception failure) {
        Throwable cause = failure.getCause() == null ? failure : failure.getCause();
        return cause instanceof TimeoutException ? "no answer within " + settings.startTimeout().toSeconds() + "s"
            : String.valueOf(cause.getMessage());
    }
}
