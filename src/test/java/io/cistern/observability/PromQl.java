package io.cistern.observability;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What an expression in Prometheus's language asks for: enough of its grammar to find metrics and labels. */
final class PromQl {

    /** A name in front of which nothing, and behind which no parenthesis, makes it a metric. */
    private static final Set<String> WORDS = Set.of("by", "without", "on", "ignoring", "group_left", "group_right", "offset",
        "bool", "and", "or", "unless", "inf", "nan", "atan2");
    private static final Set<String> BEFORE_LABELS = Set.of("by", "without", "on", "ignoring", "group_left", "group_right");
    private static final Pattern TOKEN = Pattern.compile("\\s+|#.*|\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'"
        + "|\\d[\\w.]*|[A-Za-z_:][\\w:]*|[=!<>]=|=~|!~|.");

    /** A metric with what is asked of its labels; the name is null where a label says it. */
    record Selector(String metric, List<Condition> conditions) {
    }

    /** A condition on a label, as {@code =~ "a|b"}. */
    record Condition(String label, String operator, String value) {

        boolean isMetBy(String found) {
            return switch (operator) {
                case "=" -> found.equals(value);
                case "!=" -> !found.equals(value);
                case "=~" -> found.matches(value);
                case "!~" -> !found.matches(value);
                default -> throw new IllegalArgumentException(operator);
            };
        }
    }

    private final List<String> tokens = new ArrayList<>();
    private final List<Selector> selectors = new ArrayList<>();
    private final Set<String> groupedBy = new TreeSet<>();

    PromQl(String expression) {
        Matcher matcher = TOKEN.matcher(expression);
        while (matcher.find()) {
            if (!matcher.group().isBlank() && !matcher.group().startsWith("#")) {
                tokens.add(matcher.group());
            }
        }
        for (int i = 0; i < tokens.size(); i++) {
            String token = tokens.get(i);
            String next = i + 1 < tokens.size() ? tokens.get(i + 1) : "";
            if (token.equals("[")) {
                i = tokens.subList(i, tokens.size()).indexOf("]") + i;
            } else if (token.equals("{")) {
                selectors.add(new Selector(null, conditions(i)));
                i = end(i);
            } else if (BEFORE_LABELS.contains(token.toLowerCase(Locale.ROOT)) && next.equals("(")) {
                for (i += 2; !tokens.get(i).equals(")"); i++) {
                    if (!tokens.get(i).equals(",")) {
                        groupedBy.add(tokens.get(i));
                    }
                }
            } else if (token.matches("[A-Za-z_:].*") && !next.equals("(") && !WORDS.contains(token.toLowerCase(Locale.ROOT))
                && !BEFORE_LABELS.contains(next.toLowerCase(Locale.ROOT))) {
                boolean hasConditions = next.equals("{");
                selectors.add(new Selector(token, hasConditions ? conditions(i + 1) : List.of()));
                i = hasConditions ? end(i + 1) : i;
            }
        }
    }

    private int end(int open) {
        return open + tokens.subList(open, tokens.size()).indexOf("}");
    }

    private List<Condition> conditions(int open) {
        List<Condition> conditions = new ArrayList<>();
        List<String> inside = tokens.subList(open + 1, end(open));
        for (int i = 0; i + 2 < inside.size(); i += 4) {
            String quoted = inside.get(i + 2);
            conditions.add(new Condition(inside.get(i), inside.get(i + 1), quoted.substring(1, quoted.length() - 1)));
        }
        return conditions;
    }

    List<Selector> selectors() {
        return selectors;
    }

    /**
     * What of it is not there.
     *
     * @param target labels that Prometheus adds to all that it scrapes, with their values
     */
    List<String> missingIn(Scrape scrape, Map<String, String> target) {
        List<String> missing = new ArrayList<>();
        Set<String> labels = new TreeSet<>(target.keySet());
        labels.add("le");
        for (Selector selector : selectors) {
            List<Condition> conditions = new ArrayList<>(selector.conditions());
            if (selector.metric() != null) {
                conditions.add(new Condition("__name__", "=", selector.metric()));
            }
            List<Map<String, String>> found = new ArrayList<>();
            for (Scrape.Sample sample : scrape.samples()) {
                Map<String, String> all = new TreeMap<>(sample.labels());
                all.putAll(target);
                all.put("__name__", sample.name());
                if (conditions.stream().allMatch(condition -> all.containsKey(condition.label())
                    && condition.isMetBy(all.get(condition.label())))) {
                    found.add(all);
                }
            }
            if (found.isEmpty()) {
                missing.add("nothing is " + selector);
            }
            found.forEach(all -> labels.addAll(all.keySet()));
        }
        groupedBy.stream().filter(label -> !labels.contains(label)).forEach(label ->
            missing.add("nothing has the label " + label));
        return missing;
    }
}
