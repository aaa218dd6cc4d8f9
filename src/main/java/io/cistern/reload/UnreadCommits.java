package io.cistern.reload;

import io.cistern.kafka.Entry;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * State records that this process has committed and not yet read back. Where a state topic is deleted in between, they are all
 * that tells how far a reload is.
 */
final class UnreadCommits {

    /** The last record of each key, by topic and key. */
    private final Map<String, Entry> byKey = new ConcurrentHashMap<>();

    void add(List<Entry> committed) {
        committed.stream().filter(entry -> entry.value() != null).forEach(entry ->
            byKey.put(name(entry.topic(), entry.key()), entry));
    }

    /** A record was read from a state topic. */
    void read(String topic, String key, byte[] value) {
        byKey.computeIfPresent(name(topic, key), (name, entry) ->
            value == null || Arrays.equals(value, entry.value()) ? null : entry);
    }

    /** What a reload's records are that were not read back. */
    List<Entry> of(String reload) {
        return byKey.values().stream()
            .filter(entry -> entry.key().equals(reload) || entry.key().startsWith(reload + '/')).toList();
    }

    private static String name(String topic, String key) {
        return topic + ' ' + key;
    }
}
