package io.cistern;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.turbo.TurboFilter;
import ch.qos.logback.core.spi.FilterReply;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.slf4j.ILoggerFactory;
import org.slf4j.Marker;

/**
 * Limits log lines of one kind in a minute: 1 of Kafka's clients, which with a broker away log several lines for each attempt of
 * each client to connect, dozens a second in all; 10 of failures of Cistern's own, which are as many as partitions.
 * A kind is the logger, the level and the message without its numbers. DEBUG and TRACE are not limited. How many lines
 * of all kinds were omitted is logged once a minute.
 *
 * <p>A line with a fatal error, which is how libraries report the end of one of their threads, ends the process.
 */
final class RepeatedLogFilter extends TurboFilter {

    static final String OMITTED = "io.cistern.OmittedLines";
    static final int MAX_OWN = 10;
    private static final long PERIOD_NANOS = TimeUnit.MINUTES.toNanos(1);
    private static final int MAX_KINDS = 1000;
    private static final String CLIENTS = "org.apache.kafka.clients.";
    private static final String CLIENTS_OF_CISTERN = "io.cistern.kafka.";
    /** Their messages are of a broker, and the same for all clients of the process. */
    private static final List<String> OF_BROKERS = List.of("NetworkClient", "Metadata", "FetchSessionHandler",
        "AdminMetadataManager");
    private static final List<String> OF_FAILURES = List.of("io.cistern.", "org.apache.camel.processor.errorhandler.");
    private static final Pattern NUMBERS = Pattern.compile("\\d+");

    private final LongSupplier nanoTime;
    private final org.slf4j.Logger summary;
    private final Map<String, Lines> kinds = new ConcurrentHashMap<>();

    private final AtomicLong omitted = new AtomicLong();
    private final AtomicLong omittedSinceNanos = new AtomicLong();

    /** Lines of a kind since the start of its period. */
    private record Lines(long startNanos, int count) {
    }

    RepeatedLogFilter(LongSupplier nanoTime, org.slf4j.Logger summary) {
        this.nanoTime = nanoTime;
        this.summary = summary;
    }

    static void install(ILoggerFactory factory) {
        LoggerContext context = (LoggerContext) factory;
        synchronized (RepeatedLogFilter.class) {
            if (context.getTurboFilterList().stream().noneMatch(RepeatedLogFilter.class::isInstance)) {
                RepeatedLogFilter filter = new RepeatedLogFilter(System::nanoTime, context.getLogger(OMITTED));
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
        FatalErrors.endIfFatal(error);
        if (!level.isGreaterOrEqual(Level.INFO) || !level.isGreaterOrEqual(logger.getEffectiveLevel())) {
            return FilterReply.NEUTRAL;
        }
        int most = most(logger.getName(), level);
        return most == 0 || isDue(logger.getName() + ' ' + level + ' ' + kind(logger.getName(), format), most)
            ? FilterReply.NEUTRAL : FilterReply.DENY;
    }

    /** How many lines of a kind a minute; 0: as many as there are. */
    private static int most(String logger, Level level) {
        if (logger.startsWith(CLIENTS)) {
            return 1;
        }
        boolean isFailure = level.isGreaterOrEqual(Level.WARN) && OF_FAILURES.stream().anyMatch(logger::startsWith);
        return isFailure || logger.startsWith(CLIENTS_OF_CISTERN) ? MAX_OWN : 0;
    }

    /** Messages of Kafka's clients begin with the client in brackets. */
    private static String kind(String logger, String format) {
        int end = logger.startsWith(CLIENTS) && format.startsWith("[") ? format.indexOf("] ") + 1 : 0;
        boolean isOfBroker = OF_BROKERS.contains(logger.substring(logger.lastIndexOf('.') + 1));
        return (isOfBroker ? "" : format.substring(0, end)) + NUMBERS.matcher(format.substring(end)).replaceAll("#");
    }

    private boolean isDue(String kind, int most) {
        long now = nanoTime.getAsLong();
        if (kinds.size() > MAX_KINDS) {
            kinds.values().removeIf(lines -> now - lines.startNanos >= PERIOD_NANOS);
        }
        Lines lines = kinds.compute(kind, (ignored, last) -> last != null && now - last.startNanos < PERIOD_NANOS
            ? new Lines(last.startNanos, last.count + 1) : new Lines(now, 1));
        if (lines.count > most) {
            if (omitted.getAndIncrement() == 0) {
                omittedSinceNanos.set(now);
            }
            return false;
        }
        long count = omitted.get();
        if (count > 0 && now - omittedSinceNanos.get() >= PERIOD_NANOS && omitted.compareAndSet(count, 0)) {
            summary.info("Repeated lines omitted: count={}", count);
        }
        return true;
    }
}
