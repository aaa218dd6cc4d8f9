package io.cistern.reload;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Which files a reload opens, in which order.
 *
 * @param lanes          the source partitions
 * @param files          how many files will be opened
 * @param records        how many records they hold at the most, or -1 if that is not known of all of them
 * @param passedOver     how many are known to hold no record in the range
 * @param foreign        how many files of the folder are no batch files of the topic
 * @param firstTimestamp the least one that is in the range as far as names tell, milliseconds since the epoch
 * @param otherFolders   folders with files of the topic that are not read, as far as is known
 */
record Plan(List<Partition> lanes, long files, long records, long passedOver, long foreign, long firstTimestamp,
            List<String> otherFolders) {

    /** Most files in a part. */
    static final int FILES_IN_A_PART = 500;

    /**
     * A source partition.
     *
     * @param number of the partition, or -1 where it is not known beforehand
     * @param lives  those of its topic, in order; more than one when the topic was deleted and created again
     */
    record Partition(int number, List<Life> lives) {
    }

    /** The files of a partition over one life of its topic, in the order of their first offsets. */
    record Life(List<PlannedFile> files) {
    }

    /**
     * A lane's files in pieces, made as they are asked for.
     *
     * @param topic of the files, for their names
     */
    static Stream<PlanPart> parts(Partition lane, String topic) {
        return IntStream.range(0, lane.lives.size()).boxed().flatMap(life -> {
            List<PlannedFile> files = lane.lives.get(life).files;
            return IntStream.iterate(0, from -> from < files.size(), from -> from + FILES_IN_A_PART).mapToObj(from -> {
                int to = Math.min(files.size(), from + FILES_IN_A_PART);
                return new PlanPart(life, life == lane.lives.size() - 1 && to == files.size(),
                    files.subList(from, to).stream().map(file -> file.asPart(topic)).toList());
            });
        });
    }
}
