package io.cistern.bucket;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A store returned other bytes than were written. */
public final class AlteredContentException extends IOException {

    /** The first line of a chunk in the content encoding {@code aws-chunked}: its size, and its signature where it is signed. */
    private static final Pattern CHUNK = Pattern.compile("[0-9a-fA-F]{1,8}(;chunk-signature=[0-9a-fA-F]+)?\r\n");
    private static final int LONGEST_CHUNK_LINE = 200;

    private final boolean framed;

    private AlteredContentException(String message, boolean framed) {
        super(message);
        this.framed = framed;
    }

    /**
     * Compares two contents.
     *
     * @return the exception that describes the difference; null if the contents are equal
     */
    static AlteredContentException of(byte[] written, byte[] read) {
        int difference = Arrays.mismatch(written, read);
        if (difference < 0) {
            return null;
        }
        boolean framed = isFramed(written, read);
        return new AlteredContentException("wrote " + written.length + " bytes and read back " + read.length + " bytes"
            + (framed ? ", with the framing of aws-chunked uploads between them" : ", different from byte " + difference + " on"),
            framed);
    }

    private static boolean isFramed(byte[] written, byte[] read) {
        String start = new String(read, 0, Math.min(read.length, LONGEST_CHUNK_LINE), StandardCharsets.ISO_8859_1);
        Matcher line = CHUNK.matcher(start);
        return line.lookingAt() && read.length >= line.end() + written.length
            && Arrays.equals(read, line.end(), line.end() + written.length, written, 0, written.length);
    }

    /** Whether the store kept the framing of aws-chunked uploads as part of the file. */
    public boolean isFramed() {
        return framed;
    }
}
