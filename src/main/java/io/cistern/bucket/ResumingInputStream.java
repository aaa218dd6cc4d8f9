package io.cistern.bucket;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bytes of a file in the bucket. A read that breaks off goes on where it was with a new request; the end is only taken
 * for the end when as many bytes have come as the store says that the file has.
 */
final class ResumingInputStream extends InputStream {

    private static final Logger LOG = LoggerFactory.getLogger(ResumingInputStream.class);

    /** Asks the store for a file from a byte on. */
    interface Source {

        /** @throws NoSuchFileException if there is no such file */
        Part open(long from) throws IOException;

        /** Why reading broke off, for people. */
        default String reason(Exception failure) {
            return BucketException.reason(failure);
        }
    }

    /**
     * A stream of a file's rest.
     *
     * @param size bytes of the whole file
     */
    record Part(InputStream bytes, long size) {
    }

    private final String path;
    private final Source source;
    private final int retries;
    private final Duration delay;
    private final Duration delayMax;
    private final long size;
    private InputStream part;
    private long position;
    private int failures;

    /**
     * Opens the file.
     *
     * @param retries  how often in a row a read that brings nothing is asked for again
     * @param delay    before the first of these; it doubles with each
     * @param delayMax what it grows to at the most
     * @throws IOException as {@code source} does
     */
    ResumingInputStream(String path, Source source, int retries, Duration delay, Duration delayMax) throws IOException {
        this.path = path;
        this.source = source;
        this.retries = retries;
        this.delay = delay;
        this.delayMax = delayMax;
        Part first = source.open(0);
        this.part = first.bytes();
        this.size = first.size();
    }

    /** Bytes of the whole file. */
    long size() {
        return size;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        if (length == 0) {
            return 0;
        }
        while (true) {
            Exception failure;
            try {
                int count = part == null ? -1 : part.read(bytes, offset, length);
                if (count > 0) {
                    position += count;
                    failures = 0;
                    if (position > size) {
                        throw new BucketException("get", path, "more than its " + size + " bytes came", null);
                    }
                    return count;
                }
                if (position == size) {
                    return -1;
                }
                failure = new EOFException("the stream ended early");
            } catch (BucketException e) {
                throw e;
            } catch (IOException | RuntimeException e) {
                failure = e;
            }
            resume(failure);
        }
    }

    private void resume(Exception failure) throws IOException {
        closePart();
        String reason = "reading broke off after " + position + " of " + size + " bytes: " + source.reason(failure);
        if (failures == retries) {
            throw new BucketException("get", path, reason, failure);
        }
        LOG.warn("Read again from there: file={} reason={}", path, reason);
        rest(Math.min(delay.toMillis() << Math.min(failures, 20), delayMax.toMillis()));
        failures++;
        try {
            Part next = source.open(position);
            part = next.bytes();
            if (next.size() != size) {
                closePart();
                throw new BucketException("get", path, "it had " + size + " bytes, and now has " + next.size(), failure);
            }
        } catch (NoSuchFileException e) {
            throw new BucketException("get", path, "it is gone after " + position + " of " + size + " bytes", e);
        } catch (BucketException e) {
            if (part != null || failures == retries) {
                throw e;
            }
            // The next read finds no part, and tries again.
            LOG.debug("Not opened again: {}", e.getMessage());
        }
    }

    private static void rest(long millis) throws IOException {
        try {
            Thread.sleep(millis / 2 + ThreadLocalRandom.current().nextLong(millis / 2 + 1));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted");
        }
    }

    private void closePart() {
        if (part != null) {
            try {
                part.close();
            } catch (IOException | RuntimeException e) {
                LOG.debug("{}: closing a broken stream: {}", path, e.getMessage());
            }
            part = null;
        }
    }

    @Override
    public void close() {
        closePart();
    }
}
