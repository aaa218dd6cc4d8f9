package io.cistern.reload;

import com.fasterxml.jackson.annotation.JsonFormat;
import java.util.List;

/**
 * Files of one life of a partition in the order in which they are read: a piece of a plan that fits into a record.
 *
 * @param life   counts the lives of the partition from 0
 * @param isLast whether it is the last part of its lane
 * @param files  the files; none if there are none at all
 */
record PlanPart(int life, boolean isLast, List<File> files) {

    /**
     * A file.
     *
     * @param name        without its folder; the whole path where one file is reloaded, and of a file in another folder than
     *                    the topic's own
     * @param firstOffset the first record's
     * @param count       how many records, or -1 if that is not known
     */
    @JsonFormat(shape = JsonFormat.Shape.ARRAY)
    record File(String name, long firstOffset, long count) {
    }
}
