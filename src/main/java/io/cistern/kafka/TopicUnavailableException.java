package io.cistern.kafka;

import org.apache.kafka.common.KafkaException;

/** A topic did not acknowledge in time a moment ago: nothing is sent to it until its back-off is over. */
public final class TopicUnavailableException extends KafkaException {

    TopicUnavailableException(String message) {
        super(message);
    }
}
