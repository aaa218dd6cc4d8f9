package io.cistern.reload;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.cistern.Settings;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.Map;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.camel.Header;
import org.quartz.CronExpression;

/**
 * Says what is to be reloaded at a tick of {@code bss.reload.schedule}. All that it says follows from the tick's time, and not
 * from the clock: replicas that run the same schedule say the same, whenever they come to it.
 */
public final class Schedule {

    /**
     * A reload that is due.
     *
     * @param id      the same for the same tick on every replica, and for no other: a UUID
     * @param tick    when, milliseconds since the epoch
     * @param request the fields of the request, as in the HTTP body, with absolute times
     */
    public record Due(String id, long tick, Map<String, Object> request) {
    }

    /** A tick of the cron expression that is told this late was missed. */
    private static final Duration MISSED = Duration.ofMinutes(1);

    private final Settings.Schedule settings;
    private final Clock clock;
    /** The last tick of the period that was told, milliseconds since the epoch; the one before the start counts as told. */
    private long lastTick;

    public Schedule(Settings settings) {
        this(settings, Clock.systemUTC());
    }

    Schedule(Settings settings, Clock clock) {
        this.settings = settings.schedule();
        this.clock = clock;
        if (this.settings.period() != null) {
            lastTick = tick();
        }
    }

    /** The multiple of the period, since the epoch, that was reached last. */
    private long tick() {
        long period = settings.period().toMillis();
        return Math.floorDiv(clock.millis(), period) * period;
    }

    /**
     * What is due at a tick of the cron expression, which Quartz names; null if the tick was missed, by a minute or more, and
     * another one is due since, so that of those that a machine slept through the last one is told.
     */
    public Due ofCron(@Header("scheduledFireTime") Date tick) {
        Instant now = clock.instant();
        if (!tick.toInstant().isAfter(now.minus(MISSED)) && !nextTick(tick).isAfter(now)) {
            return null;
        }
        return due(settings.cron() + ' ' + settings.zone(), tick.toInstant());
    }

    /** The tick of the cron expression after this one; far away if there is none. */
    private Instant nextTick(Date tick) {
        CronExpression cron;
        try {
            cron = new CronExpression(settings.cron());
        } catch (ParseException e) {
            throw new IllegalStateException("is checked when it is read", e);
        }
        cron.setTimeZone(TimeZone.getTimeZone(settings.zone()));
        Date next = cron.getNextValidTimeAfter(tick);
        return next == null ? Instant.MAX : next.toInstant();
    }

    /**
     * What is due since a new multiple of the period was reached, once; null if none was. Ticks that were missed, as on a
     * machine that slept, are not made up for, but for the last one.
     */
    public synchronized Due ofPeriod() {
        long tick = tick();
        if (tick <= lastTick) {
            return null;
        }
        lastTick = tick;
        return due(settings.period() + " " + settings.zone(), Instant.ofEpochMilli(tick));
    }

    private Due due(String ticks, Instant tick) {
        String name = ticks + ' ' + new TreeMap<>(settings.request()) + ' ' + tick;
        return new Due(UUID.nameUUIDFromBytes(name.getBytes(UTF_8)).toString(), tick.toEpochMilli(),
            settings.requestAt(tick));
    }
}
