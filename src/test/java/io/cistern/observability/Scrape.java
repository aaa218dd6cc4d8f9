package io.cistern.observability;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a process tells Prometheus: its text format, version 0.0.4, read. */
final class Scrape {

    private static final Pattern SAMPLE = Pattern.compile("([A-Za-z_:][\\w:]*)(?:\\{(.*)})? (\\S+)");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\",?");

    /** A value of a metric. */
    record Sample(String name, Map<String, String> labels, double value) {
    }

    private final List<Sample> samples = new ArrayList<>();
    private final Map<String, String> types = new TreeMap<>();

    Scrape(String text) {
        for (String line : text.split("\n")) {
            Matcher sample = SAMPLE.matcher(line);
            if (line.startsWith("# TYPE ")) {
                types.put(line.split(" ")[2], line.split(" ")[3]);
            } else if (!line.startsWith("#") && !line.isBlank()) {
                if (!sample.matches()) {
                    throw new IllegalArgumentException("No sample: " + line);
                }
                Map<String, String> labels = new TreeMap<>();
                Matcher label = LABEL.matcher(sample.group(2) == null ? "" : sample.group(2));
                while (label.find()) {
                    labels.put(label.group(1), label.group(2));
                }
                samples.add(new Sample(sample.group(1), labels, Double.parseDouble(sample.group(3).replace("Inf", "Infinity"))));
            }
        }
    }

    List<Sample> samples() {
        return samples;
    }

    /** By the name under {@code # TYPE}: counter, gauge, histogram or summary. */
    Map<String, String> types() {
        return types;
    }

    List<Sample> of(String name) {
        return samples.stream().filter(sample -> sample.name().equals(name)).toList();
    }

    /** The labels of a metric of that {@code # TYPE} name, without the bounds of histograms. */
    Set<String> labels(String type) {
        Set<String> labels = new TreeSet<>();
        samples.stream().filter(sample -> sample.name().equals(type) || types.get(type).equals("histogram")
                && sample.name().matches(Pattern.quote(type) + "_(bucket|sum|count)"))
            .forEach(sample -> labels.addAll(sample.labels().keySet()));
        labels.remove("le");
        return labels;
    }

    /** The value of the sample with these labels and perhaps more; -1 if there is none. */
    double value(String name, String... labels) {
        return of(name).stream().filter(sample -> {
            for (int i = 0; i < labels.length; i += 2) {
                if (!labels[i + 1].equals(sample.labels().get(labels[i]))) {
                    return false;
                }
            }
            return true;
        }).mapToDouble(Sample::value).findFirst().orElse(-1);
    }
}
