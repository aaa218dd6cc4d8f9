package io.cistern.batch;

import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The bytes of a batch file in the making: lines are encoded as records come, so that memory holds the file and not
 * objects. Compression is done in segments, each a member or frame of its own, so that a file that grows slowly does
 * not hold a compressor. Not thread-safe.
 */
final class BatchFileWriter {

    private static final int FIRST_CHUNK = 4 * 1024;
    /** Bytes of a full chunk, and of the text of a compressed segment. */
    static final int CHUNK = Chunks.SIZE;

    private static final byte[] NONE = {};

    private final Compression compression;
    private final LineWriter lines;
    private final Chunks pool;
    /** What reads the file, or has read it. */
    private final List<ChunksInputStream> streams = new ArrayList<>();
    /** Full chunks: text, or compressed segments. */
    private final List<byte[]> chunks = new ArrayList<>();
    private long chunkBytes;
    private byte[] open = new byte[FIRST_CHUNK];
    private int openLength;

    /** A writer that encodes with {@code lines}, which it may share with others of the same thread. */
    BatchFileWriter(Compression compression, LineWriter lines, Chunks pool) {
        this.compression = compression;
        this.lines = lines;
        this.pool = pool;
    }

    void append(Record record) {
        lines.write(record);
        append(lines.buffer(), lines.length());
    }

    private void append(byte[] bytes, int length) {
        int from = 0;
        while (from < length) {
            if (openLength == open.length) {
                growOrClose();
            }
            int count = Math.min(length - from, open.length - openLength);
            System.arraycopy(bytes, from, open, openLength, count);
            openLength += count;
            from += count;
        }
    }

    private void growOrClose() {
        if (open.length == CHUNK / 2) {
            byte[] chunk = pool.take();
            System.arraycopy(open, 0, chunk, 0, openLength);
            open = chunk;
        } else if (open.length < CHUNK) {
            open = Arrays.copyOf(open, open.length * 2);
        } else if (compression == Compression.NONE) {
            chunks.add(open);
            chunkBytes += openLength;
            open = pool.take();
            openLength = 0;
        } else {
            closeSegment();
        }
    }

    private void closeSegment() {
        byte[] segment = compression.compress(open, openLength);
        chunks.add(segment);
        chunkBytes += segment.length;
        openLength = 0;
    }

    /** Bytes of memory that this writer holds. */
    long heldBytes() {
        return open == null ? 0 : chunkBytes + open.length;
    }

    /** Bytes by which that grows, at the most, when this many are appended. */
    long growth(long bytes) {
        return capacity(open.length, openLength + bytes) - open.length;
    }

    /** Bytes that a new writer comes to hold, at the most, when this many are appended. */
    static long growthOfNew(long bytes) {
        return capacity(FIRST_CHUNK, bytes);
    }

    private static long capacity(long chunk, long needed) {
        long capacity = chunk;
        while (capacity < needed && capacity < CHUNK) {
            capacity *= 2;
        }
        return capacity >= needed ? capacity : (needed + CHUNK - 1) / CHUNK * CHUNK;
    }

    /** Bytes of the file so far; with compression, what is not compressed yet counts as it is. */
    long length() {
        return chunkBytes + openLength;
    }

    /** Ends the file; nothing may be appended after. */
    void finish() {
        if (compression != Compression.NONE && openLength > 0) {
            closeSegment();
            pool.giveBack(open);
            open = NONE;
        }
    }

    /** The file is needed no more: whatever still reads it fails, and its chunks become others'. */
    void release() {
        if (open == null) {
            return;
        }
        streams.forEach(ChunksInputStream::end);
        streams.clear();
        chunks.forEach(pool::giveBack);
        chunks.clear();
        pool.giveBack(open);
        open = null;
    }

    /** The file's bytes from the start; each call gives a stream of its own, which can be marked and reset. */
    InputStream inputStream() {
        if (open == null) {
            throw new IllegalStateException("The bytes of a batch file are gone once it is acknowledged");
        }
        List<byte[]> parts = new ArrayList<>(chunks);
        parts.add(open);
        ChunksInputStream stream = new ChunksInputStream(parts, openLength);
        streams.add(stream);
        return stream;
    }
}
