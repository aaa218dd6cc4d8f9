package io.cistern.batch;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * The records of a batch file, read as a stream: memory holds a line and a buffer, whatever the file's size. At the file's
 * end it closes itself.
 */
public final class BatchFileReader implements Iterator<Record>, Closeable {

    private static final int LONGEST_LINE = Integer.MAX_VALUE - 64;

    private final String file;
    private final InputStream in;
    private final LineReader lines = new LineReader();
    private byte[] buffer = new byte[128 * 1024];
    private int from;
    private int to;
    private boolean ended;
    private long lineNumber;
    private Record next;

    /**
     * @param file its path in the bucket; the extension tells the compression
     * @param in   its bytes, closed with this reader, and if there comes to be none
     * @throws IOException if it does not start as a file of that compression
     */
    public BatchFileReader(String file, InputStream in) throws IOException {
        this.file = file;
        Compression compression = Compression.ofFileName(file);
        try {
            this.in = (compression == null ? Compression.NONE : compression).decompress(in);
        } catch (IOException e) {
            in.close();
            throw e;
        }
    }

    /**
     * Whether there is one more record.
     *
     * @throws BadLineException     if the next line is no record
     * @throws UncheckedIOException if the file cannot be read, or is not whole
     */
    @Override
    public boolean hasNext() {
        if (next == null) {
            next = read();
        }
        return next != null;
    }

    /** The next record; fails as {@link #hasNext} does. */
    @Override
    public Record next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        Record record = next;
        next = null;
        return record;
    }

    /** The number, from 1, of the line that was read last. */
    public long lineNumber() {
        return lineNumber;
    }

    private Record read() {
        int scanned = from;
        while (true) {
            for (int i = scanned; i < to; i++) {
                if (buffer[i] == '\n') {
                    Record record = decode(from, i);
                    from = i + 1;
                    return record;
                }
            }
            if (ended) {
                if (from == to) {
                    close();
                    return null;
                }
                Record record = decode(from, to);
                from = to;
                return record;
            }
            scanned = fill();
        }
    }

    private Record decode(int start, int end) {
        try {
            Record record = lines.read(buffer, start, end);
            lineNumber++;
            return record;
        } catch (IllegalArgumentException e) {
            throw new BadLineException(file, lineNumber + 1, e.getMessage());
        }
    }

    /** Reads more behind what is there, and returns where the new bytes start. */
    private int fill() {
        if (from > 0) {
            System.arraycopy(buffer, from, buffer, 0, to - from);
            to -= from;
            from = 0;
        }
        if (to == buffer.length) {
            if (to >= LONGEST_LINE) {
                throw new BadLineException(file, lineNumber + 1, "longer than " + LONGEST_LINE + " bytes");
            }
            buffer = Arrays.copyOf(buffer, (int) Math.min(LONGEST_LINE, buffer.length * 2L));
        }
        int start = to;
        try {
            int count = in.read(buffer, to, buffer.length - to);
            if (count < 0) {
                ended = true;
            } else {
                to += count;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(file + ", behind line " + lineNumber + ": "
                + (e.getMessage() == null ? "the file is not whole" : e.getMessage()), e);
        }
        return start;
    }

    @Override
    public void close() {
        try {
            in.close();
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": " + e.getMessage(), e);
        }
    }
}
