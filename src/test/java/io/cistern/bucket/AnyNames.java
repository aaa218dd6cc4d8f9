package io.cistern.bucket;

import io.cistern.batch.Compression;
import io.cistern.batch.Timestamps;
import java.time.Instant;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;

/** Names of topics and batch files, for properties. */
final class AnyNames {

    /** What a file's name says, and the name: ours, or one of an earlier version of the reference. */
    record Named(String name, String topic, int partition, long firstTimestamp, long firstOffset, long consumedAt) {
    }

    private AnyNames() {
    }

    /** Topics, with a liking for those that look like other parts of a file's name. */
    static Arbitrary<String> topics() {
        Arbitrary<String> any = Arbitraries.strings().withCharRange('a', 'z').withCharRange('A', 'Z').withCharRange('0', '9')
            .withChars("._-").ofMinLength(1).ofMaxLength(60);
        Arbitrary<String> confusing = Arbitraries.of("_", "_7", "7", "-", "a", "orders", "_0_1_2", ".txt", ".txt.gz", "..",
            "2022-11-14T13-26-37.728Z").list().ofMinSize(1).ofMaxSize(4).map(parts -> String.join("", parts));
        return Arbitraries.oneOf(any, confusing).filter(topic -> !topic.equals(".") && !topic.equals(".."));
    }

    static Arbitrary<Named> of(String topic) {
        Arbitrary<Long> timestamps = Arbitraries.frequencyOf(
            Tuple.of(5, Arbitraries.longs().between(1_668_432_000_000L, 1_668_432_002_000L)),
            Tuple.of(3, Arbitraries.longs().between(-62_167_219_200_000L, 253_402_300_799_999L)),
            Tuple.of(1, Arbitraries.longs()));
        return Combinators.combine(timestamps, numbers(Integer.MAX_VALUE), numbers(Long.MAX_VALUE), numbers(Long.MAX_VALUE),
            Arbitraries.of(Compression.class), Arbitraries.of(true, false), Arbitraries.of(true, false)).as(
            (timestamp, partition, offset, consumedAt, compression, hasOffset, shortTime) -> {
                String time = shortTime ? Instant.ofEpochMilli(timestamp).toString() : Timestamps.format(timestamp);
                return new Named(time + '_' + topic + '_' + partition + (hasOffset ? "_" + offset : "") + '_' + consumedAt
                    + ".txt" + compression.extension(),
                    topic, (int) (long) partition, timestamp, hasOffset ? offset : BatchFileName.UNKNOWN, consumedAt);
            });
    }

    /** Numbers of all lengths, with common beginnings. */
    private static Arbitrary<Long> numbers(long most) {
        return Arbitraries.frequencyOf(Tuple.of(3, Arbitraries.longs().between(0, 12)),
            Tuple.of(2, Arbitraries.longs().between(100, 1200)), Tuple.of(1, Arbitraries.longs().between(0, most)),
            Tuple.of(1, Arbitraries.just(most)));
    }
}
