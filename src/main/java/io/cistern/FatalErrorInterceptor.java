package io.cistern;

import org.apache.camel.AsyncCallback;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Exchange;
import org.apache.camel.NamedNode;
import org.apache.camel.Processor;
import org.apache.camel.spi.InterceptStrategy;
import org.apache.camel.support.AsyncProcessorConverterHelper;
import org.apache.camel.support.processor.DelegateAsyncProcessor;
import org.apache.camel.support.processor.DelegateSyncProcessor;

/**
 * Ends the process when a step of a route fails with a fatal error. Camel turns every {@link Throwable} of a step into an
 * exception of the exchange, which error handlers would try again and {@code doCatch} would discard. It also starts to watch
 * threads and logs, so that every way to run the routes has it. Any other error is a failure of its step.
 */
public final class FatalErrorInterceptor implements InterceptStrategy, CamelContextAware {

    private CamelContext camelContext;

    @Override
    public Processor wrapProcessorInInterceptors(CamelContext context, NamedNode definition, Processor target,
                                                 Processor nextTarget) {
        return new DelegateAsyncProcessor(AsyncProcessorConverterHelper.convert(failing(target))) {
            @Override
            public boolean process(Exchange exchange, AsyncCallback callback) {
                boolean[] isDone = {false};
                try {
                    return super.process(exchange, doneSync -> {
                        isDone[0] = true;
                        FatalErrors.endIfFatal(exchange.getException());
                        callback.done(doneSync);
                    });
                } catch (Error e) {
                    FatalErrors.endIfFatal(e);
                    if (isDone[0]) {
                        throw e;
                    }
                    // Camel lets errors of some processors through, and a consumer's thread would end by one.
                    exchange.setException(e);
                    callback.done(true);
                    return true;
                }
            }
        };
    }

    /** Camel goes on with the next step after an error of a synchronous processor, as if that had succeeded. */
    private static Processor failing(Processor target) {
        if (!(target instanceof DelegateSyncProcessor synchronous)) {
            return target;
        }
        return new DelegateSyncProcessor(synchronous.getProcessor()) {
            @Override
            public boolean process(Exchange exchange, AsyncCallback callback) {
                try {
                    getProcessor().process(exchange);
                } catch (Throwable e) {
                    exchange.setException(e);
                }
                callback.done(true);
                return true;
            }
        };
    }

    @Override
    public void setCamelContext(CamelContext context) {
        if (camelContext == null) {
            camelContext = context;
            FatalErrors.watchThreads();
            LogLimits.install();
            WatchedThreadPoolFactory pools = new WatchedThreadPoolFactory();
            pools.setCamelContext(context);
            context.getExecutorServiceManager().setThreadPoolFactory(pools);
            // A bean of this type is found by Camel only if it is there before the routes are loaded.
            if (!context.getCamelContextExtension().getInterceptStrategies().stream()
                .anyMatch(FatalErrorInterceptor.class::isInstance)) {
                context.getCamelContextExtension().addInterceptStrategy(this);
            }
        }
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }
}
