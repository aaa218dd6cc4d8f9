package io.cistern.reload;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Plans reloads on other threads, and remembers the result until it is taken. A plan that nobody has asked for in a minute is
 * given up: the task to lead its reload has moved to another replica, which plans it itself.
 *
 * @param <T> what a plan is
 */
final class PlanExecutor<T> {

    static final long LEFT_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final Executor threads;
    private final LongSupplier nanoTime;
    private final Map<String, Planning<T>> byReload = new ConcurrentHashMap<>();

    private static final class Planning<T> {
        private final CompletableFuture<T> result = new CompletableFuture<>();
        private volatile long askedAt;
    }

    /**
     * @param threads  runs the planning
     * @param nanoTime the time in nanoseconds
     */
    PlanExecutor(Executor threads, LongSupplier nanoTime) {
        this.threads = threads;
        this.nanoTime = nanoTime;
    }

    /**
     * The plan of a reload, which is begun with the first call.
     *
     * @param planner plans, and ends early when what it is given says so
     */
    CompletableFuture<T> plan(String reload, Function<BooleanSupplier, T> planner) {
        byReload.values().removeIf(this::isLeft);
        boolean[] isNew = {false};
        Planning<T> planning = byReload.computeIfAbsent(reload, id -> {
            isNew[0] = true;
            return new Planning<>();
        });
        planning.askedAt = nanoTime.getAsLong();
        if (isNew[0]) {
            threads.execute(() -> run(reload, planning, planner));
        }
        return planning.result;
    }

    private void run(String reload, Planning<T> planning, Function<BooleanSupplier, T> planner) {
        try {
            planning.result.complete(planner.apply(() -> isLeft(planning)));
        } catch (Throwable e) {
            planning.result.completeExceptionally(e);
            if (e instanceof Error error) {
                throw error;
            }
        } finally {
            if (isLeft(planning)) {
                byReload.remove(reload, planning);
            }
        }
    }

    private boolean isLeft(Planning<T> planning) {
        return nanoTime.getAsLong() - planning.askedAt > LEFT_NANOS;
    }

    /** The plan of a reload was taken, or is of no use: the next call begins another one. */
    void forget(String reload) {
        byReload.remove(reload);
    }

    /** How many plans are remembered or being made. */
    int size() {
        return byReload.size();
    }
}
