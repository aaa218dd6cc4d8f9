package io.cistern.batch;

import io.cistern.Settings;
import java.util.List;

/**
 * The rule that says when a batch becomes a file: by its bytes, its records, its age, because memory is needed, or
 * because its partition starts again at another offset.
 */
public final class Rotation {

    /** Which rule closed a batch. */
    public enum Reason { BYTES, RECORDS, POLL, AGE, MEMORY, RESTART, STOP }

    private final Settings.Storer settings;
    private final OpenBatches openBatches;

    public Rotation(Settings settings, OpenBatches openBatches) {
        this.settings = settings.storer();
        this.openBatches = openBatches;
    }

    /** Whether the batch is to be closed, or is closed already; it is then, and knows why. */
    public boolean isDue(BatchFile file) {
        if (file.getRotatedBy() != null) {
            return true;
        }
        Reason reason = reason(file);
        if (reason == null) {
            return false;
        }
        file.finish(reason);
        openBatches.hold(file);
        return true;
    }

    private Reason reason(BatchFile file) {
        if (file.wanted() != null) {
            return file.wanted();
        }
        if (openBatches.isDraining()) {
            return Reason.STOP;
        }
        if (settings.maxBytesPerFile() == 0) {
            return Reason.POLL;
        }
        if (file.getLength() >= settings.maxBytesPerFile()) {
            return Reason.BYTES;
        }
        if (settings.maxRecordsPerFile() > 0 && file.getCount() >= settings.maxRecordsPerFile()) {
            return Reason.RECORDS;
        }
        return nanosLeft(file) <= 0 ? Reason.AGE : null;
    }

    /**
     * How many more records a batch takes until it is due.
     *
     * @param file the open batch, or null for a new one
     */
    public long recordsLeft(BatchFile file) {
        return settings.maxRecordsPerFile() == 0 ? Long.MAX_VALUE
            : settings.maxRecordsPerFile() - (file == null ? 0 : file.getCount());
    }

    /** How many more bytes of its file; likewise. */
    public long bytesLeft(BatchFile file) {
        // One file for each poll then, whatever its size.
        return settings.maxBytesPerFile() == 0 ? Long.MAX_VALUE
            : settings.maxBytesPerFile() - (file == null ? 0 : file.getLength());
    }

    /** Nanoseconds until the batch is too old, zero or less once it is. */
    public long nanosLeft(BatchFile file) {
        return file.openedNanos() + settings.cacheUploadTimeout().toNanos() - System.nanoTime();
    }

    /** Bytes that may be held over all partitions together. */
    public long maxHeldBytes() {
        return settings.maxCacheSize();
    }

    /** Of the open batches of a consumer those that are due without a record coming. */
    public List<BatchFile> due(List<BatchFile> open) {
        return open.stream().filter(file -> reason(file) != null).toList();
    }
}
