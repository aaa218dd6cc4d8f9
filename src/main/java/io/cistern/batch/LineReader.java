package io.cistern.batch;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * Reads a line of a batch file, as {@link LineWriter} and the reference system write it: any valid JSON object with the
 * known fields, in any order. The field {@code reload} is passed over: a header says the same. An unknown field is
 * refused, so that its contents are not lost silently, unless the reader is told to ignore such fields.
 *
 * <p>Not thread-safe.
 */
final class LineReader {

    private static final List<Record.Header> NO_HEADERS = List.of();
    /** Each with a bit for {@link #once}, the required ones first. */
    private static final List<String> FIELDS = List.of("timestamp", "partition", "offset", "key", "payload", "keyEncoding",
        "payloadEncoding", "headers", "timestampType", "reload");
    private static final int REQUIRED = 5;
    /** As {@link LineWriter} writes the fields' names, and by the field before it, from none on, which it writes next. */
    private static final List<byte[]> NAMES = FIELDS.stream()
        .map(field -> ('"' + field + "\":").getBytes(StandardCharsets.US_ASCII)).toList();
    private static final int[] NEXT = {0, 1, 2, 3, 4, 7, 4, 7, 8, 9, 0};
    private static final List<String> HEADER_FIELDS = List.of("key", "value", "encoding");
    private static final int REQUIRED_OF_HEADER = 2;

    /** For each character behind a backslash what both stand for; 0 for those that stand for nothing by themselves. */
    private static final byte[] MEANT = new byte[128];

    static {
        String escapes = "\"\\/btnfr";
        String meant = "\"\\/\b\t\n\f\r";
        for (int i = 0; i < escapes.length(); i++) {
            MEANT[escapes.charAt(i)] = (byte) meant.charAt(i);
        }
    }

    /** What {@link #readName} returns for an unknown field that is ignored. */
    private static final int IGNORED = -1;

    private final boolean ignoresUnknownFields;
    private final Timestamps timestamps = new Timestamps();
    private byte[] line;
    private int at;
    private int end;
    /** The string read last: its bytes with the escapes undone are text[textFrom, textTo). */
    private byte[] text;
    private int textFrom;
    private int textTo;
    private byte[] unescaped = new byte[256];

    LineReader() {
        this(false);
    }

    LineReader(boolean ignoresUnknownFields) {
        this.ignoresUnknownFields = ignoresUnknownFields;
    }

    /**
     * The record of the line {@code bytes[from, to)}, its newline not included.
     *
     * @throws IllegalArgumentException if it is none; the message says what was expected, and quotes no contents
     */
    Record read(byte[] bytes, int from, int to) {
        line = bytes;
        at = from;
        end = to;
        int seen = 0;
        long timestamp = 0;
        long partition = 0;
        long offset = 0;
        byte[] key = null;
        byte[] payload = null;
        boolean keyIsBase64 = false;
        boolean payloadIsBase64 = false;
        List<Record.Header> headers = NO_HEADERS;
        Record.TimestampType type = Record.TimestampType.CREATE_TIME;

        expect('{');
        if (!skipIf('}')) {
            int field = -1;
            do {
                field = readField(NEXT[field + 1]);
                if (field == IGNORED) {
                    at = JsonValueSkipper.skip(line, at, end);
                    continue;
                }
                seen = once(seen, field, FIELDS, "");
                switch (field) {
                    case 0 -> timestamp = readTimestamp();
                    case 1 -> partition = readNumber("partition", Integer.MAX_VALUE);
                    case 2 -> offset = readNumber("offset", Long.MAX_VALUE);
                    case 3 -> key = readBytes("key");
                    case 4 -> payload = readBytes("payload");
                    case 5 -> keyIsBase64 = readEncoding("keyEncoding");
                    case 6 -> payloadIsBase64 = readEncoding("payloadEncoding");
                    case 7 -> headers = readHeaders();
                    case 8 -> type = readTimestampType();
                    case 9 -> readString("reload");
                    default -> throw new AssertionError(field);
                }
            } while (skipIf(','));
            expect('}');
        }
        skipSpace();
        if (at != end) {
            throw new IllegalArgumentException("more text behind the JSON object, at column " + (at - from + 1));
        }
        require(seen, FIELDS, REQUIRED, "");
        return new Record((int) partition, offset, timestamp, type,
            keyIsBase64 ? decode(key, "key") : key,
            payloadIsBase64 ? decode(payload, "payload") : payload, headers);
    }

    private List<Record.Header> readHeaders() {
        List<Record.Header> headers = new ArrayList<>();
        expect('[');
        if (skipIf(']')) {
            return headers;
        }
        do {
            String name = null;
            byte[] value = null;
            boolean isBase64 = false;
            int seen = 0;
            expect('{');
            do {
                int field = readName(HEADER_FIELDS, "headers.");
                if (field == IGNORED) {
                    at = JsonValueSkipper.skip(line, at, end);
                    continue;
                }
                seen = once(seen, field, HEADER_FIELDS, "headers.");
                switch (field) {
                    case 0 -> {
                        readString("headers.key");
                        name = new String(text, textFrom, textTo - textFrom, StandardCharsets.UTF_8);
                    }
                    case 1 -> value = readBytes("headers.value");
                    case 2 -> isBase64 = readEncoding("headers.encoding");
                    default -> throw new AssertionError(field);
                }
            } while (skipIf(','));
            expect('}');
            require(seen, HEADER_FIELDS, REQUIRED_OF_HEADER, "headers.");
            headers.add(new Record.Header(name, isBase64 ? decode(value, "headers.value") : value));
        } while (skipIf(','));
        expect(']');
        return headers;
    }

    /** Reads a field's name and the colon behind it; {@code expected} is recognised at once. */
    private int readField(int expected) {
        byte[] name = NAMES.get(expected);
        int behind = at + name.length;
        if (behind <= end && Arrays.equals(line, at, behind, name, 0, name.length)) {
            at = behind;
            return expected;
        }
        return readName(FIELDS, "");
    }

    private int readName(List<String> fields, String prefix) {
        readString("a field's name");
        for (int i = 0; i < fields.size(); i++) {
            if (isText(fields.get(i))) {
                expect(':');
                return i;
            }
        }
        if (ignoresUnknownFields) {
            expect(':');
            return IGNORED;
        }
        throw new IllegalArgumentException("unknown field " + prefix + printable());
    }

    /** Whether the string read last is an ASCII text. */
    private boolean isText(String ascii) {
        int length = textTo - textFrom;
        int i = 0;
        while (length == ascii.length() && i < length && text[textFrom + i] == ascii.charAt(i)) {
            i++;
        }
        return i == ascii.length();
    }

    /** The fields seen, with this one: one that comes again would lose what it said before. */
    private static int once(int seen, int field, List<String> fields, String prefix) {
        if ((seen >> field & 1) != 0) {
            throw new IllegalArgumentException("field " + prefix + fields.get(field) + " is there twice");
        }
        return seen | 1 << field;
    }

    /** Refuses an object that lacks one of the first {@code required} fields. */
    private static void require(int seen, List<String> fields, int required, String prefix) {
        int missing = Integer.numberOfTrailingZeros(~seen);
        if (missing < required) {
            throw new IllegalArgumentException("field " + prefix + fields.get(missing) + " is missing");
        }
    }

    /** The string read last, fit for a message: cut short, and without control characters. */
    private String printable() {
        String whole = new String(text, textFrom, Math.min(textTo - textFrom, 64), StandardCharsets.UTF_8);
        return whole.replaceAll("\\p{Cntrl}", "?");
    }

    private long readTimestamp() {
        readString("timestamp");
        try {
            return timestamps.read(text, textFrom, textTo - textFrom);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException("field timestamp: expected a time like 2022-11-14T13:26:37.728Z", e);
        }
    }

    private Record.TimestampType readTimestampType() {
        readString("timestampType");
        String name = new String(text, textFrom, textTo - textFrom, StandardCharsets.UTF_8);
        for (Record.TimestampType type : Record.TimestampType.values()) {
            if (type.kafkaName().equals(name)) {
                return type;
            }
        }
        throw new IllegalArgumentException("field timestampType: expected CreateTime, LogAppendTime or NoTimestampType");
    }

    private boolean readEncoding(String field) {
        readString(field);
        if (!"base64".equals(new String(text, textFrom, textTo - textFrom, StandardCharsets.UTF_8))) {
            throw new IllegalArgumentException("field " + field + ": expected \"base64\"");
        }
        return true;
    }

    private static byte[] decode(byte[] base64, String field) {
        try {
            return base64 == null ? null : Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("field " + field + ": expected base64", e);
        }
    }

    private long readNumber(String field, long greatest) {
        skipSpace();
        int start = at;
        long number = 0;
        while (at < end && line[at] >= '0' && line[at] <= '9') {
            int digit = line[at++] - '0';
            if (number > (greatest - digit) / 10) {
                throw new IllegalArgumentException("field " + field + ": expected a number up to " + greatest);
            }
            number = number * 10 + digit;
        }
        if (at == start || at - start > 1 && line[start] == '0') {
            throw new IllegalArgumentException("field " + field + ": expected a whole number from 0");
        }
        return number;
    }

    private byte[] readBytes(String field) {
        skipSpace();
        if (end - at >= 4 && line[at] == 'n' && line[at + 1] == 'u' && line[at + 2] == 'l' && line[at + 3] == 'l') {
            at += 4;
            return null;
        }
        readString(field);
        return Arrays.copyOfRange(text, textFrom, textTo);
    }

    /** Reads a string into {@link #text}: the line itself where nothing is escaped. */
    private void readString(String what) {
        skipSpace();
        if (at == end || line[at] != '"') {
            throw new IllegalArgumentException(
                (what.startsWith("a field") ? what : "field " + what) + ": expected a string");
        }
        int start = ++at;
        while (true) {
            at = Words.special(line, at, end);
            if (at == end) {
                throw new IllegalArgumentException("the line ends inside a string");
            }
            byte b = line[at];
            if (b == '"') {
                text = line;
                textFrom = start;
                textTo = at++;
                return;
            }
            if (b == '\\') {
                readEscaped(start);
                return;
            }
            if (b >= 0) {
                throw controlCharacter();
            }
            skipSequence();
        }
    }

    private void readEscaped(int start) {
        // Undoing an escape never makes a text longer.
        if (unescaped.length < end - start + Words.SIZE) {
            unescaped = new byte[end - start + Words.SIZE];
        }
        int to = at - start;
        System.arraycopy(line, start, unescaped, 0, to);
        while (true) {
            int plain = Words.copyPlain(line, at, end, unescaped, to);
            at += plain;
            to += plain;
            if (at == end) {
                throw new IllegalArgumentException("the line ends inside a string");
            }
            byte b = line[at];
            if (b == '\\') {
                to = readEscape(to);
            } else if (b == '"') {
                at++;
                text = unescaped;
                textFrom = 0;
                textTo = to;
                return;
            } else if (b < 0) {
                for (int from = at, behind = from + skipSequence(); from < behind; from++) {
                    unescaped[to++] = line[from];
                }
            } else {
                throw controlCharacter();
            }
        }
    }

    private int readEscape(int to) {
        at++;
        byte escape = at < end ? line[at++] : 0;
        byte meant = escape < 0 ? 0 : MEANT[escape];
        if (meant != 0) {
            unescaped[to] = meant;
            return to + 1;
        }
        if (escape != 'u') {
            throw new IllegalArgumentException("an escape in a string that JSON does not know");
        }
        int codePoint = readHex();
        if (Character.isHighSurrogate((char) codePoint) && end - at >= 6 && line[at] == '\\' && line[at + 1] == 'u') {
            at += 2;
            int low = readHex();
            if (!Character.isLowSurrogate((char) low)) {
                throw loneSurrogate();
            }
            codePoint = Character.toCodePoint((char) codePoint, (char) low);
        } else if (Character.isSurrogate((char) codePoint)) {
            throw loneSurrogate();
        }
        byte[] utf8 = Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
        System.arraycopy(utf8, 0, unescaped, to, utf8.length);
        return to + utf8.length;
    }

    private int readHex() {
        if (end - at < 4) {
            throw new IllegalArgumentException("the line ends inside a string");
        }
        int number = 0;
        for (int i = 0; i < 4; i++) {
            int digit = Character.digit(line[at++], 16);
            if (digit < 0) {
                throw new IllegalArgumentException("an escape in a string that is no \\uXXXX");
            }
            number = number << 4 | digit;
        }
        return number;
    }

    private int skipSequence() {
        int length = Utf8.sequenceLength(line, at);
        if (length == 0 || at + length > end) {
            throw new IllegalArgumentException("bytes in a string that are no UTF-8");
        }
        at += length;
        return length;
    }

    private static IllegalArgumentException controlCharacter() {
        return new IllegalArgumentException("a control character in a string that is not escaped");
    }

    private static IllegalArgumentException loneSurrogate() {
        return new IllegalArgumentException("half of a surrogate pair in a string: the character was lost when it was written");
    }

    private void expect(char character) {
        skipSpace();
        if (at == end || line[at] != character) {
            throw new IllegalArgumentException("no JSON object of a record: expected " + character);
        }
        at++;
    }

    private boolean skipIf(char character) {
        skipSpace();
        if (at < end && line[at] == character) {
            at++;
            return true;
        }
        return false;
    }

    private void skipSpace() {
        while (at < end && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r')) {
            at++;
        }
    }
}
