package io.cistern.reload;

import io.cistern.batch.Compression;
import io.cistern.batch.Record;
import io.cistern.batch.TestFiles;
import io.cistern.reload.Archive.Writer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.LongPredicate;

/**
 * A partition's history, and what storers make of it: records come, are stored, stored again after crashes and rewinds,
 * compacted and deleted with their topic. Remembers what is in the archive.
 */
final class History {

    /** What may happen; numbers say how much and how. */
    enum Kind { PRODUCE, STORE, CRASH, POLL_SLOWLY, STORE_SLOWLY, REWIND, SKIP, COMPACT, DELETE_AND_CREATE }

    /** Which timestamps producers give: those of the moment, or those of a backlog, which may be in any order. */
    enum Timestamps { NOW, ABOUT_NOW, RISING, FALLING, ALL_THE_SAME }

    /** Something that happens to a partition. */
    record Step(Kind kind, int partition, int much, int how, Timestamps timestamps) {
    }

    private final Archive archive;
    private final int partition;
    /** By life and offset: what is in the archive. */
    private final Map<String, NavigableMap<Long, Record>> stored = new TreeMap<>();
    private final NavigableMap<Long, Record> log = new TreeMap<>();
    private char life = 'a';
    private long end;
    private long position;
    private long now = 1_700_000_000_000L;
    /** What a second consumer holds, which does not know that the partition is not its own any more. */
    private final List<Record> slow = new ArrayList<>();
    private long slowSince;
    private long slowPosition;

    History(Archive archive, int partition) {
        this.archive = archive;
        this.partition = partition;
    }

    void happens(Step step) {
        now += 3_000 + step.how() * 30L; // longer than the clocks of storers differ
        switch (step.kind()) {
            case PRODUCE -> produce(1 + step.much() % 20, step);
            case STORE -> position = store(step, position);
            case CRASH -> store(step, position);
            case POLL_SLOWLY -> pollSlowly(step);
            case STORE_SLOWLY -> storeSlowly(step);
            case REWIND -> position = end * (step.much() % 5) / 5;
            case SKIP -> position = end;
            case COMPACT -> log.keySet().removeIf(offset -> offset < end - 1 && offset * 31 % 7 < step.much() % 7);
            case DELETE_AND_CREATE -> deleteAndCreate(step.how());
        }
    }

    private void produce(int count, Step step) {
        for (int i = 0; i < count; i++) {
            long timestamp = switch (step.timestamps()) {
                case NOW -> now - 10L * (count - i);
                case ABOUT_NOW -> now + end * 7919 % 4_000 - 2_000; // producers whose clocks differ
                case RISING -> 1_600_000_000_000L + 1000 * end;
                case FALLING -> 1_650_000_000_000L - 1000 * end;
                case ALL_THE_SAME -> 1_500_000_000_000L;
            };
            log.put(end, TestFiles.record(partition, end, timestamp, "k", partition + "/" + life + "/" + end));
            end += step.how() % 5 == 0 && i % 3 == 0 ? 3 : 1; // as transactions leave gaps
        }
    }

    private List<Record> poll(long from, int most) {
        return log.tailMap(from, true).values().stream().limit(most).toList();
    }

    private long store(Step step, long from) {
        // a position behind the end is reset, to the start or to the end
        long start = from > end ? step.how() % 2 == 0 ? 0 : end : from;
        List<Record> records = poll(start, 1 + step.much() % 40);
        int perFile = 1 + step.how() % 13;
        for (int i = 0; i < records.size(); i += perFile) {
            write(now + i, step.how(), records.subList(i, Math.min(i + perFile, records.size())));
        }
        return records.isEmpty() ? start : records.get(records.size() - 1).offset() + 1;
    }

    private void pollSlowly(Step step) {
        if (slow.isEmpty()) {
            slowSince = now;
            slowPosition = Math.min(position, end);
        }
        poll(slowPosition, 1 + step.much() % 10).forEach(slow::add);
        if (!slow.isEmpty()) {
            slowPosition = slow.get(slow.size() - 1).offset() + 1;
        }
    }

    private void storeSlowly(Step step) {
        if (!slow.isEmpty()) {
            write(slowSince, step.how(), slow);
            slow.clear();
        }
    }

    private void deleteAndCreate(int how) {
        slow.clear();
        log.clear();
        life++;
        end = 0;
        position = how % 2 == 0 ? 0 : position;
    }

    private void write(long polledAt, int how, List<Record> records) {
        now = Math.max(now, polledAt);
        long consumedAt = polledAt - (how % 5 == 0 ? 2_000 : 0); // storers whose clocks differ
        archive.store(Writer.values()[how % 4], consumedAt, Compression.values()[how / 4 % 3], records);
        for (Record record : records) {
            String name = record.getPayload().substring(0, record.getPayload().lastIndexOf('/'));
            stored.computeIfAbsent(name, ignored -> new TreeMap<>()).put(record.offset(), record);
        }
    }

    /** By partition and life: what a reload of a range is to publish of it, in order. */
    Map<String, List<Record>> stored(LongPredicate range) {
        Map<String, List<Record>> inRange = new TreeMap<>();
        stored.forEach((name, records) -> {
            List<Record> some = records.values().stream().filter(record -> range.test(record.timestamp())).toList();
            if (!some.isEmpty()) {
                inRange.put(name, some);
            }
        });
        return inRange;
    }
}
