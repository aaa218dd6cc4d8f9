package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.batch.Timestamps;
import io.cistern.kafka.Entry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The events of reloads, on a topic of their own if there is one: each is written once, with what it tells of. */
public final class ReloadEvents {

    private final Settings.Reload settings;

    public ReloadEvents(Settings settings) {
        this.settings = settings.reload();
    }

    /** Adds an event to what is committed together. */
    void add(List<Entry> entries, String what, Reload reload, Stage stage) {
        if (settings.eventsTopic().isEmpty()) {
            return;
        }
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("requestId", reload.getId());
        event.put("event", what);
        event.put("time", Timestamps.format(System.currentTimeMillis()));
        event.put("request", reload.accepted().asked());
        event.put("startedBy", reload.accepted().startedBy());
        event.put("files", stage.files);
        event.put("filesDone", reload.lanes().values().stream().mapToLong(lane -> lane.files).sum());
        event.put("published", reload.lanes().values().stream().mapToLong(lane -> lane.published).sum());
        event.put("bytes", reload.lanes().values().stream().mapToLong(lane -> lane.bytes).sum());
        event.put("skipped", reload.lanes().values().stream().mapToLong(lane -> lane.skipped).sum());
        event.put("deadLetters", reload.lanes().values().stream().mapToLong(lane -> lane.deadLetters).sum());
        if (stage.startedAt != null && stage.endedAt != null) {
            event.put("seconds", (stage.endedAt - stage.startedAt) / 1000.0);
        }
        if (stage.error != null) {
            event.put("message", stage.error);
        }
        entries.add(new Entry(settings.eventsTopic(), null, reload.getId(), Json.write(event)));
    }
}
