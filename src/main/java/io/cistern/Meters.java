package io.cistern;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.apache.camel.CamelContext;
import org.apache.camel.component.micrometer.MicrometerConstants;
import org.apache.camel.component.micrometer.MicrometerUtils;

/** Where metrics go: to the registry of a Camel context, which is Spring's where there is one. */
public final class Meters {

    private Meters() {
    }

    /** The registry of a context, made if there is none. */
    public static MeterRegistry of(CamelContext context) {
        return MicrometerUtils.getOrCreateMeterRegistry(context.getRegistry(), MicrometerConstants.METRICS_REGISTRY_NAME);
    }

    /** Registers a gauge in the place of one of its name and tags, which was of a bean that another one has replaced. */
    public static Gauge register(MeterRegistry meters, Gauge.Builder<?> gauge) {
        // Its id is the same in any registry; to register it here twice would be warned of.
        meters.removeByPreFilterId(gauge.register(new SimpleMeterRegistry()).getId());
        return gauge.register(meters);
    }
}
