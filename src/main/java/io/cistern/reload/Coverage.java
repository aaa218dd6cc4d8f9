package io.cistern.reload;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is stored of a partition in one life of its topic: ranges of offsets that hold all that there was, grown together
 * file by file, so that a million files without a gap take no more memory than one.
 */
final class Coverage {

    /** A stretch of offsets, both included. */
    record Range(long from, long to) {
    }

    /** Files without a gap between them that was not noted as empty. */
    private static final class Row {
        private final long firstOffset;
        private long from;
        private long last;
        private final long consumedFrom;
        private long consumedTo;

        private Row(AuditedFile file) {
            firstOffset = file.firstOffset;
            from = file.from;
            last = file.lastOffset;
            consumedFrom = file.consumedAt;
            consumedTo = file.consumedAt;
        }
    }

    /** By first offset. */
    private final TreeMap<Long, Row> rows = new TreeMap<>();
    private final List<Range> overlaps = new ArrayList<>();
    private final TreeMap<Long, long[]> days = new TreeMap<>();
    private long files;
    private long records;
    private long emptyGaps;
    private long emptyOffsets;
    private long lastFirstOffset = -1;
    private long lastFirstTimestamp;
    private long lastConsumedAt;
    private String topicId;

    /**
     * Adds a file, in any order, as long as none goes back: behind each offset only files follow that were consumed later.
     *
     * @return false if this one does, or one of those that are there; it is not added then
     */
    boolean add(AuditedFile file) {
        Map.Entry<Long, Row> below = rows.floorEntry(file.firstOffset);
        Map.Entry<Long, Row> above = rows.higherEntry(file.firstOffset);
        if (below != null && (below.getValue().last >= file.firstOffset || below.getValue().consumedTo > file.consumedAt)
            || above != null && (above.getKey() <= file.lastOffset || above.getValue().consumedFrom < file.consumedAt)) {
            return false;
        }
        count(file);
        Row row = new Row(file);
        rows.put(row.firstOffset, row);
        if (above != null) {
            join(above.getValue());
        }
        if (rows.get(row.firstOffset) == row) {
            join(row);
        }
        return true;
    }

    /** Adds a file of which the first offset is not below those of the files that are there. */
    void addNext(AuditedFile file) {
        count(file);
        Row top = rows.isEmpty() ? null : rows.lastEntry().getValue();
        if (top != null && file.firstOffset <= top.last) {
            overlap(file.firstOffset, Math.min(file.lastOffset, top.last));
            top.last = Math.max(top.last, file.lastOffset);
            top.from = Math.min(top.from, file.from);
        } else {
            top = new Row(file);
            rows.put(top.firstOffset, top);
        }
        join(top);
    }

    /** Makes one of a row and those below it, as far down as there is nothing between them. */
    private void join(Row row) {
        for (var below = rows.lowerEntry(row.firstOffset); below != null && row.from <= below.getValue().last + 1;
             below = rows.lowerEntry(row.firstOffset)) {
            rows.remove(row.firstOffset);
            Row joined = below.getValue();
            if (row.firstOffset > joined.last + 1) {
                empty(joined.last + 1, row.firstOffset - 1);
            }
            joined.from = Math.min(joined.from, row.from);
            joined.last = row.last;
            joined.consumedTo = row.consumedTo;
            row = joined;
        }
    }

    private void overlap(long from, long to) {
        Range before = overlaps.isEmpty() ? null : overlaps.get(overlaps.size() - 1);
        if (before != null && from <= before.to + 1) {
            overlaps.set(overlaps.size() - 1, new Range(before.from, Math.max(before.to, to)));
        } else {
            overlaps.add(new Range(from, to));
        }
    }

    private void count(AuditedFile file) {
        files++;
        records += file.count;
        emptyGaps += file.innerGaps;
        emptyOffsets += file.innerOffsets();
        long firstDay = Math.floorDiv(file.firstTimestamp, FileCheck.DAY);
        day(firstDay)[0]++;
        if (file.days == null) {
            day(firstDay)[1] += file.count;
        } else {
            file.days.forEach((day, count) -> day(day)[1] += count);
        }
        lastConsumedAt = Math.max(lastConsumedAt, file.consumedAt);
        topicId = file.topicId == null ? topicId : file.topicId;
        if (file.firstOffset >= lastFirstOffset) {
            lastFirstOffset = file.firstOffset;
            lastFirstTimestamp = file.firstTimestamp;
        }
    }

    private long[] day(long day) {
        return days.computeIfAbsent(day, ignored -> new long[2]);
    }

    /** Counts a stretch without records. */
    void empty(long from, long to) {
        emptyGaps++;
        emptyOffsets += to - from + 1;
    }

    /** The ranges in order, each with what was noted as empty before its first record. */
    List<Range> ranges() {
        return rows.values().stream().map(row -> new Range(row.from, row.last)).toList();
    }

    /** What lies in more than one file. */
    List<Range> overlaps() {
        return overlaps;
    }

    /** Files and records, in this order, by the day since the epoch. */
    Map<Long, long[]> days() {
        return days;
    }

    long files() {
        return files;
    }

    /** In all files, copies included. */
    long records() {
        return records;
    }

    /** Stretches that are known to hold no record: of transactions' markers, for example. */
    long emptyGaps() {
        return emptyGaps + rows.values().stream().filter(row -> row.from < row.firstOffset).count();
    }

    /** The offsets of these. */
    long emptyOffsets() {
        return emptyOffsets + rows.values().stream().mapToLong(row -> row.firstOffset - row.from).sum();
    }

    /** Kafka's id of the topic in this life; null if it is not known of any file. */
    String topicId() {
        return topicId;
    }

    /** When the latest of the files was consumed, milliseconds since the epoch. */
    long lastConsumedAt() {
        return lastConsumedAt;
    }

    /** The offset of a record that is stored: the first one of the file with the highest offsets. */
    long sampleOffset() {
        return lastFirstOffset;
    }

    /** That record's timestamp. */
    long sampleTimestamp() {
        return lastFirstTimestamp;
    }
}
