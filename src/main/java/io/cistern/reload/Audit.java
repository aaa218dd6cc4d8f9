package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.batch.Compression;
import io.cistern.bucket.BatchFileName;
import io.cistern.bucket.Bucket;
import io.cistern.bucket.FileFacts;
import io.cistern.kafka.TopicLog;
import io.cistern.kafka.Topics;
import io.cistern.reload.Coverage.Range;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.camel.Header;

/**
 * Tells whether everything is there: which offsets the files of a folder hold, and what is between them. It reads the
 * listing of the folder side by side with the one of its {@link FileFacts}, and opens what nothing is known of; or it reads
 * every line. Files are divided into lives of their topic exactly as for a reload. Memory holds ranges, and single files
 * only of partitions of which some files overlap.
 */
public final class Audit {

    private final Settings settings;
    private final Bucket bucket;
    private final Topics topics;
    private final Planner planner;
    private final OtherFolders otherFolders;

    public Audit(Settings settings, Bucket bucket, Topics topics, Planner planner) {
        this.settings = settings;
        this.bucket = bucket;
        this.topics = topics;
        this.planner = planner;
        this.otherFolders = new OtherFolders(bucket, settings);
    }

    /**
     * Answers a request, as {@link #of} does.
     *
     * @param folder as it is in the request's path
     * @param deep   {@code true}, {@code false} or null
     * @throws RequestException also if one of them is not right
     */
    public Map<String, Object> answer(@Header("folder") String folder, @Header("deep") Object deep) {
        String name = Requests.folder(folder);
        if (deep != null && !deep.equals("true") && !deep.equals("false")) {
            throw new RequestException(400, "invalid-field", "deep: expected true or false");
        }
        return of(name, "true".equals(deep));
    }

    /**
     * What is in a folder: for JSON, as {@code openapi.yaml} describes it.
     *
     * @param deep whether every line is read
     * @throws RequestException                       if there is no such folder
     * @throws java.io.UncheckedIOException           if the bucket cannot be read
     * @throws org.apache.kafka.common.KafkaException if the broker cannot be asked
     */
    public Map<String, Object> of(String folder, boolean deep) {
        Set<String> goBack = new HashSet<>();
        Survey survey = new Survey(folder, false, goBack);
        while (goBack.addAll(survey.found) || survey.deep != deep) {
            survey = new Survey(folder, deep, goBack);
        }
        return survey.report();
    }

    /** The files of a partition, as far as they are listed. */
    private static final class Part {
        /** All of its files, as long as none of them goes back. */
        private final Coverage coverage = new Coverage();
        /** All of its files if some go back; empty otherwise. */
        private final List<PlannedFile> files = new ArrayList<>();
        /** The topic id of its files, as far as it is known of any. */
        private String topicId;

        /** Adds a file to those that do not go back; false if it does, or is of another topic incarnation. */
        private boolean add(AuditedFile file) {
            if (topicId != null && file.topicId != null && !topicId.equals(file.topicId)) {
                return false;
            }
            topicId = file.topicId == null ? topicId : file.topicId;
            return coverage.add(file);
        }
    }

    /** What a listing brings. */
    private final class Survey {

        private final String folder;
        private final boolean deep;
        /** The partitions, named by {@link #nameOf}, of which files are known to go back. */
        private final Set<String> goBack;
        /** Those of which that was found out only now: what is here of them is of no use. */
        private final Set<String> found = new HashSet<>();
        private final Map<String, TreeMap<Integer, Part>> parts = new TreeMap<>();
        /** By topic: what is wrong with files that cannot be read, or are not what they should be. */
        private final Map<String, TreeMap<String, String>> unreadable = new TreeMap<>();
        private final List<String> ownTopics;
        /** By partition: what was noted of the latest file of those that are not there. */
        private final Map<Integer, FileFacts> lost = new HashMap<>();
        private long otherFiles;

        private Survey(String folder, boolean deep, Set<String> goBack) {
            this.folder = folder;
            this.deep = deep;
            this.goBack = Set.copyOf(goBack);
            this.ownTopics = settings.topicsOf(folder);
            list(folder, null);
            // A topic's files in its other folders are read with those in this one.
            ownTopics.forEach(topic -> settings.formerFolders(topic).forEach(former -> list(former, topic)));
            for (String topic : settings.formerTopicsOf(folder)) {
                list(settings.folder(topic), topic);
                settings.formerFolders(topic).stream().filter(former -> !former.equals(folder))
                    .forEach(former -> list(former, topic));
            }
            if (parts.isEmpty() && !bucket.list(folder, null).hasNext()) {
                throw new RequestException(404, "unknown-folder", "folder: there is no such folder in the bucket");
            }
        }

        /** Lists the files of a topic in another folder, or all in the audited one with null for that. */
        private void list(String listed, String topic) {
            boolean isAudited = topic == null;
            FactsListing facts = new FactsListing(bucket.list(FileFacts.folderFor(listed), null),
                isAudited ? this::miss : unasked -> { });
            for (Iterator<String> names = bucket.list(listed, null); names.hasNext();) {
                String name = names.next();
                BatchFileName parsed = isAudited ? parse(name) : BatchFileName.parse(name, topic);
                if (parsed != null) {
                    add(isAudited ? null : listed, name, parsed, facts.of(parsed.key(), parsed.topic()));
                } else if (isAudited) {
                    otherFiles++;
                }
            }
            facts.finish();
        }

        /** Keeps facts without a file: behind the last file there is nothing else that tells that one was stored. */
        private void miss(FileFacts facts) {
            BatchFileName parsed = parse(facts);
            if (parsed != null) {
                lost.merge(parsed.partition(), facts, (one, other) ->
                    parse(one).consumedAt() > parsed.consumedAt() ? one : other);
            }
        }

        /** What facts say of a file's name, but its topic; null if it is none. */
        private static BatchFileName parse(FileFacts facts) {
            return facts.key().indexOf('_') < 0 ? null
                : BatchFileName.parse(BatchFileName.ofKey(facts.key(), "t", Compression.NONE), "t");
        }

        /** The offsets of a file of a partition that was stored later than all others, and is not there; or null. */
        private Range lostBehind(String topic, int partition, Coverage last) {
            // Facts of former versions do not name their topic.
            FileFacts facts = parts.size() > 1 ? null : lost.get(partition);
            if (facts == null || facts.topicTag() != null && !facts.topicTag().equals(FileFacts.tagOf(topic)) || parse(facts).consumedAt() < last.lastConsumedAt()
                || planner.find(folder, topic, facts.key()) != null) {
                return null;
            }
            long first = parse(facts).firstOffset();
            return new Range(first == BatchFileName.UNKNOWN ? facts.lastOffset() : first, facts.lastOffset());
        }

        /** The topics whose folder it is tell how a name is to be read. */
        private BatchFileName parse(String name) {
            for (String topic : ownTopics) {
                BatchFileName parsed = BatchFileName.parse(name, topic);
                if (parsed != null) {
                    return parsed;
                }
            }
            return BatchFileName.parse(name, null);
        }

        /** @param in the folder of the file; null for the audited one */
        private void add(String in, String name, BatchFileName parsed, FileFacts facts) {
            Part part = parts.computeIfAbsent(parsed.topic(), ignored -> new TreeMap<>())
                .computeIfAbsent(parsed.partition(), ignored -> new Part());
            String partName = nameOf(parsed.topic(), parsed.partition());
            if (found.contains(partName)) {
                return;
            }
            AuditedFile file = deep || facts == null || parsed.firstOffset() == BatchFileName.UNKNOWN
                ? read(in, name, parsed, facts) : known(in, name, parsed, facts);
            if (file == null) {
                return;
            }
            if (goBack.contains(partName)) {
                part.files.add(file);
            } else if (!part.add(file)) {
                found.add(partName);
            }
        }

        private AuditedFile known(String in, String name, BatchFileName parsed, FileFacts facts) {
            long offsets = facts.lastOffset() - parsed.firstOffset() + 1;
            if (facts.count() < 1 || offsets < facts.count()) {
                unreadable(parsed.topic(), path(in, name), facts.count() == 0 ? "holds no record"
                    : "not what was stored: its name and its facts contradict each other");
                return null;
            }
            return new AuditedFile(in, name, parsed, parsed.firstOffset(), facts, offsets > facts.count() ? 1 : 0, null);
        }

        /** Reads a file to its end; null if that is not possible, or it is not what it should be. */
        private AuditedFile read(String in, String name, BatchFileName parsed, FileFacts facts) {
            FileCheck check = new FileCheck(bucket, path(in, name), parsed, facts);
            String problem = check.problem();
            if (problem != null) {
                unreadable(parsed.topic(), path(in, name), problem);
                return null;
            }
            if (facts == null) {
                planner.note(in == null ? folder : in, parsed.firstTimestamp(), check.found());
            }
            return check.file(in, name);
        }

        private String path(String in, String name) {
            return (in == null ? folder : in) + '/' + name;
        }

        private void unreadable(String topic, String path, String reason) {
            unreadable.computeIfAbsent(topic, ignored -> new TreeMap<>()).put(path, reason);
        }

        // ---- report ------------------------------------------------------------------------------------------------

        private Map<String, Object> report() {
            List<Map<String, Object>> reports = new ArrayList<>();
            parts.forEach((topic, ofTopic) -> reports.add(report(topic, ofTopic)));
            Map<String, Object> report = new LinkedHashMap<>();
            report.put("folder", folder);
            report.put("deep", deep);
            for (String number : List.of("files", "records", "holes")) {
                report.put(number, sum(reports, number));
            }
            report.put("otherFiles", otherFiles);
            report.put("topics", reports);
            return report;
        }

        private Map<String, Object> report(String topic, TreeMap<Integer, Part> ofTopic) {
            List<Map<String, Object>> lives = new ArrayList<>();
            try (TopicLog log = topics.log(topic)) {
                if (parts.size() == 1) {
                    lost.keySet().forEach(partition -> ofTopic.computeIfAbsent(partition, ignored -> new Part()));
                }
                for (int partition = 0; log != null && partition < log.partitions(); partition++) {
                    ofTopic.computeIfAbsent(partition, ignored -> new Part());
                }
                ofTopic.forEach((partition, part) -> {
                    List<Coverage> divided = divide(topic, partition, part);
                    for (int life = 1; life <= divided.size(); life++) {
                        Coverage stored = divided.get(life - 1);
                        boolean isLast = life == divided.size();
                        // Of former lives Kafka has nothing.
                        boolean isInKafka = log != null && (log.topicId() == null || stored.topicId() == null
                            ? isLast : log.topicId().equals(stored.topicId()));
                        lives.add(new LifeReport(partition, life, stored, isInKafka ? log : null,
                            isLast ? lostBehind(topic, partition, stored) : null).toMap());
                        if (isLast && log != null && !isInKafka) {
                            // The topic was created again, and nothing of that is stored yet.
                            lives.add(new LifeReport(partition, life + 1, new Coverage(), log, null).toMap());
                        }
                    }
                });
            }
            Map<String, String> bad = unreadable.getOrDefault(topic, new TreeMap<>());
            Map<String, Object> report = new LinkedHashMap<>();
            report.put("topic", topic);
            List<String> others = otherFolders.of(topic, folder);
            if (!others.isEmpty()) {
                report.put("otherFolders", others);
            }
            report.put("files", sum(lives, "files") + bad.size());
            report.put("records", sum(lives, "records"));
            report.put("holes", sum(lives, "holes") + bad.size());
            List<Map<String, Object>> files = new ArrayList<>();
            bad.forEach((path, reason) -> {
                Map<String, Object> file = new LinkedHashMap<>();
                file.put("file", path);
                file.put("reason", reason);
                files.add(file);
            });
            report.put("unreadable", files);
            report.put("partitions", lives);
            return report;
        }

        /** What is stored of each life of a partition. */
        private List<Coverage> divide(String topic, int partition, Part part) {
            if (!goBack.contains(nameOf(topic, partition))) {
                return List.of(part.coverage);
            }
            if (!deep) {
                part.files.removeAll(unreadable(topic, overlapping(part.files)));
            }
            List<Coverage> lives = new ArrayList<>();
            for (Plan.Life life : new Lives(bucket, folder, topic).divide(part.files)) {
                Coverage coverage = new Coverage();
                life.files().forEach(file -> coverage.addNext((AuditedFile) file));
                lives.add(coverage);
            }
            return lives;
        }

        /** Those files that a comparison cannot read. */
        private Set<PlannedFile> unreadable(String topic, Set<PlannedFile> files) {
            Set<PlannedFile> bad = new HashSet<>();
            for (PlannedFile file : files) {
                FileCheck check = new FileCheck(bucket, file.path(folder, topic),
                    BatchFileName.parse(file.name(topic), topic), null);
                String problem = check.problem();
                if (problem == null && check.found().count() != file.count) {
                    problem = FileCheck.notWhole(check.found().count(), file.count);
                }
                if (problem != null) {
                    unreadable(topic, file.path(folder, topic), problem);
                    bad.add(file);
                }
            }
            return bad;
        }
    }

    /** The files that have an offset in common with another one. */
    private static Set<PlannedFile> overlapping(List<PlannedFile> files) {
        Set<PlannedFile> found = new HashSet<>();
        files.sort(Comparator.comparingLong(file -> file.firstOffset));
        PlannedFile highest = null;
        for (PlannedFile file : files) {
            if (highest != null && file.firstOffset <= highest.lastOffset) {
                found.add(highest);
                found.add(file);
            }
            highest = highest == null || file.lastOffset > highest.lastOffset ? file : highest;
        }
        return found;
    }

    private static String nameOf(String topic, int partition) {
        return topic + '/' + partition;
    }

    private static long sum(List<Map<String, Object>> reports, String number) {
        return reports.stream().mapToLong(report -> (long) report.get(number)).sum();
    }
}
