package io.cistern.kafka;

import java.util.BitSet;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;

/**
 * Makes {@code group.instance.id}, which the user sets for the process, unique for each consumer of one group: members with the
 * same id fence each other. The suffix is the smallest number that is free, so that the ids are the same after a restart.
 */
final class InstanceIds {

    private final BitSet numbers = new BitSet();

    /**
     * Changes the id in the properties of a consumer; does nothing if none is set.
     *
     * @return frees the number, when the consumer is closed
     */
    Runnable assign(Properties consumer) {
        Object id = consumer.get(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG);
        if (id == null) {
            return () -> { };
        }
        int number = take();
        consumer.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, id + "-" + number);
        return () -> free(number);
    }

    private synchronized int take() {
        int number = numbers.nextClearBit(1);
        numbers.set(number);
        return number;
    }

    private synchronized void free(int number) {
        numbers.clear(number);
    }
}
