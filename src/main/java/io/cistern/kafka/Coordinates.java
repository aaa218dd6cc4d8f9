package io.cistern.kafka;

import io.cistern.batch.Record;
import java.util.zip.CRC32C;

/**
 * Names a record without holding it.
 *
 * @param partition that it was stored from
 * @param offset    in that partition; files may hold two records at an offset
 * @param checksum  of what else is in it, with CRC32C, which tells those apart
 */
public record Coordinates(int partition, long offset, int checksum) {

    /** Those of a record. */
    public static Coordinates of(Record record) {
        return new Coordinates(record.partition(), record.offset(), checksum(record, new CRC32C()));
    }

    /** The checksum in a record's coordinates, made with {@code checksum}, whatever that was used for before. */
    static int checksum(Record record, CRC32C checksum) {
        checksum.reset();
        update(checksum, record.key());
        update(checksum, record.value());
        int names = 0;
        for (Record.Header header : record.headers()) {
            names = 31 * names + header.key().hashCode();
            update(checksum, header.value());
        }
        return 31 * (31 * (int) checksum.getValue() + names) + 7 * length(record.key()) + Long.hashCode(record.timestamp());
    }

    private static void update(CRC32C checksum, byte[] bytes) {
        if (bytes != null) {
            checksum.update(bytes, 0, bytes.length);
        }
    }

    private static int length(byte[] bytes) {
        return bytes == null ? -1 : bytes.length;
    }
}
