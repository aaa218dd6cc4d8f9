package io.cistern.reload;

import java.util.Map;

/**
 * Something to be done for a reload: a record of the tasks topic, of which there is one for each lane of a reload, and one
 * for who leads it, at any time. Doing it makes the next one of its kind.
 *
 * @param reload  the reload's id
 * @param turn    counts the tasks of its kind
 * @param due     before when there is nothing to do, milliseconds since the epoch
 * @param lane    how far the lane is; null for who leads
 * @param request for who leads, the first time: what was asked for
 */
record Task(String reload, long turn, long due, Lane lane, Accepted request) {

    /**
     * A request that was accepted.
     *
     * @param asked      the JSON object of the request
     * @param acceptedAt milliseconds since the epoch
     * @param startedBy  who asked
     * @param bucket     kind and name of the bucket that is meant
     */
    record Accepted(Map<String, Object> asked, long acceptedAt, String startedBy, String bucket) {
    }

    boolean isLead() {
        return lane == null;
    }

    /** Its key in the tasks topic. */
    String key() {
        return reload + (isLead() ? "/lead" : "/" + lane.number);
    }

    /** The partition of the tasks topic for a lane, or -1 for who leads: those of a reload are spread evenly. */
    static int partition(String reload, int lane, int partitions) {
        return Math.floorMod(reload.hashCode() + lane + 1, partitions);
    }
}
