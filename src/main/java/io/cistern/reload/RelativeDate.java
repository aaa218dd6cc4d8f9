package io.cistern.reload;

import java.time.DateTimeException;
import java.time.DayOfWeek;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAdjusters;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A time of RFC 3339, or one that is told from the present as in Elasticsearch's date math: {@code now}, and behind it steps
 * that are taken in their order, {@code +2h} and {@code -1d} (years, months, weeks, days, hours, minutes, seconds, milliseconds:
 * y M w d h m s ms) and {@code /d} (back to the start of the day, or of any other of these; weeks start on Monday).
 */
public final class RelativeDate {

    private static final String NOW = "now";
    private static final Pattern STEP = Pattern.compile("([+-])(\\d{1,6})(ms|[smhdwMy])|/(ms|[smhdwMy])");
    private static final int LAST_YEAR = 9999;

    private final String text;
    private final ZoneId zone;
    /** Null where {@link #steps} tell it. */
    private final Instant absolute;
    private final List<UnaryOperator<ZonedDateTime>> steps = new ArrayList<>();

    private RelativeDate(String text, ZoneId zone) {
        this.text = text;
        this.zone = zone;
        if (!text.startsWith(NOW)) {
            absolute = absolute();
            return;
        }
        absolute = null;
        Matcher step = STEP.matcher(text);
        for (int at = NOW.length(); at < text.length(); at = step.end()) {
            if (!step.find(at) || step.start() != at) {
                throw new IllegalArgumentException("expected steps like -1d, +2h or /d behind now, not \""
                    + printable(text.substring(at)) + '"');
            }
            steps.add(step.group(4) != null ? roundedDown(step.group(4))
                : moved(Long.parseLong(step.group(1) + step.group(2)), unit(step.group(3))));
        }
    }

    /**
     * Reads a time.
     *
     * @param zone where days and longer units start and end, and hours of the year come twice
     * @throws IllegalArgumentException if it is none; the message says what was expected
     */
    public static RelativeDate parse(String text, ZoneId zone) {
        return new RelativeDate(text, zone);
    }

    private Instant absolute() {
        try {
            return DateTimeFormatter.ISO_INSTANT.parse(text, Instant::from);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException("expected a time like 2022-11-14T13:26:37.728Z, or one relative to the present"
                + " like now-1d/d, not \"" + printable(text) + '"');
        }
    }

    private static String printable(String text) {
        return text.substring(0, Math.min(text.length(), 64)).replaceAll("\\p{Cntrl}", "?");
    }

    private static ChronoUnit unit(String letter) {
        return switch (letter) {
            case "ms" -> ChronoUnit.MILLIS;
            case "s" -> ChronoUnit.SECONDS;
            case "m" -> ChronoUnit.MINUTES;
            case "h" -> ChronoUnit.HOURS;
            case "d" -> ChronoUnit.DAYS;
            case "w" -> ChronoUnit.WEEKS;
            case "M" -> ChronoUnit.MONTHS;
            default -> ChronoUnit.YEARS;
        };
    }

    private static UnaryOperator<ZonedDateTime> moved(long amount, ChronoUnit unit) {
        return time -> time.plus(amount, unit);
    }

    private static UnaryOperator<ZonedDateTime> roundedDown(String letter) {
        return switch (letter) {
            case "w" -> time -> startOfDay(time.with(TemporalAdjusters.previousOrSame(DayOfWeek.MONDAY)));
            case "M" -> time -> startOfDay(time.withDayOfMonth(1));
            case "y" -> time -> startOfDay(time.withDayOfYear(1));
            case "d" -> RelativeDate::startOfDay;
            default -> time -> time.truncatedTo(unit(letter));
        };
    }

    /** Not always midnight: clocks may be put forward then. */
    private static ZonedDateTime startOfDay(ZonedDateTime time) {
        return time.toLocalDate().atStartOfDay(time.getZone());
    }

    /**
     * The time that it is when the present is {@code now}.
     *
     * @throws IllegalArgumentException if it is beyond the years of four digits
     */
    public Instant at(Instant now) {
        if (absolute != null) {
            return absolute;
        }
        try {
            ZonedDateTime time = now.atZone(zone);
            for (UnaryOperator<ZonedDateTime> step : steps) {
                time = step.apply(time);
            }
            if (time.getYear() >= 0 && time.getYear() <= LAST_YEAR) {
                return time.toInstant();
            }
        } catch (DateTimeException e) {
            // said below
        }
        throw new IllegalArgumentException("\"" + text + "\" is not within the years 0 to " + LAST_YEAR);
    }
}
