package io.cistern.kafka;

import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What becomes of a poll that fails, as when a permission was taken away or a record cannot be read: there is another one after
 * a rest. It must not reach Camel, whose consumers pass over a record of each partition then, or end for good.
 */
final class FailedPoll {

    private static final Logger LOG = LoggerFactory.getLogger(FailedPoll.class);
    private static final long REST_MILLIS = 1000;

    private FailedPoll() {
    }

    /**
     * Says it and rests.
     *
     * @return no records
     * @throws WakeupException    if it is no failure: the consumer is to end
     * @throws InterruptException likewise
     */
    static ConsumerRecords<Object, Object> rest(RuntimeException failure) {
        if (failure instanceof WakeupException || failure instanceof InterruptException) {
            throw failure;
        }
        LOG.error("Kafka cannot be read, and is asked again: reason={}", failure.toString());
        LOG.debug("Where it failed", failure);
        try {
            Thread.sleep(REST_MILLIS);
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        }
        return ConsumerRecords.empty();
    }
}
