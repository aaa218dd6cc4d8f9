package io.cistern.reload;

import io.cistern.kafka.TopicLog;
import io.cistern.kafka.TopicLog.Found;
import io.cistern.reload.Coverage.Range;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What an audit says of a partition in one life of its topic. What is between the stored ranges is asked of Kafka where
 * its topic is still in this life.
 */
final class LifeReport {

    /** What is in a gap. */
    private enum Kind {
        /** There was nothing to be stored, or it was compacted away. */
        EMPTY,
        /** Kafka has a record there. */
        MISSING,
        /** Kafka has deleted what was there. */
        GONE,
        /** Kafka cannot tell any more. */
        UNKNOWN
    }

    private record Gap(long from, long to, Kind kind) {
    }

    private final int partition;
    private final int life;
    private final Coverage stored;
    private final List<Range> rows;
    /** Null where it is not known. */
    private final String topicId;
    /** Null where Kafka cannot tell. */
    private final TopicLog log;
    private final List<Range> ranges = new ArrayList<>();
    private final List<Gap> gaps = new ArrayList<>();
    private long beginning;
    private long end;
    private Range open;
    /** The offset behind all that is or was stored; -1 if there is none. */
    private final long behind;

    /**
     * @param log  what Kafka has of the topic, or null; it may be in another life than this one
     * @param lost the offsets of a file that was stored behind all others and is not there, or null
     */
    LifeReport(int partition, int life, Coverage stored, TopicLog log, Range lost) {
        this.partition = partition;
        this.life = life;
        this.stored = stored;
        this.rows = stored.ranges();
        this.log = log != null && partition < log.partitions() && isThisLife(log) ? log : null;
        this.topicId = stored.topicId() == null && this.log != null && rows.isEmpty() ? log.topicId() : stored.topicId();
        long next = -1;
        for (Range row : rows) {
            if (open != null) {
                gaps(next, row.from() - 1);
            }
            extend(row);
            next = row.to() + 1;
        }
        if (lost != null && lost.to() >= next) {
            gaps(rows.isEmpty() ? lost.from() : next, lost.to());
            next = lost.to() + 1;
        }
        close();
        behind = next;
    }

    /** Whether the records in Kafka are those of this life, by the topic id, else as far as a record tells that both have. */
    private boolean isThisLife(TopicLog asked) {
        end = asked.end(partition);
        beginning = asked.beginning(partition);
        if (rows.isEmpty() || asked.topicId() != null && asked.topicId().equals(stored.topicId())) {
            return true;
        }
        if (end <= rows.get(rows.size() - 1).to()) {
            return false;
        }
        Found sample = asked.first(partition, stored.sampleOffset(), stored.sampleOffset());
        return sample == null || sample.timestamp() == stored.sampleTimestamp();
    }

    private void gaps(long from, long to) {
        if (log == null) {
            add(new Gap(from, to, Kind.UNKNOWN));
            return;
        }
        Found found = to < beginning ? null : log.first(partition, from, to);
        if (found == null && to >= beginning) {
            // Perhaps it was there until now.
            beginning = log.beginning(partition);
        }
        if (from < beginning) {
            add(new Gap(from, Math.min(to, beginning - 1), Kind.GONE));
        }
        if (to >= beginning) {
            add(new Gap(Math.max(from, beginning), to, found == null ? Kind.EMPTY : Kind.MISSING));
        }
    }

    private void add(Gap gap) {
        if (gap.kind == Kind.EMPTY) {
            stored.empty(gap.from, gap.to);
            extend(new Range(gap.from, gap.to));
        } else {
            close();
            gaps.add(gap);
        }
    }

    private void extend(Range range) {
        open = open == null ? range : new Range(open.from(), range.to());
    }

    private void close() {
        if (open != null) {
            ranges.add(open);
            open = null;
        }
    }

    /** How many offsets there are from the first record between two offsets, the first one included, to the second. */
    private long notStored(long from, long to) {
        Found found = to <= from ? null : log.first(partition, from, to - 1);
        return found == null ? 0 : to - found.offset();
    }

    /** For JSON. */
    Map<String, Object> toMap() {
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("partition", partition);
        report.put("life", life);
        if (topicId != null) {
            report.put("topicId", topicId);
        }
        report.put("inKafka", log != null);
        report.put("files", stored.files());
        report.put("records", stored.records());
        report.put("holes", (long) gaps.size());
        report.put("ranges", ranges.stream().map(range -> range(range.from(), range.to())).toList());
        report.put("gaps", gaps.stream().map(gap -> {
            Map<String, Object> entry = range(gap.from, gap.to);
            entry.put("kind", gap.kind.name().toLowerCase(Locale.ROOT));
            return entry;
        }).toList());
        report.put("emptyGaps", stored.emptyGaps());
        report.put("emptyOffsets", stored.emptyOffsets());
        report.put("overlaps", stored.overlaps().stream().map(range -> range(range.from(), range.to())).toList());
        if (log != null) {
            report.put("notStoredBefore", rows.isEmpty() ? 0 : notStored(beginning, rows.get(0).from()));
            report.put("notStoredYet", notStored(behind < 0 ? beginning : behind, end));
        }
        Map<String, Object> days = new LinkedHashMap<>();
        stored.days().forEach((day, counts) -> {
            Map<String, Object> ofDay = new LinkedHashMap<>();
            ofDay.put("files", counts[0]);
            ofDay.put("records", counts[1]);
            days.put(LocalDate.ofEpochDay(day).toString(), ofDay);
        });
        report.put("days", days);
        return report;
    }

    private static Map<String, Object> range(long from, long to) {
        Map<String, Object> range = new LinkedHashMap<>();
        range.put("from", from);
        range.put("to", to);
        return range;
    }
}
