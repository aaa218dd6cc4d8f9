package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cistern.batch.Record;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The records of a batch are read once, whoever asks for them first. */
class ReloadBatchTest implements ReloadBatch.Records {

    private static final int MOST_HELD = 3;
    private static final List<Record> RECORDS = LongStream.range(0, 5).mapToObj(offset -> new Record(7, offset, 0,
        Record.TimestampType.CREATE_TIME, null, new byte[100], List.of())).toList();

    private final Iterator<Record> unread = RECORDS.iterator();
    private final Turn turn = new LoneReplica(null,
        ReloadRequest.ofTopic(Map.of("topic", "orders", "reIngestionTopic", "copy"), topic -> topic)).turn();
    private ReloadBatch batch;
    private int read;

    @Override
    public Record read() {
        if (!unread.hasNext()) {
            return null;
        }
        read++;
        return unread.next();
    }

    @Override
    public long bytes() {
        return 100L * read;
    }

    @Override
    public boolean suffice(int count) {
        return count >= MOST_HELD;
    }

    @BeforeEach
    void make() {
        batch = new ReloadBatch(turn, "orders", read(), this);
    }

    @Test
    void whatNothingLooksAtIsReadAsItIsPublished() {
        Iterator<Record> records = batch.drain();
        List<Record> published = new ArrayList<>();
        while (records.hasNext()) {
            published.add(records.next());
            assertThat(read).isEqualTo(published.size());
        }
        batch.sent();

        assertThat(published).containsExactlyElementsOf(RECORDS);
        assertThat(batch.getCount()).isEqualTo(5);
        assertThat(batch.getPartition()).isEqualTo(7);
        assertThat(turn.lane().published).isEqualTo(5);
        assertThat(turn.lane().bytes).isEqualTo(500);
    }

    @Test
    void whatIsNotHeldCannotBePublishedAgain() {
        batch.drain().forEachRemaining(record -> { });

        for (Runnable use : List.<Runnable>of(batch::drain, batch::iterator, () -> batch.withRecords(List.of()))) {
            assertThatThrownBy(use::run).isInstanceOf(IllegalStateException.class).hasMessageContaining("${body.count}");
        }
    }

    @Test
    void whatIsLookedAtIsHeldAndNotMoreThanIsEnough() {
        assertThat(batch.getCount()).isEqualTo(MOST_HELD);
        assertThat(read).isEqualTo(MOST_HELD);
        for (int time = 0; time < 2; time++) {
            assertThat(batch).containsExactlyElementsOf(RECORDS.subList(0, MOST_HELD));
            assertThat(batch.drain()).toIterable().containsExactlyElementsOf(RECORDS.subList(0, MOST_HELD));
        }
        batch.sent();
        assertThat(turn.lane().published).isEqualTo(MOST_HELD);
        assertThat(turn.lane().bytes).isEqualTo(100 * MOST_HELD);
    }

    @Test
    void whatAFilterLeftIsHeld() {
        ReloadBatch left = batch.withRecords(RECORDS.subList(1, 2));
        left.leave();
        for (int time = 0; time < 2; time++) {
            assertThat(left.drain()).toIterable().containsExactly(RECORDS.get(1));
        }
        left.sent();
        assertThat(turn.lane().published).isEqualTo(1);
        assertThat(turn.lane().bytes).isEqualTo(100);
    }

    @Test
    void whatIsLeftWithoutBeingReadIsNotTakenForTheNextBatch() {
        batch.leave();
        assertThat(read()).isEqualTo(RECORDS.get(MOST_HELD));
    }

    @Test
    void whatWasPublishedInPartIsGoneOnWithByTheNextBatch() {
        batch.drain().next();
        batch.leave();
        assertThat(read()).isEqualTo(RECORDS.get(1));
    }
}
