package io.cistern.batch;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Objects;

/**
 * The bytes of several arrays behind each other. It can be marked and reset at any distance, as an upload needs that is
 * tried again. Whoever reads it after its end is told so, as an upload that was given up and does not know it: the arrays hold
 * something else then.
 */
final class ChunksInputStream extends InputStream {

    private final List<byte[]> chunks;
    private final int lastLength;
    private int chunk;
    private int position;
    private int markedChunk;
    private int markedPosition;
    private boolean ended;

    /**
     * @param chunks     at least one; none is changed while the stream is read
     * @param lastLength how many bytes of the last one belong to it
     */
    ChunksInputStream(List<byte[]> chunks, int lastLength) {
        this.chunks = chunks;
        this.lastLength = lastLength;
    }

    /** Nothing is read from now on; when this returns nobody is reading. */
    synchronized void end() {
        ended = true;
    }

    private int length(int index) {
        return index == chunks.size() - 1 ? lastLength : chunks.get(index).length;
    }

    /** Whether there are more bytes; moves on to the chunk of the next one. */
    private boolean hasMore() throws IOException {
        if (ended) {
            throw new IOException("The bytes of a batch file are gone once it is acknowledged");
        }
        while (position == length(chunk) && chunk < chunks.size() - 1) {
            chunk++;
            position = 0;
        }
        return position < length(chunk);
    }

    @Override
    public synchronized int read() throws IOException {
        return hasMore() ? chunks.get(chunk)[position++] & 0xff : -1;
    }

    @Override
    public synchronized int read(byte[] bytes, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, bytes.length);
        if (length == 0) {
            return 0;
        }
        if (!hasMore()) {
            return -1;
        }
        int count = Math.min(length, length(chunk) - position);
        System.arraycopy(chunks.get(chunk), position, bytes, offset, count);
        position += count;
        return count;
    }

    @Override
    public synchronized long skip(long bytes) throws IOException {
        if (bytes <= 0 || !hasMore()) {
            return 0;
        }
        int count = (int) Math.min(bytes, length(chunk) - position);
        position += count;
        return count;
    }

    @Override
    public synchronized int available() throws IOException {
        return hasMore() ? length(chunk) - position : 0;
    }

    @Override
    public boolean markSupported() {
        return true;
    }

    @Override
    public synchronized void mark(int readLimit) {
        markedChunk = chunk;
        markedPosition = position;
    }

    @Override
    public synchronized void reset() {
        chunk = markedChunk;
        position = markedPosition;
    }
}
