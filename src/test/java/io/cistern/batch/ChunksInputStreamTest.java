package io.cistern.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** Read in any way, chunks are the bytes of one array. */
class ChunksInputStreamTest {

    @Property(edgeCases = EdgeCasesMode.NONE)
    void readsSkipsMarksAndResetsAsOneArrayDoes(@ForAll @Size(min = 1, max = 6) List<@IntRange(max = 5) Integer> lengths,
        @ForAll @IntRange(max = 3) int unused, @ForAll @Size(max = 40) List<@IntRange(max = 29) Integer> steps) throws IOException {
        // Given
        Random random = new Random(lengths.hashCode());
        List<byte[]> chunks = new ArrayList<>();
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int length : lengths) {
            byte[] chunk = new byte[length];
            random.nextBytes(chunk);
            chunks.add(chunk);
            all.write(chunk);
        }
        int last = lengths.get(lengths.size() - 1);
        chunks.set(chunks.size() - 1, Arrays.copyOf(chunks.get(chunks.size() - 1), last + unused));
        ChunksInputStream in = new ChunksInputStream(chunks, last);
        ByteArrayInputStream expected = new ByteArrayInputStream(all.toByteArray());

        for (int step : steps) {
            int count = step / 5;
            switch (step % 5) {
                case 0 -> assertThat(in.read()).isEqualTo(expected.read());
                case 1 -> assertThat(in.readNBytes(count)).isEqualTo(expected.readNBytes(count));
                case 2 -> {
                    in.skipNBytes(Math.min(count, expected.available()));
                    expected.skip(count);
                }
                case 3 -> {
                    in.mark(0);
                    expected.mark(0);
                }
                default -> {
                    in.reset();
                    expected.reset();
                }
            }
            assertThat(in.available() > 0).isEqualTo(expected.available() > 0);
        }
        assertThat(in.readAllBytes()).isEqualTo(expected.readAllBytes());
    }
}
