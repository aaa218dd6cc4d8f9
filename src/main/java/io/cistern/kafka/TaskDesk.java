package io.cistern.kafka;

/** Says what the records of the tasks topic mean. */
public interface TaskDesk {

    /**
     * Whether a task can be handed out: now; not before more is known; never, since it is done; or not by this process, which
     * does not understand it and keeps it for others.
     */
    enum Fitness { READY, NOT_YET, OBSOLETE, FOREIGN }

    /** A task: the body of an exchange. */
    interface Job {

        /** Before when it need not be handed out, in milliseconds since the epoch. */
        long due();

        /** Whether it can be handed out now. */
        Fitness fitness();

        /** The most bytes of a batch of Kafka's that the topics take which it publishes to. */
        int batchBytes();

        /** The codec that its batches are to be sent with; null for the usual one. */
        Codec codec();

        /** It is handed out, maybe once more. */
        void begin(TaskInHand hand);
    }

    /** What a record of the tasks topic says; throws IllegalArgumentException if it is none. */
    Job read(String key, byte[] value);
}
