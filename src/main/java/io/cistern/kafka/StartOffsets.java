package io.cistern.kafka;

import io.cistern.Settings;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.ConsumerGroupState;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.UnknownMemberIdException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits where a new consumer group starts with the strategy {@code latest}: at the ends of the partitions that exist at
 * that moment. Any partition without a committed offset starts at its beginning after that, because its records arrived
 * later. Kafka's own {@code latest} would skip those that arrive before the first poll of a new partition, and those that
 * arrive while no consumer runs.
 *
 * <p>All offsets are committed in one request, before the first consumer joins. The broker refuses that request once the
 * group has members, so of several replicas that start at the same time none moves the offsets of another one.
 */
final class StartOffsets {

    private static final Logger LOG = LoggerFactory.getLogger(StartOffsets.class);

    private final Settings settings;
    private final Topics topics;
    private final Set<String> initializedGroups = new HashSet<>();

    StartOffsets(Settings settings, Topics topics) {
        this.settings = settings;
        this.topics = topics;
    }

    /**
     * Commits the start offsets of a group that does not exist yet; does nothing for one that does, or if this process has
     * called it for the group before.
     *
     * @param isSubscribed tells the topics of the group by their names
     * @throws KafkaException if the broker does not answer in time, or refuses
     */
    synchronized void initialize(String group, Predicate<String> isSubscribed) {
        if (initializedGroups.contains(group)) {
            return;
        }
        try (Admin admin = topics.admin()) {
            if (isNew(admin, group)) {
                Set<String> subscribed = new HashSet<>(admin.listTopics().names().get(timeoutMillis(), TimeUnit.MILLISECONDS));
                subscribed.removeIf(isSubscribed.negate());
                commitEnds(admin, group, subscribed);
            }
        } catch (ExecutionException e) {
            throw new KafkaException("Start offsets of group " + group + " cannot be committed: " + e.getCause().getMessage(),
                e.getCause());
        } catch (TimeoutException e) {
            throw new KafkaException("Start offsets of group " + group + " cannot be committed: no broker answered in time", e);
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        }
        initializedGroups.add(group);
    }

    private boolean isNew(Admin admin, String group) throws ExecutionException, InterruptedException, TimeoutException {
        try {
            ConsumerGroupDescription description = admin.describeConsumerGroups(List.of(group)).describedGroups().get(group)
                .get(timeoutMillis(), TimeUnit.MILLISECONDS);
            if (description.state() != ConsumerGroupState.DEAD) {
                return false;
            }
        } catch (ExecutionException e) {
            // Brokers from 4.0 on say so of a group that does not exist.
            if (!(e.getCause() instanceof GroupIdNotFoundException)) {
                throw e;
            }
        }
        return admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata()
            .get(timeoutMillis(), TimeUnit.MILLISECONDS).isEmpty();
    }

    private void commitEnds(Admin admin, String group, Collection<String> subscribed)
        throws ExecutionException, InterruptedException, TimeoutException {
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        Map<String, TopicDescription> descriptions = admin.describeTopics(subscribed).allTopicNames()
            .get(timeoutMillis(), TimeUnit.MILLISECONDS);
        descriptions.forEach((topic, description) -> description.partitions().forEach(partition ->
            asked.put(new TopicPartition(topic, partition.partition()), OffsetSpec.latest())));
        Map<TopicPartition, OffsetAndMetadata> ends = new HashMap<>();
        admin.listOffsets(asked).all().get(timeoutMillis(), TimeUnit.MILLISECONDS).forEach((partition, end) ->
            ends.put(partition, new Position(end.offset(), Topics.id(descriptions.get(partition.topic()))).offsetAndMetadata()));
        if (ends.isEmpty()) {
            return;
        }
        try {
            admin.alterConsumerGroupOffsets(group, ends).all().get(timeoutMillis(), TimeUnit.MILLISECONDS);
            LOG.info("New consumer group starts at the end of its topics: group={} partitions={}", group, ends.size());
        } catch (ExecutionException e) {
            // The group has members by now, whose replica has committed before they joined.
            if (!(e.getCause() instanceof UnknownMemberIdException)) {
                throw e;
            }
        }
    }

    private long timeoutMillis() {
        return settings.startTimeout().toMillis();
    }
}
