package io.cistern.kafka;

import io.cistern.batch.Record;

/**
 * What a topic looks at when it takes a record or refuses it, and where the record is from: two records that are alike in
 * this fare alike.
 *
 * @param partition  that it was stored from
 * @param offset     in that partition
 * @param timestamp  milliseconds since the epoch
 * @param keyBytes   -1 for none
 * @param valueBytes -1 for none
 * @param headers    how many
 */
public record RecordTraits(int partition, long offset, long timestamp, int keyBytes, int valueBytes, int headers) {

    /** Those of a record. */
    public static RecordTraits of(Record record) {
        return new RecordTraits(record.partition(), record.offset(), record.timestamp(), length(record.key()),
            length(record.value()), record.headers().size());
    }

    static int length(byte[] bytes) {
        return bytes == null ? -1 : bytes.length;
    }
}
