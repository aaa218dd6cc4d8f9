package io.cistern.reload;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.cistern.Settings;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

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

    /** A tick of the cron expression that is this late was missed. */
    private static final Duration MISSED = Duration.ofMinutes(1);

    private final Settings.Schedule settings;
    private final Clock clock;
    /** The last tick of the period that was told, milliseconds since the epoch; the one before the start counts as told. */
    private long lastTick;
    /** Null without a cron expression. */
    private CronTicks cronTicks;
    /** The tick of the cron expression that is due next; null if there is none. */
    private Instant nextCronTick;

    public Schedule(Settings settings) {
        this(settings, Clock.systemUTC());
    }

    Schedule(Settings settings, Clock clock) {
        this.settings = settings.schedule();
        this.clock = clock;
        if (this.settings.period() != null) {
            lastTick = tick();
        }
        if (this.settings.cron() != null) {
            cronTicks = new CronTicks(this.settings.cron(), this.settings.zone());
            nextCronTick = cronTicks.next(clock.instant());
        }
    }

    /** The multiple of the period, since the epoch, that was reached last. */
    private long tick() {
        long period = settings.period().toMillis();
        return Math.floorDiv(clock.millis(), period) * period;
    }

    /**
     * The next tick of the cron expression that was reached, each once; null if none was. Of ticks that were missed, by a
     * minute or more, only the last one is due, as on a machine that slept.
     */
    public synchronized Due ofCron() {
        Instant now = clock.instant();
        if (nextCronTick == null || nextCronTick.isAfter(now)) {
            return null;
        }
        Instant tick = nextCronTick;
        nextCronTick = cronTicks.next(tick);
        while (!tick.isAfter(now.minus(MISSED)) && nextCronTick != null && !nextCronTick.isAfter(now)) {
            tick = nextCronTick;
            nextCronTick = cronTicks.next(tick);
        }
        return due(settings.cron() + ' ' + settings.zone(), tick);
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
