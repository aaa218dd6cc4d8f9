package io.cistern;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionHandler;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.apache.camel.support.DefaultThreadPoolFactory;
import org.apache.camel.util.concurrent.RejectableThreadPoolExecutor;

/**
 * Makes Camel's thread pools, which end the process when an {@link Error} ends one of their tasks. Such a task may be the loop of a
 * consumer, and its error would be kept in a future that nobody reads.
 */
final class WatchedThreadPoolFactory extends DefaultThreadPoolFactory {

    @Override
    public ExecutorService newThreadPool(int corePoolSize, int maxPoolSize, long keepAliveTime, TimeUnit unit, int maxQueueSize,
                                         boolean allowCoreThreadTimeout, RejectedExecutionHandler rejected,
                                         ThreadFactory threads) {
        ExecutorService pool = super.newThreadPool(corePoolSize, maxPoolSize, keepAliveTime, unit, maxQueueSize,
            allowCoreThreadTimeout, rejected, threads);
        // It has no threads yet, and is used for how it is configured.
        return pool instanceof ThreadPoolExecutor model ? new Pool(model, allowCoreThreadTimeout) : pool;
    }

    private static final class Pool extends RejectableThreadPoolExecutor {

        private Pool(ThreadPoolExecutor model, boolean allowCoreThreadTimeout) {
            super(model.getCorePoolSize(), model.getMaximumPoolSize(), model.getKeepAliveTime(TimeUnit.NANOSECONDS),
                TimeUnit.NANOSECONDS, model.getQueue(), model.getThreadFactory(), model.getRejectedExecutionHandler());
            allowCoreThreadTimeOut(allowCoreThreadTimeout);
        }

        @Override
        protected void afterExecute(Runnable task, Throwable error) {
            super.afterExecute(task, error);
            if (error instanceof Error) {
                FatalErrors.end(error);
            } else if (task instanceof Future<?> future && future.isDone() && !future.isCancelled()) {
                try {
                    future.get();
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof Error) {
                        FatalErrors.end(e.getCause());
                    }
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }
}
