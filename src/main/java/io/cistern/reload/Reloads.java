package io.cistern.reload;

import io.cistern.Settings;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Variable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The reloads of this process: those that run or wait, and the latest that have ended. */
public final class Reloads {

    private static final Logger LOG = LoggerFactory.getLogger(Reloads.class);

    private final Settings.Reload settings;
    private final Map<String, Reload> byId = new LinkedHashMap<>();

    public Reloads(Settings settings) {
        this.settings = settings.reload();
    }

    /**
     * Takes a request on; it runs when its turn comes.
     *
     * @throws RequestException if too many wait already
     */
    public synchronized Reload accept(ReloadRequest request) {
        long running = byId.values().stream().filter(Reload::isRunning).count();
        if (running >= (long) settings.concurrency() + settings.queueSize()) {
            throw new RequestException(503, "too-many-reloads", running + " reloads run or wait already; try again later");
        }
        Reload reload = new Reload(request);
        byId.put(reload.getId(), reload);
        forgetOldest();
        LOG.info("Reload accepted: id={} topic={} file={} target={}", reload.getId(), request.topic(),
            request.fileName(), request.target());
        return reload;
    }

    private void forgetOldest() {
        long ended = byId.values().stream().filter(reload -> !reload.isRunning()).count();
        for (Iterator<Reload> oldest = byId.values().iterator(); ended > settings.history() && oldest.hasNext();) {
            if (!oldest.next().isRunning()) {
                oldest.remove();
                ended--;
            }
        }
    }

    /**
     * What the status call answers about a reload.
     *
     * @throws RequestException if there is none of this id
     */
    public synchronized Map<String, Object> describe(String id) {
        Reload reload = byId.get(id);
        if (reload == null) {
            throw new RequestException(404, "unknown-request", "requestId: there is no reload of this id");
        }
        return reload.describe();
    }

    /**
     * Stops the reloads of an ingestion topic that run or wait.
     *
     * @throws RequestException if there is none
     */
    public synchronized Map<String, Object> stop(String topic) {
        List<Reload> running = byId.values().stream()
            .filter(reload -> reload.isRunning() && topic.equals(reload.getRequest().topic())).toList();
        if (running.isEmpty()) {
            throw new RequestException(404, "no-reload", "topic: no reload of topic " + topic + " is running");
        }
        running.forEach(Reload::requestStop);
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("message", "Reingestion stopping");
        answer.put("requestIds", running.stream().map(Reload::getId).toList());
        return answer;
    }

    /** Ends a reload with a failure. */
    public void fail(@Variable("reload") Reload reload, @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Throwable reason) {
        reload.fail(reason);
    }

    /** Asks all reloads to end, since the process does. */
    public synchronized void stopAll() {
        byId.values().stream().filter(Reload::isRunning).forEach(Reload::requestStop);
    }
}
