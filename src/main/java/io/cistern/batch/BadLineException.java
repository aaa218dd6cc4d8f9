package io.cistern.batch;

/** A line of a batch file that is no record. Not worth a retry: the file says the same each time. */
public class BadLineException extends RuntimeException {

    /** Of a longer line only so many bytes are kept. */
    static final int MOST_BYTES = 1 << 20;

    private final String file;
    private final long line;
    private final byte[] bytes;
    private final boolean cut;

    /**
     * @param file   the file's path in the bucket
     * @param line   the line's number, from 1
     * @param reason what was expected; no contents of the line
     * @param bytes  the line, or the start of it
     * @param cut    whether there is more of it
     */
    BadLineException(String file, long line, String reason, byte[] bytes, boolean cut) {
        super(file + ", line " + line + ": " + reason);
        this.file = file;
        this.line = line;
        this.bytes = bytes;
        this.cut = cut;
    }

    /** The file's path in the bucket. */
    public String file() {
        return file;
    }

    /** The line's number, from 1. */
    public long line() {
        return line;
    }

    /**
     * The line as it is in the file, without its newline, or its first megabyte; not copied. For no log: it may hold
     * anything.
     */
    public byte[] bytes() {
        return bytes;
    }

    /** Whether the line is longer than {@link #bytes}. */
    public boolean cut() {
        return cut;
    }
}
