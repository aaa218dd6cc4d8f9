package io.cistern.reload;

import static io.cistern.batch.TestFiles.utf8;
import static io.cistern.reload.Archive.record;
import static io.cistern.reload.Archive.records;
import static io.cistern.reload.Archive.time;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cistern.batch.BadLineException;
import io.cistern.batch.Compression;
import io.cistern.batch.Record;
import io.cistern.batch.TestFiles;
import io.cistern.bucket.FileBucket;
import io.cistern.bucket.FileFacts;
import io.cistern.reload.Archive.Writer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a bucket can look like after years, and what a reload makes of it: plan, lives, overlaps, ranges and faults. */
class ReloadHistoriesTest {

    private static final AtomicInteger FOLDERS = new AtomicInteger();

    @TempDir
    private static Path root;
    private static FileBucket bucket;
    private Archive archive;

    @BeforeAll
    static void openTheBucket() {
        bucket = new FileBucket(root);
    }

    @AfterAll
    static void closeTheBucket() {
        bucket.close();
    }

    @BeforeEach
    void startAnArchive() {
        archive = new Archive(bucket, "in/orders-" + FOLDERS.incrementAndGet());
    }

    private static List<String> values(String life, long from, long to) {
        return LongStream.rangeClosed(from, to).mapToObj(offset -> life + offset).toList();
    }

    private static List<String> values(List<String> first, List<String> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }

    /** Seconds after a life began. */
    private static long at(String life, int seconds) {
        return time(life) + 1000L * seconds;
    }

    // ---- topic ids ----------------------------------------------------------------------------------------------------

    private static final String FIRST_ID = "AAAAAAAAAAAAAAAAAAAAAA";
    private static final String SECOND_ID = "BBBBBBBBBBBBBBBBBBBBBB";

    @Test
    void dividesByTopicIdWhatOffsetsDoNotDivide() {
        archive.storeOf(FIRST_ID, at("a", 100), records("a", 0, 9));
        archive.storeOf(SECOND_ID, at("a", 200), records("a", 10, 19));

        assertThat(archive.reload().values()).isEqualTo(values("a", 0, 19));
        assertThat(archive.audit(false).at("/topics/0/partitions")).extracting(life -> life.get("topicId").asText())
            .containsExactly(FIRST_ID, SECOND_ID);
    }

    @Test
    void putsALateFileToItsIncarnation() {
        archive.storeOf(FIRST_ID, at("a", 100), records("a", 0, 9));
        archive.storeOf(SECOND_ID, at("b", 100), records("b", 0, 29));
        archive.storeOf(FIRST_ID, at("b", 110), records("a", 10, 14)); // by a process that was frozen
        archive.storeOf(SECOND_ID, at("b", 120), records("b", 30, 39));

        assertThat(archive.reload().values()).isEqualTo(values(values("a", 0, 14), values("b", 0, 39)));
        assertThat(archive.audit(false).at("/topics/0/partitions")).hasSize(2);
    }

    @Test
    void continuesAnIncarnationThatAFormerVersionBegan() {
        archive.store(at("a", 100), records("a", 0, 9));
        archive.store(at("a", 110), records("a", 10, 19));
        archive.storeOf(FIRST_ID, at("a", 120), records("a", 15, 29)); // read again after a crash, by the new version
        archive.storeOf(SECOND_ID, at("b", 100), records("b", 0, 29));

        assertThat(archive.reload().values()).isEqualTo(values(values("a", 0, 29), values("b", 0, 29)));
        assertThat(archive.audit(false).at("/topics/0/partitions")).hasSize(2);
    }

    @Test
    void dividesATruncatedLogOfOneIncarnation() {
        archive.storeOf(FIRST_ID, at("a", 100), records("a", 0, 9));
        archive.storeOf(FIRST_ID, at("b", 100), records("b", 7, 12)); // other records at offsets from 7 on

        assertThat(archive.reload().values()).isEqualTo(values(values("a", 0, 9), values("b", 7, 12)));
    }

    // ---- copies ----------------------------------------------------------------------------------------------------

    @Test
    void publishesOnceWhatACrashLeftInOverlappingFiles() {
        archive.store(at("a", 100), records("a", 0, 9));
        archive.store(at("a", 110), records("a", 10, 19)); // not committed, and so read again in other portions
        archive.store(at("a", 120), records("a", 10, 12));
        archive.store(at("a", 130), records("a", 13, 27));
        archive.store(at("a", 140), records("a", 28, 30));

        assertThat(archive.reload().values()).isEqualTo(values("a", 0, 30));
    }

    @Test
    void publishesOnceWhatAZombieStoredToo() {
        archive.store(at("a", 100), records("a", 0, 9));
        archive.store(at("a", 105), records("a", 4, 17)); // the zombie polled before the others went on
        archive.store(at("a", 104), records("a", 10, 12));
        archive.store(at("a", 120), records("a", 13, 20));

        assertThat(archive.reload().values()).isEqualTo(values("a", 0, 20));
    }

    @Test
    void publishesOnceWhatWasCompactedBetweenTwoCopies() {
        archive.store(at("a", 100), records("a", 0, 9));
        archive.store(at("a", 200), records("a", 3, 3), records("a", 8, 8), records("a", 12, 15));
        archive.store(at("a", 300), records("a", 14, 16));

        assertThat(archive.reload().values()).isEqualTo(values(values("a", 0, 9), values("a", 12, 16)));
    }

    @Test
    void publishesOnceWhatARewoundConsumerGroupStoredAgain() {
        for (int round = 0; round < 3; round++) {
            for (int from = 0; from < 30; from += 7 + round) {
                archive.store(at("a", 1000 * round + from), records("a", from, Math.min(from + 6 + round, 29)));
            }
        }

        assertThat(archive.reload().values()).isEqualTo(values("a", 0, 29));
    }

    @Test
    void publishesOnceWhatLiesInManyOverlappingFilesWhoseTimestampsAreInNoOrder() {
        // Given timestamps that fall while offsets rise, as when a backlog is replayed from its end
        List<Record> log = LongStream.range(0, 200)
            .mapToObj(offset -> record("a", offset, 5_000_000 - 1000 * offset)).toList();
        archive.store(at("a", 100), log.subList(0, 100));
        archive.store(at("a", 110), log.subList(100, 120));
        archive.store(at("a", 120), log.subList(50, 53)); // short leftovers of a rewound group
        archive.store(at("a", 130), log.subList(60, 100));
        archive.store(at("a", 140), log.subList(120, 200));
        archive.store(at("a", 150), log.subList(20, 21));
        archive.store(at("a", 160), log.subList(105, 120));

        assertThat(archive.reload().values()).isEqualTo(values("a", 0, 199));
    }

    // ---- lives -----------------------------------------------------------------------------------------------------

    @Test
    void bringsATopicThatWasDeletedAndCreatedAgainBackWhole() {
        archive.store(at("a", 100), records("a", 0, 4));
        archive.store(at("a", 110), records("a", 5, 9));
        archive.store(at("b", 200), records("b", 0, 3));
        archive.store(at("b", 210), records("b", 4, 12));
        archive.store(at("c", 300), records("c", 0, 0));

        assertThat(archive.reload().values())
            .isEqualTo(values(values("a", 0, 9), values(values("b", 0, 12), values("c", 0, 0))));
    }

    @Test
    void bringsALifeBackWholeThatStartsAboveTheFormerOne() {
        archive.store(at("a", 100), records("a", 0, 4));
        archive.store(at("b", 200), records("b", 8, 12));

        assertThat(archive.reload().values()).isEqualTo(values(values("a", 0, 4), values("b", 8, 12)));
    }

    @Test
    void publishesOnceWhatARewoundConsumerGroupStoredAgainOfALifeThatStartedAboveTheFormerOne() {
        archive.store(at("a", 100), records("a", 0, 4));
        archive.store(at("b", 200), records("b", 8, 12));
        archive.store(at("b", 300), records("b", 0, 14));

        assertThat(archive.reload().values()).isEqualTo(values(values("a", 0, 4), values("b", 0, 14)));
    }

    @Test
    void publishesOnceWhatLiesInOverlappingFilesOfTwoLives() {
        archive.store(at("a", 100), records("a", 0, 9));
        archive.store(at("a", 110), records("a", 5, 14));
        archive.store(at("b", 200), records("b", 0, 9));
        archive.store(at("b", 210), records("b", 0, 2));
        archive.store(at("b", 220), records("b", 3, 20));

        assertThat(archive.reload().values()).isEqualTo(values(values("a", 0, 14), values("b", 0, 20)));
    }

    @Test
    void bringsALifeBackWholeThatStartsAmongTheOffsetsOfTheFormerOne() {
        archive.store(at("a", 100), records("a", 0, 9));
        archive.store(at("b", 200), records("b", 5, 14));
        archive.store(at("b", 210), records("b", 12, 20));

        assertThat(archive.reload().values()).isEqualTo(values(values("a", 0, 9), values("b", 5, 20)));
    }

    @Test
    void bringsALifeBackWholeOfWhichTheFormerOneHasNoOffset() {
        archive.store(at("a", 100), records("a", 50, 59));
        archive.store(at("b", 200), records("b", 0, 39));
        archive.store(at("b", 210), records("b", 40, 69));

        assertThat(archive.reload().values()).isEqualTo(values(values("a", 50, 59), values("b", 0, 69)));
    }

    @Test
    void tellsLivesThatHaveNoOffsetInCommonByTheirTimes() {
        archive.store(at("a", 100), records("a", 50, 59));
        archive.store(at("b", 200), records("b", 0, 39));

        assertThat(archive.reload().values()).isEqualTo(values(values("a", 50, 59), values("b", 0, 39)));
    }

    @Test
    void knowsFilesOfALifeThatHaveNoOffsetInCommonByTheirTimes() {
        archive.store(at("a", 100), records("a", 50, 59)); // the group started at the end of the topic
        archive.store(at("a", 200), records("a", 0, 29)); // was then set to its start
        archive.store(at("a", 199), records("a", 30, 39)); // and went on where the clock is late

        assertThat(archive.reload().values()).isEqualTo(values(values("a", 0, 39), values("a", 50, 59)));
    }

    @Test
    void knowsFilesOfALifeByTheirTimesThoughClocksDiffer() {
        archive.store(at("a", 45), records("a", 50, 59)); // where the clock is late
        archive.store(at("a", 200), records("a", 49, 49));

        assertThat(archive.reload().values()).isEqualTo(values("a", 49, 59));
    }

    @Test
    void knowsFilesOfANewLifeThatWereStoredBeforeItsStartWas() {
        archive.store(at("a", 100), records("a", 0, 9));
        archive.store(at("b", 200), records("b", 50, 59)); // the group went on where it was
        archive.store(at("b", 300), records("b", 0, 20)); // and was then set to the start

        assertThat(archive.reload().values())
            .isEqualTo(values(values("a", 0, 9), values(values("b", 0, 20), values("b", 50, 59))));
    }

    @Test
    void publishesBothWhereTwoLivesBeginAlikeAndGoOnDifferently() {
        // Given a topic that was filled anew from its source, and differs from some record on
        archive.store(at("a", 100), records("a", 0, 6));
        archive.store(at("b", 100), records("a", 0, 4), List.of(record("b", 5, time("b")), record("b", 6, time("b"))));

        assertThat(archive.reload().values()).isEqualTo(values(values("a", 0, 4), List.of("a5", "b5", "a6", "b6")));
    }

    @Test
    void keepsALifeInOrderThoughANewOneHoldsABacklog() {
        archive.store(at("a", 100), records("a", 30, 39));
        archive.store(at("a", 110), records("a", 79, 79));
        archive.store(at("a", 120), records("a", 20, 34));
        archive.store(at("a", 130), records("a", 65, 72));
        archive.store(at("a", 140), records("a", 73, 78));
        archive.store(at("b", 100), LongStream.range(20, 30).mapToObj(offset -> record("b", offset, offset)).toList());

        assertThat(archive.reload().values()).isEqualTo(
            values(values(values("a", 20, 39), values("a", 65, 79)), values("b", 20, 29)));
    }

    @Test
    void publishesOnceWhatLiesInFilesOfTwoLivesThatCannotBeToldApartByTheirTimes() {
        // Given two lives that a backlog was replayed into, so that both have old timestamps
        archive.store(at("c", 100), records("a", 50, 59));
        archive.store(at("c", 200), records("b", 0, 39));
        archive.store(at("c", 300), records("b", 40, 69));
        archive.store(at("c", 400), records("b", 0, 54));
        archive.store(at("c", 500), records("b", 30, 69));

        assertThat(archive.reload().values()).isEqualTo(values(values("a", 50, 59), values("b", 0, 69)));
    }

    // ---- files of the reference ----------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void readsTheFilesOfEveryWriter(Writer writer) {
        for (Compression compression : Compression.values()) {
            archive.store(writer, at("a", 100 + compression.ordinal()), compression,
                records("a", 10L * compression.ordinal(), 10L * compression.ordinal() + 9));
        }
        archive.store(writer, at("a", 110), Compression.NONE, records("a", 25, 34));

        assertThat(archive.reload().values()).isEqualTo(values("a", 0, 34));
        assertThat(archive.reload(time("a") + 5000, time("a") + 31_000).values()).isEqualTo(values("a", 5, 31));
        assertThat(archive.reload(time("a") + 5000, time("a") + 5000).values()).isEqualTo(values("a", 5, 5));
    }

    @Test
    void readsTheGoldenBucket() throws IOException {
        // Given
        Path golden = Path.of("src/test/resources/golden");
        try (Stream<Path> files = Files.walk(golden)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                bucket.write(golden.relativize(file).toString(), Files.readAllBytes(file));
            }
        }

        // Then
        assertThat(golden("orders.ingestion", "orders", Long.MIN_VALUE, Long.MAX_VALUE).offsets())
            .containsExactly(312L, 313L, 320L, 40L, 41L);
        assertThat(golden("orders.ingestion", "orders", 1614585600500L, 1668432397000L).offsets()).containsExactly(313L, 41L);
        assertThat(golden("eu_orders-v1.dlq", "eu_orders-v1.dlq", Long.MIN_VALUE, Long.MAX_VALUE).offsets()).containsExactly(0L);
        assertThat(golden("sales_7", "sales_7", Long.MIN_VALUE, Long.MAX_VALUE).values()).containsExactly("old", "new");
        assertThat(golden("app.events", "events", Long.MIN_VALUE, Long.MAX_VALUE).offsets())
            .containsExactly(0L, 1L, 5L, 6L, 7L, 8L, 9L, 10L);
        assertThat(golden("app.events", "events", -1, -1).offsets()).containsExactly(6L);
    }

    private static Outcome golden(String topic, String folder, long from, long to) {
        return Outcome.of(bucket.bucket(), Outcome.request(topic, folder, from, to));
    }

    // ---- ranges ----------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({"10, 20, 2 3", "11, 19, ''", "10, 10, 2", "20, 20, 3", "21, 30, 4", "-1, 0, 0 1", "-1, -1, 0", "31, 90, ''",
        "0, 30, 1 2 3 4"})
    void publishesWhatIsInTheRangeBothBoundsIncluded(long from, long to, String offsets) {
        List<Record> all = List.of(record("a", 0, -1), record("a", 1, 0), record("a", 2, 10), record("a", 3, 20),
            record("a", 4, 30));
        for (Record record : all) {
            archive.store(at("a", 100 + (int) record.offset()), List.of(record));
        }
        Archive inOneFile = new Archive(bucket, "in/one-" + FOLDERS.incrementAndGet());
        inOneFile.store(at("a", 100), all);

        List<Long> expected = Stream.of(offsets.split(" ")).filter(offset -> !offset.isEmpty()).map(Long::valueOf).toList();
        assertThat(archive.reload(from, to).offsets()).isEqualTo(expected);
        assertThat(inOneFile.reload(from, to).offsets()).isEqualTo(expected);
    }

    @Test
    void findsOldRecordsInNewFilesWhereverTheyAreInThem() {
        // Given a backlog of 2023 that was replayed in 2026, in between records of 2026
        long in2026 = Instant.parse("2026-05-01T00:00:00Z").toEpochMilli();
        long in2023 = Instant.parse("2023-05-01T00:00:00Z").toEpochMilli();
        archive.store(in2026, List.of(record("a", 0, in2026), record("a", 1, in2026 + 1), record("a", 2, in2026 + 2)));
        archive.store(in2026 + 10, List.of(record("a", 3, in2026 + 3), record("a", 4, in2023), record("a", 5, in2026 + 5)));
        archive.store(in2026 + 20, List.of(record("a", 6, in2023 + 9), record("a", 7, in2023 - 1), record("a", 8, in2023 + 10)));
        archive.store(in2026 + 30, List.of(record("a", 9, in2026 + 6), record("a", 10, in2023 + 5)));
        archive.store(in2026 + 40, List.of(record("a", 11, in2023 - 99), record("a", 12, in2026)));

        Outcome outcome = archive.reload(in2023, in2023 + 10);

        assertThat(outcome.offsets()).containsExactly(4L, 6L, 8L, 10L);
        assertThat(outcome.plan().files()).isEqualTo(4);
        assertThat(outcome.plan().passedOver()).isEqualTo(1);
    }

    @Test
    void doesNotOpenFilesThatAreKnownToHoldNothingInTheRange() {
        archive.ruin(archive.store(at("a", 100), records("a", 0, 9)));
        archive.store(at("a", 110), records("a", 10, 19));
        archive.ruin(archive.store(at("a", 120), records("a", 20, 29)));
        archive.ruin(archive.store(Writer.STORER, at("a", 130), Compression.GZIP, records("a", 30, 39)));

        Outcome outcome = archive.reload(time("a") + 10_000, time("a") + 19_999);

        assertThat(outcome.values()).isEqualTo(values("a", 10, 19));
        assertThat(outcome.plan().passedOver()).isEqualTo(3);
        assertThat(outcome.reload().describe()).containsEntry("filesTotal", 1L).containsEntry("filesDone", 1L)
            .containsEntry("filesPassedOver", 3L).containsEntry("recordsRead", 10L);
    }

    @ParameterizedTest
    @EnumSource(names = "STORER", mode = EnumSource.Mode.EXCLUDE)
    void opensAFileOfWhichNothingIsKnownAndNotesWhatItHoldsForTheNextReload(Writer writer) {
        // Given
        List<Record> unordered = List.of(record("a", 5, 70), record("a", 6, 50), record("a", 9, 60));
        String path = archive.store(writer, at("a", 100), Compression.ZSTD, unordered);
        archive.store(at("a", 110), List.of(record("a", 10, 80)));

        // When
        Outcome first = archive.reload(80, 90);

        // Then
        assertThat(first.offsets()).containsExactly(10L);
        FileFacts facts = archive.facts(path);
        assertThat(List.of(facts.leastTimestamp(), facts.greatestTimestamp(), facts.lastOffset(), facts.count()))
            .containsExactly(50L, 70L, 9L, 3L);
        assertThat(archive.reload(60, 65).offsets()).containsExactly(9L);
        archive.ruin(path);
        assertThat(archive.reload(80, 90).offsets()).containsExactly(10L);
        assertThat(archive.reload(60, 65).failure()).isNotNull();
    }

    @Test
    void noticesAnEmptyFile() {
        archive.store(at("a", 100), records("a", 0, 4));
        archive.store(at("a", 120), records("a", 5, 9));
        String empty = archive.store(Writer.REFERENCE_BEFORE_1_2, at("a", 110), Compression.NONE, records("a", 3, 3));
        archive.overwrite(empty, new byte[0]);
        archive.overwrite(archive.store(Writer.REFERENCE, at("a", 110), Compression.NONE, records("a", 2, 2)), new byte[0]);

        assertThat(archive.reload().values()).isEqualTo(values("a", 0, 9));
        assertThat(archive.reload(Long.MIN_VALUE, time("b")).values()).isEqualTo(values("a", 0, 9));
        assertThat(archive.facts(empty).count()).isZero();
        assertThat(archive.reload(Long.MIN_VALUE, time("b")).plan().passedOver()).isEqualTo(2);
        assertThat(archive.reload().plan().passedOver()).isEqualTo(2);
    }

    @Test
    void worksWithoutAPlaceForFacts() {
        // Given a bucket that takes no facts, like one that may only be read
        String path = archive.store(Writer.REFERENCE, at("a", 100), Compression.NONE, records("a", 0, 9));
        bucket.write(FileFacts.folderFor(path.substring(0, path.lastIndexOf('/'))), new byte[0]);

        assertThat(archive.reload(time("a") + 3000, time("a") + 4000).values()).isEqualTo(values("a", 3, 4));
    }

    // ---- partitions, other files, single files ---------------------------------------------------------------------

    @Test
    void publishesEachPartitionInItsOrder() {
        for (int file = 0; file < 3; file++) {
            for (int partition = 0; partition < 3; partition++) {
                archive.store(at("a", 100 + file), List.of(
                    TestFiles.record(partition, file, 1000 * file + partition, null, partition + "/" + file)));
            }
        }

        assertThat(archive.reload().values()).containsExactly("0/0", "0/1", "0/2", "1/0", "1/1", "1/2", "2/0", "2/1", "2/2");
    }

    @Test
    void leavesOtherFilesOutAndCountsThem() {
        String path = archive.store(at("a", 100), records("a", 0, 4));
        for (String other : List.of("README.md", "x.txt", "2022-11-14T13:26:37.728Z_other_0_312_1668432398047.txt")) {
            bucket.write(path.substring(0, path.lastIndexOf('/') + 1) + other, utf8("no record"));
        }

        Outcome outcome = archive.reload();

        assertThat(outcome.values()).isEqualTo(values("a", 0, 4));
        assertThat(outcome.reload().describe()).containsEntry("filesNotOfTheTopic", 3L).containsEntry("filesTotal", 1L);
    }

    @ParameterizedTest
    @EnumSource
    void reloadsAFileAsItIs(Compression compression) {
        List<Record> records = IntStream.range(0, 4).boxed().flatMap(i -> records("a", 8, 9).stream()).toList();
        bucket.write("by-hand/a.txt" + compression.extension(), TestFiles.file(compression, records));

        Outcome outcome = archive.reloadFile("by-hand/a.txt" + compression.extension());

        assertThat(outcome.records()).isEqualTo(records);
        assertThat(outcome.failure()).isNull();
        assertThat(outcome.reload().describe()).containsEntry("filesTotal", 1L).containsEntry("filesDone", 1L)
            .containsEntry("recordsRead", 8L);
    }

    @Test
    void holdsBatchesOfAtMostSoManyRecordsAndAboutSoManyBytes() {
        // Given
        byte[] large = new byte[600_000];
        List<Record> records = List.of(
            new Record(0, 0, 0, Record.TimestampType.CREATE_TIME, large, large, List.of()),
            record("a", 1, 0),
            new Record(0, 2, 0, Record.TimestampType.CREATE_TIME, null, null,
                List.of(TestFiles.header("h", large), TestFiles.header("h", large))),
            record("a", 3, 0), record("a", 4, 0), record("a", 5, 0), record("a", 6, 0));
        String path = archive.store(at("a", 0), records);

        // When
        LoneReplica replica = new LoneReplica(bucket.bucket(), Outcome.request(path));
        replica.hold();
        replica.plan(false);
        replica.run(Integer.MAX_VALUE);
        List<List<Long>> batches = replica.batches();

        // Then at most three records, and not one more when there is a megabyte
        assertThat(batches).containsExactly(List.of(0L), List.of(1L, 2L), List.of(3L, 4L, 5L), List.of(6L));
    }

    // ---- faults ----------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource
    void publishesWhatComesBeforeABadLineAndNamesIt(Writer writer) {
        for (int before = 0; before < 5; before++) {
            // Given
            startAnArchive();
            archive.store(at("a", 100), records("a", 0, 3));
            String bad = archive.store(writer, at("a", 110), Compression.NONE, records("a", 4, 3 + before + 1));
            StringBuilder text = new StringBuilder();
            records("a", 4, 3 + before).forEach(record -> text.append(TestFiles.line(record)).append('\n'));
            archive.overwrite(bad, utf8(text + "{\"oops\":1}\n"));
            int line = before + 1;

            // When
            Outcome outcome = archive.reload();

            // Then
            if (writer == Writer.REFERENCE_BEFORE_1_2 && before == 0) {
                // where it belongs is not known without its first line
                assertThat(outcome.records()).isEmpty();
            } else {
                assertThat(outcome.records()).isEqualTo(records("a", 0, 3 + before));
            }
            assertThat(outcome.failure()).isInstanceOfSatisfying(BadLineException.class, failure -> {
                assertThat(failure.file()).isEqualTo(bad);
                assertThat(failure.line()).isEqualTo(line);
            });
        }
    }

    @Test
    void ignoresUnknownFieldsByItsSetting() {
        String more = TestFiles.line(record("a", 2, 2)).replaceFirst("\\{", "{\"more\":[1],");
        bucket.write("by-hand/more.txt", utf8("\ufeff" + TestFiles.line(record("a", 1, 1)) + "\n\n" + more + "\r\n"));

        assertThat(archive.reloadFile("by-hand/more.txt").reload().lanes().get(0).badLine).isEqualTo(3);
        try (FileBucket ignoring = new FileBucket(bucket.root(), Map.of("BSS_RELOAD_UNKNOWN_FIELDS", "ignore"))) {
            assertThat(new Archive(ignoring, "orders").reloadFile("by-hand/more.txt").records())
                .isEqualTo(List.of(record("a", 1, 1), record("a", 2, 2)));
        }
    }

    @Test
    void publishesWhatComesBeforeABadLineOfASingleFile() {
        bucket.write("by-hand/bad.txt",
            utf8(TestFiles.line(record("a", 1, 1)) + '\n' + TestFiles.line(record("a", 2, 2)) + "\n{}\n"));

        Outcome outcome = archive.reloadFile("by-hand/bad.txt");

        assertThat(outcome.records()).isEqualTo(List.of(record("a", 1, 1), record("a", 2, 2)));
        Lane lane = outcome.reload().lanes().get(0);
        assertThat(lane.state).isEqualTo(Lane.State.FAILED);
        assertThat(lane.badFile).isEqualTo("by-hand/bad.txt");
        assertThat(lane.badLine).isEqualTo(3);
    }

    @ParameterizedTest
    @EnumSource
    void refusesAFileThatHoldsFewerRecordsThanItsFactsSay(Compression compression) {
        archive.store(at("a", 100), records("a", 0, 3));
        String path = archive.store(Writer.STORER, at("a", 110), compression, records("a", 4, 9));
        archive.overwrite(path, TestFiles.file(compression, records("a", 4, 7)));
        archive.store(at("a", 120), records("a", 10, 12));

        Outcome outcome = archive.reload();

        assertThat(outcome.records()).isEqualTo(records("a", 0, 7));
        assertThat(outcome.failure()).hasMessage(path + ": not whole: 4 records of 6");
    }

    @ParameterizedTest
    @EnumSource(names = "NONE", mode = EnumSource.Mode.EXCLUDE)
    void refusesATruncatedCompressedFileAndNamesIt(Compression compression) {
        archive.store(at("a", 100), records("a", 0, 3));
        String path = archive.store(Writer.REFERENCE, at("a", 110), compression, records("a", 4, 9));
        byte[] whole = TestFiles.file(compression, records("a", 4, 9));
        archive.overwrite(path, Arrays.copyOf(whole, whole.length - 5));

        Outcome outcome = archive.reload();

        assertThat(outcome.records()).startsWith(records("a", 0, 3).toArray(new Record[0]));
        assertThat(outcome.failure()).isInstanceOf(UncheckedIOException.class).hasMessageContaining(path);
        assertThat(archive.reload(0, time("b")).failure()).isInstanceOf(UncheckedIOException.class).hasMessageContaining(path);
    }

    @Test
    void namesAFileThatWentAwayMeanwhile() {
        archive.store(at("a", 100), records("a", 0, 3));
        String path = archive.store(at("a", 110), records("a", 4, 9));
        LoneReplica replica = new LoneReplica(bucket.bucket(),
            Outcome.request(Archive.TOPIC, path.substring(0, path.lastIndexOf('/')), 0, time("b")));
        replica.plan(false);
        archive.delete(path);

        replica.run(Integer.MAX_VALUE);

        assertThat(replica.failure()).isInstanceOf(UncheckedIOException.class).hasMessageContaining(path);
    }

    @Test
    void endsEarlyWhenAStopIsAskedFor() {
        for (int file = 0; file < 10; file++) {
            archive.store(at("a", 100 + file), records("a", 10 * file, 10 * file + 9));
        }

        Outcome outcome = archive.reloadUntil(14);

        assertThat(outcome.failure()).isNull();
        assertThat(outcome.records()).hasSizeBetween(14, 20).isEqualTo(records("a", 0, outcome.records().size() - 1));
        assertThat(outcome.reload().lanes().get(0).state).isEqualTo(Lane.State.PARKED);
        assertThat(archive.reloadUntil(0).records()).isEmpty();
    }

    @Test
    void closesEveryFileWhateverHappens() throws IOException {
        assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")), "open files are counted on Linux only");
        // Given
        archive.store(Writer.REFERENCE, at("a", 100), Compression.GZIP, records("a", 0, 9));
        archive.store(Writer.REFERENCE, at("a", 110), Compression.ZSTD, records("a", 5, 14));
        archive.store(Writer.REFERENCE_BEFORE_1_2, at("a", 120), Compression.NONE, records("a", 8, 20));
        String single = archive.store(at("a", 130), records("a", 8, 30));

        // When
        archive.reload();
        archive.reload(0, time("b"));
        for (int stopAfter = 0; stopAfter < 25; stopAfter += 3) {
            archive.reloadUntil(stopAfter);
        }
        archive.reloadFile(single);
        for (Compression compression : Compression.values()) {
            startAnArchive();
            archive.ruin(archive.store(Writer.REFERENCE, at("a", 140), compression, records("a", 31, 33)));
            archive.reload();
            archive.reload(0, time("b"));
        }

        // Then
        assertThat(openFiles()).isEmpty();
    }

    private static List<String> openFiles() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.map(ReloadHistoriesTest::target).filter(target -> target.startsWith(root.toString())).toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "closed meanwhile";
        }
    }
}
