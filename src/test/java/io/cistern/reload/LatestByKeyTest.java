package io.cistern.reload;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@link LatestByKey} says, compared with a plain map, with as little memory as it takes. */
class LatestByKeyTest {

    @Property(edgeCases = EdgeCasesMode.NONE, tries = 300)
    void saysWhichRecordIsTheLastOfItsKey(@ForAll @IntRange(min = 0, max = 3000) int records,
                                          @ForAll @IntRange(min = 1, max = 4000) int keys,
                                          @ForAll @IntRange(min = 1, max = 40_000) int memory, @ForAll Random random)
        throws IOException {
        Path folder = Files.createTempDirectory("latest");
        try {
            check(folder, memory, records, keys, random);
            assertEmpty(folder);
        } finally {
            Files.delete(folder);
        }
    }

    /** From what fits into memory to what takes hundreds of runs, of entries and of positions. */
    @ParameterizedTest
    @CsvSource({"100000000, 200000, 200000", "1, 200000, 200000", "1, 200000, 1000000000", "1, 200000, 3",
        "20000, 200000, 50000", "500000, 500000, 400000"})
    void saysSoOfManyRecords(long memory, int records, int keys, @TempDir Path folder) throws IOException {
        long seed = System.nanoTime();
        System.out.println("LatestByKeyTest: seed " + seed);
        check(folder, memory, records, keys, new Random(seed));
        assertEmpty(folder);
    }

    private static void check(Path folder, long memory, int records, int keys, Random random) {
        List<Long> positions = new ArrayList<>();
        Map<String, Long> latest = new HashMap<>();
        try (LatestByKey byKey = new LatestByKey(folder, memory)) {
            long position = random.nextInt(3);
            for (int i = 0; i < records; i++) {
                String key = keys < 4 && i % 2 == 0 ? "" : "key " + random.nextInt(keys);
                byKey.add(key.getBytes(UTF_8), position);
                positions.add(position);
                latest.put(key, position);
                // Those between have no key.
                position += 1 + (random.nextInt(4) == 0 ? random.nextInt(1000) : 0);
            }
            byKey.done();
            Set<Long> latestPositions = new HashSet<>(latest.values());
            long asked = 0;
            for (long added : positions) {
                for (; asked < added; asked = Math.min(added, asked + 1 + random.nextInt(300))) {
                    assertThat(byKey.isLatest(asked)).isFalse();
                }
                boolean expected = latestPositions.contains(added);
                if (random.nextInt(10) > 0) {
                    assertThat(byKey.isLatest(added)).as("position %d", added).isEqualTo(expected);
                }
                asked = added + 1;
            }
            assertThat(byKey.isLatest(Long.MAX_VALUE)).isFalse();
        }
    }

    @Test
    void positionsComeInTheirOrder() {
        try (LatestByKey byKey = new LatestByKey(1000)) {
            byKey.add(new byte[0], 7);
            assertThatThrownBy(() -> byKey.add(new byte[0], 7)).isInstanceOf(IllegalArgumentException.class);
            byKey.done();
            assertThat(byKey.isLatest(3)).isFalse();
            assertThat(byKey.isLatest(7)).isTrue();
            assertThatThrownBy(() -> byKey.isLatest(7)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void theFileIsGoneAlsoWhenItCouldNotBeWritten(@TempDir Path folder) throws IOException {
        try (LatestByKey byKey = new LatestByKey(folder, 1)) {
            assertThatThrownBy(() -> {
                for (int i = 0; i < 100_000; i++) {
                    byKey.add(("key " + i).getBytes(UTF_8), i);
                    if (i == 50_000) {
                        // Which closes the file.
                        Thread.currentThread().interrupt();
                    }
                }
            }).isInstanceOf(UncheckedIOException.class).hasMessageContaining(folder.toString());
            assertThat(Thread.interrupted()).isTrue();
        }
        assertEmpty(folder);
    }

    @Test
    void whereThereIsNoFolderItSaysSo(@TempDir Path folder) {
        try (LatestByKey byKey = new LatestByKey(folder.resolve("none"), 1)) {
            assertThatThrownBy(() -> {
                for (int i = 0; i < 1000; i++) {
                    byKey.add(("key " + i).getBytes(UTF_8), i);
                }
            }).isInstanceOf(UncheckedIOException.class).hasMessageContaining("none");
        }
    }

    @Test
    void whatFitsIntoMemoryTakesNoFile(@TempDir Path folder) {
        try (LatestByKey byKey = new LatestByKey(folder.resolve("none"), 1 << 20)) {
            for (int i = 0; i < 1_000_000; i++) {
                byKey.add(("key " + i % 20_000).getBytes(UTF_8), i);
            }
            byKey.done();
            assertThat(byKey.isLatest(979_999)).isFalse();
            assertThat(byKey.isLatest(980_000)).isTrue();
        }
    }

    private static void assertEmpty(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }
}
