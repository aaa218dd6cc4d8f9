package io.cistern.guarantees;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.header.Header;

/**
 * What was published: each record by its fingerprint, and where the broker says that it put it. A topic that is deleted
 * and created again starts another life, whose records are kept apart.
 */
final class Journal {

    /** What is known of a record; PENDING: sent, or in a transaction that is open. */
    enum State { PENDING, COMMITTED, ABORTED }

    /**
     * A topic of the load.
     *
     * @param folder        of its batch files
     * @param postIngestion the topics that get its records once they are stored
     * @param appendTime    whether its records get their timestamps from the broker
     */
    record Topic(String name, String folder, List<String> postIngestion, boolean appendTime) {

        Fingerprint fingerprint(byte[] key, byte[] value, Iterable<Header> headers, long timestamp) {
            return Fingerprint.of(key, value, headers, appendTime ? Fingerprint.ANY_TIME : timestamp);
        }
    }

    /** A partition in one life of its topic. */
    record Place(Topic topic, int life, int partition) {
        @Override
        public String toString() {
            return topic.name + "-" + partition + (life == 1 ? "" : " (life " + life + ")");
        }
    }

    /** A record that was published, with the checker's marks of where it came out. */
    static final class Entry {
        final Place place;
        volatile State state = State.PENDING;
        volatile long offset = -1;
        volatile long timestamp;
        boolean stored;
        long storedOffset;
        int reloaded;
        final int[] copies;

        private Entry(Place place, long timestamp) {
            this.place = place;
            this.timestamp = timestamp;
            this.copies = new int[place.topic.postIngestion.size()];
        }

        /** Greater for what comes later in its partition, over lives. */
        long order() {
            return ((long) place.life << 48) + offset;
        }

        @Override
        public String toString() {
            return place + " offset " + offset;
        }
    }

    /** The records of a place by their offsets. */
    static final class Row {
        private Entry[] entries = new Entry[1024];
        private int end;

        private synchronized void put(Entry entry) {
            int offset = Math.toIntExact(entry.offset);
            if (offset >= entries.length) {
                entries = Arrays.copyOf(entries, Math.max(offset + 1, entries.length * 2));
            }
            entries[offset] = entry;
            end = Math.max(end, offset + 1);
        }

        /** The committed records with offsets from {@code from} to below {@code to}. */
        synchronized List<Entry> between(long from, long to) {
            List<Entry> found = new ArrayList<>();
            for (int i = (int) from; i < Math.min(to, end); i++) {
                if (entries[i] != null && entries[i].state == State.COMMITTED) {
                    found.add(entries[i]);
                }
            }
            return found;
        }
    }

    private final Map<Fingerprint, Entry> entries = new ConcurrentHashMap<>();
    private final Map<Place, Row> rows = new ConcurrentHashMap<>();
    private final Map<String, Integer> lives = new HashMap<>();

    /** The place of a partition in the life that its topic has now. */
    synchronized Place place(Topic topic, int partition) {
        return new Place(topic, lives.getOrDefault(topic.name, 1), partition);
    }

    /** The topic is created again. */
    synchronized void newLife(Topic topic) {
        lives.merge(topic.name, 2, (life, ignored) -> life + 1);
    }

    /** Notes a record that is about to be sent; null if an equal one was: they could not be told apart. */
    Entry sending(Topic topic, int partition, byte[] key, byte[] value, Iterable<Header> headers, long timestamp) {
        Entry entry = new Entry(place(topic, partition), timestamp);
        return entries.putIfAbsent(topic.fingerprint(key, value, headers, timestamp), entry) == null ? entry : null;
    }

    /** Notes where the broker put a record, and when, as it says. */
    void acknowledged(Entry entry, long offset, long timestamp) {
        entry.timestamp = timestamp;
        entry.offset = offset;
        rows.computeIfAbsent(entry.place, ignored -> new Row()).put(entry);
    }

    /** The record of these contents, or null if none was sent. */
    Entry find(Fingerprint fingerprint) {
        return entries.get(fingerprint);
    }

    /** The records of a place; it may be empty. */
    Row row(Place place) {
        return rows.computeIfAbsent(place, ignored -> new Row());
    }

    /** All records that were sent, whatever became of them. */
    Collection<Entry> entries() {
        return entries.values();
    }
}
