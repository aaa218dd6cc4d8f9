package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.batch.Record;
import io.cistern.bucket.FileBucket;
import io.cistern.reload.History.Kind;
import io.cistern.reload.History.Step;
import io.cistern.reload.History.Timestamps;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.springframework.util.FileSystemUtils;

/** Whatever happened to a topic and its storers: a reload publishes what is in the archive, once and in order. */
class RandomHistoriesTest {

    private static final AtomicInteger FOLDERS = new AtomicInteger();
    private static FileBucket bucket;

    @BeforeContainer
    static void openTheBucket() throws IOException {
        bucket = new FileBucket(Files.createTempDirectory("histories"));
    }

    @AfterContainer
    static void closeTheBucket() throws IOException {
        bucket.close();
        FileSystemUtils.deleteRecursively(bucket.root());
    }

    @Property(edgeCases = EdgeCasesMode.NONE, tries = 200)
    void aReloadPublishesEveryStoredRecordOnce(@ForAll("anySteps") List<Step> steps, @ForAll("ranges") List<long[]> ranges) {
        assertThatReloads(steps, ranges, Comparator.comparing(Record::offset));
    }

    @Property(edgeCases = EdgeCasesMode.NONE, tries = 200)
    void aReloadPublishesTheRecordsOfALifeInOrderWhateverTheirTimestamps(@ForAll("stepsOfOneLife") List<Step> steps,
                                                                         @ForAll("ranges") List<long[]> ranges) {
        assertThatReloads(steps, ranges, null);
    }

    @Property(edgeCases = EdgeCasesMode.NONE, tries = 200)
    void aReloadPublishesTheRecordsOfEachLifeInOrderWhenTheirTimestampsTellWhenTheyCame(
        @ForAll("stepsInTime") List<Step> steps, @ForAll("ranges") List<long[]> ranges) {
        assertThatReloads(steps, ranges, null);
    }

    @Property(edgeCases = EdgeCasesMode.NONE, tries = 100)
    void anAuditFindsEveryStoredRecordByNamesAsByLines(@ForAll("anySteps") List<Step> steps) {
        // Given
        Archive archive = new Archive(bucket, "orders-" + FOLDERS.incrementAndGet());
        List<History> partitions = List.of(new History(archive, 0), new History(archive, 1));
        steps.forEach(step -> partitions.get(step.partition()).happens(step));
        Map<Integer, Set<Long>> stored = new TreeMap<>();
        partitions.forEach(partition -> partition.stored(timestamp -> true).values().forEach(records -> records.forEach(
            record -> stored.computeIfAbsent(record.partition(), ignored -> new TreeSet<>()).add(record.offset()))));
        Assume.that(!stored.isEmpty());

        // When
        JsonNode names = archive.audit(false);
        JsonNode lines = archive.audit(true);

        // Then each range starts and ends with a stored record, and none is outside of them
        Map<Integer, Set<Long>> found = new TreeMap<>();
        long holes = 0;
        for (JsonNode life : names.at("/topics/0/partitions")) {
            Set<Long> ofPartition = stored.get(life.get("partition").asInt());
            for (JsonNode range : life.get("ranges")) {
                assertThat(ofPartition).contains(range.get("from").asLong(), range.get("to").asLong());
                ofPartition.stream().filter(offset -> offset >= range.get("from").asLong() && offset <= range.get("to").asLong())
                    .forEach(found.computeIfAbsent(life.get("partition").asInt(), ignored -> new TreeSet<>())::add);
            }
            assertThat(life.get("gaps")).as(names.toString()).hasSize(life.get("ranges").size() - 1);
            holes += life.get("gaps").size();
        }
        assertThat(found).isEqualTo(stored);
        assertThat(names.get("holes").asLong()).isEqualTo(holes);
        assertThat(lines.get("records")).isEqualTo(names.get("records"));
        for (String field : List.of("life", "ranges", "gaps", "overlaps", "emptyOffsets")) {
            assertThat(lines.findValues(field)).as(field).isEqualTo(names.findValues(field));
        }
    }

    /** Compares what is published with what is stored, as it comes or, if any is given, in another order. */
    private static void assertThatReloads(List<Step> steps, List<long[]> ranges, Comparator<Record> order) {
        // Given
        Archive archive = new Archive(bucket, "orders-" + FOLDERS.incrementAndGet());
        List<History> partitions = List.of(new History(archive, 0), new History(archive, 1));
        steps.forEach(step -> partitions.get(step.partition()).happens(step));

        for (long[] range : ranges) {
            // When
            Outcome outcome = archive.reload(range[0], range[1]);

            // Then
            Map<String, List<Record>> expected = new TreeMap<>();
            partitions.forEach(partition -> expected.putAll(
                partition.stored(timestamp -> timestamp >= range[0] && timestamp <= range[1])));
            Map<String, List<Record>> published = new TreeMap<>();
            outcome.records().forEach(record -> published.computeIfAbsent(life(record), life -> new ArrayList<>()).add(record));
            if (order != null) {
                published.values().forEach(records -> records.sort(order));
            }
            assertThat(outcome.failure()).isNull();
            assertThat(published).isEqualTo(expected);
        }
    }

    /** The partition and life that a record's value names. */
    private static String life(Record record) {
        return record.getPayload().substring(0, record.getPayload().lastIndexOf('/'));
    }

    @Provide
    Arbitrary<List<Step>> anySteps() {
        return steps(Arbitraries.of(Timestamps.values()), true);
    }

    @Provide
    Arbitrary<List<Step>> stepsOfOneLife() {
        return steps(Arbitraries.of(Timestamps.values()), false);
    }

    @Provide
    Arbitrary<List<Step>> stepsInTime() {
        return steps(Arbitraries.of(Timestamps.NOW, Timestamps.ABOUT_NOW), true);
    }

    private static Arbitrary<List<Step>> steps(Arbitrary<Timestamps> timestamps, boolean lives) {
        Arbitrary<Kind> kinds = Arbitraries.frequency(Tuple.of(8, Kind.PRODUCE), Tuple.of(8, Kind.STORE), Tuple.of(2, Kind.CRASH),
            Tuple.of(2, Kind.POLL_SLOWLY), Tuple.of(1, Kind.STORE_SLOWLY), Tuple.of(2, Kind.REWIND), Tuple.of(1, Kind.SKIP),
            Tuple.of(2, Kind.COMPACT), Tuple.of(lives ? 1 : 0, Kind.DELETE_AND_CREATE));
        return Combinators.combine(kinds, Arbitraries.frequency(Tuple.of(4, 0), Tuple.of(1, 1)),
            Arbitraries.integers().between(0, 1000), Arbitraries.integers().between(0, 1000), timestamps).as(Step::new)
            .list().ofMinSize(1).ofMaxSize(50);
    }

    /** Ranges of each kind of timestamp, all or nothing of it. */
    @Provide
    Arbitrary<List<long[]>> ranges() {
        Arbitrary<Long> bounds = Arbitraries.oneOf(Arbitraries.of(Long.MIN_VALUE, Long.MAX_VALUE, 1_500_000_000_000L),
            Arbitraries.longs().between(0, 100).map(offset -> 1_600_000_000_000L + 1000 * offset),
            Arbitraries.longs().between(0, 100).map(offset -> 1_650_000_000_000L - 1000 * offset),
            Arbitraries.longs().between(-10_000, 30_000).map(millis -> 1_700_000_000_000L + millis));
        Arbitrary<long[]> some = Combinators.combine(bounds, bounds).as((one, other) ->
            new long[] {Math.min(one, other), Math.max(one, other)});
        return Arbitraries.oneOf(some, Arbitraries.create(() -> new long[] {Long.MIN_VALUE, Long.MAX_VALUE}))
            .list().ofMinSize(1).ofMaxSize(3);
    }
}
