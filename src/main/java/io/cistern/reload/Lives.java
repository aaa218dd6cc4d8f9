package io.cistern.reload;

import io.cistern.batch.BatchFileReader;
import io.cistern.batch.Record;
import io.cistern.bucket.Bucket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Divides the files of a partition into the lives of its topic: a topic that was deleted and created again starts its
 * offsets anew, and its records must not be taken for copies of the former ones.
 *
 * <p>A life is a row of files in the order in which they were consumed. Two files of which one goes back, as a crash or a
 * rewound consumer group leaves it, are compared by their first common offset: with the same record there they belong
 * together and are never divided, so that no record comes twice; with another one a new life began between them. So it
 * did between a file and a later one of lower offsets whose records came only after the former was consumed.
 *
 * <p>Kafka's topic ids, where files have them, go before all of that: a life has files of one topic id only.
 */
final class Lives {

    /** Milliseconds that the clocks of storers and producers may be apart. */
    private static final long CLOCKS_DIFFER = 10_000;

    private final Bucket bucket;
    private final String folder;
    private final String topic;

    Lives(Bucket bucket, String folder, String topic) {
        this.bucket = bucket;
        this.folder = folder;
        this.topic = topic;
    }

    /**
     * Whether any file goes back behind one that was consumed before it, or is of another topic incarnation; sorts the files by
     * the time when they were consumed on the way.
     */
    static boolean goBack(List<PlannedFile> files) {
        files.sort(Comparator.comparingLong((PlannedFile file) -> file.consumedAt)
            .thenComparingLong(file -> file.firstOffset));
        long reach = -1;
        PlannedFile identified = null;
        for (PlannedFile file : files) {
            if (file.firstOffset <= reach || identified != null && identified.isOfOtherIncarnation(file)) {
                return true;
            }
            identified = file.topicId == null ? identified : file;
            reach = Math.max(reach, Math.max(file.firstOffset, file.lastOffset));
        }
        return false;
    }

    /**
     * The lives of a partition, in order, each with its files by first offset.
     *
     * @param files sorted on the way; if any goes back, the last offsets of all must be known
     */
    List<Plan.Life> divide(List<PlannedFile> files) {
        List<Plan.Life> lives = new ArrayList<>();
        if (goBack(files)) {
            byTopicId(files).forEach(ofTopicId -> divideByOffsets(ofTopicId, lives));
        } else {
            lives.add(asLife(files));
        }
        return lives;
    }

    /**
     * Divides files by their topic ids, in the order in which these appear. A file without one goes with the file that was
     * consumed before it; those before the first topic id go with that, since storers of former versions noted none.
     */
    private static Collection<List<PlannedFile>> byTopicId(List<PlannedFile> files) {
        String topicId = files.stream().map(file -> file.topicId).filter(Objects::nonNull).findFirst().orElse(null);
        Map<String, List<PlannedFile>> byTopicId = new LinkedHashMap<>();
        for (PlannedFile file : files) {
            topicId = file.topicId == null ? topicId : file.topicId;
            byTopicId.computeIfAbsent(topicId, ignored -> new ArrayList<>()).add(file);
        }
        return byTopicId.values();
    }

    /** Divides files by offsets, timestamps and contents, and adds their lives. */
    private void divideByOffsets(List<PlannedFile> files, List<Plan.Life> lives) {
        if (!goBack(files)) {
            lives.add(asLife(files));
            return;
        }
        int[] former = new int[files.size()];
        Arrays.fill(former, -1);
        boolean[] undivided = compare(files, former);
        noteLatecomers(files, former);
        int start = 0;
        for (int i = 0; i < files.size(); i++) {
            int end = former[i] < start ? -1 : boundary(files, former[i], i, undivided);
            if (end > start) {
                lives.add(asLife(files.subList(start, end)));
                start = end;
            }
        }
        lives.add(asLife(files.subList(start, files.size())));
    }

    private static Plan.Life asLife(List<PlannedFile> files) {
        List<PlannedFile> life = new ArrayList<>(files);
        life.sort(Comparator.comparingLong((PlannedFile file) -> file.firstOffset)
            .thenComparingLong(file -> file.consumedAt));
        return new Plan.Life(life);
    }

    /**
     * Compares all files whose offsets overlap, by their indices in {@code files}.
     *
     * @param former gets for each file the latest one before it that is of another life
     * @return for each file whether it must not be divided from the one before it
     */
    private boolean[] compare(List<PlannedFile> files, int[] former) {
        int[] together = IntStream.range(0, files.size()).toArray();
        PriorityQueue<Integer> open = new PriorityQueue<>(Comparator.comparingLong(i -> files.get(i).lastOffset));
        IntStream.range(0, files.size()).boxed().sorted(Comparator.comparingLong(i -> files.get(i).firstOffset)).forEach(i -> {
            while (!open.isEmpty() && files.get(open.peek()).lastOffset < files.get(i).firstOffset) {
                open.remove();
            }
            for (int other : open) {
                if (representative(together, i) != representative(together, other)) {
                    Boolean same = haveSameRecord(files.get(other), files.get(i));
                    if (Boolean.TRUE.equals(same)) {
                        together[representative(together, i)] = representative(together, other);
                    } else if (same != null) {
                        former[Math.max(i, other)] = Math.max(former[Math.max(i, other)], Math.min(i, other));
                    }
                }
            }
            open.add(i);
        });
        int[] last = new int[files.size()];
        IntStream.range(0, files.size()).forEach(i -> last[representative(together, i)] = i);
        boolean[] undivided = new boolean[files.size()];
        int reach = 0;
        for (int i = 0; i < files.size(); i++) {
            undivided[i] = i > 0 && i <= reach;
            reach = Math.max(reach, last[representative(together, i)]);
        }
        return undivided;
    }

    private static int representative(int[] together, int i) {
        while (together[i] != i) {
            together[i] = together[together[i]];
            i = together[i];
        }
        return i;
    }

    /** Notes of each file the latest one before it that has higher offsets, if it was consumed before this one's records came. */
    private static void noteLatecomers(List<PlannedFile> files, int[] former) {
        TreeMap<Long, Integer> latestByFirstOffset = new TreeMap<>();
        for (int i = 0; i < files.size(); i++) {
            PlannedFile file = files.get(i);
            var above = latestByFirstOffset.higherEntry(file.firstOffset);
            if (above != null && !files.get(above.getValue()).isOfSameIncarnation(file)
                && files.get(above.getValue()).consumedAt + CLOCKS_DIFFER < file.firstTimestamp) {
                former[i] = Math.max(former[i], above.getValue());
            }
            latestByFirstOffset.headMap(file.firstOffset, true).clear();
            latestByFirstOffset.put(file.firstOffset, i);
        }
    }

    /**
     * Where the life of file {@code i} starts, behind file {@code former} of another life; -1 if they cannot be divided.
     * Files between them are of the new life if they were consumed when its records were there already, as far as their
     * timestamps tell: those of a replayed backlog do not.
     */
    private static int boundary(List<PlannedFile> files, int former, int i, boolean[] undivided) {
        long began = files.get(i).firstTimestamp;
        int start = i;
        while (began >= files.get(former).consumedAt && start > former + 1 && files.get(start - 1).consumedAt >= began) {
            start--;
        }
        for (int later = start; later <= i; later++) {
            if (!undivided[later]) {
                return later;
            }
        }
        for (int earlier = start - 1; earlier > former; earlier--) {
            if (!undivided[earlier]) {
                return earlier;
            }
        }
        return -1;
    }

    /** Whether the files have the same record at their first common offset; null if they have no offset in common. */
    private Boolean haveSameRecord(PlannedFile lower, PlannedFile upper) {
        if (lower.firstOffset == upper.firstOffset && lower.firstTimestamp != upper.firstTimestamp) {
            return false;
        }
        try (BatchFileReader inLower = open(lower)) {
            Record one = nextFrom(inLower, upper.firstOffset);
            if (one != null && one.offset() == upper.firstOffset && one.timestamp() != upper.firstTimestamp) {
                return false;
            }
            try (BatchFileReader inUpper = open(upper)) {
                Record other = one == null ? null : nextFrom(inUpper, one.offset());
                while (one != null && other != null && one.offset() != other.offset()) {
                    if (one.offset() < other.offset()) {
                        one = nextFrom(inLower, other.offset());
                    } else {
                        other = nextFrom(inUpper, one.offset());
                    }
                }
                return one == null || other == null ? null : one.equals(other);
            }
        }
    }

    /** The first record from {@code offset} on that is still to be read, or null. */
    private static Record nextFrom(BatchFileReader reader, long offset) {
        while (reader.hasNext()) {
            Record record = reader.next();
            if (record.offset() >= offset) {
                return record;
            }
        }
        return null;
    }

    private BatchFileReader open(PlannedFile file) {
        return Planner.open(bucket, file.path(folder, topic));
    }
}
