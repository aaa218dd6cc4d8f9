package io.cistern.kafka;

import io.cistern.batch.Record;
import java.nio.ByteBuffer;
import java.util.List;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.AbstractRecords;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.DefaultRecord;
import org.apache.kafka.common.record.DefaultRecordBatch;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.TimestampType;

/** Computes how many bytes a record takes as the only one of a Kafka batch, which is what brokers compare with their limits. */
final class RecordSize {

    private RecordSize() {
    }

    /** The bytes that a producer reserves for a record that is larger than its batches: others go into what is left of them. */
    static int room(byte[] key, byte[] value, Header[] headers) {
        return AbstractRecords.estimateSizeInBytesUpperBound(RecordBatch.CURRENT_MAGIC_VALUE, CompressionType.NONE, key, value,
            headers);
    }

    /** The size of a batch with this record only. */
    static long of(Record record, List<Record.Header> headers, Codec codec) {
        Header[] copies = headers.stream().map(header -> new RecordHeader(header.key(), header.value())).toArray(Header[]::new);
        if (codec == Codec.NONE) {
            return DefaultRecordBatch.RECORD_BATCH_OVERHEAD + (long) DefaultRecord.sizeInBytes(0, 0,
                record.key() == null ? -1 : record.key().length, record.value() == null ? -1 : record.value().length, copies);
        }
        // The buffer grows where a codec makes more of the record than it was.
        ByteBuffer buffer = ByteBuffer.allocate(room(record.key(), record.value(), copies) / 4);
        try (MemoryRecordsBuilder batch = MemoryRecords.builder(buffer, codec.compression(), TimestampType.CREATE_TIME, 0)) {
            batch.append(Math.max(0, record.timestamp()), record.key(), record.value(), copies);
            return batch.build().sizeInBytes();
        }
    }
}
