package io.cistern.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;

/** How some figures change with one thing that grows: a table and a plot. */
final class Curve {

    private final String name;
    private final String what;
    private final List<String> figures;
    private final List<double[]> points = new ArrayList<>();

    /**
     * A curve without points.
     *
     * @param name    as the option bench.curves has it
     * @param what    grows
     * @param figures are measured, with their units
     */
    Curve(String name, String what, String... figures) {
        this.name = name;
        this.what = what;
        this.figures = List.of(figures);
    }

    /** Adds what was measured, in the order of the figures. */
    void add(double at, double... measured) {
        double[] point = new double[measured.length + 1];
        point[0] = at;
        System.arraycopy(measured, 0, point, 1, measured.length);
        points.add(point);
        System.out.printf("%s, %s %,.0f: %s%n", name, what, at, Arrays.toString(measured));
    }

    String markdown() {
        StringBuilder text = new StringBuilder("| " + what);
        figures.forEach(figure -> text.append(" | ").append(figure));
        text.append(" |\n|").append(" --- |".repeat(figures.size() + 1)).append('\n');
        for (double[] point : points) {
            for (double value : point) {
                text.append("| ").append(String.format(Locale.ROOT, value >= 100 || value == Math.rint(value) ? "%,.0f" : "%.3f", value))
                    .append(' ');
            }
            text.append("|\n");
        }
        return "### " + name + "\n\n" + text + "\n![](curve-" + name + ".png)\n";
    }

    /** A plot of each figure, beside each other in one file. */
    void plot(Path folder) throws IOException {
        double[] x = points.stream().mapToDouble(point -> point[0]).toArray();
        List<XYChart> charts = new ArrayList<>();
        for (int i = 0; i < figures.size(); i++) {
            int figure = i + 1;
            XYChart chart = new XYChartBuilder().width(480).height(360).title(figures.get(i)).xAxisTitle(what).build();
            chart.getStyler().setXAxisLogarithmic(x[x.length - 1] > 10 * x[0]);
            chart.getStyler().setYAxisMin(0.0);
            chart.getStyler().setLegendVisible(false);
            chart.addSeries(figures.get(i), x, points.stream().mapToDouble(point -> point[figure]).toArray());
            charts.add(chart);
        }
        BitmapEncoder.saveBitmap(charts, 1, charts.size(), folder.resolve("curve-" + name).toString(),
            BitmapEncoder.BitmapFormat.PNG);
    }
}
