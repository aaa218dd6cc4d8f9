package io.cistern.guarantees;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Random;

/**
 * The rounds that all classes of this package look at, run when the first one asks. Three by default; with
 * {@code soak.minutes} as many as begin in that time; with {@code guarantees.seed} that one.
 */
final class Rounds {

    /** Of the classes that look at them: the soak's profile runs these. */
    static final String TAG = "rounds";

    private static final int SECONDS = 25;
    private static final int SECONDS_OF_SOAK = 60;

    private static Evidence evidence;
    private static Exception failure;

    private Rounds() {
    }

    /**
     * What was seen in all rounds together.
     *
     * @throws IllegalStateException if a round itself failed, so that nothing can be said
     */
    static synchronized Evidence evidence() {
        if (evidence == null && failure == null) {
            try {
                evidence = run();
            } catch (Exception e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw new IllegalStateException("No evidence: a round failed", failure);
        }
        return evidence;
    }

    /** The promise was looked at, and kept. */
    static void assertKept(Promise promise) {
        Evidence all = evidence();
        assertThat(all.breaks(promise))
            .as("breaks of %s, for example%n%s", promise, String.join("\n", all.samples(promise))).isZero();
        assertThat(all.checks(promise)).as("checks of %s", promise).isPositive();
    }

    private static Evidence run() throws Exception {
        Evidence all = new Evidence("all");
        Random random = new Random();
        long minutes = Long.getLong("soak.minutes", 0);
        Long seed = Long.getLong("guarantees.seed");
        int seconds = Integer.getInteger("guarantees.seconds", minutes > 0 ? SECONDS_OF_SOAK : SECONDS);
        long end = System.nanoTime() + Duration.ofMinutes(minutes).toNanos();
        int rounds = 0;
        try {
            do {
                for (long next : seed != null ? List.of(seed) : Setup.threeSeeds(random)) {
                    if (rounds == 0 || minutes == 0 || System.nanoTime() < end) {
                        all.add(new Round(Setup.of(next, seconds)).run());
                        rounds++;
                    }
                }
            } while (System.nanoTime() < end && seed == null);
        } finally {
            System.out.println(all.table("GUARANTEES: " + rounds + " rounds"));
        }
        return all;
    }
}
