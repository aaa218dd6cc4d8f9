package io.cistern.reload;

import java.util.Arrays;

/**
 * A bound on offsets: that of a partition, or the one of all partitions that are not named.
 *
 * @param others     the bound of the others
 * @param partitions those with one of their own, in ascending order
 * @param bounds     theirs
 */
record Offsets(long others, int[] partitions, long[] bounds) {

    long of(int partition) {
        int at = Arrays.binarySearch(partitions, partition);
        return at < 0 ? others : bounds[at];
    }
}
