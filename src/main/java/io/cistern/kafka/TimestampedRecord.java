package io.cistern.kafka;

import io.cistern.batch.Record;
import java.util.List;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.header.Header;

/**
 * A record without a timestamp, which {@link ProducerRecord} cannot say: it takes -1, Kafka's value for that, for a mistake,
 * and null for the time of sending. Producer and broker take -1 as it is.
 */
final class TimestampedRecord extends ProducerRecord<Object, Object> {

    private TimestampedRecord(String topic, Integer partition, Object key, Object value, List<Header> headers) {
        super(topic, partition, null, key, value, headers);
    }

    /**
     * A record to publish.
     *
     * @param timestamp milliseconds since the epoch, {@link Record#NO_TIMESTAMP}, or null for the time of sending
     * @throws InvalidTimestampException if it is before 1970: Kafka's producers cannot publish that
     */
    static ProducerRecord<Object, Object> of(String topic, Integer partition, Long timestamp, Object key, Object value,
                                             List<Header> headers) {
        if (timestamp == null || timestamp >= 0) {
            return new ProducerRecord<>(topic, partition, timestamp, key, value, headers);
        }
        if (timestamp != Record.NO_TIMESTAMP) {
            throw new InvalidTimestampException("A producer cannot publish a timestamp before 1970: " + timestamp);
        }
        return new TimestampedRecord(topic, partition, key, value, headers);
    }

    @Override
    public Long timestamp() {
        return Record.NO_TIMESTAMP;
    }
}
