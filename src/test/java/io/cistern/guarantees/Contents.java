package io.cistern.guarantees;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/** Records of every kind that Kafka can hold: text, bytes, null, empty; small and large; headers of odd names; old. */
final class Contents {

    private static final String[] TEXTS = {"", "\"", "\\", "\\u0041", "\0", "\n", "\r\n", "\t", "\u007f", "\u2028",
        "\ufeff", "\uffff", "é", "\ud83d\ude00", "null", "{\"id\":42}", "${body}", "{{key}}", "}\n{", " "};
    private static final String[] HEADER_NAMES =
        {"trace", "trace", "CamelFileName", "kafka.KEY", "", "é\n\"", "offset"};
    private static final long OLDEST = 978_307_200_000L;

    private final Random random;
    private long number;

    Contents(Random random) {
        this.random = random;
    }

    /** Of few keys, so that order by key can be seen; or of any bytes, empty, or null. */
    byte[] key() {
        return switch (random.nextInt(10)) {
            case 0 -> null;
            case 1 -> new byte[0];
            case 2 -> bytes(1 + random.nextInt(20));
            default -> text("customer-" + random.nextInt(40));
        };
    }

    byte[] value() {
        return switch (random.nextInt(16)) {
            case 0 -> null;
            case 1 -> new byte[0];
            case 2, 3 -> bytes(random.nextInt(400));
            case 4 -> bytes(random.nextInt(20) == 0 ? random.nextInt(50_000) : random.nextInt(3_000));
            case 5 -> text(TEXTS[random.nextInt(TEXTS.length)].repeat(1 + random.nextInt(3)));
            default -> text("{\"number\":" + number++ + ",\"name\":\"Zoë\",\"more\":\""
                + "x".repeat(random.nextInt(random.nextInt(30) == 0 ? 20_000 : 600)) + "\"}");
        };
    }

    List<Header> headers() {
        List<Header> headers = new ArrayList<>();
        for (int i = random.nextInt(3) == 0 ? 1 + random.nextInt(4) : 0; i > 0; i--) {
            byte[] value = random.nextInt(6) == 0 ? null
                : random.nextBoolean() ? bytes(random.nextInt(12)) : text(TEXTS[random.nextInt(TEXTS.length)]);
            headers.add(new RecordHeader(HEADER_NAMES[random.nextInt(HEADER_NAMES.length)], value));
        }
        return headers;
    }

    /** Milliseconds since the epoch: now mostly, sometimes earlier, rarely any time of this century, or the epoch. */
    long timestamp() {
        long now = System.currentTimeMillis();
        return switch (random.nextInt(200)) {
            case 0 -> random.nextInt(1000);
            case 1, 2 -> OLDEST + (long) (random.nextDouble() * (now - OLDEST));
            case 3, 4, 5, 6, 7, 8 -> now - random.nextInt(3_600_000);
            default -> now;
        };
    }

    private byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
