package io.cistern;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How many lines of one kind a minute reach the log. */
class RepeatedLogFilterTest {

    private final LoggerContext context = new LoggerContext();
    private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
    private long nanos;

    @BeforeEach
    void start() {
        RepeatedLogFilter filter = new RepeatedLogFilter(() -> nanos, context.getLogger(RepeatedLogFilter.OMITTED));
        filter.setContext(context);
        filter.start();
        context.addTurboFilter(filter);
        lines.start();
        Logger root = context.getLogger("ROOT");
        root.setLevel(Level.INFO);
        root.addAppender(lines);
    }

    /** What eight clients log for ten attempts a second in ten minutes. */
    @Test
    void aBrokerThatIsAwayIsOneLineAMinuteOfEachKind() {
        Logger network = context.getLogger("org.apache.kafka.clients.NetworkClient");
        for (int tenths = 0; tenths < 6000; tenths++) {
            for (int client = 0; client < 8; client++) {
                String name = "[Consumer clientId=storer-" + client + ", groupId=g] ";
                network.warn(name + "Connection to node {} ({}) could not be established.", client, "broker:9092");
                network.info(name + "Node {} disconnected.", client);
            }
            nanos += Duration.ofMillis(100).toNanos();
        }
        assertThat(lines.list).filteredOn(line -> line.getLoggerName().equals(network.getName())).hasSize(20);
        assertThat(lines.list).filteredOn(line -> line.getLoggerName().equals(RepeatedLogFilter.OMITTED))
            .as("how many are missing, once a minute").hasSize(9)
            .allSatisfy(line -> assertThat(line.getFormattedMessage()).matches("Repeated lines omitted: count=95\\d\\d"));
    }

    @Test
    void eachClientIsALineOfItsOwnWhereTheMessageIsNotOfABroker() {
        Logger coordinator = context.getLogger("org.apache.kafka.clients.consumer.internals.ConsumerCoordinator");
        for (int i = 0; i < 100; i++) {
            coordinator.info("[Consumer clientId=storer-1] Adding newly assigned partitions: {}", "orders-0");
            coordinator.info("[Consumer clientId=storer-2] Adding newly assigned partitions: {}", "orders-1");
        }
        assertThat(lines.list).hasSize(2);
    }

    @Test
    void failuresOfManyPartitionsAreTenLinesAMinute() {
        Logger storer = context.getLogger("io.cistern.storer");
        for (int partition = 0; partition < 1000; partition++) {
            storer.error("Not stored: batch file of orders-" + partition + " from offset " + partition);
        }
        assertThat(lines.list).hasSize(RepeatedLogFilter.MAX_OWN);
        storer.error("Not stored: batch file of payments-0 from offset 0");
        assertThat(lines.list).as("another topic").hasSize(RepeatedLogFilter.MAX_OWN + 1);
    }

    @Test
    void linesOfFilesAndOtherLibrariesAreNotLimited() {
        for (int i = 0; i < 100; i++) {
            context.getLogger("io.cistern.storer").info("Stored: file=orders/" + i);
            context.getLogger("org.springframework.web").warn("the same");
        }
        assertThat(lines.list).hasSize(200);
    }
}
