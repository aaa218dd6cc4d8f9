package io.cistern.batch;

/** A line of a batch file that is no record. Not worth a retry: the file says the same each time. */
public class BadLineException extends RuntimeException {

    private final String file;
    private final long line;

    /**
     * @param file   the file's path in the bucket
     * @param line   the line's number, from 1
     * @param reason what was expected; no contents of the line
     */
    public BadLineException(String file, long line, String reason) {
        super(file + ", line " + line + ": " + reason);
        this.file = file;
        this.line = line;
    }

    /** The file's path in the bucket. */
    public String file() {
        return file;
    }

    /** The line's number, from 1. */
    public long line() {
        return line;
    }
}
