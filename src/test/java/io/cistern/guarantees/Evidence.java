package io.cistern.guarantees;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What was seen of the promises: how often each was looked at, where it was broken, and the numbers of the table. */
final class Evidence {

    /** What is counted; the last three must be 0. */
    enum Number {
        PUBLISHED, STORED, RELOADED, FILES, LOST, TWICE, CHANGED;

        boolean mustBeZero() {
            return compareTo(LOST) >= 0;
        }
    }

    private static final int SAMPLES = 20;

    private final Map<Promise, Long> checks = new EnumMap<>(Promise.class);
    private final Map<Promise, Long> breaks = new EnumMap<>(Promise.class);
    private final Map<Promise, List<String>> samples = new EnumMap<>(Promise.class);
    private final Map<Number, Long> numbers = new EnumMap<>(Number.class);
    private final Map<String, Long> faults = new TreeMap<>();
    private final String seed;

    /** @param seed what samples are marked with */
    Evidence(String seed) {
        this.seed = seed;
    }

    /** The promise was looked at so many times, whether it was kept or not. */
    synchronized void checked(Promise promise, long times) {
        checks.merge(promise, times, Long::sum);
    }

    /** The promise is broken; {@code what} names topic, partition, offset, file, as far as there are any. */
    synchronized void broken(Promise promise, String what) {
        breaks.merge(promise, 1L, Long::sum);
        List<String> some = samples.computeIfAbsent(promise, ignored -> new ArrayList<>());
        if (some.size() < SAMPLES) {
            some.add("seed " + seed + ": " + what);
        }
    }

    synchronized void count(Number number, long more) {
        numbers.merge(number, more, Long::sum);
    }

    synchronized void fault(String kind) {
        faults.merge(kind, 1L, Long::sum);
    }

    synchronized long checks(Promise promise) {
        return checks.getOrDefault(promise, 0L);
    }

    synchronized long breaks(Promise promise) {
        return breaks.getOrDefault(promise, 0L);
    }

    synchronized List<String> samples(Promise promise) {
        return List.copyOf(samples.getOrDefault(promise, List.of()));
    }

    synchronized long number(Number number) {
        return numbers.getOrDefault(number, 0L);
    }

    synchronized Map<String, Long> faults() {
        return new TreeMap<>(faults);
    }

    /** Whether nothing is broken. */
    synchronized boolean isClean() {
        return breaks.isEmpty() && numbers.entrySet().stream()
            .allMatch(number -> !number.getKey().mustBeZero() || number.getValue() == 0);
    }

    /** Takes over what another one saw. */
    synchronized void add(Evidence other) {
        other.checks.forEach((promise, times) -> checks.merge(promise, times, Long::sum));
        other.breaks.forEach((promise, times) -> breaks.merge(promise, times, Long::sum));
        other.numbers.forEach((number, more) -> numbers.merge(number, more, Long::sum));
        other.faults.forEach((kind, times) -> faults.merge(kind, times, Long::sum));
        other.samples.forEach((promise, some) ->
            samples.computeIfAbsent(promise, ignored -> new ArrayList<>()).addAll(some));
    }

    /** The table of a run. */
    synchronized String table(String title) {
        StringBuilder table = new StringBuilder("\n" + title + "\n");
        faults.forEach((kind, times) -> row(table, "fault: " + kind, times));
        for (Number number : Number.values()) {
            row(table, (number == Number.FILES ? "" : "records ") + number.name().toLowerCase()
                + (number.mustBeZero() ? " (must be 0)" : ""), number(number));
        }
        for (Promise promise : Promise.values()) {
            row(table, promise + ": checks", checks(promise));
            if (breaks(promise) > 0) {
                row(table, promise + ": BROKEN", breaks(promise));
            }
        }
        return table.toString();
    }

    private static void row(StringBuilder table, String name, long value) {
        table.append(String.format("  %-50s %,12d%n", name, value));
    }
}
