package io.cistern.kafka;

import org.apache.kafka.common.KafkaException;

/** A record fits its topic with another codec than that of the producer. */
final class OtherCodecException extends KafkaException {

    private final Coordinates record;
    private final Codec codec;

    OtherCodecException(Coordinates record, Codec codec) {
        super("the record of offset " + record.offset() + " has to be sent with " + codec);
        this.record = record;
        this.codec = codec;
    }

    Coordinates record() {
        return record;
    }

    Codec codec() {
        return codec;
    }
}
