package io.cistern.reload;

import java.util.Map;

/**
 * What was asked of a reload, checked.
 *
 * @param topic              the ingestion topic, or null for the reload of a file
 * @param folder             the folder of its batch files, or null for the reload of a file
 * @param fileName           the path of the one file to reload, or null for the reload of a topic
 * @param target             the topic to publish to
 * @param from               least timestamp, milliseconds since the epoch, included
 * @param to                 greatest timestamp, included
 * @param selector           the custom selector's name, or null for all records
 * @param preservePartitions whether records go to the partition that they came from, rather than by key
 * @param originalTimestamps whether records keep their timestamps, rather than get the time of the reload
 * @param asAsked            the request as it came, for status answers
 */
public record ReloadRequest(String topic, String folder, String fileName, String target, long from, long to,
                            String selector, boolean preservePartitions, boolean originalTimestamps,
                            Map<String, Object> asAsked) {

    /** Whether a record's timestamp is in the range that was asked for. */
    public boolean covers(long timestamp) {
        return timestamp >= from && timestamp <= to;
    }

    /** Whether any timestamp is in the range that was asked for. */
    public boolean coversAll() {
        return from == Long.MIN_VALUE && to == Long.MAX_VALUE;
    }
}
