package io.cistern.kafka;

import io.cistern.batch.Record;
import java.util.List;

/** A task that was handed out, to whoever works on it; called on the thread that polled. */
public interface TaskInHand {

    /** The partition of the tasks topic that it is of, where the next task of its kind belongs too. */
    int partition();

    /** Whether it is still this one: not after {@link #commit}, unless that failed beforehand, and {@link #idle}. */
    boolean isInHand(TaskDesk.Job job);

    /** The codec of what is published in the transaction of the commit. */
    default Codec codec() {
        return Codec.NONE;
    }

    /** Publishes key and value of a record as one of its own, in the transaction of the commit. */
    void publish(String topic, Record record, List<Record.Header> headers);

    /**
     * The task is done: commits in one transaction all that was published since it was handed out, these entries, and that
     * it is done.
     *
     * @throws TransactionException if it is not committed, or if that is not known; all of it is undone then, unless it was
     *                              committed, and the task is handed out again unless it was
     */
    void commit(List<Entry> entries);

    /** Undoes what was published since it was handed out; {@link #commit} may still be called. */
    void undo();

    /**
     * There was nothing to do, and nothing was published: the task is handed out again later.
     *
     * @param until milliseconds since the epoch
     */
    void idle(long until);
}
