package io.cistern.guarantees;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.guarantees.Evidence.Number;
import io.cistern.guarantees.Journal.Entry;
import io.cistern.guarantees.Journal.Place;
import io.cistern.guarantees.Journal.State;
import io.cistern.guarantees.Journal.Topic;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.utils.Utils;

/**
 * Holds what came out (batch files, events, copies in post-ingestion topics, reloaded records) against the journal of
 * what went in. It is told what there is, and shares no code with the product. Used by one thread at a time.
 */
final class Checker {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern NAME = Pattern.compile(
        "(?<time>[^_]+)_(?<topic>.+)_(?<partition>\\d+)_(?<offset>\\d+)_(?<consumed>\\d+)\\.txt(\\.gz|\\.zst)?");

    private record BatchFile(Place place, long first, long last, int count, long firstTimestamp, long lastTimestamp) {
    }

    private final Journal journal;
    private final Evidence evidence;
    private final boolean exactlyOnce;
    private final Map<String, Topic> byFolder = new HashMap<>();
    private final Map<String, byte[]> hashes = new TreeMap<>();
    private final Map<String, BatchFile> files = new HashMap<>();
    private final List<JsonNode> eventsAhead = new ArrayList<>();
    /** How many events tell of an offset of a place. */
    private final Map<Place, int[]> announced = new HashMap<>();
    /** Up to which offset a place was found whole when the group committed it. */
    private final Map<Place, Long> whole = new HashMap<>();
    /** The greatest order so far of a source partition in a partition of another topic. */
    private final Map<List<Object>, Long> reached = new HashMap<>();

    Checker(Journal journal, Evidence evidence, boolean exactlyOnce, Collection<Topic> topics) {
        this.journal = journal;
        this.evidence = evidence;
        this.exactlyOnce = exactlyOnce;
        topics.forEach(topic -> byFolder.put(topic.folder(), topic));
    }

    /** The paths of all files that were looked at. */
    List<String> paths() {
        return List.copyOf(hashes.keySet());
    }

    boolean knows(String path) {
        return hashes.containsKey(path);
    }

    /** A batch file is in the bucket that was not there before. */
    void batchFile(String path, byte[] bytes) {
        hashes.put(path, Fingerprint.sha256().digest(bytes));
        int slash = path.lastIndexOf('/');
        Topic topic = byFolder.get(path.substring(0, slash));
        Matcher name = NAME.matcher(path.substring(slash + 1));
        if (topic == null || !name.matches() || !name.group("topic").equals(topic.name())) {
            evidence.broken(Promise.HARMS_NOTHING_ELSE, "no batch file of any topic: " + path);
            return;
        }
        List<StoredLine> lines;
        try {
            lines = StoredLine.all(path, bytes);
        } catch (IOException e) {
            evidence.broken(Promise.FIDELITY, path + ": " + e.getMessage());
            evidence.count(Number.CHANGED, 1);
            return;
        }
        lines(topic, path, name, lines);
    }

    private void lines(Topic topic, String path, Matcher name, List<StoredLine> lines) {
        Place place = null;
        long last = -1;
        int number = 0;
        for (StoredLine line : lines) {
            String where = path + " line " + ++number + ", offset " + line.offset();
            evidence.checked(Promise.ORDER, 1);
            evidence.checked(Promise.FIDELITY, 1);
            if (line.offset() <= last) {
                evidence.broken(Promise.ORDER, where + ": after " + last);
            }
            last = line.offset();
            Entry entry = journal.find(topic.fingerprint(line.key(), line.payload(), line.headers(), line.timestamp()));
            if (entry == null) {
                evidence.broken(Promise.FIDELITY, where + ": no such record was published");
                evidence.count(Number.CHANGED, 1);
                continue;
            }
            if (place == null) {
                place = entry.place;
            }
            if (!entry.place.equals(place) || line.partition() != place.partition()) {
                evidence.broken(Promise.ORDER, where + ": is of " + entry.place + ", others of its file of " + place);
            }
            if (entry.state == State.ABORTED) {
                evidence.broken(Promise.FIDELITY, where + ": is of an aborted transaction");
            }
            if (entry.state == State.COMMITTED) {
                sameCoordinates(Promise.FIDELITY, where, entry, line.offset(), line.timestamp());
            }
            if (line.appendTime() != topic.appendTime()) {
                evidence.broken(Promise.FIDELITY, where + ": wrong type of timestamp");
            }
            entry.stored = true;
            entry.storedOffset = line.offset();
        }
        StoredLine first = lines.get(0);
        if (place == null || first.partition() != Integer.parseInt(name.group("partition"))
            || first.offset() != Long.parseLong(name.group("offset"))
            || first.timestamp() != Instant.parse(name.group("time")).toEpochMilli()) {
            evidence.broken(Promise.FIDELITY, path + ": its name is not of its first line");
        }
        files.put(path, new BatchFile(place, first.offset(), last, lines.size(), first.timestamp(),
            lines.get(lines.size() - 1).timestamp()));
        eventsOfKnownFiles();
    }

    private void sameCoordinates(Promise promise, String where, Entry entry, long offset, long timestamp) {
        if (entry.offset != offset || entry.timestamp != timestamp) {
            evidence.broken(promise, where + ": was published at offset " + entry.offset + " with timestamp "
                + entry.timestamp + ", came out with " + offset + " and " + timestamp);
            evidence.count(Number.CHANGED, 1);
        }
    }

    /** What an object holds that was there before; null if it is not there any more. */
    void readAgain(String path, byte[] bytes) {
        evidence.checked(Promise.NO_FILE_OVERWRITTEN, 1);
        if (bytes == null) {
            evidence.broken(Promise.NO_FILE_OVERWRITTEN, path + " has vanished");
            evidence.count(Number.LOST, 1);
        } else if (!Arrays.equals(hashes.get(path), Fingerprint.sha256().digest(bytes))) {
            evidence.broken(Promise.NO_FILE_OVERWRITTEN, path + " is not what it was");
            evidence.count(Number.CHANGED, 1);
        }
    }

    /** An event was emitted. Its file may be one that is looked at later; see {@link #end}. */
    void event(byte[] key, byte[] value) {
        try {
            JsonNode event = JSON.readTree(value);
            JsonNode of = JSON.readTree(key);
            Matcher name = NAME.matcher(event.get("filePath").textValue().replaceFirst(".*/", ""));
            if (!name.matches() || !name.group("topic").equals(of.get("topic").textValue())
                || Integer.parseInt(name.group("partition")) != of.get("partition").intValue()) {
                evidence.broken(Promise.FIDELITY, "an event of the key " + of + " for another partition: " + event);
            }
            eventsAhead.add(event);
            eventsOfKnownFiles();
        } catch (IOException | RuntimeException e) {
            evidence.broken(Promise.FIDELITY, "an event that is none: " + e);
        }
    }

    private void eventsOfKnownFiles() {
        eventsAhead.removeIf(event -> {
            String path = event.get("filePath").textValue();
            BatchFile file = files.get(path);
            if (file == null) {
                return false;
            }
            evidence.checked(Promise.FIDELITY, 1);
            if (event.get("batchOffsetStart").longValue() != file.first
                || event.get("batchOffsetEnd").longValue() != file.last
                || event.get("batchSize").intValue() != file.count
                || Instant.parse(event.get("batchTimeStart").textValue()).toEpochMilli() != file.firstTimestamp
                || Instant.parse(event.get("batchTimeEnd").textValue()).toEpochMilli() != file.lastTimestamp) {
                evidence.broken(Promise.FIDELITY, "an event that does not agree with its file: " + event + ", " + file);
            }
            if (file.place != null) {
                announce(file);
            }
            return true;
        });
    }

    private void announce(BatchFile file) {
        int[] times = announced.getOrDefault(file.place, new int[0]);
        if (times.length <= file.last) {
            times = Arrays.copyOf(times, Math.toIntExact(file.last * 2 + 1));
        }
        for (long offset = file.first; offset <= file.last; offset++) {
            times[(int) offset]++;
        }
        announced.put(file.place, times);
    }

    private int announcedTimes(Entry entry) {
        int[] times = announced.getOrDefault(entry.place, new int[0]);
        return entry.offset < times.length ? times[(int) entry.offset] : 0;
    }

    /** A record is in a post-ingestion topic; to be told in the order of each partition. */
    void copy(Topic topic, String postIngestion, int partitions, ConsumerRecord<byte[], byte[]> record) {
        String where = postIngestion + "-" + record.partition() + " offset " + record.offset();
        evidence.checked(Promise.FIDELITY, 1);
        Entry entry = find(topic, record);
        if (entry == null) {
            evidence.broken(Promise.FIDELITY, where + ": no such record was published");
            evidence.count(Number.CHANGED, 1);
            return;
        }
        if (entry.state == State.ABORTED) {
            evidence.broken(Promise.FIDELITY, where + ": is of an aborted transaction");
        }
        if (entry.state == State.COMMITTED) {
            sameCoordinates(Promise.FIDELITY, where, entry, entry.offset, record.timestamp());
        }
        boolean again = entry.copies[topic.postIngestion().indexOf(postIngestion)]++ > 0;
        if (again && exactlyOnce) {
            evidence.broken(Promise.STORED_BEFORE_COMMITTED, where + ": " + entry + " is there more than once");
            evidence.count(Number.TWICE, 1);
        }
        if (record.key() != null && partitionOf(record.key(), partitions) != record.partition()) {
            evidence.broken(Promise.ORDER, where + ": " + entry + " is not in its key's partition");
        }
        // A batch that was passed on in part comes whole once more; then records without a key may go elsewhere.
        if (exactlyOnce || !again && record.key() != null) {
            inOrder(where, postIngestion, record.partition(), entry);
        }
    }

    private static int partitionOf(byte[] key, int partitions) {
        return Utils.toPositive(Utils.murmur2(key)) % partitions;
    }

    /** Records of a partition come in the order of their offsets, the lives of its topic one after the other. */
    private void inOrder(String where, String target, int partition, Entry entry) {
        if (entry.offset < 0) {
            return;
        }
        evidence.checked(Promise.ORDER, 1);
        Long before = reached.merge(List.of(target, partition, entry.place.topic().name(), entry.place.partition()),
            entry.order(), Math::max);
        if (before > entry.order()) {
            evidence.broken(Promise.ORDER, where + ": " + entry + " comes after offset " + (before & (1L << 48) - 1));
        }
    }

    private Entry find(Topic topic, ConsumerRecord<byte[], byte[]> record) {
        return journal.find(topic.fingerprint(record.key(), record.value(), record.headers(), record.timestamp()));
    }

    /**
     * The group has committed this offset, and what came out before that has been told. Events and copies that are
     * published in a transaction may be seen later; then only {@link #end} looks for them.
     */
    void committed(Place place, long offset) {
        long from = whole.getOrDefault(place, 0L);
        for (Entry entry : journal.row(place).between(from, offset)) {
            evidence.checked(Promise.STORED_BEFORE_COMMITTED, 1);
            String missing = missing(entry, !exactlyOnce);
            if (missing != null) {
                evidence.broken(Promise.STORED_BEFORE_COMMITTED, entry + ": " + missing
                    + " when the group had committed " + offset);
            }
        }
        whole.put(place, Math.max(from, offset));
    }

    private String missing(Entry entry, boolean all) {
        if (!entry.stored) {
            return "is not in the bucket";
        }
        if (all && announcedTimes(entry) == 0) {
            return "has no event";
        }
        for (int i = 0; all && i < entry.copies.length; i++) {
            if (entry.copies[i] == 0) {
                return "is not in " + entry.place.topic().postIngestion().get(i);
            }
        }
        return null;
    }

    /** A record that a plain consumer read from an ingestion topic, which settles what is not known of it. */
    void published(Place place, ConsumerRecord<byte[], byte[]> record) {
        Entry entry = find(place.topic(), record);
        if (entry == null || !entry.place.equals(place) || entry.state == State.ABORTED) {
            throw new IllegalStateException("The load has not published what is at offset " + record.offset() + " of "
                + place);
        }
        if (entry.state == State.PENDING) {
            journal.acknowledged(entry, record.offset(), record.timestamp());
            entry.state = State.COMMITTED;
        } else if (entry.offset != record.offset() || entry.timestamp != record.timestamp()) {
            throw new IllegalStateException("The broker said otherwise of " + entry);
        }
    }

    /** All is stored, all has been told, and nothing comes any more, but for reloads. */
    void end() {
        evidence.count(Number.FILES, hashes.size());
        eventsOfKnownFiles();
        eventsAhead.forEach(event ->
            evidence.broken(Promise.STORED_BEFORE_COMMITTED, "an event but no file: " + event));
        for (Entry entry : journal.entries()) {
            if (entry.state != State.COMMITTED) {
                if (entry.stored) {
                    evidence.broken(Promise.FIDELITY, entry + ": stored but never committed by its producer");
                    evidence.count(Number.CHANGED, 1);
                }
                continue;
            }
            if (entry.stored) {
                sameCoordinates(Promise.FIDELITY, "the bucket", entry, entry.storedOffset, entry.timestamp);
            }
            evidence.count(Number.PUBLISHED, 1);
            evidence.count(Number.STORED, entry.stored ? 1 : 0);
            evidence.checked(Promise.STORED_BEFORE_COMMITTED, 1);
            String missing = missing(entry, true);
            if (missing != null) {
                evidence.broken(Promise.STORED_BEFORE_COMMITTED, entry + ": " + missing + " at the end");
                evidence.count(Number.LOST, 1);
            }
            if (exactlyOnce && announcedTimes(entry) > 1) {
                evidence.broken(Promise.STORED_BEFORE_COMMITTED, entry + ": has " + announcedTimes(entry) + " events");
                evidence.count(Number.TWICE, 1);
            }
        }
    }

    /** A record is in a reingestion topic; to be told in the order of each partition. */
    void reloaded(Topic topic, boolean preserved, ConsumerRecord<byte[], byte[]> record) {
        String where = record.topic() + "-" + record.partition() + " offset " + record.offset();
        evidence.checked(Promise.RELOADED_ONCE, 1);
        evidence.count(Number.RELOADED, 1);
        Entry entry = find(topic, record);
        if (entry == null) {
            evidence.broken(Promise.RELOADED_ONCE, where + ": no such record was published");
            evidence.count(Number.CHANGED, 1);
            return;
        }
        if (++entry.reloaded > 1) {
            evidence.broken(Promise.RELOADED_ONCE, where + ": " + entry + " is there more than once");
            evidence.count(Number.TWICE, 1);
        }
        sameCoordinates(Promise.RELOADED_ONCE, where, entry, entry.offset, record.timestamp());
        if (preserved && record.partition() != entry.place.partition()) {
            evidence.broken(Promise.RELOADED_ONCE, where + ": " + entry + " is not in its partition");
        }
        inOrder(where, record.topic(), record.partition(), entry);
    }

    /** All reloads are done, and what they published has been told. */
    void endOfReloads(Set<Topic> topics) {
        for (Entry entry : journal.entries()) {
            if (entry.stored && entry.reloaded == 0 && topics.contains(entry.place.topic())) {
                evidence.broken(Promise.RELOADED_ONCE, entry + ": is stored but was not reloaded");
                evidence.count(Number.LOST, 1);
            }
        }
    }

    /** How many records of a topic are stored. */
    long stored(Topic topic) {
        return journal.entries().stream().filter(entry -> entry.stored && entry.place.topic().equals(topic)).count();
    }
}
