package io.cistern.batch;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * A Kafka record as it is stored: all that a consumer sees of it, except its topic, which is the batch's.
 *
 * @param partition     its partition
 * @param offset        its offset in that partition
 * @param timestamp     milliseconds since the epoch; {@link #NO_TIMESTAMP} if it has none
 * @param timestampType who gave the timestamp
 * @param key           the key's bytes, or null; not copied
 * @param value         the value's bytes, or null for a tombstone; not copied
 * @param headers       its headers in order, names may repeat; never null
 */
public record Record(int partition, long offset, long timestamp, TimestampType timestampType,
                     byte[] key, byte[] value, List<Header> headers) {

    /** The timestamp of a record that has none, as in Kafka. */
    public static final long NO_TIMESTAMP = -1;

    /** Who gave a record its timestamp, under the names that Kafka's own tools print. */
    public enum TimestampType {
        CREATE_TIME("CreateTime"), LOG_APPEND_TIME("LogAppendTime"), NO_TIMESTAMP_TYPE("NoTimestampType");

        private final String kafkaName;

        TimestampType(String kafkaName) {
            this.kafkaName = kafkaName;
        }

        /** The name in a batch file's line. */
        public String kafkaName() {
            return kafkaName;
        }
    }

    /**
     * A header of a record.
     *
     * @param key   its name, never null
     * @param value its bytes, or null
     */
    public record Header(String key, byte[] value) {
        /** Bytes that such a header takes in a batch file's line at the most. */
        public static long mostBytes(String key, byte[] value) {
            return LineWriter.mostBytesOfHeader(key, value);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Header that && key.equals(that.key) && Arrays.equals(value, that.value);
        }

        @Override
        public int hashCode() {
            return 31 * key.hashCode() + Arrays.hashCode(value);
        }
    }

    /** Bytes that the line of a record without headers takes in a batch file at the most. */
    public static long mostBytes(byte[] key, byte[] value) {
        return LineWriter.mostBytes(key, value);
    }

    /** The key read as UTF-8, or null: for conditions in routes, not for copying a record. */
    public String getKeyText() {
        return key == null ? null : new String(key, StandardCharsets.UTF_8);
    }

    /** The value read as UTF-8, or null for a tombstone: for conditions in routes, not for copying a record. */
    public String getPayload() {
        return value == null ? null : new String(value, StandardCharsets.UTF_8);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Record that && partition == that.partition && offset == that.offset
            && timestamp == that.timestamp && timestampType == that.timestampType
            && Arrays.equals(key, that.key) && Arrays.equals(value, that.value) && headers.equals(that.headers);
    }

    @Override
    public int hashCode() {
        return Objects.hash(partition, offset, timestamp, Arrays.hashCode(key), Arrays.hashCode(value), headers);
    }

    /** Coordinates only: contents never reach a log. */
    @Override
    public String toString() {
        return "record " + partition + "/" + offset;
    }
}
