package io.cistern.kafka;

/** Says what the records of the tasks topic mean. */
public interface TaskDesk {

    /** Whether a task can be handed out. */
    enum Fitness { READY, NOT_YET, OBSOLETE }

    /** A task: the body of an exchange. */
    interface Job {

        /** Before when it need not be handed out, in milliseconds since the epoch. */
        long due();

        /** Whether it can be handed out now. */
        Fitness fitness();

        /** The most bytes of a batch of Kafka's that the topics take which it publishes to. */
        int batchBytes();

        /** It is handed out, maybe once more. */
        void begin(TaskInHand hand);
    }

    /** What a record of the tasks topic says; throws IllegalArgumentException if it is none. */
    Job read(String key, byte[] value);
}
