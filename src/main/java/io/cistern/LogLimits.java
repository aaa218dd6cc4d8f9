package io.cistern;

import org.slf4j.ILoggerFactory;
import org.slf4j.LoggerFactory;

/** Limits repeated log lines of Kafka's clients, where the logging is Logback; other logging is left as it is. */
final class LogLimits {

    private LogLimits() {
    }

    /** Does nothing if that is done already. */
    static void install() {
        ILoggerFactory factory = LoggerFactory.getILoggerFactory();
        // By name: without Logback its classes cannot be loaded.
        if (factory.getClass().getName().equals("ch.qos.logback.classic.LoggerContext")) {
            RepeatedLogFilter.install(factory);
        }
    }
}
