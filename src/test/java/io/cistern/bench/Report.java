package io.cistern.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleBiFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;

/** What was measured: tables in Markdown, and plots. */
final class Report {

    private final Path folder;
    private final Map<Case, Map<String, List<Figures>>> cases = new LinkedHashMap<>();
    private final List<Curve> curves = new ArrayList<>();
    private String codec = "";

    Report(Path folder) {
        this.folder = folder;
    }

    void add(Case it, Map<String, List<Figures>> figures) {
        cases.put(it, figures);
    }

    void add(Curve curve) {
        curves.add(curve);
    }

    /** The table of the codec alone. */
    void codec(String markdown) {
        codec = markdown;
    }

    /** Writes what there is so far. */
    void write() throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("report.md"), markdown());
        for (String way : List.of("store", "reload")) {
            plot(way, "MB/s", "rate", (it, run) -> run.rate() * bytes(it) / 1e6);
            plot(way, "CPU seconds of a GB", "cpu", (it, run) -> run.cpuSeconds() / run.records() / bytes(it) * 1e9);
        }
        for (Curve curve : curves) {
            curve.plot(folder);
        }
    }

    /** Bars of medians with their spread: a group of bars for each case, a colour for each program. */
    private void plot(String way, String what, String file, ToDoubleBiFunction<Case, Figures> figure) throws IOException {
        List<Case> shown = cases.keySet().stream().filter(it -> it.way().equals(way)).toList();
        if (shown.isEmpty()) {
            return;
        }
        List<String> names = shown.stream().map(Case::name).toList();
        CategoryChart chart = new CategoryChartBuilder().width(Math.max(600, 130 * shown.size() + 200)).height(500)
            .title(way + ": " + what).yAxisTitle(what).build();
        chart.getStyler().setXAxisLabelRotation(30).setYAxisMin(0.0);
        for (String contestant : List.of("kafka", "loop", "loop-tx", "cistern", "cistern-least")) {
            List<Double> medians = new ArrayList<>();
            List<Double> spreads = new ArrayList<>();
            for (Case it : shown) {
                List<Figures> runs = cases.get(it).getOrDefault(contestant, List.of());
                double[] sorted = runs.stream().mapToDouble(run -> figure.applyAsDouble(it, run)).sorted().toArray();
                medians.add(runs.isEmpty() ? 0 : median(sorted));
                spreads.add(runs.isEmpty() ? 0 : (sorted[sorted.length - 1] - sorted[0]) / 2);
            }
            if (medians.stream().anyMatch(median -> median > 0)) {
                chart.addSeries(contestant, names, medians, spreads);
            }
        }
        BitmapEncoder.saveBitmap(chart, folder.resolve(way + "-" + file).toString(), BitmapEncoder.BitmapFormat.PNG);
    }

    private static double bytes(Case it) {
        return it.size() + Data.KEY_BYTES;
    }

    String markdown() {
        return (cases.isEmpty() ? "" : casesTable()) + "\n"
            + cases.keySet().stream().map(Case::way).distinct().map(way -> "![](" + way + "-rate.png) ![](" + way + "-cpu.png)\n\n")
            .collect(Collectors.joining()) + curves.stream().map(Curve::markdown).collect(Collectors.joining("\n")) + codec;
    }

    private String casesTable() {
        StringBuilder text = new StringBuilder("""
            | case | program | records/s | MB/s | to the loop | to Kafka's tool | CPU s per million | CPU to the loop | start s (CPU s) | RSS MB | GC ms, longest |
            | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
            """);
        cases.forEach((it, figures) -> figures.forEach((contestant, runs) -> text.append("| ").append(String.join(" | ",
            it.name(), contestant,
            spread(runs, Figures::rate, "%,.0f"),
            format("%.0f", median(runs, run -> run.rate() * bytes(it) / 1e6)),
            ratio(runs, figures.get(loopFor(it, contestant)), Figures::rate),
            ratio(runs, figures.get("kafka"), Figures::rate),
            spread(runs, Figures::cpuPerMillion, "%.2f"),
            ratio(runs, figures.get(loopFor(it, contestant)), Figures::cpuPerMillion),
            format("%.1f (%.1f)", median(runs, Figures::startSeconds), median(runs, Figures::startCpu)),
            format("%.0f", median(runs, Figures::peakMegabytes)),
            format("%.0f, %.1f", median(runs, Figures::pausesTotal), median(runs, Figures::longestPause)))).append(" |\n")));
        return text.toString();
    }

    /** The loop that promises as much: the jar reloads exactly once, unless it is asked not to. */
    private static String loopFor(Case it, String contestant) {
        return it.way().equals("reload") && contestant.equals("cistern") ? "loop-tx" : "loop";
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

    private static <T> double median(List<T> runs, ToDoubleFunction<T> figure) {
        return median(runs.stream().mapToDouble(figure).sorted().toArray());
    }

    private static double median(double[] sorted) {
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
