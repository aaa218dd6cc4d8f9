package io.cistern.guarantees;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.guarantees.Evidence.Number;
import io.cistern.guarantees.Journal.Entry;
import io.cistern.guarantees.Journal.Place;
import io.cistern.guarantees.Journal.State;
import io.cistern.guarantees.Journal.Topic;
import io.cistern.testing.BatchFiles;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The checker of the guarantees finds nothing where nothing is, and each kind of break where there is one. */
class CheckerTest {

    private static final Topic TOPIC = new Topic("orders_1", "folder", List.of("orders.post"), false);
    private static final Instant TIME = Instant.parse("2022-11-14T13:26:37.728Z");
    private static final int COUNT = 4;

    private final Journal journal = new Journal();
    private final List<Entry> entries = new ArrayList<>();
    private Evidence evidence;
    private Checker checker;
    private Place place;

    @BeforeEach
    void publishFour() {
        with(true);
        place = journal.place(TOPIC, 0);
        for (int offset = 0; offset < COUNT; offset++) {
            Entry entry = journal.sending(TOPIC, 0, key(), value(offset), List.of(), TIME.toEpochMilli());
            journal.acknowledged(entry, offset, TIME.toEpochMilli());
            entry.state = State.COMMITTED;
            entries.add(entry);
        }
    }

    private void with(boolean exactlyOnce) {
        evidence = new Evidence("7");
        checker = new Checker(journal, evidence, exactlyOnce, Set.of(TOPIC));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void findsNothingWhereAllIsWell(boolean exactlyOnce) {
        with(exactlyOnce);
        file(0, 1, 2, 3);
        event(0, 3);
        copies(0, 1, 2, 3);
        checker.committed(place, COUNT);
        checker.end();
        reloads(0, 1, 2, 3);
        checker.endOfReloads(Set.of(TOPIC));

        assertThat(evidence.isClean()).as(evidence.table("")).isTrue();
        assertThat(evidence.number(Number.PUBLISHED)).isEqualTo(COUNT);
        assertThat(evidence.number(Number.STORED)).isEqualTo(COUNT);
        assertThat(evidence.number(Number.RELOADED)).isEqualTo(COUNT);
        assertThat(evidence.checks(Promise.STORED_BEFORE_COMMITTED)).isEqualTo(2 * COUNT);
    }

    @Test
    void findsARecordThatIsCommittedBeforeItIsStored() {
        file(0, 1, 2);
        checker.committed(place, COUNT);
        assertThat(evidence.samples(Promise.STORED_BEFORE_COMMITTED)).containsExactly(
            "seed 7: orders_1-0 offset 3: is not in the bucket when the group had committed 4");
    }

    @Test
    void findsARecordThatIsCommittedBeforeItIsAnnouncedOrPassedOn() {
        with(false);
        file(0, 1);
        file(2, 3);
        event(0, 1);
        copies(0, 1, 2, 3);
        checker.committed(place, COUNT);
        assertBroken(Promise.STORED_BEFORE_COMMITTED, 2);
        event(2, 3);
        checker.end();
        assertBroken(Promise.STORED_BEFORE_COMMITTED, 2);
    }

    @Test
    void findsARecordThatIsNeverPassedOn() {
        file(0, 1, 2, 3);
        event(0, 3);
        copies(0, 1, 3);
        checker.end();
        assertBroken(Promise.STORED_BEFORE_COMMITTED, 1);
        assertThat(evidence.number(Number.LOST)).isEqualTo(1);
    }

    @Test
    void findsAnEventWithoutAFileAndAFileThatIsNoBatchFile() {
        file(0, 1, 2, 3);
        event(0, 3);
        event(1, 3);
        copies(0, 1, 2, 3);
        checker.batchFile("folder/notes.txt", new byte[0]);
        checker.end();
        assertBroken(Promise.STORED_BEFORE_COMMITTED, 1);
        assertBroken(Promise.HARMS_NOTHING_ELSE, 1);
    }

    @Test
    void takesAnEventThatItSeesBeforeTheFileAndBeforeTheRecordIsAcknowledged() {
        with(false);
        event(0, 3);
        entries.get(3).state = State.PENDING;
        copies(0, 1, 2, 3);
        file(0, 1, 2, 3);
        entries.get(3).state = State.COMMITTED;
        checker.committed(place, COUNT);
        assertThat(evidence.isClean()).as(evidence.table("")).isTrue();
    }

    @Test
    void findsAnEventThatDoesNotAgreeWithItsFile() {
        file(0, 1, 2, 3);
        event(0, 2);
        assertBroken(Promise.FIDELITY, 1);
    }

    @Test
    void findsWhatIsThereTwiceThoughItShouldBeThereOnce() {
        file(0, 1, 2, 3);
        file(1, 2);
        event(0, 3);
        event(1, 2);
        copies(0, 1, 2, 2, 3);
        checker.end();
        assertBroken(Promise.STORED_BEFORE_COMMITTED, 3);
        assertThat(evidence.number(Number.TWICE)).isEqualTo(3);
    }

    @Test
    void takesRepeatsForGoodWhereAtLeastOnceIsAsked() {
        with(false);
        file(0, 1, 2);
        file(1, 2, 3);
        event(0, 2);
        event(1, 3);
        copies(0, 1, 2, 1, 2, 3);
        checker.end();
        assertThat(evidence.isClean()).as(evidence.table("")).isTrue();
    }

    @Test
    void findsLinesAndCopiesOutOfOrder() {
        file(0, 2, 1, 3);
        assertBroken(Promise.ORDER, 1);
        copies(0, 1, 3, 2);
        assertBroken(Promise.ORDER, 2);
    }

    @Test
    void findsARecordThatWasChangedOnItsWay() {
        checker.batchFile(path(0), (line(0, "value 0") + line(1, "value I")).getBytes(UTF_8));
        assertBroken(Promise.FIDELITY, 1);
        assertThat(evidence.number(Number.CHANGED)).isEqualTo(1);
    }

    @Test
    void findsARecordUnderAnotherOffset() {
        checker.batchFile(path(0), (line(0, "value 0") + line(2, "value 1")).getBytes(UTF_8));
        assertBroken(Promise.FIDELITY, 1);
    }

    @Test
    void findsALineThatIsCutShort() {
        checker.batchFile(path(0), (line(0, "value 0") + line(1, "value 1").replace("\n", "")).getBytes(UTF_8));
        assertBroken(Promise.FIDELITY, 1);
    }

    @Test
    void findsARecordOfAnAbortedTransaction() {
        entries.get(1).state = State.ABORTED;
        file(0, 1, 2, 3);
        copies(0, 1, 2, 3);
        assertBroken(Promise.FIDELITY, 2);
    }

    @Test
    void findsFilesThatChangeOrVanish() {
        file(0, 1);
        file(2, 3);
        checker.readAgain(path(0), null);
        checker.readAgain(path(2), (line(2, "value 2")).getBytes(UTF_8));
        assertBroken(Promise.NO_FILE_OVERWRITTEN, 2);
    }

    @Test
    void findsRecordsReloadedTwiceOrNotAtAllOrInAnotherOrder() {
        file(0, 1, 2, 3);
        reloads(0, 0, 2, 1);
        checker.endOfReloads(Set.of(TOPIC));
        assertThat(evidence.samples(Promise.RELOADED_ONCE)).hasSize(2)
            .anyMatch(sample -> sample.contains("more than once"))
            .anyMatch(sample -> sample.contains("offset 3: is stored but was not reloaded"));
        assertBroken(Promise.ORDER, 1);
    }

    @Test
    void tellsTheLivesOfATopicApart() {
        // Given two records of another life, at the same offsets
        file(0, 1, 2, 3);
        journal.newLife(TOPIC);
        for (int offset = 0; offset < 2; offset++) {
            Entry entry = journal.sending(TOPIC, 0, key(), ("another " + offset).getBytes(UTF_8), List.of(),
                TIME.toEpochMilli());
            journal.acknowledged(entry, offset, TIME.toEpochMilli());
            entry.state = State.COMMITTED;
        }
        Place another = journal.place(TOPIC, 0);

        checker.committed(another, 1);
        assertBroken(Promise.STORED_BEFORE_COMMITTED, 1);
        checker.batchFile(path(0).replace("_166", "_266"),
            (line(0, "another 0") + line(1, "another 1")).getBytes(UTF_8));
        checker.committed(another, 2);
        assertBroken(Promise.STORED_BEFORE_COMMITTED, 1);
        checker.batchFile(path(0).replace("_166", "_366"),
            (line(0, "another 0") + line(1, "value 1")).getBytes(UTF_8));
        assertBroken(Promise.ORDER, 1);
    }

    private void assertBroken(Promise promise, int times) {
        assertThat(evidence.breaks(promise)).as(evidence.table("")).isEqualTo(times);
    }

    private static byte[] key() {
        return "k".getBytes(UTF_8);
    }

    private static byte[] value(int offset) {
        return ("value " + offset).getBytes(UTF_8);
    }

    private static String path(int first) {
        return TOPIC.folder() + "/" + BatchFiles.name(TIME, TOPIC.name(), 0, first);
    }

    private static String line(int offset, String payload) {
        return BatchFiles.line(0, offset, TIME, "k", payload) + "\n";
    }

    private void file(Integer... offsets) {
        checker.batchFile(path(offsets[0]), List.of(offsets).stream().map(offset -> line(offset, "value " + offset))
            .collect(Collectors.joining()).getBytes(UTF_8));
    }

    private void event(int first, int last) {
        checker.event("{\"topic\":\"orders_1\",\"partition\":0}".getBytes(UTF_8), """
            {"filePath":"%s","batchTimeStart":"%s","batchTimeEnd":"%s","batchOffsetStart":%d,"batchOffsetEnd":%d,
            "batchSize":%d}
            """.formatted(path(first), TIME, TIME, first, last, last - first + 1).getBytes(UTF_8));
    }

    private void copies(int... offsets) {
        for (int offset : offsets) {
            checker.copy(TOPIC, "orders.post", 1, record("orders.post", offset));
        }
    }

    private void reloads(int... offsets) {
        for (int offset : offsets) {
            checker.reloaded(TOPIC, false, record("orders.again", offset));
        }
    }

    private static ConsumerRecord<byte[], byte[]> record(String topic, int offset) {
        return new ConsumerRecord<>(topic, 0, 100, TIME.toEpochMilli(), TimestampType.CREATE_TIME, 1, 7, key(),
            value(offset), new RecordHeaders(), Optional.empty());
    }
}
