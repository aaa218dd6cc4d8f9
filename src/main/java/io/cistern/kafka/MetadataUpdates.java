package io.cistern.kafka;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.ClusterResource;
import org.apache.kafka.common.ClusterResourceListener;
import org.apache.kafka.common.serialization.Deserializer;

/**
 * Counts the metadata updates of a consumer. A consumer fetches a topic by the topic id of its metadata, so records that are
 * polled between two updates belong to one incarnation of their topic.
 *
 * <p>It is a deserializer because Kafka's clients tell {@link ClusterResourceListener}s of metadata updates only where these
 * are interceptors, metrics reporters or deserializers. Keys and values stay bytes.
 */
final class MetadataUpdates implements Deserializer<Object>, ClusterResourceListener {

    private final AtomicLong count = new AtomicLong();

    /** Metadata updates so far. */
    long count() {
        return count.get();
    }

    @Override
    public void onUpdate(ClusterResource clusterResource) {
        count.incrementAndGet();
    }

    @Override
    public Object deserialize(String topic, byte[] data) {
        return data;
    }
}
