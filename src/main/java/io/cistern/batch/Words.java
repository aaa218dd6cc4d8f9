package io.cistern.batch;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Looks at eight bytes of a text at a time: a word, a long whose lowest byte is the first of them. A mask has the top bit
 * set of each byte of a word that is meant, and no others.
 */
final class Words {

    /** Bytes of a word. */
    static final int SIZE = 8;

    private static final VarHandle WORD = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long ONES = 0x0101010101010101L;
    private static final long TOPS = 0x8080808080808080L;
    private static final long QUOTES = ONES * '"';
    private static final long BACKSLASHES = ONES * '\\';
    private static final long SPACES = ONES * ' ';
    private static final long NEWLINES = ONES * '\n';

    private Words() {
    }

    static long get(byte[] from, int at) {
        return (long) WORD.get(from, at);
    }

    static void put(byte[] to, int at, long word) {
        WORD.set(to, at, word);
    }

    /** Which byte is the first one of a mask that is not 0. */
    static int first(long mask) {
        return Long.numberOfTrailingZeros(mask) >>> 3;
    }

    /**
     * A mask whose first byte is the first that a JSON string cannot hold as it is, or that is not ASCII; 0 if there is none.
     * The bytes behind it mean nothing, which is what makes this quick.
     */
    static long special(long word) {
        long quotes = word ^ QUOTES;
        long backslashes = word ^ BACKSLASHES;
        return (quotes - ONES & ~quotes | backslashes - ONES & ~backslashes | word - SPACES & ~word | word) & TOPS;
    }

    /** A mask of the quotes and backslashes. */
    static long escaped(long word) {
        return zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES);
    }

    /** A mask of the control characters. */
    static long controls(long word) {
        return ~((word & ~TOPS) + (TOPS - SPACES) | word) & TOPS;
    }

    private static long zeros(long word) {
        return ~((word & ~TOPS) + ~TOPS | word) & TOPS;
    }

    /** Where in {@code text[from, to)} the first byte is that {@link #special} means; {@code to} if there is none. */
    static int special(byte[] text, int from, int to) {
        int at = from;
        while (to - at >= SIZE) {
            long special = special(get(text, at));
            if (special != 0) {
                return at + first(special);
            }
            at += SIZE;
        }
        while (at < to && isPlain(text[at])) {
            at++;
        }
        return at;
    }

    private static boolean isPlain(byte b) {
        return b >= ' ' && b != '"' && b != '\\';
    }

    /**
     * Copies the bytes of {@code from[at, end)} up to the first that {@link #special} means, and returns how many that are.
     * Less than {@link #SIZE} bytes behind them are written over, for which there must be room.
     */
    static int copyPlain(byte[] from, int at, int end, byte[] to, int toAt) {
        int count = 0;
        while (end - at - count >= SIZE) {
            long word = get(from, at + count);
            put(to, toAt + count, word);
            long special = special(word);
            if (special != 0) {
                return count + first(special);
            }
            count += SIZE;
        }
        while (at + count < end && isPlain(from[at + count])) {
            to[toAt + count] = from[at + count];
            count++;
        }
        return count;
    }

    /** Whether the bytes of a word, or of several that were joined by or, are all ASCII. */
    static boolean isAscii(long words) {
        return (words & TOPS) == 0;
    }

    /** Where in {@code text[from, to)} the first newline is; {@code to} if there is none. */
    static int newline(byte[] text, int from, int to) {
        int at = from;
        while (to - at >= SIZE) {
            long newlines = zeros(get(text, at) ^ NEWLINES);
            if (newlines != 0) {
                return at + first(newlines);
            }
            at += SIZE;
        }
        while (at < to && text[at] != '\n') {
            at++;
        }
        return at;
    }
}
