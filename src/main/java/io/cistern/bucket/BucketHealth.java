package io.cistern.bucket;

import io.cistern.DependencyHealth;
import io.cistern.Settings;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;

/** Whether the bucket can be used, for writing too where there is a storer. */
public final class BucketHealth extends DependencyHealth {

    private final Bucket bucket;
    private final boolean write;
    /** The folder on this machine that is the bucket; empty for others. */
    private final String folder;

    public BucketHealth(Bucket bucket, Settings settings) {
        super("bucket");
        this.bucket = bucket;
        this.write = settings.roles().contains(Settings.Role.STORER);
        this.folder = settings.value("bss.bucket.type").equals("file")
            ? Path.of(settings.value("bss.bucket.name")).toAbsolutePath().normalize().toString() : "";
    }

    @Override
    protected void ask() throws IOException {
        bucket.check(write);
        if (write) {
            bucket.checkWrites();
        }
    }

    /** Leaves out where on this machine the bucket is: the details of probes may be for everybody. */
    @Override
    protected String reason(Exception failure) {
        if (folder.isEmpty()) {
            return super.reason(failure);
        }
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof FileSystemException file && file.getReason() != null) {
                return file.getClass().getSimpleName() + ": " + file.getReason();
            }
        }
        return super.reason(failure).replace(folder, "the bucket's folder");
    }
}
