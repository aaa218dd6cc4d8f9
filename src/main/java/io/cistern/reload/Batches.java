package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.batch.Record;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.camel.Body;

/** Reads the files of a lane as batches that hold the records in the range that was asked for, for one turn. */
public final class Batches {

    private static final int CHECK = 256;

    private final Settings.Reload settings;
    private final Turns turns;
    private final Compaction compaction;

    public Batches(Settings settings, Turns turns, Compaction compaction) {
        this.settings = settings.reload();
        this.turns = turns;
        this.compaction = compaction;
    }

    /** The batches of a turn, read as they are asked for. */
    public Iterator<ReloadBatch> of(@Body Turn turn) {
        if (turn.getReload().isHalted()) {
            return List.<ReloadBatch>of().iterator();
        }
        Latest latest = null;
        if (turn.getReload().getRequest().shape().compact()) {
            latest = compaction.of(turn);
            if (latest == null) {
                turn.sleep(100);
                return List.<ReloadBatch>of().iterator();
            }
        }
        return new OfTurn(turn, turns.reader(turn), latest);
    }

    private final class OfTurn implements Iterator<ReloadBatch> {

        private final Turn turn;
        private final ReloadRequest request;
        private final LaneReader reader;
        private final Latest latest;
        private ReloadBatch next;
        /** Of the records of the batch that is being read. */
        private long bytes;
        private boolean ended;
        private int reads;

        private OfTurn(Turn turn, LaneReader reader, Latest latest) {
            this.turn = turn;
            this.request = turn.getReload().getRequest();
            this.reader = reader;
            this.latest = latest;
        }

        @Override
        public boolean hasNext() {
            if (next == null && !ended) {
                next = read();
            }
            return next != null;
        }

        @Override
        public ReloadBatch next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            ReloadBatch batch = next;
            next = null;
            return batch;
        }

        private ReloadBatch read() {
            if (reads > 0 && !turn.mayGoOn()) {
                ended = true;
                reader.saveTo(turn.lane());
                return null;
            }
            List<Record> batch = new ArrayList<>();
            bytes = 0;
            try {
                fill(batch);
            } catch (RuntimeException e) {
                // What came before it is good.
                turn.failed(e);
                ended = true;
            }
            ended |= batch.isEmpty();
            if (ended) {
                reader.saveTo(turn.lane());
            }
            return batch.isEmpty() ? null : new ReloadBatch(turn, request.topic(), batch.get(0).partition(), batch, bytes);
        }

        private void fill(List<Record> batch) {
            Lane lane = turn.lane();
            while (batch.size() < settings.batchRecords() && bytes < settings.batchBytes()) {
                if (++reads % CHECK == 0 && !turn.mayGoOn()) {
                    ended = true;
                    return;
                }
                if (!turn.hasRoom()) {
                    return;
                }
                Record record = reader.peek();
                if (record == null) {
                    turn.through();
                    ended = true;
                    return;
                }
                boolean isCovered = request.covers(record);
                long due = isCovered ? turn.dueAt(record) : 0;
                if (due > 0 && due > System.currentTimeMillis()) {
                    turn.waitUntil(due);
                    ended = true;
                    return;
                }
                reader.next();
                lane.recordsRead++;
                lane.timestamp = record.timestamp();
                if (!isCovered) {
                    continue;
                }
                lane.covered++;
                if (latest != null && !latest.isWanted(record, lane.covered)) {
                    continue;
                }
                long size = ReloadBatch.bytes(record);
                String refusal = turn.refusal(record, size);
                if (refusal != null) {
                    turn.mishap(record, refusal);
                    continue;
                }
                request.requirePartition(record.partition(), turn.getReload().stage().targetPartitions);
                batch.add(record);
                turn.take(size);
                bytes += size;
            }
        }
    }
}
