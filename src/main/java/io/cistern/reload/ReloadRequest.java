package io.cistern.reload;

import java.util.Map;

/**
 * What was asked of a reload, checked.
 *
 * @param topic              the ingestion topic; null for the reload of a file whose name does not tell it
 * @param folder             the folder of its batch files, or null for the reload of a file
 * @param fileName           the path of the one file to reload, or null for the reload of a topic
 * @param target             the topic to publish to
 * @param from               least timestamp, milliseconds since the epoch, included
 * @param to                 greatest timestamp, included
 * @param selector           the custom selector's name, or null for all records
 * @param preservePartitions whether records go to the partition that they came from, rather than by key
 * @param targetPartitions   how many partitions the target has
 * @param originalTimestamps whether records keep their timestamps, rather than get the time of the reload
 * @param asAsked            the request as it came, for status answers
 */
public record ReloadRequest(String topic, String folder, String fileName, String target, long from, long to,
                            String selector, boolean preservePartitions, int targetPartitions, boolean originalTimestamps,
                            Map<String, Object> asAsked) {

    /** Whether a record's timestamp is in the range that was asked for. */
    public boolean covers(long timestamp) {
        return timestamp >= from && timestamp <= to;
    }

    /**
     * Checks that a stored partition can be published to.
     *
     * @throws IllegalStateException if it is to be preserved and the target has no such one
     */
    void requirePartition(int partition) {
        if (preservePartitions && partition >= targetPartitions) {
            throw new IllegalStateException("partitioning: there are records of partition " + partition + ", but topic "
                + target + " has " + targetPartitions + " partitions only");
        }
    }

    /** Whether any timestamp is in the range that was asked for. */
    public boolean coversAll() {
        return from == Long.MIN_VALUE && to == Long.MAX_VALUE;
    }
}
