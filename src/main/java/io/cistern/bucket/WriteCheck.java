package io.cistern.bucket;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Says whether files can be written to the bucket: by what became of the last one, and by writing a small file where nothing
 * was put for a while. A store that is full, or takes no more bytes of this account, may still list, read, and refuse a name
 * that is taken.
 */
final class WriteCheck {

    /** After a failure this long without another attempt, a file of its own tells whether the bucket takes files again. */
    static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(30);
    /** The bucket of a storer that has nothing to store is written to this often. */
    static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(60);
    static final String PROBE = FileFacts.FOLDER + "/.probe-write";
    static final int IDLE_BYTES = 1024;
    static final int MOST_BYTES = 64 * 1024;

    /** Writes a file. */
    interface Writer {

        /**
         * Writes a file, unless there is one of its name.
         *
         * @throws IOException if the store does not take it
         */
        void write(String path, Content content) throws IOException;
    }

    private final LastPut lastPut;
    private final Writer writer;
    private final LongSupplier nanoTime;

    /** @param writer notes in {@code lastPut} what becomes of what it writes */
    WriteCheck(LastPut lastPut, Writer writer, LongSupplier nanoTime) {
        this.lastPut = lastPut;
        this.writer = writer;
        this.nanoTime = nanoTime;
    }

    /** @throws IOException if files cannot be written; {@link BucketException#reason} says why */
    void check() throws IOException {
        LastPut.Outcome last = lastPut.outcome();
        long age = nanoTime.getAsLong() - last.at();
        if (last.failure() == null) {
            if (age > IDLE_NANOS) {
                // Whether the name is taken a store says at the end, or at once: the same file is tried again and again.
                writer.write(PROBE, zeros(IDLE_BYTES));
            }
        } else if (age > QUIET_NANOS) {
            // Only a new name is proof that the bucket takes files again. It stays, one for each outage that ends like this.
            writer.write(PROBE + "-" + UUID.randomUUID(), zeros((int) Math.min(MOST_BYTES, last.length())));
        } else {
            throw last.failure();
        }
    }

    private static Content zeros(int length) {
        byte[] bytes = new byte[length];
        return new Content() {
            @Override
            public InputStream getInputStream() {
                return new ByteArrayInputStream(bytes);
            }

            @Override
            public long getLength() {
                return bytes.length;
            }
        };
    }
}
