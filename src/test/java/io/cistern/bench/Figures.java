package io.cistern.bench;

import java.util.List;

/**
 * What one run of one program came to.
 *
 * @param records       how many it had to do
 * @param seconds       of the work, without the start
 * @param cpuSeconds    user and system, of the work
 * @param startSeconds  from the process's start to the begin of the work
 * @param startCpu      CPU seconds until then
 * @param peakMegabytes the most resident memory of the process
 * @param pauses        for GC, in milliseconds
 */
record Figures(long records, double seconds, double cpuSeconds, double startSeconds, double startCpu, long peakMegabytes,
               List<Double> pauses) {

    /** Of a program that worked between these two times, in milliseconds since the epoch. */
    static Figures of(Program program, long records, long began, long ended) {
        return new Figures(records, (ended - began) / 1000.0, program.cpuSeconds(ended) - program.cpuSeconds(began),
            (began - program.startedMillis()) / 1000.0, program.cpuSeconds(began), program.peakMegabytes(), program.pauses());
    }

    /** The same with a duration that the program has told itself. */
    Figures during(double told) {
        return new Figures(records, told, cpuSeconds, startSeconds, startCpu, peakMegabytes, pauses);
    }

    double rate() {
        return records / seconds;
    }

    /** CPU seconds of a million records. */
    double cpuPerMillion() {
        return cpuSeconds / records * 1e6;
    }

    double pausesTotal() {
        return pauses.stream().mapToDouble(Double::doubleValue).sum();
    }

    double longestPause() {
        return pauses.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    }
}
