package io.cistern.kafka;

import io.cistern.batch.Record;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/**
 * The records of a poll as Cistern's own, made when they are asked for and not kept.
 *
 * @param mostBytes bytes that they take in a batch file at the most
 */
record PolledRecords(List<ConsumerRecord<Object, Object>> polled, long mostBytes) implements Iterable<Record> {

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

    /** The records of a poll in parts of at most this many bytes in a batch file; a larger record is a part of its own. */
    static List<PolledRecords> parts(List<ConsumerRecord<Object, Object>> polled, long most) {
        List<PolledRecords> parts = new ArrayList<>();
        int from = 0;
        long bytes = 0;
        for (int i = 0; i < polled.size(); i++) {
            long more = mostBytes(polled.get(i));
            if (i > from && bytes + more > most) {
                parts.add(new PolledRecords(polled.subList(from, i), bytes));
                from = i;
                bytes = 0;
            }
            bytes += more;
        }
        parts.add(new PolledRecords(polled.subList(from, polled.size()), bytes));
        return parts;
    }

    /** The records from one index to another, exclusive. */
    PolledRecords part(int from, int to) {
        List<ConsumerRecord<Object, Object>> part = polled.subList(from, to);
        return new PolledRecords(part, part.stream().mapToLong(PolledRecords::mostBytes).sum());
    }

    /** The offset of a record. */
    long offset(int index) {
        return polled.get(index).offset();
    }

    /**
     * How many of the records, from the first one on, fit into a batch file that takes so many more records and bytes; at
     * least one.
     */
    int fitting(long recordsLeft, long bytesLeft) {
        int most = (int) Math.max(1, Math.min(recordsLeft, polled.size()));
        if (mostBytes <= bytesLeft) {
            return most;
        }
        long bytes = mostBytes(polled.get(0));
        int count = 1;
        while (count < most && bytes < bytesLeft) {
            bytes += mostBytes(polled.get(count));
            if (bytes > bytesLeft) {
                break;
            }
            count++;
        }
        return count;
    }

    private static long mostBytes(ConsumerRecord<Object, Object> record) {
        long bytes = Record.mostBytes((byte[]) record.key(), (byte[]) record.value());
        for (Header header : record.headers()) {
            bytes += Record.Header.mostBytes(header.key(), header.value());
        }
        return bytes;
    }
}
