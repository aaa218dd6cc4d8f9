package io.cistern.reload;

import io.cistern.Meters;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToDoubleFunction;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;

/**
 * The metrics of reloads. Gauges tell of all replicas' work, and so the same in each of them; counters of what this process
 * has done. A reload has gauges of its own from its plan to its end, of which at most {@code bss.reload.max-running} have
 * not come.
 */
public final class ReloadMeters implements CamelContextAware {

    private final Reloads reloads;
    private final Map<String, List<Meter>> ofReloads = new ConcurrentHashMap<>();
    private CamelContext camelContext;
    private MeterRegistry meters;

    public ReloadMeters(Reloads reloads, Turns turns, Lead lead) {
        this.reloads = reloads;
        reloads.onChange(this::changed);
        turns.onCommit(this::committed);
        lead.onEnd(phase -> ended(phase).increment());
    }

    private void changed(Reload reload) {
        ReloadState state = reload.state();
        boolean isShown = state.accepted() != null && state.stage().isPlanned && state.isRunning();
        if (isShown) {
            ofReloads.computeIfAbsent(reload.getId(), id -> gauges(reload));
        } else {
            List<Meter> gauges = ofReloads.remove(reload.getId());
            if (gauges != null) {
                gauges.forEach(meters::remove);
            }
        }
    }

    private List<Meter> gauges(Reload reload) {
        List<Meter> gauges = new ArrayList<>();
        gauges.add(gauge("active", null, "Whether a reload runs: 1, or 0 while it waits", reload,
            one -> one.phase().equals(Stage.Phase.RUNNING.name()) ? 1 : 0));
        gauges.add(gauge("read", "records", "Records that a reload has read", reload, Reload::recordsRead));
        gauges.add(gauge("published", "records", "Records that a reload has published", reload, Reload::published));
        gauges.add(gauge("rate", "records_per_second", "Records that a reload reads in a second", reload,
            Reload::recordsReadPerSecond));
        if (reload.stage().records >= 0) {
            gauges.add(gauge("remaining", "records", "Records that a reload has still to read", reload,
                one -> Math.max(0, one.stage().records - one.recordsRead())));
        }
        return gauges;
    }

    private Gauge gauge(String name, String unit, String description, Reload reload, ToDoubleFunction<Reload> value) {
        // By file a reload has no topic.
        ReloadState state = reload.state();
        String topic = Objects.requireNonNullElse(state.request() == null ? state.topic() : state.request().topic(), "");
        return Meters.register(meters, Gauge.builder("cistern.reload." + name, reload, value).baseUnit(unit)
            .description(description).tags("reload", reload.getId(), "topic", topic));
    }

    private void committed(Turn turn) {
        if (!turn.getReload().getRequest().dryRun()) {
            skipped().increment(turn.lane().skipped - turn.task().lane().skipped);
            deadLetters().increment(turn.lane().deadLetters - turn.task().lane().deadLetters);
        }
    }

    private Counter skipped() {
        return Counter.builder("cistern.reload.skipped").description("Records and lines that reloads have passed over")
            .baseUnit("records").register(meters);
    }

    private Counter deadLetters() {
        return Counter.builder("cistern.reload.dead.letters")
            .description("Records and lines that went to the topic of dead letters").register(meters);
    }

    private Counter ended(Stage.Phase phase) {
        return Counter.builder("cistern.reloads.ended").description("Reloads that have ended").tag("status", phase.name())
            .register(meters);
    }

    @Override
    public void setCamelContext(CamelContext context) {
        camelContext = context;
        meters = Meters.of(context);
        skipped();
        deadLetters();
        for (Stage.Phase phase : Stage.Phase.values()) {
            if (phase.isOver()) {
                ended(phase);
            }
        }
        for (String phase : Reload.UNFINISHED) {
            Meters.register(meters, Gauge.builder("cistern.reloads", reloads, all -> all.inPhase(phase))
                .description("Reloads that are not over").tag("phase", phase));
        }
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }
}
