package io.cistern;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.turbo.TurboFilter;
import ch.qos.logback.core.spi.FilterReply;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.ILoggerFactory;
import org.slf4j.Marker;

/**
 * Lets each kind of log line of Kafka's clients through once a minute, over all clients of the process: with a broker away,
 * each client logs several lines for each attempt to connect, dozens a second in all. A kind is the logger and the
 * message without its arguments. DEBUG and TRACE are not limited. A line with a fatal error, which is how libraries report the
 * end of one of their threads, ends the process.
 */
final class RepeatedLogFilter extends TurboFilter {

    static final long PERIOD_NANOS = TimeUnit.MINUTES.toNanos(1);
    private static final String CLIENTS = "org.apache.kafka.clients.";
    private static final int MAX_KINDS = 1000;

    private final LongSupplier nanoTime;
    private final Map<String, Long> lastLogged = new ConcurrentHashMap<>();

    RepeatedLogFilter(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    static void install(ILoggerFactory factory) {
        LoggerContext context = (LoggerContext) factory;
        synchronized (RepeatedLogFilter.class) {
            if (context.getTurboFilterList().stream().noneMatch(RepeatedLogFilter.class::isInstance)) {
                RepeatedLogFilter filter = new RepeatedLogFilter(System::nanoTime);
                filter.setContext(context);
                filter.start();
                context.addTurboFilter(filter);
            }
        }
    }

    @Override
    public FilterReply decide(Marker marker, Logger logger, Level level, String format, Object[] arguments, Throwable error) {
        // Also asked, without a message, whether a level is enabled.
        if (format == null) {
            return FilterReply.NEUTRAL;
        }
        if (error instanceof Error || error != null && level.isGreaterOrEqual(Level.ERROR)) {
            FatalErrors.endIfFatal(error);
        }
        if (!logger.getName().startsWith(CLIENTS) || !level.isGreaterOrEqual(Level.INFO)
            || !level.isGreaterOrEqual(logger.getEffectiveLevel())) {
            return FilterReply.NEUTRAL;
        }
        return isDue(logger.getName() + ' ' + level + ' ' + kind(logger.getName(), format))
            ? FilterReply.NEUTRAL : FilterReply.DENY;
    }

    /** Kafka's messages begin with the client in brackets. What the network client reports is the same for all clients. */
    private static String kind(String logger, String format) {
        int end = format.startsWith("[") ? format.indexOf("] ") : -1;
        boolean isOfAllClients = logger.endsWith(".NetworkClient") || logger.endsWith(".Metadata");
        return isOfAllClients && end > 0 ? format.substring(end + 2) : format;
    }

    private boolean isDue(String kind) {
        long now = nanoTime.getAsLong();
        if (lastLogged.size() > MAX_KINDS) {
            lastLogged.values().removeIf(last -> now - last >= PERIOD_NANOS);
        }
        boolean[] isDue = {false};
        lastLogged.compute(kind, (ignored, last) -> {
            isDue[0] = last == null || now - last >= PERIOD_NANOS;
            return isDue[0] ? Long.valueOf(now) : last;
        });
        return isDue[0];
    }
}
