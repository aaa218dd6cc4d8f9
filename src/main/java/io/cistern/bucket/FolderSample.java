package io.cistern.bucket;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which topics the folders of a bucket hold files of, by the first page of each folder's listing. A folder of a million names
 * costs two requests; of a bucket with very many folders only those are looked at that take a few seconds.
 */
public final class FolderSample {

    private static final Logger LOG = LoggerFactory.getLogger(FolderSample.class);
    private static final int MOST_FOLDERS = 100;
    private static final long MOST_NANOS = Duration.ofSeconds(5).toNanos();
    /** Sorts after the names of batch files, which start with a digit or a sign, and before those of most folders. */
    private static final String AFTER_FILES = ":";

    private final Bucket bucket;
    private final Predicate<String> first;
    private final TreeMap<String, Set<String>> foldersByTopic = new TreeMap<>();
    private final Deque<String> waiting = new ArrayDeque<>();

    private FolderSample(Bucket bucket, Predicate<String> first) {
        this.bucket = bucket;
        this.first = first;
    }

    /**
     * Looks at folders.
     *
     * @param first which folders to look at before others
     * @throws java.io.UncheckedIOException if the store does not answer
     */
    public static FolderSample of(Bucket bucket, Predicate<String> first) {
        FolderSample sample = new FolderSample(bucket, first);
        Object next = null;
        do {
            Listing.Page page = bucket.page("", null, next);
            sample.add("", page.names());
            next = page.next();
        } while (next != null);
        long deadline = System.nanoTime() + MOST_NANOS;
        int folders = 0;
        for (; folders < MOST_FOLDERS && !sample.waiting.isEmpty() && System.nanoTime() < deadline; folders++) {
            sample.look(sample.waiting.removeFirst());
        }
        if (!sample.waiting.isEmpty()) {
            LOG.debug("Looked at {} folders only, at least {} are left", folders, sample.waiting.size());
        }
        return sample;
    }

    private void look(String folder) {
        Listing.Page page = bucket.page(folder, null, null);
        add(folder, page.names());
        if (page.next() != null) {
            add(folder, bucket.page(folder, AFTER_FILES, null).names());
        }
    }

    private void add(String folder, List<String> names) {
        for (String name : names) {
            if (name.startsWith(".")) {
                continue;
            }
            if (name.endsWith("/")) {
                String inner = (folder.isEmpty() ? "" : folder + '/') + name.substring(0, name.length() - 1);
                if (first.test(inner)) {
                    waiting.addFirst(inner);
                } else {
                    waiting.addLast(inner);
                }
            } else if (!folder.isEmpty()) {
                BatchFileName parsed = BatchFileName.parse(name, null);
                if (parsed != null) {
                    foldersByTopic.computeIfAbsent(parsed.topic(), ignored -> new TreeSet<>()).add(folder);
                }
            }
        }
    }

    /** The topics of the files that were seen, in order. */
    public Set<String> topics() {
        return foldersByTopic.keySet();
    }

    /** The folders in which files of a topic were seen, in order. */
    public Set<String> foldersOf(String topic) {
        return foldersByTopic.getOrDefault(topic, Set.of());
    }
}
