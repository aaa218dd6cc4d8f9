package io.cistern.reload;

import io.cistern.FatalErrors;
import io.cistern.Settings;
import io.cistern.batch.BadLineException;
import io.cistern.batch.DamagedFileException;
import io.cistern.batch.Record;
import io.cistern.bucket.Bucket;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Finds out which records of a lane are the last ones of their keys: reads all of it once before it is published, on a thread
 * of its own. A lane that comes to another process is read once more there.
 */
public final class Compaction {

    private static final long MOST_MEMORY_BYTES = 32 << 20;
    /** Counted when the lane is published. */
    private static final LaneReader.Mishaps PASSED_OVER = new LaneReader.Mishaps() {
        @Override
        public void badLine(BadLineException bad) {
        }

        @Override
        public void damagedFile(DamagedFileException damaged) {
        }
    };
    private static final long LEFT_NANOS = TimeUnit.MINUTES.toNanos(2);

    private final Bucket bucket;
    private final Turns turns;
    private final ExecutorService reading;
    private final int mostLanes;
    private final long memoryBytes;
    private final Map<String, Found> byLane = new ConcurrentHashMap<>();

    /** What is found of a lane, or will be. */
    private static final class Found {
        private final CompletableFuture<Latest> latest = new CompletableFuture<>();
        private volatile boolean isWanted = true;
        private volatile long askedAt = System.nanoTime();

        private void leave() {
            isWanted = false;
            latest.thenAccept(Latest::close);
        }
    }

    public Compaction(Settings settings, Bucket bucket, Turns turns) {
        this.bucket = bucket;
        this.turns = turns;
        // What is found of a lane is needed until the lane is through.
        this.mostLanes = 2 * settings.reload().concurrency();
        this.memoryBytes = Math.min(MOST_MEMORY_BYTES, Runtime.getRuntime().maxMemory() / 8 / mostLanes);
        this.reading = Executors.newFixedThreadPool(settings.reload().concurrency(), task -> {
            Thread thread = new Thread(task, "reload-compaction");
            thread.setDaemon(true);
            return thread;
        });
        turns.onCommit(this::committed);
    }

    /**
     * What is known of the lane of a turn; null as long as it is being found out, or others must be through first: an eighth
     * of the heap is for all of them.
     *
     * @throws RuntimeException if it cannot be found out: why its files cannot be read
     */
    Latest of(Turn turn) {
        long now = System.nanoTime();
        for (Iterator<Found> others = byLane.values().iterator(); others.hasNext();) {
            Found other = others.next();
            if (now - other.askedAt > LEFT_NANOS) {
                // Its lane went to another process.
                others.remove();
                other.leave();
            }
        }
        Found found = find(turn);
        if (found == null) {
            return null;
        }
        found.askedAt = now;
        try {
            return found.latest.getNow(null);
        } catch (CompletionException e) {
            byLane.remove(turn.task().key());
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    private synchronized Found find(Turn turn) {
        Found found = byLane.get(turn.task().key());
        if (found == null && byLane.size() < mostLanes) {
            found = start(turn);
            byLane.put(turn.task().key(), found);
        }
        return found;
    }

    private Found start(Turn turn) {
        Found found = new Found();
        ReloadRequest request = turn.getReload().getRequest();
        Lane start = turn.lane().copy();
        start.restart();
        String key = turn.task().reload();
        reading.execute(FatalErrors.watched(() -> {
            LatestByKey index = new LatestByKey(memoryBytes);
            try (LaneReader reader = turns.newReader(key, request, start)) {
                if (request.onError() != ReloadRequest.OnError.STOP) {
                    reader.tell(PASSED_OVER);
                }
                long covered = 0;
                while (found.isWanted && reader.hasNext()) {
                    Record record = reader.next();
                    if (request.covers(record)) {
                        covered++;
                        if (record.key() != null) {
                            index.add(record.key(), covered);
                        }
                    }
                }
                index.done();
                found.latest.complete(new Latest(index));
            } catch (RuntimeException e) {
                index.close();
                found.latest.completeExceptionally(e);
            }
        }));
        return found;
    }

    private void committed(Turn turn) {
        Found found = byLane.get(turn.task().key());
        if (found == null) {
            return;
        }
        if (turn.lane().isOver()) {
            byLane.remove(turn.task().key());
            found.leave();
        } else if (found.latest.isDone()) {
            found.latest.thenAccept(latest -> latest.committed(turn.lane().covered));
        }
    }
}
