package io.cistern.settings;

import java.util.Collection;
import java.util.Comparator;

/** Finds the known name that a misspelt name is nearest to, by the number of edits between them. */
final class NearestName {

    private NearestName() {
    }

    /** The name with the fewest edits; of several the first one in alphabetical order. */
    static String of(String name, Collection<String> known) {
        return known.stream().min(Comparator.<String>comparingInt(candidate -> edits(name, candidate))
            .thenComparing(Comparator.naturalOrder())).orElseThrow();
    }

    /** The Levenshtein distance: insertions, deletions and replacements of single characters. */
    private static int edits(String from, String to) {
        int[] previous = new int[to.length() + 1];
        for (int j = 0; j <= to.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            int[] current = new int[to.length() + 1];
            current[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = previous[j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(replaced, Math.min(previous[j], current[j - 1]) + 1);
            }
            previous = current;
        }
        return previous[to.length()];
    }
}
