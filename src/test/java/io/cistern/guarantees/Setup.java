package io.cistern.guarantees;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;

/**
 * The configuration of a round, all of which follows from its seed: to repeat a round, its seed and length are enough.
 *
 * @param seed        of the faults, their times, and the load
 * @param protocol    how the group of the storers shares partitions
 * @param exactlyOnce whether post-ingestion topics and events get everything exactly once; else at least once
 * @param compression a value of BSS_COMPRESSION
 * @param consumers   consumers of each storer
 * @param seconds     how long faults are made
 */
record Setup(long seed, Protocol protocol, boolean exactlyOnce, String compression, int consumers, int seconds) {

    enum Protocol { EAGER, COOPERATIVE, CONSUMER }

    private static final List<String> COMPRESSIONS = List.of("none", "gzip", "zstd");
    /** So many seeds in a row have all configurations; of three in a row two are exactly once. */
    private static final int BLOCK = 54;
    private static final int PARTS = 3;

    static Setup of(long seed, int seconds) {
        int kind = Math.floorMod(seed, BLOCK);
        Protocol protocol = Protocol.values()[kind % PARTS];
        boolean exactlyOnce = (kind + kind / PARTS) % PARTS != 1;
        return new Setup(seed, protocol, exactlyOnce, COMPRESSIONS.get(kind / 9 % 3), 1 + kind / 27, seconds);
    }

    /**
     * Fresh seeds of three rounds that have all protocols, two of them with exactly once, and each another third of all
     * kinds of faults in its beginning.
     */
    static List<Long> threeSeeds(Random random) {
        List<Long> seeds = new ArrayList<>();
        long block = random.nextInt(1_000_000) * (long) BLOCK;
        int first = random.nextInt(PARTS) * PARTS;
        for (int i = 0; i < PARTS; i++) {
            seeds.add(block + first + i + 9L * random.nextInt(BLOCK / 9));
        }
        Collections.shuffle(seeds, random);
        return seeds;
    }

    /** Kinds of faults in the order in which they are made first. */
    List<String> order(Collection<String> kinds) {
        List<String> order = new ArrayList<>(new TreeSet<>(kinds));
        Collections.shuffle(order, new Random(Math.floorDiv(seed, BLOCK)));
        Collections.rotate(order, -protocol.ordinal() * ((order.size() + PARTS - 1) / PARTS));
        return order;
    }

    @Override
    public String toString() {
        return "seed " + seed + ": " + protocol.name().toLowerCase() + ", " + (exactlyOnce ? "exactly" : "at least")
            + " once, compression " + compression + ", " + consumers + " consumers, " + seconds + " s";
    }
}
