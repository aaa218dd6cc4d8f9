package io.cistern.kafka;

import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.errors.RetriableException;

/**
 * A transaction came to nothing, or it is not known whether it did: all of its sends are undone with it, so that it is of
 * no use to try one of them again.
 */
public final class TransactionException extends KafkaException {

    /** @param topic of what failed */
    TransactionException(String topic, Throwable cause) {
        super("The transaction failed: topic " + topic + ": " + cause.getMessage(), cause);
    }

    TransactionException(Throwable cause) {
        super("The transaction failed: " + cause.getMessage(), cause);
    }

    /** Whether it may come through another time, without anything being done about it. */
    public boolean mayPass() {
        for (Throwable cause = getCause(); cause != null; cause = cause.getCause()) {
            // A topic that is not there is told in these words.
            if (cause instanceof RetriableException && !String.valueOf(cause.getMessage()).contains("not present in metadata")
                || cause instanceof ProducerFencedException || cause instanceof InvalidProducerEpochException) {
                return true;
            }
        }
        return false;
    }
}
