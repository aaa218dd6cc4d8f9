package io.cistern.batch;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;

/** Timestamps as batch files and their names write them: ISO 8601 in UTC with milliseconds, {@code 2022-11-14T13:26:37.728Z}. */
public final class Timestamps {

    private static final long DAY = 86_400_000;
    /** The days of the years 0 to 9999, which are written in 24 characters. */
    private static final long FIRST_DAY = Instant.parse("0000-01-01T00:00:00Z").toEpochMilli() / DAY;
    private static final long LAST_DAY = Instant.parse("9999-12-31T00:00:00Z").toEpochMilli() / DAY;

    private long cachedDay = Long.MIN_VALUE;
    private final byte[] date = new byte[10];

    /** {@code epochMillis} as text; years outside 0 to 9999 get a sign, as ISO 8601 asks. */
    public static String format(long epochMillis) {
        byte[] text = new byte[40];
        int length = new Timestamps().write(epochMillis, text, 0);
        return new String(text, 0, length, StandardCharsets.US_ASCII);
    }

    /**
     * The milliseconds since the epoch of a text that {@link #format} or any ISO 8601 writer made; what is finer than a
     * millisecond is cut off.
     *
     * @throws DateTimeException if it is no such text, or a time that milliseconds in a long cannot say
     */
    public static long parse(CharSequence text) {
        try {
            return DateTimeFormatter.ISO_INSTANT.parse(text, Instant::from).toEpochMilli();
        } catch (ArithmeticException e) {
            throw new DateTimeException("year out of range", e);
        }
    }

    /**
     * Writes {@code epochMillis} at {@code to[at]}, which must have room for 40 bytes, and returns the position behind
     * it. An instance remembers the day it wrote last, since a batch's records mostly share it; it is not thread-safe.
     */
    int write(long epochMillis, byte[] to, int at) {
        long day = Math.floorDiv(epochMillis, DAY);
        if (day < FIRST_DAY || day > LAST_DAY) {
            return writeFarYear(epochMillis, to, at);
        }
        if (day != cachedDay) {
            byte[] text = LocalDate.ofEpochDay(day).toString().getBytes(StandardCharsets.US_ASCII);
            System.arraycopy(text, 0, date, 0, 10);
            cachedDay = day;
        }
        int millis = (int) Math.floorMod(epochMillis, DAY);
        System.arraycopy(date, 0, to, at, 10);
        to[at + 10] = 'T';
        twoDigits(millis / 3_600_000, to, at + 11);
        to[at + 13] = ':';
        twoDigits(millis / 60_000 % 60, to, at + 14);
        to[at + 16] = ':';
        twoDigits(millis / 1000 % 60, to, at + 17);
        to[at + 19] = '.';
        to[at + 20] = (byte) ('0' + millis / 100 % 10);
        twoDigits(millis % 100, to, at + 21);
        to[at + 23] = 'Z';
        return at + 24;
    }

    /**
     * Reads the milliseconds since the epoch from {@code length} bytes at {@code from[at]}.
     *
     * @throws DateTimeException if they are no timestamp
     */
    long read(byte[] from, int at, int length) {
        if (length == 24 && from[at + 23] == 'Z' && cachedDay != Long.MIN_VALUE && sameDate(from, at)
            && from[at + 10] == 'T' && from[at + 13] == ':' && from[at + 16] == ':' && from[at + 19] == '.') {
            int hour = number(from, at + 11, 2);
            int minute = number(from, at + 14, 2);
            int second = number(from, at + 17, 2);
            int millis = number(from, at + 20, 3);
            if (hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60 && millis >= 0) {
                return cachedDay * DAY + hour * 3_600_000L + minute * 60_000L + second * 1000L + millis;
            }
        }
        long epochMillis = parse(new String(from, at, length, StandardCharsets.UTF_8));
        if (length == 24 && from[at + 23] == 'Z' && from[at + 10] == 'T' && number(from, at + 11, 2) < 24) {
            cachedDay = Math.floorDiv(epochMillis, DAY);
            System.arraycopy(from, at, date, 0, 10);
        }
        return epochMillis;
    }

    private boolean sameDate(byte[] from, int at) {
        for (int i = 0; i < 10; i++) {
            if (from[at + i] != date[i]) {
                return false;
            }
        }
        return true;
    }

    private static int writeFarYear(long epochMillis, byte[] to, int at) {
        byte[] text = DateTimeFormatter.ISO_INSTANT.format(Instant.ofEpochMilli(epochMillis))
            .getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(text, 0, to, at, text.length);
        return at + text.length;
    }

    private static void twoDigits(int number, byte[] to, int at) {
        to[at] = (byte) ('0' + number / 10);
        to[at + 1] = (byte) ('0' + number % 10);
    }

    private static int number(byte[] from, int at, int digits) {
        int number = 0;
        for (int i = at; i < at + digits; i++) {
            int digit = from[i] - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            number = number * 10 + digit;
        }
        return number;
    }
}
