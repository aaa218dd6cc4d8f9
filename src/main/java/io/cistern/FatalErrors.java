package io.cistern;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends the process with exit code {@value #EXIT_CODE} after an error that leaves it in an unknown state, such as an
 * {@link OutOfMemoryError}: threads may have died, and locks may never be released. The process does not stop in good order,
 * because that would need those threads; nothing is lost by that, since only stored records are committed.
 */
public final class FatalErrors {

    /** The same code as that of the JVM's own option {@code -XX:+ExitOnOutOfMemoryError}. */
    public static final int EXIT_CODE = 3;

    private static final Logger LOG = LoggerFactory.getLogger(FatalErrors.class);
    /** A chain of causes may be a circle. */
    private static final int MAX_CAUSES = 50;
    private static final AtomicBoolean IS_ENDING = new AtomicBoolean();

    private FatalErrors() {
    }

    /**
     * Whether an error, or a cause of it, means that nothing in this process can be relied on. A {@link StackOverflowError}
     * does not: it comes from a single input, such as deeply nested JSON, and is a failure of the step that reads it.
     */
    public static boolean isFatal(Throwable error) {
        Throwable cause = error;
        for (int i = 0; cause != null && i < MAX_CAUSES; i++) {
            if (cause instanceof VirtualMachineError && !(cause instanceof StackOverflowError)) {
                return true;
            }
            cause = cause.getCause();
        }
        return false;
    }

    /** Ends the process if the error is fatal; {@code error} may be null. */
    public static void endIfFatal(Throwable error) {
        if (isFatal(error)) {
            end(error);
        }
    }

    /** Logs the error and ends the process; returns only if another thread is ending it already. */
    public static void end(Throwable error) {
        if (!IS_ENDING.compareAndSet(false, true)) {
            return;
        }
        try {
            LOG.error("Fatal error, ending the process: exitCode={} thread={}", EXIT_CODE, Thread.currentThread().getName(), error);
        } catch (Throwable e) {
            printAfterFailedLog();
        } finally {
            Runtime.getRuntime().halt(EXIT_CODE);
        }
    }

    private static void printAfterFailedLog() {
        try {
            System.err.println("Fatal error, ending the process");
        } catch (Throwable e) {
            // There is no memory for anything; the exit code remains.
            return;
        }
    }

    /** A task of a thread that Cistern cannot work without: any error that leaves it ends the process. */
    public static Runnable watched(Runnable task) {
        return () -> {
            try {
                task.run();
            } catch (Error e) {
                end(e);
                throw e;
            }
        };
    }

    /** As {@link #watched(Runnable)}, for a task with a result. */
    public static <T> Supplier<T> watched(Supplier<T> task) {
        return () -> {
            try {
                return task.get();
            } catch (Error e) {
                end(e);
                throw e;
            }
        };
    }

    /** Ends the process when any thread ends by a fatal error, and logs other errors that end a thread. */
    static void watchThreads() {
        Thread.UncaughtExceptionHandler current = Thread.getDefaultUncaughtExceptionHandler();
        if (!(current instanceof UncaughtErrors)) {
            Thread.setDefaultUncaughtExceptionHandler(new UncaughtErrors(current));
        }
    }

    private record UncaughtErrors(Thread.UncaughtExceptionHandler next) implements Thread.UncaughtExceptionHandler {

        @Override
        public void uncaughtException(Thread thread, Throwable error) {
            endIfFatal(error);
            if (next == null) {
                LOG.error("Thread ended by an uncaught exception: thread={}", thread.getName(), error);
            } else {
                next.uncaughtException(thread, error);
            }
        }
    }
}
