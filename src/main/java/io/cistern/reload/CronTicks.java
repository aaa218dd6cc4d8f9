package io.cistern.reload;

import java.text.ParseException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.util.Date;
import java.util.TimeZone;
import org.quartz.CronExpression;

/**
 * The ticks of a Quartz cron expression in a time zone. Each local time that the expression names is one tick, on days of
 * daylight saving changes too, where Quartz itself leaves out those that the clocks skip:
 *
 * <ul>
 * <li>A local time that is skipped is as much later as the clocks are put forward: 02:30 is 03:30.
 * <li>A local time that comes twice is a tick when it comes first; both times if the expression names every hour ({@code *}),
 *     so that the time between two of its ticks is the same on all days.
 * </ul>
 *
 * <p>Not thread-safe.
 */
final class CronTicks {

    private static final int HOURS = 2;

    private final CronExpression expression;
    private final ZoneId zone;
    private final boolean isEveryHour;

    /** @param expression a valid cron expression of Quartz */
    CronTicks(String expression, ZoneId zone) {
        try {
            this.expression = new CronExpression(expression);
        } catch (ParseException e) {
            throw new IllegalArgumentException(e);
        }
        // Local times are computed as if they were UTC, which has every local time once.
        this.expression.setTimeZone(TimeZone.getTimeZone(ZoneOffset.UTC));
        this.zone = zone;
        this.isEveryHour = expression.trim().split("\\s+")[HOURS].equals("*");
    }

    /** The first tick after a time; null if there is none. */
    Instant next(Instant after) {
        Instant bound = after;
        Instant position = after;
        while (true) {
            // Between two transitions the offset is constant.
            ZoneOffsetTransition last = zone.getRules().previousTransition(position.plusNanos(1));
            ZoneOffsetTransition following = zone.getRules().nextTransition(position);
            ZoneOffset offset = zone.getRules().getOffset(position);
            Instant tick = earlier(regular(bound, offset, last), skipped(bound, last));
            if (tick == null || following == null || tick.isBefore(following.getInstant())) {
                return tick;
            }
            position = following.getInstant();
            bound = position.minusSeconds(1);
        }
    }

    /** The first tick after {@code bound} of the local times since the last transition. */
    private Instant regular(Instant bound, ZoneOffset offset, ZoneOffsetTransition last) {
        LocalDateTime from = LocalDateTime.ofInstant(bound, offset);
        if (last != null && last.isOverlap() && !isEveryHour && from.isBefore(last.getDateTimeBefore())) {
            // Up to there they have come before.
            from = last.getDateTimeBefore().minusSeconds(1);
        }
        LocalDateTime next = nextLocal(from);
        return next == null ? null : next.toInstant(offset);
    }

    /** The first tick after {@code bound} of the local times that the last transition skipped; null if there is none. */
    private Instant skipped(Instant bound, ZoneOffsetTransition last) {
        if (last == null || last.isOverlap()) {
            return null;
        }
        LocalDateTime from = LocalDateTime.ofInstant(bound, last.getOffsetBefore());
        LocalDateTime next = from.isBefore(last.getDateTimeAfter()) ? nextLocal(from) : null;
        return next == null || !next.isBefore(last.getDateTimeAfter()) ? null : next.toInstant(last.getOffsetBefore());
    }

    private LocalDateTime nextLocal(LocalDateTime from) {
        Date next = expression.getNextValidTimeAfter(Date.from(from.toInstant(ZoneOffset.UTC)));
        return next == null ? null : LocalDateTime.ofInstant(next.toInstant(), ZoneOffset.UTC);
    }

    private static Instant earlier(Instant one, Instant other) {
        return one == null || other != null && other.isBefore(one) ? other : one;
    }
}
