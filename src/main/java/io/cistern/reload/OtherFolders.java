package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.bucket.Bucket;
import io.cistern.bucket.FolderSample;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Finds folders that hold files of an ingestion topic and that the mapping does not name for it, as a changed {@code
 * bucket-folder} leaves them. It looks at a few names of each folder, and remembers them for a while.
 */
public final class OtherFolders {

    private static final long KEPT_NANOS = Duration.ofMinutes(10).toNanos();

    private final Bucket bucket;
    private final Settings settings;
    private FolderSample sample;
    private long sampledNanos;

    public OtherFolders(Bucket bucket, Settings settings) {
        this.bucket = bucket;
        this.settings = settings;
    }

    /**
     * The folders of a topic, in order.
     *
     * @throws java.io.UncheckedIOException if the store does not answer
     */
    public List<String> of(String topic) {
        return sample().foldersOf(topic).stream().filter(folder -> !isNamed(topic, folder)).toList();
    }

    /** The same as seen from a folder, with which those are read that the mapping names for the topic too. */
    List<String> of(String topic, String from) {
        return isNamed(topic, from) ? of(topic)
            : sample().foldersOf(topic).stream().filter(folder -> !folder.equals(from)).toList();
    }

    private boolean isNamed(String topic, String folder) {
        return folder.equals(settings.folder(topic)) || settings.formerFolders(topic).contains(folder);
    }

    /** The ingestion topics of the mapping that have such folders, with them; throws as {@link #of} does. */
    public SortedMap<String, List<String>> ofMappedTopics() {
        SortedMap<String, List<String>> found = new TreeMap<>();
        Set<String> topics = sample().topics();
        topics.stream().filter(settings::isIngestionTopic).forEach(topic -> {
            List<String> folders = of(topic);
            if (!folders.isEmpty()) {
                found.put(topic, folders);
            }
        });
        return found;
    }

    private synchronized FolderSample sample() {
        if (sample == null || System.nanoTime() - sampledNanos > KEPT_NANOS) {
            // A folder of a mapped topic hardly holds files of another one.
            sample = FolderSample.of(bucket, folder -> !settings.isMapped(folder));
            sampledNanos = System.nanoTime();
        }
        return sample;
    }
}
