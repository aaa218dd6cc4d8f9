package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.batch.Compression;
import io.cistern.batch.Record;
import io.cistern.bucket.BatchFileName;
import io.cistern.bucket.FileBucket;
import io.cistern.bucket.FileFacts;
import io.cistern.reload.Archive.Writer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A reload of some days out of years lists the names around them, and misses nothing by that. */
class NarrowListingTest {

    private static final long DAY = 86_400_000;
    private static final long START = 1_600_000_000_000L;

    @TempDir
    private Path root;
    private FileBucket bucket;
    private Archive archive;

    @BeforeEach
    void openTheBucket() {
        bucket = new FileBucket(root);
        archive = new Archive(bucket, "orders");
    }

    @AfterEach
    void closeTheBucket() {
        bucket.close();
    }

    /** A file with two records of a day, an hour apart. */
    private String storeDay(Writer writer, int day) {
        return store(writer, day * 2L, day, START + day * DAY, START + day * DAY + 3_600_000);
    }

    private String store(Writer writer, long offset, int consumedOnDay, long... timestamps) {
        List<Record> records = java.util.stream.IntStream.range(0, timestamps.length)
            .mapToObj(i -> Archive.record("a", offset + i, timestamps[i])).toList();
        return archive.store(writer, START + consumedOnDay * DAY + 7_200_000 + offset, Compression.NONE, records);
    }

    private Outcome reloadDay(int day) {
        return archive.reload(START + day * DAY, START + day * DAY + DAY - 1);
    }

    private boolean isListed() {
        return Files.exists(bucket.root().resolve(FileFacts.listedPath("orders", Archive.TOPIC)));
    }

    @Test
    void theFirstReloadOfARangeListsEverythingAndLaterOnesOnlyWhatIsNearTheirs() {
        for (int day = 0; day < 100; day++) {
            storeDay(day % 3 == 0 ? Writer.REFERENCE : Writer.STORER, day);
        }

        assertThat(archive.reload().plan().files()).isEqualTo(100);
        assertThat(isListed()).as("a reload without a range opens nothing to plan").isFalse();
        Outcome first = reloadDay(50);
        assertThat(isListed()).isTrue();
        Outcome second = reloadDay(50);
        Outcome other = reloadDay(70);

        assertThat(first.offsets()).containsExactly(100L, 101L);
        assertThat(first.plan().passedOver()).isEqualTo(99);
        assertThat(second.offsets()).containsExactly(100L, 101L);
        assertThat(second.plan().passedOver()).isBetween(2L, 5L);
        assertThat(other.offsets()).containsExactly(140L, 141L);
        assertThat(other.plan().passedOver()).isBetween(2L, 5L);
        assertThat(archive.reload(START + 98 * DAY, Long.MAX_VALUE).offsets()).containsExactly(196L, 197L, 198L, 199L);
        assertThat(archive.reload(Long.MIN_VALUE, START + DAY).offsets()).containsExactly(0L, 1L, 2L);
        assertThat(archive.reload().offsets()).hasSize(200);
    }

    @Test
    void filesOfTimestampsFarApartAreFoundWhereverTheirNamesAre() {
        // Given files that hold something of day 50, with names of other days, of storers and of the reference
        for (int day = 0; day < 100; day++) {
            storeDay(Writer.STORER, day);
        }
        long wanted = START + 50 * DAY;
        store(Writer.REFERENCE, 1000, 10, START + 10 * DAY, wanted + 1);
        store(Writer.STORER, 2000, 90, START + 90 * DAY, wanted + 2, START + 91 * DAY);
        store(Writer.STORER_WITHOUT_FACTS, 3000, 20, START + 20 * DAY, wanted + 3);
        store(Writer.STORER, 4000, 95, 253_402_300_800_000L, wanted + 4);
        store(Writer.STORER, 5000, 96, -62_200_000_000_000L, wanted + 5);
        reloadDay(70);
        assertThat(isListed()).isTrue();
        store(Writer.STORER, 6000, 99, START + 99 * DAY, wanted + 6);
        store(Writer.STORER, 7000, 99, START + 30 * DAY, START + 99 * DAY);

        // When
        Outcome outcome = reloadDay(50);

        // Then
        assertThat(outcome.offsets()).containsExactlyInAnyOrder(100L, 101L, 1001L, 2001L, 3001L, 4001L, 5001L, 6001L);
        assertThat(outcome.plan().passedOver()).isLessThan(10);
    }

    @Test
    void anEntryOfAFileThatWasNeverStoredIsNoFile() throws IOException {
        storeDay(Writer.STORER, 1);
        String lost = store(Writer.STORER, 1000, 1, START + DAY, START + 50 * DAY);
        reloadDay(1);
        archive.delete(lost);

        assertThat(reloadDay(50).offsets()).isEmpty();
        try (var entries = Files.list(root.resolve(FileFacts.wideFolderFor("orders")))) {
            assertThat(entries).hasSize(1);
        }
    }

    /** Topics that share a folder may have files of the same partition, offset and times. */
    @Test
    void factsOfAnotherTopicHideNothing() throws IOException {
        for (Writer writer : List.of(Writer.STORER, Writer.REFERENCE)) {
            bucket.close();
            bucket = new FileBucket(Files.createDirectories(root.resolve(writer.name())));
            archive = new Archive(bucket, "orders");
            for (int day = 0; day < 5; day++) {
                storeDay(writer, day);
            }
            long wanted = START + 2 * DAY;
            String near = store(writer, 1000, 4, wanted, wanted + 7_200_000);
            String wide = store(writer, 2000, 4, START, wanted + 1);
            for (String path : List.of(near, wide)) {
                // The other topic's files end before the range.
                String other = path.replace("_" + Archive.TOPIC + "_", "_another-topic_");
                FileFacts ofOther = new FileFacts(BatchFileName.parse(other.substring(other.indexOf('/') + 1), "another-topic").key(),
                    START - 9 * DAY, START - 8 * DAY, 3000, 1).withTopic("another-topic");
                bucket.write(other, new byte[0]);
                bucket.write(ofOther.path("orders"), new byte[0]);
                bucket.write(ofOther.widePath("orders"), new byte[0]);
            }

            for (int i = 0; i < 2; i++) {
                assertThat(archive.reload(wanted + 1, wanted + DAY - 1).offsets()).as("%s %d", writer, i)
                    .containsExactlyInAnyOrder(5L, 1001L, 2001L);
                assertThat(isListed()).isTrue();
            }
        }
    }

    /** Facts of former versions do not name their topic: where they contradict each other, the file tells. */
    @Test
    void readsFilesWhoseFormerFactsContradictEachOther() {
        storeDay(Writer.STORER, 1);
        long wanted = START + 10 * DAY;
        String path = store(Writer.STORER_WITHOUT_FACTS, 1000, 10, wanted, wanted + 1);
        String key = BatchFileName.parse(path.substring(path.indexOf('/') + 1), Archive.TOPIC).key();
        bucket.write(new FileFacts(key, wanted, wanted + 1, 1001, 2).path("orders"), new byte[0]);
        assertThat(archive.reload(wanted, wanted).offsets()).containsExactly(1000L);
        bucket.write(new FileFacts(key, wanted - 2, wanted - 1, 1001, 2).path("orders"), new byte[0]);
        bucket.write(new FileFacts(key, wanted + 5, wanted + 6, 1001, 2).path("orders"), new byte[0]);

        assertThat(archive.reload(wanted, wanted).offsets()).containsExactly(1000L);
        assertThat(archive.facts(path, FileFacts.tagOf(Archive.TOPIC))).isEqualTo(
            new FileFacts(key, wanted, wanted + 1, 1001, 2).withTopic(Archive.TOPIC));
    }

    @Test
    void whoMayOnlyReadTheBucketListsEverythingEachTime() {
        // Given a place for notes that takes none
        for (int day = 0; day < 20; day++) {
            storeDay(Writer.REFERENCE, day);
        }
        bucket.write(".cistern", new byte[0]);

        for (int i = 0; i < 2; i++) {
            Outcome outcome = reloadDay(10);
            assertThat(outcome.offsets()).containsExactly(20L, 21L);
            assertThat(outcome.plan().passedOver()).isEqualTo(19);
        }
    }

    @Test
    void aReloadThatIsStoppedMarksNothing() {
        for (int day = 0; day < 5; day++) {
            storeDay(Writer.STORER, day);
        }
        Outcome.of(bucket.bucket(), Outcome.request(Archive.TOPIC, "orders", START, START + DAY), 0);

        assertThat(isListed()).isFalse();
    }
}
