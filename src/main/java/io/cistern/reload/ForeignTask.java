package io.cistern.reload;

import io.cistern.kafka.Codec;
import io.cistern.kafka.TaskDesk;
import io.cistern.kafka.TaskInHand;

/**
 * A task that this version does not understand. It is never handed out, and stays in its topic for a replica of a newer version;
 * only when its reload was deleted it is of no use any more.
 */
final class ForeignTask implements TaskDesk.Job {

    private final Reloads reloads;
    private final String reload;

    /** @param reload the reload's id, from the task's key */
    ForeignTask(Reloads reloads, String reload) {
        this.reloads = reloads;
        this.reload = reload;
    }

    @Override
    public long due() {
        return 0;
    }

    @Override
    public TaskDesk.Fitness fitness() {
        return reloads.isDeleted(reload) ? TaskDesk.Fitness.OBSOLETE : TaskDesk.Fitness.FOREIGN;
    }

    @Override
    public int batchBytes() {
        throw new IllegalStateException("A task that is not understood cannot be handed out");
    }

    @Override
    public Codec codec() {
        throw new IllegalStateException("A task that is not understood cannot be handed out");
    }

    @Override
    public void begin(TaskInHand hand) {
        throw new IllegalStateException("A task that is not understood cannot be handed out");
    }
}
