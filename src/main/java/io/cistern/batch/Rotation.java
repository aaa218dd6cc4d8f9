package io.cistern.batch;

import io.cistern.Settings;
import java.util.List;

/** The rule that says when a batch becomes a file: by its bytes, its records, its age, or because memory is needed. */
public final class Rotation {

    /** Which rule closed a batch. */
    public enum Reason { BYTES, RECORDS, POLL, AGE, MEMORY, STOP }

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
        if (file.isWanted()) {
            return Reason.MEMORY;
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
