package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.batch.Compression;
import io.cistern.bucket.BatchFileName;
import io.cistern.bucket.FileFacts;
import io.cistern.reload.Coverage.Range;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Ranges that grow together are those that one would find offset by offset. */
class CoverageTest {

    /** A stored file, and since when nothing was before it. */
    private record File(long from, long first, long last, long consumedAt) {

        private AuditedFile audited() {
            String name = BatchFileName.format("t", 0, 1_000_000 + first, first, consumedAt, Compression.NONE);
            BatchFileName parsed = BatchFileName.parse(name, "t");
            return new AuditedFile(null, name, parsed, first, new FileFacts(parsed.key(), 0, 0, last, last - first + 1,
                from == first ? FileFacts.NOT_NOTED : from, null), 0, null);
        }
    }

    private static List<Range> ranges(BitSet offsets) {
        List<Range> ranges = new ArrayList<>();
        for (int from = offsets.nextSetBit(0); from >= 0; from = offsets.nextSetBit(offsets.nextClearBit(from))) {
            ranges.add(new Range(from, offsets.nextClearBit(from) - 1));
        }
        return ranges;
    }

    private static List<File> history(Random random, boolean goingBack) {
        List<File> files = new ArrayList<>();
        boolean notes = random.nextBoolean();
        long next = random.nextInt(5);
        long consumedAt = 1000;
        for (int i = random.nextInt(30); i >= 0; i--) {
            if (goingBack && random.nextInt(4) == 0) {
                next = Math.max(0, next - random.nextInt(10));
            }
            long from = next + (random.nextInt(3) == 0 ? random.nextInt(4) : 0);
            long first = from + (random.nextInt(3) == 0 && notes ? random.nextInt(4) : 0);
            next = first + 1 + random.nextInt(5);
            consumedAt += random.nextInt(2);
            files.add(new File(from, first, next - 1, consumedAt));
        }
        return files;
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void growTogetherInWhateverOrderFilesAreListed(@ForAll Random random) {
        List<File> files = history(random, false);
        BitSet covered = new BitSet();
        BitSet stored = new BitSet();
        files.forEach(file -> covered.set((int) file.from, (int) file.last + 1));
        files.forEach(file -> stored.set((int) file.first, (int) file.last + 1));
        Collections.shuffle(files, random);
        Coverage coverage = new Coverage();

        assertThat(files).allMatch(file -> coverage.add(file.audited()));

        assertThat(coverage.ranges()).isEqualTo(ranges(covered));
        assertThat(coverage.overlaps()).isEmpty();
        covered.andNot(stored);
        assertThat(coverage.emptyOffsets()).isEqualTo(covered.cardinality());
        assertThat(coverage.emptyGaps()).isEqualTo(ranges(covered).size());
        assertThat(coverage.records()).isEqualTo(stored.cardinality());
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void refuseWhatAReloadTakesForGoingBackAndNothingElse(@ForAll Random random) {
        List<File> files = history(random, true);
        boolean goBack = Lives.goBack(new ArrayList<>(files.stream().map(file -> (PlannedFile) file.audited()).toList()));
        Collections.shuffle(files, random);
        Coverage coverage = new Coverage();

        // A file is refused too where another one says that nothing is, as it may say after a compaction.
        boolean refused = !files.stream().allMatch(file -> coverage.add(file.audited()));
        if (goBack || files.stream().allMatch(file -> file.from == file.first)) {
            assertThat(refused).isEqualTo(goBack);
        }
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void tellWhatLiesInMoreThanOneFile(@ForAll Random random) {
        List<File> files = history(random, true);
        BitSet covered = new BitSet();
        BitSet once = new BitSet();
        BitSet twice = new BitSet();
        for (File file : files) {
            covered.set((int) file.from, (int) file.last + 1);
            BitSet own = new BitSet();
            own.set((int) file.first, (int) file.last + 1);
            BitSet both = (BitSet) own.clone();
            both.and(once);
            twice.or(both);
            once.or(own);
        }
        Coverage coverage = new Coverage();

        files.stream().sorted(Comparator.comparingLong(File::first)).forEach(file -> coverage.addNext(file.audited()));

        assertThat(coverage.overlaps()).isEqualTo(ranges(twice));
        assertThat(coverage.ranges()).isEqualTo(ranges(covered));
    }
}
