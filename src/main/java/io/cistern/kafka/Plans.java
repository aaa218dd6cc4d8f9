package io.cistern.kafka;

/** The plans of reloads, in parts. */
public interface Plans {

    /** A part of a plan, and its offset. */
    record Part(long offset, byte[] value) {
    }

    /**
     * Reads the first part of a plan that has this key, at an offset or behind it.
     *
     * @throws IllegalStateException                  if it is not there any more
     * @throws org.apache.kafka.common.KafkaException if no broker answers in time, or it refuses
     */
    Part readPlan(String key, long from);
}
