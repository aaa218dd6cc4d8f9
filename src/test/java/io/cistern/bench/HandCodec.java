package io.cistern.bench;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * The lines of batch files as the hand-written loops write and read them: bytes to bytes, a table of escapes, one buffer that
 * grows. It leaves out what its own data does not need: bytes that are no UTF-8 are not told apart, fields are read in the
 * order in which they are written, and nothing is checked.
 */
final class HandCodec {

    private static final byte[] ESCAPES = new byte[128];
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] TIMESTAMP = ascii("{\"timestamp\":\"");
    private static final byte[] PARTITION = ascii("\",\"partition\":");
    private static final byte[] OFFSET = ascii(",\"offset\":");
    private static final byte[] KEY = ascii(",\"key\":");
    private static final byte[] PAYLOAD = ascii(",\"payload\":");
    private static final byte[] HEADERS = ascii(",\"headers\":[");
    private static final byte[] HEADER_KEY = ascii("{\"key\":");
    private static final byte[] HEADER_VALUE = ascii(",\"value\":");

    static {
        Arrays.fill(ESCAPES, 0, 32, (byte) 'u');
        ESCAPES['\b'] = 'b';
        ESCAPES['\t'] = 't';
        ESCAPES['\n'] = 'n';
        ESCAPES['\f'] = 'f';
        ESCAPES['\r'] = 'r';
        ESCAPES['"'] = '"';
        ESCAPES['\\'] = '\\';
    }

    /** What is written goes here, from 0 to {@link #length}; whoever uses it may empty it. */
    byte[] buffer;
    int length;

    private long day = Long.MIN_VALUE;
    private byte[] dayText;
    private byte[] line;
    private int at;

    HandCodec(int capacity) {
        buffer = new byte[capacity];
    }

    /** Puts the record's line behind what is there. */
    void write(ConsumerRecord<byte[], byte[]> record) {
        put(TIMESTAMP);
        putTimestamp(record.timestamp());
        put(PARTITION);
        putNumber(record.partition());
        put(OFFSET);
        putNumber(record.offset());
        put(KEY);
        putText(record.key());
        put(PAYLOAD);
        putText(record.value());
        boolean first = true;
        for (Header header : record.headers()) {
            if (first) {
                put(HEADERS);
            } else {
                put((byte) ',');
            }
            first = false;
            put(HEADER_KEY);
            putText(header.key().getBytes(StandardCharsets.UTF_8));
            put(HEADER_VALUE);
            putText(header.value());
            put((byte) '}');
        }
        if (!first) {
            put((byte) ']');
        }
        put((byte) '}');
        put((byte) '\n');
    }

    private void putTimestamp(long millis) {
        long ofDay = Math.floorDiv(millis, 86_400_000);
        if (ofDay != day) {
            day = ofDay;
            dayText = ascii(Instant.ofEpochMilli(millis).truncatedTo(ChronoUnit.DAYS).toString().substring(0, 11));
        }
        put(dayText);
        int rest = (int) Math.floorMod(millis, 86_400_000);
        putDigits(rest / 3_600_000, 2, ':');
        putDigits(rest / 60_000 % 60, 2, ':');
        putDigits(rest / 1000 % 60, 2, '.');
        putDigits(rest % 1000, 3, 'Z');
    }

    private void putDigits(int number, int digits, char behind) {
        ensure(digits + 1);
        for (int i = digits - 1; i >= 0; i--) {
            buffer[length + i] = (byte) ('0' + number % 10);
            number /= 10;
        }
        length += digits;
        buffer[length++] = (byte) behind;
    }

    private void putNumber(long number) {
        ensure(20);
        int digits = 1;
        for (long rest = number; rest >= 10; rest /= 10) {
            digits++;
        }
        for (int i = digits - 1; i >= 0; i--) {
            buffer[length + i] = (byte) ('0' + number % 10);
            number /= 10;
        }
        length += digits;
    }

    private void putText(byte[] text) {
        if (text == null) {
            put(ascii("null"));
            return;
        }
        ensure(6 * text.length + 2);
        byte[] to = buffer;
        int end = length;
        to[end++] = '"';
        for (byte b : text) {
            if (b < 0 || ESCAPES[b] == 0) {
                to[end++] = b;
            } else {
                to[end++] = '\\';
                to[end++] = ESCAPES[b];
                if (ESCAPES[b] == 'u') {
                    to[end++] = '0';
                    to[end++] = '0';
                    to[end++] = HEX[b >> 4];
                    to[end++] = HEX[b & 15];
                }
            }
        }
        to[end++] = '"';
        length = end;
    }

    private void put(byte b) {
        ensure(1);
        buffer[length++] = b;
    }

    private void put(byte[] bytes) {
        ensure(bytes.length);
        System.arraycopy(bytes, 0, buffer, length, bytes.length);
        length += bytes.length;
    }

    private void ensure(int more) {
        if (buffer.length - length < more) {
            buffer = Arrays.copyOf(buffer, Math.max(length + more, buffer.length * 2));
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** The record of the line that begins at {@code from}, bound for the partition that it came from. */
    ProducerRecord<byte[], byte[]> read(byte[] bytes, int from, String target) {
        line = bytes;
        at = from + TIMESTAMP.length;
        long millis = readTimestamp();
        at += PARTITION.length;
        int partition = (int) readNumber();
        at += OFFSET.length;
        readNumber();
        at += KEY.length;
        byte[] key = readText();
        at += PAYLOAD.length;
        byte[] value = readText();
        List<Header> headers = null;
        if (line[at] == ',') {
            headers = new ArrayList<>(2);
            at += HEADERS.length;
            do {
                at += HEADER_KEY.length;
                String name = new String(readText(), StandardCharsets.UTF_8);
                at += HEADER_VALUE.length;
                headers.add(new RecordHeader(name, readText()));
                // Behind the brace there is a comma or the end of the list.
                at += 2;
            } while (line[at - 1] == ',');
        }
        return new ProducerRecord<>(target, partition, millis, key, value, headers);
    }

    private long readTimestamp() {
        if (dayText == null || !Arrays.equals(line, at, at + 11, dayText, 0, 11)) {
            dayText = Arrays.copyOfRange(line, at, at + 11);
            day = Instant.parse(new String(dayText, StandardCharsets.US_ASCII) + "00:00:00Z").toEpochMilli() / 86_400_000;
        }
        long millis = day * 86_400_000 + digits(at + 11, 2) * 3_600_000L + digits(at + 14, 2) * 60_000L
            + digits(at + 17, 2) * 1000L + digits(at + 20, 3);
        at += 24;
        return millis;
    }

    private int digits(int from, int count) {
        int number = 0;
        for (int i = from; i < from + count; i++) {
            number = 10 * number + line[i] - '0';
        }
        return number;
    }

    private long readNumber() {
        long number = 0;
        while (line[at] >= '0' && line[at] <= '9') {
            number = 10 * number + line[at++] - '0';
        }
        return number;
    }

    private byte[] readText() {
        if (line[at] == 'n') {
            at += 4;
            return null;
        }
        int start = ++at;
        int escapes = 0;
        while (line[at] != '"') {
            if (line[at] == '\\') {
                escapes += line[at + 1] == 'u' ? 5 : 1;
                at++;
            }
            at++;
        }
        byte[] text = new byte[at - start - escapes];
        if (escapes == 0) {
            System.arraycopy(line, start, text, 0, text.length);
        } else {
            for (int i = 0, from = start; i < text.length; i++) {
                byte b = line[from++];
                if (b == '\\') {
                    b = switch (line[from++]) {
                        case 'b' -> '\b';
                        case 't' -> '\t';
                        case 'n' -> '\n';
                        case 'f' -> '\f';
                        case 'r' -> '\r';
                        case 'u' -> {
                            from += 4;
                            yield (byte) Integer.parseInt(new String(line, from - 4, 4, StandardCharsets.US_ASCII), 16);
                        }
                        default -> line[from - 1];
                    };
                }
                text[i] = b;
            }
        }
        at++;
        return text;
    }
}
