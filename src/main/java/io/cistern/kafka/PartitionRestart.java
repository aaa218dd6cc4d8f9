package io.cistern.kafka;

/**
 * Where a partition starts again that cannot go on where it is: records are gone, or the topic was created again.
 *
 * @param offset of the next record, or {@link #BEGINNING}
 */
record PartitionRestart(long offset) {

    /** The first offset that Kafka has. */
    static final long BEGINNING = -1;
}
