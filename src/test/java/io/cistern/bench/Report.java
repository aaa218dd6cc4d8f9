package io.cistern.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/** What was measured, as a table in Markdown. */
final class Report {

    private final Path folder;
    private final Map<Case, Map<String, List<Figures>>> cases = new LinkedHashMap<>();

    Report(Path folder) {
        this.folder = folder;
    }

    void add(Case it, Map<String, List<Figures>> figures) {
        cases.put(it, figures);
    }

    void write() throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("report.md"), markdown());
    }

    String markdown() {
        StringBuilder text = new StringBuilder("""
            | case | program | records/s | MB/s | to the loop | to Kafka's tool | CPU s per million | CPU to the loop | start s (CPU s) | RSS MB | GC ms, longest |
            | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
            """);
        cases.forEach((it, figures) -> figures.forEach((contestant, runs) -> text.append("| ").append(String.join(" | ",
            it.name(), contestant,
            spread(runs, Figures::rate, "%,.0f"),
            format("%.0f", median(runs, run -> run.rate() * (it.size() + Data.KEY_BYTES) / 1e6)),
            ratio(runs, figures.get("loop"), Figures::rate),
            ratio(runs, figures.get("kafka"), Figures::rate),
            spread(runs, Figures::cpuPerMillion, "%.2f"),
            ratio(runs, figures.get("loop"), Figures::cpuPerMillion),
            format("%.1f (%.1f)", median(runs, Figures::startSeconds), median(runs, Figures::startCpu)),
            format("%.0f", median(runs, Figures::peakMegabytes)),
            format("%.0f, %.1f", median(runs, Figures::pausesTotal), median(runs, Figures::longestPause)))).append(" |\n")));
        return text.toString();
    }

    /** The median of the ratios of each round, with the least and the greatest of them. */
    private static String ratio(List<Figures> runs, List<Figures> others, ToDoubleFunction<Figures> figure) {
        if (others == null || others == runs) {
            return "";
        }
        return spread(IntStream.range(0, runs.size()).boxed().toList(),
            round -> figure.applyAsDouble(runs.get(round)) / figure.applyAsDouble(others.get(round)), "%.2f");
    }

    private static <T> String spread(List<T> runs, ToDoubleFunction<T> figure, String format) {
        double[] sorted = runs.stream().mapToDouble(figure).sorted().toArray();
        String median = format(format, median(runs, figure));
        return sorted.length < 2 ? median : median + " (" + format(format, sorted[0]) + "–"
            + format(format, sorted[sorted.length - 1]) + ")";
    }

    static <T> double median(List<T> runs, ToDoubleFunction<T> figure) {
        double[] sorted = runs.stream().mapToDouble(figure).sorted().toArray();
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
