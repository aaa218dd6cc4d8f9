package io.cistern.batch;

import java.nio.charset.StandardCharsets;

/** Finds the end of a JSON value whose contents are not wanted, in the bytes of a line. */
final class JsonValueSkipper {

    private static final int MAX_DEPTH = 100;

    private final byte[] line;
    private final int end;
    private int at;

    private JsonValueSkipper(byte[] line, int at, int end) {
        this.line = line;
        this.at = at;
        this.end = end;
    }

    /**
     * The index after the value that starts at {@code at}, or after the white space there.
     *
     * @param end the index after the line's last byte
     * @throws IllegalArgumentException if it is not a JSON value; the message quotes no contents
     */
    static int skip(byte[] line, int at, int end) {
        JsonValueSkipper skipper = new JsonValueSkipper(line, at, end);
        skipper.value(0);
        return skipper.at;
    }

    private void value(int depth) {
        if (depth > MAX_DEPTH) {
            throw new IllegalArgumentException("a value of an unknown field is nested more than " + MAX_DEPTH + " levels deep");
        }
        switch (peek()) {
            case '"' -> string();
            case '{' -> items('}', depth, true);
            case '[' -> items(']', depth, false);
            default -> literal();
        }
    }

    private void items(char close, int depth, boolean areNamed) {
        at++;
        if (peek() == close) {
            at++;
            return;
        }
        while (true) {
            if (areNamed) {
                if (peek() != '"') {
                    throw malformed();
                }
                string();
                if (peek() != ':') {
                    throw malformed();
                }
                at++;
            }
            value(depth + 1);
            int next = peek();
            at++;
            if (next == close) {
                return;
            }
            if (next != ',') {
                throw malformed();
            }
        }
    }

    private void string() {
        for (at++; at < end; at++) {
            if (line[at] == '"') {
                at++;
                return;
            }
            if (line[at] == '\\') {
                at++;
            } else if (line[at] >= 0 && line[at] < ' ') {
                throw malformed();
            }
        }
        throw malformed();
    }

    /** A number, true, false or null. */
    private void literal() {
        int start = at;
        while (at < end && (Character.isLetterOrDigit(line[at]) || line[at] == '-' || line[at] == '+' || line[at] == '.')) {
            at++;
        }
        String text = new String(line, start, Math.min(at - start, 1000), StandardCharsets.ISO_8859_1);
        if (!text.matches("true|false|null|-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?")) {
            throw malformed();
        }
    }

    /** The next byte that is not white space, or -1 at the end. */
    private int peek() {
        while (at < end && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r')) {
            at++;
        }
        return at < end ? line[at] : -1;
    }

    private static IllegalArgumentException malformed() {
        return new IllegalArgumentException("the value of an unknown field is not valid JSON");
    }
}
