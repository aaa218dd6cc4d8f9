package io.cistern.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a check found that should not be: counted per ingestion topic, the first few of each in words. */
final class Differences {

    private static final int MOST_NAMED = 5;

    private final Map<String, Long> counts = new TreeMap<>();
    private final Map<String, List<String>> named = new TreeMap<>();

    void add(String topic, String what) {
        add(topic, 1, what);
    }

    void add(String topic, long count, String what) {
        counts.merge(topic, count, Long::sum);
        List<String> few = named.computeIfAbsent(topic, t -> new ArrayList<>());
        if (few.size() < MOST_NAMED) {
            few.add(what);
        }
    }

    long count(String topic) {
        return counts.getOrDefault(topic, 0L);
    }

    long total() {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }

    List<String> firstFew() {
        return named.values().stream().flatMap(List::stream).toList();
    }
}
