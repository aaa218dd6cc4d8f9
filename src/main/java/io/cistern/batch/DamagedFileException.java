package io.cistern.batch;

import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * All bytes of a batch file came, and they are no whole file: it ends within its compression, for example. Not worth a retry:
 * the file is the same each time.
 */
public final class DamagedFileException extends UncheckedIOException {

    private final String file;
    private final long line;

    /**
     * @param file   the file's path in the bucket
     * @param line   the number, from 1, of the line that cannot be read
     * @param message names the file; no contents
     */
    public DamagedFileException(String file, long line, String message, IOException cause) {
        super(message, cause);
        this.file = file;
        this.line = line;
    }

    /** The file's path in the bucket. */
    public String file() {
        return file;
    }

    /** The number, from 1, of the line that cannot be read. */
    public long line() {
        return line;
    }
}
