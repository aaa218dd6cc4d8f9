package io.cistern.bucket;

import io.cistern.DependencyHealth;
import io.cistern.Settings;
import java.io.IOException;

/** Whether the bucket can be used, for writing too where there is a storer. */
public final class BucketHealth extends DependencyHealth {

    private final Bucket bucket;
    private final boolean write;

    public BucketHealth(Bucket bucket, Settings settings) {
        super("bucket");
        this.bucket = bucket;
        this.write = settings.roles().contains(Settings.Role.STORER);
    }

    @Override
    protected void ask() throws IOException {
        bucket.check(write);
    }
}
