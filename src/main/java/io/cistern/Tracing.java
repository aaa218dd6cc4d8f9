package io.cistern;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.opentelemetry2.OpenTelemetryTracer;
import org.apache.camel.support.service.ServiceSupport;

/**
 * Has Camel make spans of what exchanges come to, batches and requests, where an address is set that they are sent to.
 * Without one nothing is made. Nothing of a trace is published or stored: records are passed on as they are.
 */
public final class Tracing implements CamelContextAware {

    private final String endpoint;
    private CamelContext camelContext;

    public Tracing(Settings settings) {
        this.endpoint = settings.value("bss.tracing-endpoint");
    }

    @Override
    public void setCamelContext(CamelContext context) {
        camelContext = context;
        if (endpoint.isEmpty() || context.hasService(OpenTelemetryTracer.class) != null) {
            return;
        }
        SdkTracerProvider spans = SdkTracerProvider.builder()
            .setResource(Resource.getDefault().merge(Resource.create(
                Attributes.of(AttributeKey.stringKey("service.name"), "cistern"))))
            .addSpanProcessor(BatchSpanProcessor.builder(OtlpHttpSpanExporter.builder().setEndpoint(endpoint).build()).build())
            .build();
        context.getRegistry().bind("tracer", Tracer.class, spans.get("io.cistern"));
        context.getRegistry().bind("propagators", ContextPropagators.class, ContextPropagators.noop());
        new OpenTelemetryTracer().init(context);
        try {
            context.addService(new ServiceSupport() {
                @Override
                protected void doShutdown() {
                    spans.close();
                }
            });
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }
}
