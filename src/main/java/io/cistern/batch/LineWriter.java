package io.cistern.batch;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;

/**
 * Writes records as lines of a batch file, one JSON object each (RFC 8259), from bytes to bytes.
 *
 * <p>The fields {@code timestamp}, {@code partition}, {@code offset}, {@code key} and {@code payload} are always there.
 * What they cannot say follows in fields of its own, only where it is needed: {@code keyEncoding} and
 * {@code payloadEncoding} ("base64", for bytes that are not well-formed UTF-8), {@code headers} (a list of
 * {@code {"key":…,"value":…}}, with {@code "encoding":"base64"} likewise), {@code timestampType} (other than
 * CreateTime) and, if that is asked for, {@code reload} (which reload published the record, for readers of files; the header
 * that says so is among the headers as it is). {@link LineReader} is the other way.
 *
 * <p>Not thread-safe: the buffer is one.
 */
final class LineWriter {

    private static final byte[] TIMESTAMP = ascii("{\"timestamp\":\"");
    private static final byte[] PARTITION = ascii("\",\"partition\":");
    private static final byte[] OFFSET = ascii(",\"offset\":");
    private static final byte[] KEY = ascii(",\"key\":");
    private static final byte[] KEY_ENCODING = ascii(",\"keyEncoding\":\"base64\"");
    private static final byte[] PAYLOAD = ascii(",\"payload\":");
    private static final byte[] PAYLOAD_ENCODING = ascii(",\"payloadEncoding\":\"base64\"");
    private static final byte[] HEADERS = ascii(",\"headers\":[");
    private static final byte[] HEADER_KEY = ascii("{\"key\":");
    private static final byte[] HEADER_VALUE = ascii(",\"value\":");
    private static final byte[] HEADER_ENCODING = ascii(",\"encoding\":\"base64\"");
    private static final byte[] TIMESTAMP_TYPE = ascii(",\"timestampType\":\"");
    private static final byte[] RELOAD = ascii(",\"reload\":");
    private static final byte[] NULL = ascii("null");
    private static final byte[] HEX = ascii("0123456789abcdef");

    /** For each ASCII character: 0 as it is, 'u' as \\u00XX, else the character behind the backslash. */
    private static final byte[] ESCAPE = new byte[128];

    static {
        Arrays.fill(ESCAPE, 0, 0x20, (byte) 'u');
        ESCAPE['\b'] = 'b';
        ESCAPE['\t'] = 't';
        ESCAPE['\n'] = 'n';
        ESCAPE['\f'] = 'f';
        ESCAPE['\r'] = 'r';
        ESCAPE['"'] = '"';
        ESCAPE['\\'] = '\\';
    }

    /** The names of all fields of a record with the values that are not its own, and of a header. */
    private static final int MOST_FIELDS = 256;
    private static final int MOST_HEADER_FIELDS = 64;

    /** Bytes that are free behind what is to come of a text: for a word, and the longest escape. */
    private static final int SLACK = Words.SIZE + 6;

    /** A longer id is none of ours. */
    private static final int LONGEST_RELOAD_ID = 100;
    private static final byte[] NO_RELOAD_ID = {};

    private final Timestamps timestamps = new Timestamps();
    private final boolean tagsReloaded;
    private byte[] buffer = new byte[1024];
    private int length;

    /** A writer that writes the field {@code reload} where it applies, if {@code tagsReloaded}. */
    LineWriter(boolean tagsReloaded) {
        this.tagsReloaded = tagsReloaded;
    }

    /** Writes one record with its newline; the line is then in {@link #buffer()} until the next call. */
    void write(Record record) {
        length = 0;
        put(TIMESTAMP);
        ensure(40);
        length = timestamps.write(record.timestamp(), buffer, length);
        put(PARTITION);
        putLong(record.partition());
        put(OFFSET);
        putLong(record.offset());
        put(KEY);
        if (putBytes(record.key())) {
            put(KEY_ENCODING);
        }
        put(PAYLOAD);
        if (putBytes(record.value())) {
            put(PAYLOAD_ENCODING);
        }
        if (!record.headers().isEmpty()) {
            putHeaders(record);
        }
        if (record.timestampType() != Record.TimestampType.CREATE_TIME) {
            put(TIMESTAMP_TYPE);
            put(ascii(record.timestampType().kafkaName()));
            put((byte) '"');
        }
        if (tagsReloaded && ReloadedRecords.isReloaded(record)) {
            putReload(record);
        }
        put((byte) '}');
        put((byte) '\n');
    }

    /** Bytes that the line of a record without headers takes at the most. */
    static long mostBytes(byte[] key, byte[] value) {
        return MOST_FIELDS + mostBytes(key) + mostBytes(value);
    }

    /** Bytes that a header takes in a line at the most. */
    static long mostBytesOfHeader(String key, byte[] value) {
        // A character is six bytes at the most: a backslash, u and four digits.
        long bytes = MOST_HEADER_FIELDS + 6L * key.length() + mostBytes(value);
        // An id comes once more as the field reload.
        return key.equals(ReloadedRecords.HEADER) && isReloadId(value) ? bytes + mostBytes(value) : bytes;
    }

    private static long mostBytes(byte[] text) {
        if (text == null) {
            return 0;
        }
        long bytes = text.length;
        long all = 0;
        int at = 0;
        for (; text.length - at >= Words.SIZE; at += Words.SIZE) {
            long word = Words.get(text, at);
            all |= word;
            bytes += Long.bitCount(Words.escaped(word)) + 5L * Long.bitCount(Words.controls(word));
        }
        for (; at < text.length; at++) {
            byte b = text[at];
            all |= b;
            bytes += b < 0 || ESCAPE[b] == 0 ? 0 : 5;
        }
        // What is no ASCII may be no text, and stand there in base64.
        return !Words.isAscii(all) ? Math.max(bytes, (text.length + 2L) / 3 * 4) : bytes;
    }

    byte[] buffer() {
        return buffer;
    }

    /** Bytes of the line, its newline included. */
    int length() {
        return length;
    }

    private void putHeaders(Record record) {
        put(HEADERS);
        boolean first = true;
        for (Record.Header header : record.headers()) {
            if (!first) {
                put((byte) ',');
            }
            first = false;
            put(HEADER_KEY);
            putBytes(header.key().getBytes(StandardCharsets.UTF_8));
            put(HEADER_VALUE);
            if (putBytes(header.value())) {
                put(HEADER_ENCODING);
            }
            put((byte) '}');
        }
        put((byte) ']');
    }

    /** Writes the id of the last reload; an empty one where the header, which may be anybody's, holds no short text. */
    private void putReload(Record record) {
        byte[] id = null;
        for (Record.Header header : record.headers()) {
            id = header.key().equals(ReloadedRecords.HEADER) ? header.value() : id;
        }
        put(RELOAD);
        int start = length;
        if (!isReloadId(id) || putBytes(id)) {
            length = start;
            putBytes(NO_RELOAD_ID);
        }
    }

    private static boolean isReloadId(byte[] value) {
        return value != null && value.length <= LONGEST_RELOAD_ID;
    }

    /** Writes a JSON string or null; true if the bytes were no UTF-8 and stand there in base64. */
    private boolean putBytes(byte[] bytes) {
        if (bytes == null) {
            put(NULL);
            return false;
        }
        int start = length;
        put((byte) '"');
        if (!putText(bytes)) {
            length = start;
            put((byte) '"');
            put(Base64.getEncoder().encode(bytes));
            put((byte) '"');
            return true;
        }
        put((byte) '"');
        return false;
    }

    /** Writes the bytes with JSON's escapes; false, with an undefined buffer behind the start, if they are no UTF-8. */
    private boolean putText(byte[] text) {
        int end = text.length;
        ensure(Math.addExact(end, SLACK));
        byte[] to = buffer;
        int out = length;
        int at = 0;
        while (at < end) {
            int plain = Words.copyPlain(text, at, end, to, out);
            at += plain;
            out += plain;
            if (at == end) {
                break;
            }
            byte b = text[at];
            if (b < 0) {
                int sequence = Utf8.sequenceLength(text, at);
                if (sequence == 0) {
                    return false;
                }
                for (int i = 0; i < sequence; i++) {
                    to[out++] = text[at++];
                }
            } else {
                to[out++] = '\\';
                to[out++] = ESCAPE[b];
                if (ESCAPE[b] == 'u') {
                    to[out++] = '0';
                    to[out++] = '0';
                    to[out++] = HEX[b >> 4];
                    to[out++] = HEX[b & 15];
                }
                at++;
                if (to.length - out < end - at + SLACK) {
                    length = out;
                    ensure(Math.addExact(end - at, SLACK));
                    to = buffer;
                }
            }
        }
        length = out;
        return true;
    }

    private void putLong(long number) {
        ensure(20);
        if (number < 0) {
            put(ascii(Long.toString(number)));
            return;
        }
        int digits = 1;
        for (long rest = number; rest >= 10; rest /= 10) {
            digits++;
        }
        length += digits;
        int at = length;
        do {
            buffer[--at] = (byte) ('0' + number % 10);
            number /= 10;
        } while (number > 0);
    }

    private void put(byte b) {
        ensure(1);
        buffer[length++] = b;
    }

    private void put(byte[] bytes) {
        put(bytes, 0, bytes.length);
    }

    private void put(byte[] bytes, int from, int count) {
        ensure(count);
        System.arraycopy(bytes, from, buffer, length, count);
        length += count;
    }

    private void ensure(int more) {
        if (buffer.length - length < more) {
            buffer = Arrays.copyOf(buffer, Math.max(Math.addExact(length, more), Math.min(buffer.length, 1 << 29) * 2));
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
