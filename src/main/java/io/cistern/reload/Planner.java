package io.cistern.reload;

import io.cistern.batch.BatchFileReader;
import io.cistern.batch.Record;
import io.cistern.bucket.BatchFileName;
import io.cistern.bucket.Bucket;
import io.cistern.bucket.FileFacts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the files of a reload: reads the listing of the folder side by side with the one of its {@link FileFacts}, passes
 * over what is known to hold no record in the range, and opens what nothing is known of.
 */
public final class Planner {

    private static final Logger LOG = LoggerFactory.getLogger(Planner.class);

    private final Bucket bucket;

    public Planner(Bucket bucket) {
        this.bucket = bucket;
    }

    /**
     * Plans a reload; a stop that is asked for meanwhile ends it early.
     *
     * @throws UncheckedIOException                if a file that must be opened cannot be read
     * @throws io.cistern.batch.BadLineException   if one holds a line that is no record
     */
    public Plan plan(Reload reload) {
        ReloadRequest request = reload.getRequest();
        Plan plan = request.fileName() != null ? planFile() : planFolder(reload);
        reload.planned(plan);
        if (plan.foreign() > 0) {
            LOG.warn("Reload leaves files out that are no batch files of its topic: id={} topic={} folder={} files={}",
                reload.getId(), request.topic(), request.folder(), plan.foreign());
        }
        LOG.info("Reload planned: id={} topic={} files={} passedOver={}", reload.getId(), request.topic(),
            plan.files(), plan.passedOver());
        return plan;
    }

    private static Plan planFile() {
        return new Plan(List.of(List.of(new Plan.Life(List.of(new PlannedFile())))), 1, 0, 0);
    }

    private Plan planFolder(Reload reload) {
        ReloadRequest request = reload.getRequest();
        Map<Integer, List<PlannedFile>> byPartition = new TreeMap<>();
        FactsListing facts = new FactsListing(bucket.list(FileFacts.folderFor(request.folder()), null));
        Iterator<String> names = bucket.list(request.folder(), null);
        int files = 0;
        int passedOver = 0;
        int foreign = 0;
        while (names.hasNext() && !reload.isStopRequested()) {
            String name = names.next();
            BatchFileName parsed = BatchFileName.parse(name, request.topic());
            if (parsed == null) {
                foreign++;
                continue;
            }
            FileFacts known = facts.of(parsed.key());
            if (known == null && !request.coversAll()) {
                known = findFacts(request.folder(), name, parsed.key());
            }
            if (known != null && (known.count() == 0 || !known.mayHold(request.from(), request.to()))) {
                passedOver++;
                continue;
            }
            request.requirePartition(parsed.partition());
            long firstOffset = parsed.firstOffset() == BatchFileName.UNKNOWN
                ? firstOffset(request.folder(), name) : parsed.firstOffset();
            byPartition.computeIfAbsent(parsed.partition(), ignored -> new ArrayList<>())
                .add(new PlannedFile(name, parsed, firstOffset, known));
            files++;
        }
        List<List<Plan.Life>> lives = new ArrayList<>();
        Lives divider = new Lives(bucket, request.folder(), request.topic());
        for (List<PlannedFile> ofPartition : byPartition.values()) {
            if (reload.isStopRequested()) {
                break;
            }
            if (Lives.goBack(ofPartition)) {
                ofPartition.replaceAll(file -> file.lastOffset < 0 ? withFacts(file, request) : file);
            }
            lives.add(divider.divide(ofPartition));
        }
        return new Plan(lives, files, passedOver, foreign);
    }

    /** Reads a file that nothing is known of, and notes what it holds for the next reload. */
    private FileFacts findFacts(String folder, String name, String key) {
        long least = Long.MAX_VALUE;
        long greatest = Long.MIN_VALUE;
        long last = 0;
        long count = 0;
        try (BatchFileReader reader = open(folder, name)) {
            while (reader.hasNext()) {
                Record record = reader.next();
                least = Math.min(least, record.timestamp());
                greatest = Math.max(greatest, record.timestamp());
                last = Math.max(last, record.offset());
                count++;
            }
        }
        FileFacts facts = new FileFacts(key, least, greatest, last, count);
        try {
            bucket.put(facts.path(folder), new byte[0]);
        } catch (RuntimeException e) {
            // Whoever may only read the bucket opens the file again next time.
            LOG.debug("What is in a file could not be noted: {}", e.getMessage());
        }
        return facts;
    }

    /** The same file with its facts, for which it is read. */
    private PlannedFile withFacts(PlannedFile file, ReloadRequest request) {
        String name = file.name(request.topic());
        BatchFileName parsed = BatchFileName.parse(name, request.topic());
        return new PlannedFile(name, parsed, file.firstOffset, findFacts(request.folder(), name, parsed.key()));
    }

    private long firstOffset(String folder, String name) {
        try (BatchFileReader reader = open(folder, name)) {
            return reader.hasNext() ? reader.next().offset() : 0;
        }
    }

    private BatchFileReader open(String folder, String name) {
        return open(bucket, folder + '/' + name);
    }

    /** Opens a batch file of the bucket. */
    static BatchFileReader open(Bucket bucket, String path) {
        try {
            return new BatchFileReader(path, bucket.get(path));
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /** The facts' listing, read on as far as the batch files' listing is. */
    private static final class FactsListing {

        private final Iterator<String> names;
        private FileFacts current;

        private FactsListing(Iterator<String> names) {
            this.names = names;
            advance();
        }

        private FileFacts of(String key) {
            while (current != null && (current.key() + '.').compareTo(key + '.') < 0) {
                advance();
            }
            return current != null && current.key().equals(key) ? current : null;
        }

        private void advance() {
            current = null;
            while (current == null && names.hasNext()) {
                current = FileFacts.parse(names.next());
            }
        }
    }
}
