package io.cistern.kafka;

import io.cistern.batch.Record;
import org.apache.kafka.common.KafkaException;

/** A topic does not take a record, and never will: it is too large, for example. */
public final class RecordRefusedException extends KafkaException {

    private final Record record;

    RecordRefusedException(Record record, String message, Throwable cause) {
        super(message, cause);
        this.record = record;
    }

    /** The record, as it was before it was published. */
    public Record record() {
        return record;
    }
}
