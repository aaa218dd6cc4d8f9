package io.cistern.batch;

import java.io.Closeable;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;

/**
 * The records of a batch file, read as a stream: memory holds a line and a buffer, whatever the file's size. At the file's
 * end it closes itself. A line that is no record is told once, and may be passed over: what is asked for next is the line
 * behind it. A byte order mark at the start and blank lines, which editors and other tools leave, are passed over.
 */
public final class BatchFileReader implements Iterator<Record>, Closeable {

    private static final int LONGEST_LINE = Integer.MAX_VALUE - 64;

    private static final byte[] BYTE_ORDER_MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

    private final String file;
    private final Source source;
    private final InputStream in;
    private final int longestLine;
    private final LineReader lines;
    private byte[] buffer = new byte[128 * 1024];
    private int from;
    private int to;
    private boolean ended;
    /** A line was longer than can be held: what comes up to its end belongs to it. */
    private boolean skips;
    private UncheckedIOException failure;
    private long lineNumber;
    private Record next;

    /**
     * @param file its path in the bucket; the extension tells the compression
     * @param in   its bytes, closed with this reader, and if there comes to be none
     * @throws IOException          if it cannot be read
     * @throws DamagedFileException if it does not start as a file of that compression
     */
    public BatchFileReader(String file, InputStream in) throws IOException {
        this(file, in, false);
    }

    /**
     * A reader that may ignore fields that it does not know; it throws as the other does.
     *
     * @param ignoresUnknownFields whether a line with such a field is a record, rather than refused
     */
    public BatchFileReader(String file, InputStream in, boolean ignoresUnknownFields) throws IOException {
        this(file, in, LONGEST_LINE, ignoresUnknownFields);
    }

    /** A reader to which a line of {@code longestLine} bytes is too long. */
    BatchFileReader(String file, InputStream in, int longestLine) throws IOException {
        this(file, in, longestLine, false);
    }

    private BatchFileReader(String file, InputStream in, int longestLine, boolean ignoresUnknownFields) throws IOException {
        this.file = file;
        this.lines = new LineReader(ignoresUnknownFields);
        this.longestLine = longestLine;
        this.source = new Source(in);
        Compression compression = Compression.ofFileName(file);
        try {
            this.in = (compression == null ? Compression.NONE : compression).decompress(source);
        } catch (IOException e) {
            in.close();
            if (source.hasFailed) {
                throw e;
            }
            throw damaged(e);
        }
    }

    /**
     * Whether there is one more record.
     *
     * @throws BadLineException     if the next line is no record; the next call goes on behind it
     * @throws DamagedFileException if the file is not whole; so does each call from then on
     * @throws UncheckedIOException if it cannot be read; so does each call from then on
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
            for (int newline; (newline = Words.newline(buffer, scanned, to)) < to; scanned = from) {
                int start = from;
                from = newline + 1;
                if (!skips && !isBlank(start, newline)) {
                    return decode(start, newline);
                }
                lineNumber += skips ? 0 : 1;
                skips = false;
            }
            if (skips) {
                from = to;
            }
            if (ended) {
                if (from == to) {
                    close();
                    return null;
                }
                int start = from;
                from = to;
                if (!isBlank(start, to)) {
                    return decode(start, to);
                }
                lineNumber++;
            }
            scanned = fill();
        }
    }

    private Record decode(int start, int end) {
        int afterMark = afterMark(start, end);
        lineNumber++;
        try {
            return lines.read(buffer, afterMark, end);
        } catch (IllegalArgumentException e) {
            throw badLine(start, end, false, e.getMessage());
        }
    }

    /** Whether a line holds only white space, besides the byte order mark of the file. */
    private boolean isBlank(int start, int end) {
        for (int i = afterMark(start, end); i < end; i++) {
            if (buffer[i] != ' ' && buffer[i] != '\t' && buffer[i] != '\r') {
                return false;
            }
        }
        return true;
    }

    /** Where the text of a line starts: the first line of a file may begin with a byte order mark. */
    private int afterMark(int start, int end) {
        return lineNumber == 0 && end - start >= BYTE_ORDER_MARK.length
            && Arrays.equals(buffer, start, start + BYTE_ORDER_MARK.length, BYTE_ORDER_MARK, 0, BYTE_ORDER_MARK.length)
            ? start + BYTE_ORDER_MARK.length : start;
    }

    private BadLineException badLine(int start, int end, boolean goesOn, String reason) {
        int kept = Math.min(end - start, BadLineException.MOST_BYTES);
        return new BadLineException(file, lineNumber, reason, Arrays.copyOfRange(buffer, start, start + kept),
            goesOn || kept < end - start);
    }

    /** Reads more behind what is there, and returns where the new bytes start. */
    private int fill() {
        if (failure != null) {
            throw failure;
        }
        if (from > 0) {
            System.arraycopy(buffer, from, buffer, 0, to - from);
            to -= from;
            from = 0;
        }
        if (to == buffer.length) {
            if (to >= longestLine) {
                lineNumber++;
                skips = true;
                from = to;
                throw badLine(0, to, true, "longer than " + longestLine + " bytes");
            }
            buffer = Arrays.copyOf(buffer, (int) Math.min(longestLine, buffer.length * 2L));
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
            failure = source.hasFailed
                ? new UncheckedIOException(file + ", behind line " + lineNumber + ": " + e.getMessage(), e) : damaged(e);
            throw failure;
        }
        return start;
    }

    private DamagedFileException damaged(IOException e) {
        return new DamagedFileException(file, lineNumber + 1, file + ", behind line " + lineNumber + ": "
            + (e.getMessage() == null ? "the file is not whole" : e.getMessage()), e);
    }

    @Override
    public void close() {
        try {
            in.close();
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": " + e.getMessage(), e);
        }
    }

    /** Tells bytes that do not come from bytes that are not what they should be. */
    private static final class Source extends FilterInputStream {

        private boolean hasFailed;

        private Source(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            try {
                return super.read();
            } catch (IOException e) {
                hasFailed = true;
                throw e;
            }
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            try {
                return super.read(bytes, offset, length);
            } catch (IOException e) {
                hasFailed = true;
                throw e;
            }
        }
    }
}
