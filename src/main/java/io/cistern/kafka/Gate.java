package io.cistern.kafka;

import io.cistern.batch.Batch;
import io.cistern.batch.Record;

/** Decides how each record of one batch is sent to one topic, if at all. Called by the thread that sends, unless noted. */
interface Gate {

    /** Whether a record is sent like any other, without a closer look. */
    boolean isOrdinary(Record record);

    /** The codec that a record has to be sent with; null if the topic does not take it, and it is passed over. */
    Codec codec(Record record);

    /** The most bytes of a Kafka batch that the topic takes. */
    long maxBytes();

    /** Whether a record that the broker refused is passed over, so that the batch does not fail; called by any thread. */
    boolean passesOver(Coordinates record, Exception reason);

    /** All records that were sent are acknowledged; called by any thread. */
    void acknowledged();

    /** Makes the gates of a producer. */
    interface Factory {

        /** Nothing is checked except that large records are sent alone. */
        Factory NONE = (target, batch, usual) -> new SizeGate(batch.targetMaxBytes(), usual);

        /**
         * The gate of a batch.
         *
         * @param usual the codec of the producer
         * @throws RecordRefusedException if the batch is not to be sent, since the topic does not take one of its records
         */
        Gate gate(String target, Batch batch, Codec usual);

        /** Throws {@link TopicUnavailableException} if a topic is not to be waited for now. */
        default void requireAvailable(String topic) {
        }

        /**
         * A topic has acknowledged something, or failed to; called by any thread.
         *
         * @param failure null if it was acknowledged
         * @param nanos   how long that took
         */
        default void answered(String topic, Throwable failure, long nanos) {
        }
    }
}
