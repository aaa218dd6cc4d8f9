package io.cistern.bench;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * Records as shops publish them, the same ones for the same seed: keys of 16 bytes, JSON of a given size with texts that are
 * not ASCII and, in one of eight, characters that JSON escapes. One of ten has a header, one of fifty two.
 */
public final class Data {

    static final int KEY_BYTES = 16;
    static final Instant START = Instant.parse("2024-02-29T00:00:00Z");

    private static final List<String> WORDS = List.of("order", "café", "Zürich", "parcel", "São Paulo", "green", "東京",
        "delivery", "size 42", "refund", "naïve", "cotton", "Kraków", "express", "warehouse", "gift", "paper", "blue");
    private static final List<String> STATES = List.of("NEW", "PAID", "SENT", "DONE");
    private static final List<String> ESCAPED = List.of("said \\\"yes\\\"", "line 1\\nline 2", "C:\\\\data");

    private final SplittableRandom random;
    private final int size;
    private final StringBuilder text = new StringBuilder();

    /** @param size bytes of a value, 100 at the least */
    public Data(long seed, int size) {
        this.random = new SplittableRandom(seed);
        this.size = size;
    }

    /** The next key. */
    public byte[] key() {
        return "customer%08d".formatted(random.nextInt(1_000_000)).getBytes(StandardCharsets.US_ASCII);
    }

    /** The next value: one JSON object of exactly the size. */
    public byte[] value() {
        text.setLength(0);
        text.append("{\"id\":").append(10_000_000 + random.nextInt(80_000_000))
            .append(",\"state\":\"").append(pick(STATES))
            .append("\",\"amount\":").append(1 + random.nextInt(900)).append('.').append(10 + random.nextInt(90));
        int bytes = text.length();
        int item = 0;
        while (size - bytes > 200) {
            String next = ",\"item%d\":{\"sku\":\"%08x\",\"name\":\"%s %s\",\"count\":%d,\"gift\":%b}".formatted(item++, random.nextInt(),
                pick(WORDS), pick(WORDS), 1 + random.nextInt(9), random.nextInt(4) == 0);
            text.append(next);
            bytes += next.getBytes(StandardCharsets.UTF_8).length;
        }
        text.append(",\"note\":\"");
        bytes += 9;
        if (random.nextInt(8) == 0) {
            String escaped = pick(ESCAPED);
            text.append(escaped);
            bytes += escaped.length();
        }
        while (size - bytes > 16) {
            String word = pick(WORDS);
            text.append(' ').append(word);
            bytes += 1 + word.getBytes(StandardCharsets.UTF_8).length;
        }
        while (bytes++ < size - 2) {
            text.append((char) ('a' + random.nextInt(26)));
        }
        return text.append("\"}").toString().getBytes(StandardCharsets.UTF_8);
    }

    /** The record of this number, with a timestamp of its own. */
    public ProducerRecord<byte[], byte[]> record(String topic, long number) {
        List<Header> headers = List.of();
        if (number % 50 == 0) {
            headers = List.of(header("source", pick(WORDS)), header("trace", Long.toHexString(random.nextLong())));
        } else if (number % 10 == 0) {
            headers = List.of(header("source", pick(WORDS)));
        }
        return new ProducerRecord<>(topic, null, START.toEpochMilli() + number / 10, key(), value(), headers);
    }

    private String pick(List<String> of) {
        return of.get(random.nextInt(of.size()));
    }

    private static Header header(String name, String value) {
        return new RecordHeader(name, value.getBytes(StandardCharsets.UTF_8));
    }
}
