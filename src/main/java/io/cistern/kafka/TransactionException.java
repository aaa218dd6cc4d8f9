package io.cistern.kafka;

import org.apache.kafka.common.KafkaException;

/**
 * A transaction came to nothing, or it is not known whether it did: all of its sends are undone with it, so that it is of
 * no use to try one of them again.
 */
public final class TransactionException extends KafkaException {

    TransactionException(Throwable cause) {
        super("The transaction failed: " + cause.getMessage(), cause);
    }
}
