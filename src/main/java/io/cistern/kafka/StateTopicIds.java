package io.cistern.kafka;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Asks the broker for the ids of topics: a topic that was deleted and created again has another one. */
final class StateTopicIds implements Supplier<Map<String, Uuid>> {

    private final Admin admin;
    private final Collection<String> names;
    private final Duration timeout;

    StateTopicIds(Admin admin, Collection<String> names, Duration timeout) {
        this.admin = admin;
        this.names = names;
        this.timeout = timeout;
    }

    /**
     * The ids by the names of those topics that exist.
     *
     * @throws KafkaException if the broker does not answer in time, or refuses
     */
    @Override
    public Map<String, Uuid> get() {
        Map<String, Uuid> ids = new HashMap<>();
        Map<String, KafkaFuture<TopicDescription>> described = admin.describeTopics(names).topicNameValues();
        for (Map.Entry<String, KafkaFuture<TopicDescription>> topic : described.entrySet()) {
            try {
                ids.put(topic.getKey(), topic.getValue().get(timeout.toMillis(), TimeUnit.MILLISECONDS).topicId());
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof UnknownTopicOrPartitionException)) {
                    throw new KafkaException("Topic " + topic.getKey() + ": " + e.getCause().getMessage(), e.getCause());
                }
            } catch (TimeoutException e) {
                throw new KafkaException("Topic " + topic.getKey() + ": the broker did not answer in time", e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new KafkaException("Interrupted", e);
            }
        }
        return ids;
    }
}
