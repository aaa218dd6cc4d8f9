package io.cistern.kafka;

import io.cistern.batch.Record;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/** The records of a poll as Cistern's own, made when they are asked for and not kept. */
record PolledRecords(List<ConsumerRecord<Object, Object>> polled) implements Iterable<Record> {

    @Override
    public Iterator<Record> iterator() {
        Iterator<ConsumerRecord<Object, Object>> records = polled.iterator();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return records.hasNext();
            }

            @Override
            public Record next() {
                return convert(records.next());
            }
        };
    }

    private static Record convert(ConsumerRecord<Object, Object> record) {
        Record.TimestampType type = switch (record.timestampType()) {
            case CREATE_TIME -> Record.TimestampType.CREATE_TIME;
            case LOG_APPEND_TIME -> Record.TimestampType.LOG_APPEND_TIME;
            case NO_TIMESTAMP_TYPE -> Record.TimestampType.NO_TIMESTAMP_TYPE;
        };
        return new Record(record.partition(), record.offset(), record.timestamp(), type,
            (byte[]) record.key(), (byte[]) record.value(), convert(record.headers()));
    }

    private static List<Record.Header> convert(Headers headers) {
        Iterator<Header> all = headers.iterator();
        if (!all.hasNext()) {
            return List.of();
        }
        List<Record.Header> converted = new ArrayList<>();
        while (all.hasNext()) {
            Header header = all.next();
            converted.add(new Record.Header(header.key(), header.value()));
        }
        return converted;
    }

    /** Bytes that the records are expected to take in a batch file, with room for escapes and field names. */
    long expectedBytes() {
        long bytes = 0;
        for (ConsumerRecord<Object, Object> record : polled) {
            bytes += 128 + Math.max(0, record.serializedKeySize()) + Math.max(0, record.serializedValueSize());
            for (Header header : record.headers()) {
                bytes += 32 + header.key().length() + (header.value() == null ? 0 : header.value().length);
            }
        }
        return bytes * 3 / 2;
    }
}
