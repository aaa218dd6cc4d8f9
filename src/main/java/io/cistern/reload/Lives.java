package io.cistern.reload;

import io.cistern.batch.BatchFileReader;
import io.cistern.batch.Record;
import io.cistern.bucket.Bucket;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Divides the files of a partition into the lives of its topic: a topic that was deleted and created again starts its
 * offsets anew, and its records must not be taken for copies of the former ones.
 *
 * <p>Files are looked at in the order in which they were consumed. One that goes on behind the others belongs to the same
 * life. One that goes back does too if it is a copy, as a crash or a rewound consumer group leaves it: then it holds, at
 * an offset that both have, a record of the same timestamp. Else a new life starts with it.
 */
final class Lives {

    private final Bucket bucket;
    private final String folder;
    private final String topic;

    Lives(Bucket bucket, String folder, String topic) {
        this.bucket = bucket;
        this.folder = folder;
        this.topic = topic;
    }

    /** The lives of a partition, in order, each with its files by first offset; {@code files} is sorted on the way. */
    List<Plan.Life> divide(List<PlannedFile> files) {
        files.sort(Comparator.comparingLong((PlannedFile file) -> file.consumedAt)
            .thenComparingLong(file -> file.firstOffset));
        List<Plan.Life> lives = new ArrayList<>();
        List<PlannedFile> life = new ArrayList<>();
        TreeMap<Long, PlannedFile> byFirstOffset = new TreeMap<>();
        for (PlannedFile file : files) {
            if (!byFirstOffset.isEmpty() && byFirstOffset.lastKey() >= file.firstOffset && !isSameLife(file, byFirstOffset)) {
                lives.add(asLife(life));
                life = new ArrayList<>();
                byFirstOffset.clear();
            }
            life.add(file);
            byFirstOffset.merge(file.firstOffset, file, (one, other) -> one.lastOffset >= other.lastOffset ? one : other);
        }
        lives.add(asLife(life));
        return lives;
    }

    private static Plan.Life asLife(List<PlannedFile> files) {
        files.sort(Comparator.comparingLong((PlannedFile file) -> file.firstOffset)
            .thenComparingLong(file -> file.consumedAt));
        return new Plan.Life(files);
    }

    /** Compares {@code file}, which goes back, with its neighbours by offset. */
    private boolean isSameLife(PlannedFile file, TreeMap<Long, PlannedFile> others) {
        Map.Entry<Long, PlannedFile> below = others.floorEntry(file.firstOffset);
        if (below != null) {
            Long timestamp = timestampAt(below.getValue(), file.firstOffset);
            if (timestamp != null) {
                return timestamp == file.firstTimestamp;
            }
        }
        Map.Entry<Long, PlannedFile> above = others.ceilingEntry(file.firstOffset);
        if (above == null) {
            return true;
        }
        Long timestamp = timestampAt(file, above.getKey());
        if (timestamp != null) {
            return timestamp == above.getValue().firstTimestamp;
        }
        // Nothing in common. Within one life, what has lower offsets is mostly older.
        return file.firstTimestamp <= above.getValue().firstTimestamp;
    }

    /** The timestamp of a file's record at {@code offset}; null if it has none. */
    private Long timestampAt(PlannedFile file, long offset) {
        if (file.firstOffset == offset) {
            return file.firstTimestamp;
        }
        if (file.firstOffset > offset || file.lastOffset >= 0 && file.lastOffset < offset) {
            return null;
        }
        try (BatchFileReader reader = Planner.open(bucket, folder + '/' + file.name(topic))) {
            while (reader.hasNext()) {
                Record record = reader.next();
                if (record.offset() >= offset) {
                    return record.offset() == offset ? record.timestamp() : null;
                }
            }
        }
        return null;
    }
}
