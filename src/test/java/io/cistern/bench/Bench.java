package io.cistern.bench;

import io.cistern.batch.CodecBenchmark;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.springframework.util.PatternMatchUtils;

/**
 * Measures; nothing fails for being slow. {@code mvn -Pbench verify} runs it on the packaged jar, against a real broker as a
 * process of its own, beside Kafka's own performance tools and loops written by hand ({@link StoreLoop}, {@link ReloadLoop}).
 * All of a case run in turns, each in a new process, so that what disturbs the machine disturbs all of them; medians and ratios
 * within a round are told with their spread. The data is {@link Data}'s, in 12 partitions.
 *
 * <p>How the figures come about:
 * <ul>
 * <li>storing, records/s: of all records, from the first byte that the broker sends out for the program until the last record
 * is encoded. What is in memory then, files that are not full yet, is put afterwards and not measured, for the loop as for the
 * jar. The loop says when that is; the jar's metrics of held and stored bytes stand still. ConsumerPerformance tells its own
 * rate, without the rebalance.
 * <li>reloading, records/s: of all records, for the jar, which has started and come to rest, as it is when it is asked, from the
 * request to the status COMPLETE, planning included; for the loop from its first line to its last acknowledgement;
 * ProducerPerformance tells its own. The ratio is to the loop that promises as much: in transactions of a second for exactly
 * once.
 * <li>CPU seconds: user and system of the process in that time; what it took before is told apart, as its start.
 * <li>RSS: the most that the process had (VmHWM). GC: pauses of its log, those of its start included.
 * <li>MB/s: millions of bytes of keys and values.
 * </ul>
 *
 * <p>After the cases come the curves, see {@link Curves}, and the codec alone, see {@link io.cistern.batch.CodecBenchmark}.
 *
 * <p>Options: {@code -Dbench.only=} cases by name, comma-separated, * stands for anything (store-none-100, reload-*-1024,
 * *-s3), or codec; {@code -Dbench.curves=} curves by name; with one of the two the other is left out. {@code -Dbench.rounds=3};
 * {@code -Dbench.records=} of each case; {@code -Dbench.seed=1}. The numbers along a curve are set by {@code
 * -Dbench.records-stored=100000000}, {@code -Dbench.partitions=}, {@code -Dbench.files=1000000}, {@code -Dbench.size=4000} (MB),
 * {@code -Dbench.replicas=}, {@code -Dbench.topics=}, {@code -Dbench.busy=}, {@code -Dbench.live=}.
 */
class Bench {

    private static final Path RESULTS = Path.of("target", "bench").toAbsolutePath();
    private static final Map<Integer, Long> RECORDS = Map.of(100, 10_000_000L, 1024, 2_000_000L, 10_240, 250_000L);

    private final int rounds = Integer.getInteger("bench.rounds", 3);
    private final long seed = Long.getLong("bench.seed", 1);
    private final String[] only = option("bench.only", "*", "bench.curves").split(",");
    private final String curves = option("bench.curves", String.join(",", Curves.ALL), "bench.only");

    /** What is set, or everything; nothing if only the other option is set. */
    private static String option(String name, String everything, String other) {
        return System.getProperty(name, System.getProperty(other) == null ? everything : "");
    }

    @Test
    void measures() throws Exception {
        Report report = new Report(RESULTS);
        try (Stage stage = new Stage(RESULTS.resolve("work"), seed)) {
            for (Case it : Case.all()) {
                if (PatternMatchUtils.simpleMatch(only, it.name())) {
                    report.add(it, measure(stage, it));
                    report.write();
                }
            }
            Curves drawn = new Curves(stage, seed);
            for (String curve : curves.isEmpty() ? new String[0] : curves.split(",")) {
                report.add(drawn.run(curve));
                report.write();
            }
        }
        if (PatternMatchUtils.simpleMatch(only, "codec")) {
            report.codec(codec());
            report.write();
        }
        System.out.println(report.markdown());
        System.out.println("Written to " + RESULTS);
    }

    private Map<String, List<Figures>> measure(Stage stage, Case it) throws Exception {
        long records = Long.getLong("bench.records", RECORDS.get(it.size()));
        Map<String, List<Figures>> figures = new LinkedHashMap<>();
        it.contestants().forEach(contestant -> figures.put(contestant, new ArrayList<>()));
        for (int round = 0; round < rounds; round++) {
            List<String> turns = new ArrayList<>(it.contestants());
            Collections.rotate(turns, round);
            for (String contestant : turns) {
                Figures run = stage.run(it, contestant, records);
                figures.get(contestant).add(run);
                System.out.printf("%s, round %d, %s: %,.0f records/s, %.1f CPU s%n", it.name(), round + 1, contestant, run.rate(),
                    run.cpuSeconds());
            }
        }
        return figures;
    }

    /** Nanoseconds and bytes of garbage of a record, by JMH, in a JVM of its own. */
    private static String codec() throws RunnerException {
        StringBuilder table = new StringBuilder("\n### codec\n\n| records | way | ns | bytes allocated |\n| --- | --- | --- | --- |\n");
        for (RunResult result : new Runner(new OptionsBuilder().include(CodecBenchmark.class.getName())
            .addProfiler(GCProfiler.class).build()).run()) {
            table.append("| %s | %s | %.0f ± %.0f | %.0f |%n".formatted(result.getParams().getParam("records"),
                result.getPrimaryResult().getLabel(), result.getPrimaryResult().getScore(),
                result.getPrimaryResult().getScoreError(), result.getSecondaryResults().entrySet().stream()
                    .filter(entry -> entry.getKey().endsWith("gc.alloc.rate.norm")).findFirst().orElseThrow().getValue().getScore()));
        }
        return table.toString();
    }
}
