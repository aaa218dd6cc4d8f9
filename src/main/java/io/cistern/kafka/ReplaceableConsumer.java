package io.cistern.kafka;

import io.cistern.FatalErrors;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A consumer that never ends by a failure. A poll that fails returns no records after a pause: it must not reach Camel, whose
 * consumers pass over a record of each partition then, or end for good. A client that can no longer work is
 * closed and replaced by a new one with the same subscription, which starts at the committed offsets: nothing is passed over,
 * and what was not committed is read again. An {@link Error} ends the process.
 *
 * <p>Used by the thread that polls; only {@code wakeup}, {@link #sincePollNanos}, {@link #failingNanos} and
 * {@link #isClosed} are for other threads.
 */
final class ReplaceableConsumer implements InvocationHandler {

    private static final Logger LOG = LoggerFactory.getLogger(ReplaceableConsumer.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);
    private static final long PAUSE_MILLIS = 1000;
    private static final long MIN_DELAY_NANOS = Duration.ofSeconds(1).toNanos();
    private static final long MAX_DELAY_NANOS = Duration.ofMinutes(1).toNanos();

    private final Supplier<? extends Consumer<Object, Object>> clients;
    private final FatalStates states;
    private final RepeatedFailure failure;
    private final LongSupplier nanoTime;
    private final Runnable onClose;
    private volatile Consumer<Object, Object> client;
    private volatile boolean isWokenUp;
    private volatile boolean isClosed;
    private volatile long polledNanos;
    /** Since when no poll has succeeded; 0 if the last one did. */
    private volatile long failingSinceNanos;
    private Subscription subscription;
    /** Whether {@link #client} is closed, and the next one not created yet. */
    private boolean isReplacing;
    private long startedNanos;
    private long delayNanos = MIN_DELAY_NANOS;
    private long replaceAtNanos;

    private record Subscription(Method method, Object[] arguments) {
    }

    private ReplaceableConsumer(Properties properties, Supplier<? extends Consumer<Object, Object>> clients,
                                LongSupplier nanoTime, Runnable onClose) {
        this.onClose = onClose;
        this.clients = clients;
        this.nanoTime = nanoTime;
        this.states = new FatalStates(properties, nanoTime);
        this.failure = new RepeatedFailure(LOG, "Poll", nanoTime);
        this.polledNanos = nanoTime.getAsLong();
        start();
    }

    /**
     * Creates the first client.
     *
     * @param properties of the clients
     * @param clients    creates a client
     * @param consumers  watches that the consumer is polled
     * @param onClose    runs when the consumer is closed, or cannot be created
     * @throws RuntimeException if the first client cannot be created
     */
    static Consumer<Object, Object> of(Properties properties, Supplier<? extends Consumer<Object, Object>> clients,
                                       ConsumerHealth consumers, Runnable onClose) {
        return of(properties, clients, consumers, onClose, System::nanoTime);
    }

    /** With a clock of a test. */
    static Consumer<Object, Object> of(Properties properties, Supplier<? extends Consumer<Object, Object>> clients,
                                       ConsumerHealth consumers, Runnable onClose, LongSupplier nanoTime) {
        try {
            ReplaceableConsumer consumer = new ReplaceableConsumer(properties, clients, nanoTime, onClose);
            consumers.add(consumer, properties);
            return consumer.proxy();
        } catch (RuntimeException e) {
            onClose.run();
            throw e;
        }
    }

    @SuppressWarnings("unchecked")
    private Consumer<Object, Object> proxy() {
        return (Consumer<Object, Object>) Proxy.newProxyInstance(ReplaceableConsumer.class.getClassLoader(),
            new Class<?>[] {Consumer.class}, this);
    }

    /** How long ago the last poll began, in nanoseconds. */
    long sincePollNanos() {
        return nanoTime.getAsLong() - polledNanos;
    }

    /** For how long no poll has succeeded, in nanoseconds; 0 if the last one did. */
    long failingNanos() {
        long since = failingSinceNanos;
        return since == 0 || isClosed ? 0 : nanoTime.getAsLong() - since;
    }

    boolean isClosed() {
        return isClosed;
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
        switch (method.getName()) {
            case "poll":
                return arguments[0] instanceof Duration timeout ? poll(timeout) : call(method, arguments);
            case "wakeup":
                isWokenUp = true;
                client.wakeup();
                return null;
            case "close":
                close(method, arguments);
                return null;
            case "subscribe", "assign":
                subscription = new Subscription(method, arguments);
                return isReplacing ? null : call(method, arguments);
            case "unsubscribe":
                subscription = null;
                return isReplacing ? null : call(method, arguments);
            default:
                return isReplacing ? nothing(method, arguments) : call(method, arguments);
        }
    }

    private void close(Method method, Object[] arguments) throws Throwable {
        try {
            if (!isReplacing) {
                call(method, arguments);
            }
        } finally {
            if (!isClosed) {
                isClosed = true;
                onClose.run();
            }
        }
    }

    private Object call(Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(client, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** What a consumer without partitions answers. */
    private Object nothing(Method method, Object[] arguments) throws Throwable {
        Class<?> type = method.getReturnType();
        if (type == Set.class) {
            return Set.of();
        }
        if (type == Map.class) {
            return Map.of();
        }
        return type == void.class ? null : call(method, arguments);
    }

    private ConsumerRecords<Object, Object> poll(Duration timeout) {
        polledNanos = nanoTime.getAsLong();
        try {
            if (isReplacing && !replace(timeout)) {
                return ConsumerRecords.empty();
            }
            ConsumerRecords<Object, Object> polled = client.poll(timeout);
            failure.succeeded();
            failingSinceNanos = 0;
            if (polled.isEmpty() && states.isSilent()) {
                retire("no heartbeat was sent for " + FatalStates.SILENT.toSeconds() + "s");
            }
            return polled;
        } catch (WakeupException | InterruptException e) {
            // No failure: the consumer is to end.
            isWokenUp = false;
            throw e;
        } catch (RuntimeException e) {
            FatalErrors.endIfFatal(e);
            failure.failed(e);
            if (failingSinceNanos == 0) {
                failingSinceNanos = nanoTime.getAsLong() | 1;
            }
            if (states.isFatal(e)) {
                retire(e.toString());
            } else if (!FatalStates.isOfTopic(e) && Math.min(failure.lastsNanos(), lifeNanos()) >= FatalStates.FAILING.toNanos()) {
                retire("polls fail for " + FatalStates.FAILING.toSeconds() + "s");
            } else {
                pause(PAUSE_MILLIS);
            }
            return ConsumerRecords.empty();
        } catch (Error e) {
            FatalErrors.end(e);
            throw e;
        }
    }

    private void start() {
        client = clients.get();
        startedNanos = nanoTime.getAsLong();
        states.reset(client);
    }

    private long lifeNanos() {
        return nanoTime.getAsLong() - startedNanos;
    }

    /** Closes the client; the next polls create another one, at once if this one worked for some time. */
    private void retire(String reason) {
        delayNanos = lifeNanos() > MAX_DELAY_NANOS ? MIN_DELAY_NANOS : Math.min(MAX_DELAY_NANOS, delayNanos * 2);
        LOG.warn("Consumer can no longer work, replacing its client: delay={}s reason={}",
            Duration.ofNanos(delayNanos).toSeconds(), reason);
        isReplacing = true;
        replaceAtNanos = nanoTime.getAsLong() + delayNanos;
        try {
            client.close(CLOSE_TIMEOUT);
        } catch (WakeupException | InterruptException e) {
            throw e;
        } catch (RuntimeException e) {
            LOG.warn("Close of the consumer failed: reason={}", e.toString());
        }
    }

    /** Creates and subscribes the next client when it is time; waits for at most the timeout of a poll. */
    private boolean replace(Duration timeout) {
        long left = replaceAtNanos - nanoTime.getAsLong();
        if (left > 0) {
            pause(Math.min(timeout.toMillis(), Duration.ofNanos(left).toMillis() + 1));
        }
        if (isWokenUp) {
            throw new WakeupException();
        }
        if (replaceAtNanos - nanoTime.getAsLong() > 0) {
            return false;
        }
        // Should this fail, the next try is after the delay.
        replaceAtNanos = nanoTime.getAsLong() + delayNanos;
        start();
        isReplacing = false;
        if (subscription != null) {
            try {
                call(subscription.method, subscription.arguments);
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }
        LOG.info("Consumer replaced");
        return true;
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        }
    }
}
