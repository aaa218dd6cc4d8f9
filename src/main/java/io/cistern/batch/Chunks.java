package io.cistern.batch;

import java.lang.ref.SoftReference;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Arrays that batch files are made of, to be used again: they live long enough to become old for the garbage collector, which
 * would stop the program for each round of them. There are never more than batch files held at a time, and those that are not
 * in use are given up where memory is needed for something else.
 */
final class Chunks {

    /** Bytes of a chunk. */
    static final int SIZE = 128 * 1024;

    private final Queue<SoftReference<byte[]>> free = new ConcurrentLinkedQueue<>();

    /** One that nobody uses; what is in it means nothing. */
    byte[] take() {
        for (SoftReference<byte[]> next = free.poll(); next != null; next = free.poll()) {
            byte[] chunk = next.get();
            if (chunk != null) {
                return chunk;
            }
        }
        return new byte[SIZE];
    }

    /** Takes one back that nobody reads any more; an array of another size is none. */
    void giveBack(byte[] chunk) {
        if (chunk.length == SIZE) {
            free.add(new SoftReference<>(chunk));
        }
    }
}
