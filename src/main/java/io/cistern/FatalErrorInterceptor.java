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

/**
 * Ends the process when a step of a route fails with a fatal error. Camel turns every {@link Throwable} of a step into an
 * exception of the exchange, which error handlers would try again and {@code doCatch} would discard. It also starts to watch
 * threads and logs, so that every way to run the routes has it.
 */
public final class FatalErrorInterceptor implements InterceptStrategy, CamelContextAware {

    private CamelContext camelContext;

    @Override
    public Processor wrapProcessorInInterceptors(CamelContext context, NamedNode definition, Processor target,
                                                 Processor nextTarget) {
        return new DelegateAsyncProcessor(AsyncProcessorConverterHelper.convert(target)) {
            @Override
            public boolean process(Exchange exchange, AsyncCallback callback) {
                try {
                    return super.process(exchange, doneSync -> {
                        FatalErrors.endIfFatal(exchange.getException());
                        callback.done(doneSync);
                    });
                } catch (Error e) {
                    FatalErrors.endIfFatal(e);
                    throw e;
                }
            }
        };
    }

    @Override
    public void setCamelContext(CamelContext context) {
        if (camelContext == null) {
            camelContext = context;
            FatalErrors.watchThreads();
            LogLimits.install();
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
