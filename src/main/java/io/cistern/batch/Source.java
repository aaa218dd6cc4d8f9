package io.cistern.batch;

/**
 * Who polled a batch, and must be told what became of it. Not thread-safe: called on the thread that polled, where the
 * batch lives and dies.
 */
public interface Source {

    /** Names this consumer among all of the process, over its lifetime. */
    int id();

    /**
     * The records from {@code startOffset} to {@code nextOffset}, exclusive, are stored, and so is all that depends on
     * it: {@code nextOffset} may be committed.
     *
     * @param isStored whether they are in a file; else a filter of the storer's route left none of them
     * @throws IllegalStateException if records before {@code startOffset} are not stored; nothing is acknowledged then
     */
    void acknowledge(String topic, int partition, long startOffset, long nextOffset, boolean isStored);

    /**
     * Storing failed: what is held of the partition is dropped, and it is read again from the last acknowledged offset
     * after a rest, while the other partitions go on.
     */
    void rewind(String topic, int partition);

    /**
     * Storing failed: a file that is in the bucket, or whose records Kafka does not have any more, is handed out again after
     * a rest, and nothing after it before that. One that is in the bucket may be dropped if its memory is needed.
     *
     * @return false if its records are to be read again instead, for which {@link #rewind} is to be called
     */
    boolean keep(BatchFile file);

    /** Whether there is time for one more attempt to store a batch; if not, it must poll first to stay in its group. */
    boolean hasTime();
}
