package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.batch.BadLineException;
import io.cistern.batch.BatchFileReader;
import io.cistern.batch.Compression;
import io.cistern.batch.DamagedFileException;
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
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the files of a reload: reads the listing of the folder side by side with the one of its {@link FileFacts}, passes
 * over what is known to hold no record in the range, and opens what nothing is known of.
 */
public final class Planner {

    private static final Logger LOG = LoggerFactory.getLogger(Planner.class);

    private final Bucket bucket;
    /** Null to leave folders unknown that the request does not name. */
    private final OtherFolders otherFolders;

    public Planner(Bucket bucket) {
        this(bucket, (OtherFolders) null);
    }

    public Planner(Bucket bucket, Settings settings) {
        this(bucket, new OtherFolders(bucket, settings));
    }

    private Planner(Bucket bucket, OtherFolders otherFolders) {
        this.bucket = bucket;
        this.otherFolders = otherFolders;
    }

    /**
     * Plans a reload.
     *
     * @param targetPartitions how many partitions the target has
     * @param stop             whether to end early; the plan is of no use then
     * @throws UncheckedIOException              if a file that must be opened cannot be read
     * @throws io.cistern.batch.BadLineException if one holds a line that is no record
     * @throws IllegalStateException             if a partition is to be preserved and the target has no such one
     */
    public Plan plan(ReloadRequest request, int targetPartitions, BooleanSupplier stop) {
        Plan plan = request.fileName() != null ? planFile(request.fileName()) : planFolder(request, targetPartitions, stop);
        if (plan.foreign() > 0) {
            LOG.warn("Reload leaves files out that are no batch files of its topic: topic={} folder={} files={}",
                request.topic(), request.folder(), plan.foreign());
        }
        LOG.info("Reload planned: topic={} file={} partitions={} files={} passedOver={}", request.topic(), request.fileName(),
            plan.lanes().size(), plan.files(), plan.passedOver());
        return plan;
    }

    private Plan planFile(String path) {
        Plan.Life life = new Plan.Life(List.of(new PlannedFile(path)));
        BatchFileName name = BatchFileName.parse(path.substring(path.lastIndexOf('/') + 1), null);
        return new Plan(List.of(new Plan.Partition(-1, List.of(life))), 1, -1, 0, 0,
            name == null ? firstTimestamp(path) : name.firstTimestamp(), List.of());
    }

    private long firstTimestamp(String path) {
        try (BatchFileReader reader = open(bucket, path)) {
            return reader.hasNext() ? reader.next().timestamp() : 0;
        } catch (BadLineException | DamagedFileException e) {
            // Told when it is read.
            return 0;
        }
    }

    private Plan planFolder(ReloadRequest request, int targetPartitions, BooleanSupplier stop) {
        Survey survey = new Survey(request, request.folder(), null);
        survey.listAll(stop);
        for (String former : request.formerFolders()) {
            new Survey(request, former, survey).listAll(stop);
        }
        List<Plan.Partition> lanes = new ArrayList<>();
        Lives divider = new Lives(bucket, request.folder(), request.topic());
        long files = 0;
        long records = 0;
        long first = Long.MAX_VALUE;
        for (Map.Entry<Integer, List<PlannedFile>> partition : survey.byPartition.entrySet()) {
            if (stop.getAsBoolean()) {
                break;
            }
            List<PlannedFile> ofPartition = partition.getValue();
            if (Lives.goBack(ofPartition)) {
                ofPartition.replaceAll(file -> file.lastOffset < 0 ? withFacts(file, request) : file);
            }
            List<Plan.Life> lives = new ArrayList<>();
            for (Plan.Life life : divider.divide(ofPartition)) {
                List<PlannedFile> wanted = life.files().stream().filter(file -> mayHold(file, request)).toList();
                survey.passedOver += life.files().size() - wanted.size();
                for (PlannedFile file : wanted) {
                    files++;
                    records = records < 0 || file.count < 0 ? -1 : records + file.count;
                    first = Math.min(first, file.firstTimestamp);
                }
                if (!wanted.isEmpty()) {
                    lives.add(new Plan.Life(wanted));
                }
            }
            if (!lives.isEmpty()) {
                request.requirePartition(partition.getKey(), targetPartitions);
                lanes.add(new Plan.Partition(partition.getKey(), lives));
            }
        }
        return new Plan(lanes, files, records, survey.passedOver, survey.foreign, Math.max(first, request.from()),
            otherFolders(request));
    }

    /** The folders with files of the topic that are not read, as far as is known. */
    private List<String> otherFolders(ReloadRequest request) {
        if (otherFolders == null) {
            return List.of();
        }
        List<String> found;
        try {
            found = otherFolders.of(request.topic());
        } catch (UncheckedIOException e) {
            LOG.debug("Other folders of topic {} are not known", request.topic(), e);
            return List.of();
        }
        if (!found.isEmpty()) {
            LOG.warn("Reload does not read other folders with files of its topic, which former-folders of the mapping does not"
                + " name: topic={} folder={} otherFolders={}", request.topic(), request.folder(), found);
        }
        return found;
    }

    /** Whether a file may hold offsets that are asked for. */
    private static boolean mayHold(PlannedFile file, ReloadRequest request) {
        return file.firstOffset <= request.stopOffset(file.partition)
            && (file.lastOffset < 0 || file.lastOffset >= request.startOffset(file.partition));
    }

    /** Whether files that hold something in the range are all near it by their names, or known as wide ones. */
    private boolean isListed(String folder, String topic) {
        try {
            return bucket.exists(FileFacts.listedPath(folder, topic));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes an empty file; false if that is not possible, for those who may only read the bucket. */
    private boolean note(String path) {
        try {
            bucket.putEmpty(path);
            return true;
        } catch (IOException e) {
            LOG.debug("What was found out could not be noted: {}", e.getMessage());
            return false;
        }
    }

    /** Notes of a file what was found in it, as the storer does. */
    boolean note(String folder, long firstTimestamp, FileFacts facts) {
        return (!facts.isWide(firstTimestamp) || note(facts.widePath(folder))) && note(facts.path(folder));
    }

    /** What a listing has brought so far. */
    private final class Survey {

        private final ReloadRequest request;
        private final String folder;
        /** The survey of the topic's own folder, which this one of a former folder adds to; null for that itself. */
        private final Survey own;
        /** The name to start behind, and the last one that is of interest; null for all names. */
        private final String after;
        private final String until;
        /** Whether wide files that are met must be known as such when the listing is done. */
        private final boolean notesWideOnes;
        private final boolean narrow;
        private final Map<Integer, List<PlannedFile>> byPartition;
        private boolean allNoted = true;
        private long passedOver;
        private long foreign;

        private Survey(ReloadRequest request, String folder, Survey own) {
            this.request = request;
            this.folder = folder;
            this.own = own;
            this.byPartition = own == null ? new TreeMap<>() : own.byPartition;
            this.narrow = !request.coversAll() && isListed(folder, request.topic());
            this.after = narrow ? FileFacts.nameBefore(request.from()) : null;
            this.until = narrow ? FileFacts.nameBehind(request.to()) : null;
            this.notesWideOnes = !narrow && !request.coversAll();
        }

        private void listAll(BooleanSupplier stop) {
            boolean toTheEnd = list(stop);
            if (narrow) {
                listWide(stop);
            } else if (toTheEnd && allNoted && !request.coversAll()) {
                note(FileFacts.listedPath(folder, request.topic()));
            }
            if (own != null) {
                own.passedOver += passedOver;
            }
        }

        /** Lists the folder; false if it was stopped. */
        private boolean list(BooleanSupplier stop) {
            FactsListing facts = new FactsListing(bucket.list(FileFacts.folderFor(folder), after));
            Iterator<String> names = bucket.list(folder, after);
            while (names.hasNext()) {
                if (stop.getAsBoolean()) {
                    return false;
                }
                String name = names.next();
                if (until != null && name.compareTo(until) > 0) {
                    break;
                }
                BatchFileName parsed = BatchFileName.parse(name, request.topic());
                if (parsed == null) {
                    foreign++;
                } else {
                    add(name, parsed, facts.of(parsed.key(), request.topic()));
                }
            }
            return true;
        }

        /** Adds the wide files that lie before or behind what was listed, and hold something in the range. */
        private void listWide(BooleanSupplier stop) {
            NotedFacts ofKey = new NotedFacts();
            Iterator<String> names = bucket.list(FileFacts.wideFolderFor(folder), null);
            while (names.hasNext() && !stop.getAsBoolean()) {
                FileFacts facts = FileFacts.parse(names.next());
                if (facts != null && facts.key().equals(ofKey.key())) {
                    ofKey.add(facts);
                } else if (facts != null) {
                    addWide(ofKey);
                    ofKey.start(facts);
                }
            }
            addWide(ofKey);
        }

        private void addWide(NotedFacts facts) {
            String name = facts.key() == null || !facts.mayHold(request.topic(), request.from(), request.to()) ? null
                : find(folder, request.topic(), facts.key());
            if (name != null && (after != null && name.compareTo(after) <= 0 || until != null && name.compareTo(until) > 0)) {
                add(name, BatchFileName.parse(name, request.topic()), facts.of(request.topic()));
            }
        }

        private void add(String name, BatchFileName parsed, FileFacts facts) {
            FileFacts known = facts;
            if (known == null && !request.coversAll()) {
                known = findFacts(request, folder, name, parsed);
                allNoted &= known != null && note(folder, parsed.firstTimestamp(), known);
            } else if (notesWideOnes && known.isWide(parsed.firstTimestamp())) {
                allNoted &= note(known.widePath(folder));
            }
            if (known != null && (known.count() == 0 || !known.mayHold(request.from(), request.to()))) {
                passedOver++;
                return;
            }
            if (!request.coversPartition(parsed.partition())) {
                passedOver++;
                return;
            }
            long firstOffset = parsed.firstOffset() == BatchFileName.UNKNOWN
                ? firstOffset(folder, name) : parsed.firstOffset();
            byPartition.computeIfAbsent(parsed.partition(), ignored -> new ArrayList<>())
                .add(new PlannedFile(own == null ? null : folder, name, parsed, firstOffset, known));
        }
    }

    /** The name of the file that facts are about; null if it is not there. */
    String find(String folder, String topic, String key) {
        try {
            for (Compression compression : Compression.values()) {
                String name = BatchFileName.ofKey(key, topic, compression);
                if (BatchFileName.parse(name, topic) != null && bucket.exists(folder + '/' + name)) {
                    return name;
                }
            }
            return null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same; null for a file that is not as it should be, if such are passed over. */
    private FileFacts findFacts(ReloadRequest request, String folder, String name, BatchFileName parsed) {
        try {
            return findFacts(folder, name, parsed);
        } catch (BadLineException | DamagedFileException e) {
            if (request.onError() == ReloadRequest.OnError.STOP) {
                throw e;
            }
            return null;
        }
    }

    /** Reads a file that nothing is known of. */
    private FileFacts findFacts(String folder, String name, BatchFileName parsed) {
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
        return new FileFacts(parsed.key(), least, greatest, last, count).withTopic(parsed.topic());
    }

    /** The same file with its facts, for which it is read. */
    private PlannedFile withFacts(PlannedFile file, ReloadRequest request) {
        String name = file.name(request.topic());
        BatchFileName parsed = BatchFileName.parse(name, request.topic());
        String folder = file.folder(request.folder());
        FileFacts facts = findFacts(folder, name, parsed);
        note(folder, parsed.firstTimestamp(), facts);
        return new PlannedFile(folder.equals(request.folder()) ? null : folder, name, parsed, file.firstOffset, facts);
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
            return new BatchFileReader(path, bucket.get(path), bucket.ignoresUnknownFields());
        } catch (IOException e) {
            throw new UncheckedIOException(path + ": cannot be read: " + e.getMessage(), e);
        }
    }
}
