package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.batch.Record;
import java.util.Iterator;
import java.util.List;
import org.apache.camel.Body;

/** Reads the files of a lane as batches of the records in the range that was asked for, for one turn. */
public final class Batches {

    private static final int MOST_UNCHECKED = 256;

    private final Settings.Reload settings;
    private final Turns turns;
    private final Compaction compaction;

    public Batches(Settings settings, Turns turns, Compaction compaction) {
        this.settings = settings.reload();
        this.turns = turns;
        this.compaction = compaction;
    }

    /**
     * The batches of a turn, read as they are asked for. Whether there is one more is known only when the one before is done
     * with: instead of one that turns out not to be there comes null, which a split passes over.
     */
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

    private final class OfTurn implements Iterator<ReloadBatch>, ReloadBatch.Records {

        private final Turn turn;
        private final ReloadRequest request;
        private final LaneReader reader;
        private final Latest latest;
        private final int mostUnchecked = Math.min(MOST_UNCHECKED, settings.batchRecords());
        /** Given, and perhaps not read yet. */
        private ReloadBatch given;
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
            if (next == null && given == null) {
                next = begin();
            }
            return next != null || !ended;
        }

        @Override
        public ReloadBatch next() {
            if (given != null) {
                given.leave();
                given = null;
            }
            if (next == null) {
                next = begin();
            }
            given = next;
            next = null;
            return given;
        }

        private ReloadBatch begin() {
            bytes = 0;
            if (reads > 0 && !turn.mayGoOn(0)) {
                end();
            }
            Record first = read();
            if (first == null) {
                end();
                return null;
            }
            return new ReloadBatch(turn, request.topic(), first, this);
        }

        private void end() {
            if (!ended) {
                ended = true;
                reader.saveTo(turn.lane());
            }
        }

        @Override
        public long bytes() {
            return bytes;
        }

        @Override
        public boolean suffice(int count) {
            return count >= settings.batchRecords() || bytes >= settings.batchBytes();
        }

        @Override
        public Record read() {
            if (ended) {
                return null;
            }
            try {
                return find();
            } catch (RuntimeException e) {
                // What came before it is good.
                turn.failed(e);
                end();
                return null;
            }
        }

        private Record find() {
            Lane lane = turn.lane();
            while (true) {
                if (reads > 0 && reads % mostUnchecked == 0 && !turn.mayGoOn(bytes)) {
                    end();
                    return null;
                }
                reads++;
                if (!turn.hasRoom()) {
                    return null;
                }
                Record record = reader.peek();
                if (record == null) {
                    turn.through();
                    end();
                    return null;
                }
                boolean isCovered = request.covers(record);
                long due = isCovered ? turn.dueAt(record) : 0;
                if (due > 0 && due > System.currentTimeMillis()) {
                    turn.waitUntil(due);
                    end();
                    return null;
                }
                long size = isCovered ? ReloadBatch.bytes(record) : 0;
                if (isCovered && turn.needsOtherCodec(record, size)) {
                    end();
                    return null;
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
                String refusal = turn.refusal(record, size);
                if (refusal != null) {
                    turn.mishap(record, refusal);
                    continue;
                }
                request.requirePartition(record.partition(), turn.getReload().stage().targetPartitions);
                turn.take(size);
                bytes += size;
                return record;
            }
        }
    }
}
