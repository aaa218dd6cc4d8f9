package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.kafka.Entry;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes again what a process knows of reloads, after state topics were deleted. A reload that is not over gets its tasks
 * again as well: each carries the turn it is for, and is not done where that turn is done.
 */
final class StateRestorer {

    private final Settings.Reload settings;
    private final int tasksPartitions;

    StateRestorer(Settings.Reload settings, int tasksPartitions) {
        this.settings = settings;
        this.tasksPartitions = tasksPartitions;
    }

    /** The records of a reload that is understood. */
    List<Entry> entries(Reload reload) {
        String id = reload.getId();
        ReloadState state = reload.state();
        List<Lane> lanes = List.copyOf(reload.lanes().values());
        List<Entry> entries = new ArrayList<>();
        entries.add(request(id, Reloads.REQUEST, state.accepted()));
        if (state.wish() != Wish.NONE) {
            entries.add(request(id, Reloads.WISH, state.wish()));
        }
        if (state.stage().turn > 0) {
            entries.add(new Entry(settings.progressTopic(), null, id, Json.write(state.stage())));
        }
        for (Lane lane : lanes) {
            entries.add(new Entry(settings.progressTopic(), null, id + '/' + lane.number, Json.write(lane)));
        }
        if (state.isRunning()) {
            long turn = state.stage().turn + 1;
            entries.add(task(new Task(id, turn, 0, null, turn == 1 ? state.accepted() : null), -1));
            for (Lane lane : lanes) {
                if (!lane.isOver()) {
                    entries.add(task(new Task(id, lane.turn + 1, 0, lane, null), lane.number));
                }
            }
        }
        return entries;
    }

    private Entry request(String id, String name, Object value) {
        return new Entry(settings.requestsTopic(), null, id + '/' + name, Json.write(value));
    }

    private Entry task(Task task, int lane) {
        return new Entry(settings.tasksTopic(), Task.partition(task.reload(), lane, tasksPartitions), task.key(),
            Json.write(task));
    }
}
