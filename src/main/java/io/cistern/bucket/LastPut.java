package io.cistern.bucket;

import java.io.IOException;
import java.util.function.LongSupplier;

/**
 * What became of the last file with contents that was put into the bucket. Empty files do not count: a full disk takes them.
 */
final class LastPut {

    private final LongSupplier nanoTime;
    private volatile Outcome outcome;

    /**
     * How a put ended.
     *
     * @param failure why the file could not be put; null if it was
     * @param length  bytes of the file
     * @param at      when it ended, in nanoseconds
     */
    record Outcome(IOException failure, long length, long at) {
    }

    LastPut(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        note(null, 0);
    }

    void succeeded(long length) {
        if (length > 0) {
            note(null, length);
        }
    }

    void failed(IOException failure, long length) {
        if (length > 0) {
            note(failure, length);
        }
    }

    private void note(IOException failure, long length) {
        outcome = new Outcome(failure, length, nanoTime.getAsLong());
    }

    /** That of the last put; before the first one a success at the start. */
    Outcome outcome() {
        return outcome;
    }
}
