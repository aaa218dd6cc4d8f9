package io.cistern.kafka;

import org.apache.kafka.common.KafkaException;

/** A topic does not take a record, and never will: it is too large, for example. */
public final class RecordRefusedException extends KafkaException {

    private final Coordinates record;

    RecordRefusedException(Coordinates record, String message, Throwable cause) {
        super(message, cause);
        this.record = record;
    }

    /** Which record, as it was before it was published. */
    public Coordinates record() {
        return record;
    }
}
