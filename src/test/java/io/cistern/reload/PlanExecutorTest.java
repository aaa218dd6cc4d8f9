package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PlanExecutorTest {

    private final AtomicLong nanos = new AtomicLong();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicInteger planning = new AtomicInteger();
    private final AtomicBoolean isToFinish = new AtomicBoolean();
    private final PlanExecutor<String> plans = new PlanExecutor<>(threads, nanos::get);

    @AfterEach
    void end() throws InterruptedException {
        isToFinish.set(true);
        threads.shutdown();
        assertThat(threads.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
    }

    /** Plans until it is stopped, or may finish. */
    private String plan(BooleanSupplier stop) {
        planning.incrementAndGet();
        try {
            while (!isToFinish.get()) {
                if (stop.getAsBoolean()) {
                    throw new CancellationException();
                }
                Thread.sleep(1);
            }
            return "plan";
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            planning.decrementAndGet();
        }
    }

    @Test
    void plansOnceWhileItIsAskedFor() throws Exception {
        CompletableFuture<String> plan = plans.plan("a", this::plan);
        for (int i = 0; i < 10; i++) {
            nanos.addAndGet(PlanExecutor.LEFT_NANOS / 2);
            assertThat(plans.plan("a", this::plan)).isSameAs(plan);
        }
        await().until(() -> planning.get() == 1);
        isToFinish.set(true);
        assertThat(plan.get()).isEqualTo("plan");
        plans.forget("a");
        assertThat(plans.size()).isZero();
    }

    @Test
    void givesAPlanUpThatNobodyAsksFor() {
        CompletableFuture<String> left = plans.plan("left", this::plan);
        await().until(() -> planning.get() == 1);

        nanos.addAndGet(PlanExecutor.LEFT_NANOS + 1);

        await().until(() -> planning.get() == 0 && plans.size() == 0);
        assertThatThrownBy(left::get).isInstanceOf(CancellationException.class);
    }

    @Test
    void forgetsAResultThatNobodyAsksFor() throws Exception {
        isToFinish.set(true);
        plans.plan("left", this::plan).get();
        assertThat(plans.size()).isEqualTo(1);

        nanos.addAndGet(PlanExecutor.LEFT_NANOS + 1);
        plans.plan("other", this::plan).get();

        assertThat(plans.size()).isEqualTo(1);
    }

    @Test
    void tellsOfAnErrorAndLeavesItToTheThread() throws Exception {
        CompletableFuture<Throwable> uncaught = new CompletableFuture<>();
        PlanExecutor<String> failing = new PlanExecutor<>(work -> {
            Thread thread = new Thread(work, "planning");
            thread.setUncaughtExceptionHandler((ended, error) -> uncaught.complete(error));
            thread.start();
        }, nanos::get);
        OutOfMemoryError error = new OutOfMemoryError("test");

        CompletableFuture<String> plan = failing.plan("a", stop -> {
            throw error;
        });

        assertThatThrownBy(plan::get).hasCause(error);
        assertThat(uncaught.get(1, TimeUnit.MINUTES)).isSameAs(error);
    }
}
