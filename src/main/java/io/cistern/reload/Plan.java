package io.cistern.reload;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * Which files a reload opens, in which order.
 *
 * @param lives      for each partition its lives, in order; a partition has more than one when its topic was deleted and
 *                   created again
 * @param files      how many files will be opened
 * @param passedOver how many are known to hold no record in the range
 * @param foreign    how many files of the folder are no batch files of the topic
 */
record Plan(List<List<Life>> lives, int files, int passedOver, int foreign) {

    /** The files of a partition over one life of its topic, in the order of their first offsets. */
    record Life(List<PlannedFile> files) {

        /**
         * Rows of files that can be read one after the other: files whose offsets overlap, or may since their last one
         * is not known, are in one row.
         */
        List<Run> runs() {
            List<Run> runs = new ArrayList<>();
            int start = 0;
            long reach = -1;
            for (int i = 0; i < files.size(); i++) {
                if (i > start && files.get(i).firstOffset > reach) {
                    runs.add(new Run(files.subList(start, i)));
                    start = i;
                    reach = -1;
                }
                long last = files.get(i).lastOffset;
                reach = last < 0 ? Long.MAX_VALUE : Math.max(reach, last);
            }
            if (start < files.size()) {
                runs.add(new Run(files.subList(start, files.size())));
            }
            return runs;
        }
    }

    /** Files of one partition that are read together, since their offsets may overlap; mostly it is one. */
    record Run(List<PlannedFile> files) {
    }

    /** All runs: those of a partition in their order, and over the partitions by the time of their first record. */
    Iterator<Run> runs() {
        PriorityQueue<Head> heads = new PriorityQueue<>(Comparator.comparingLong(Head::firstTimestamp));
        for (List<Life> ofPartition : lives) {
            Iterator<Run> runs = ofPartition.stream().flatMap(life -> life.runs().stream()).iterator();
            if (runs.hasNext()) {
                heads.add(new Head(runs.next(), runs));
            }
        }
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return !heads.isEmpty();
            }

            @Override
            public Run next() {
                Head head = heads.remove();
                if (head.rest.hasNext()) {
                    heads.add(new Head(head.rest.next(), head.rest));
                }
                return head.run;
            }
        };
    }

    private record Head(Run run, Iterator<Run> rest) {
        long firstTimestamp() {
            return run.files.get(0).firstTimestamp;
        }
    }
}
