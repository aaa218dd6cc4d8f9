package io.cistern.reload;

import io.cistern.batch.BadLineException;
import io.cistern.batch.BatchFileReader;
import io.cistern.batch.Record;
import io.cistern.bucket.BatchFileName;
import io.cistern.bucket.Bucket;
import io.cistern.bucket.BucketException;
import io.cistern.bucket.FileFacts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.TreeMap;

/** Reads a batch file to its end, and compares every line with what its name and its facts say. */
final class FileCheck {

    static final long DAY = 86_400_000;

    private final Bucket bucket;
    private final String path;
    private final BatchFileName name;
    private final FileFacts facts;
    private final Map<Long, Long> days = new TreeMap<>();
    private long firstOffset;
    private long lastOffset;
    private long least = Long.MAX_VALUE;
    private long greatest = Long.MIN_VALUE;
    private long count;
    private long gaps;

    /**
     * @param name  what the file's name says
     * @param facts what is known of it, or null
     */
    FileCheck(Bucket bucket, String path, BatchFileName name, FileFacts facts) {
        this.bucket = bucket;
        this.path = path;
        this.name = name;
        this.facts = facts;
    }

    /**
     * Reads the file.
     *
     * @return what is wrong with it, or null; no contents
     * @throws UncheckedIOException if it is not the file that cannot be read, but the bucket
     */
    String problem() {
        try (BatchFileReader reader = Planner.open(bucket, path)) {
            while (reader.hasNext()) {
                String problem = problem(reader.next());
                if (problem != null) {
                    return "line " + reader.lineNumber() + ": " + problem;
                }
            }
            return problemOfTheWhole();
        } catch (BadLineException e) {
            return "line " + e.line() + e.getMessage().substring((path + ", line " + e.line()).length());
        } catch (UncheckedIOException e) {
            requireBucket(e);
            return e.getCause() == null || e.getCause() instanceof BucketException
                ? BucketException.reason(e) : "not whole, or not what its name says: " + BucketException.reason(e);
        }
    }

    private void requireBucket(UncheckedIOException failure) {
        try {
            bucket.check(false);
        } catch (IOException e) {
            failure.addSuppressed(e);
            throw failure;
        }
    }

    private String problem(Record record) {
        if (record.partition() != name.partition()) {
            return "partition " + record.partition() + ", in a file of partition " + name.partition();
        }
        if (count == 0) {
            firstOffset = record.offset();
            if (name.firstOffset() != BatchFileName.UNKNOWN && firstOffset != name.firstOffset()) {
                return "offset " + firstOffset + ", in a file whose first offset is " + name.firstOffset() + " by its name";
            }
        } else if (record.offset() <= lastOffset) {
            return "offset " + record.offset() + " behind offset " + lastOffset;
        } else if (record.offset() > lastOffset + 1) {
            gaps++;
        }
        lastOffset = record.offset();
        least = Math.min(least, record.timestamp());
        greatest = Math.max(greatest, record.timestamp());
        days.merge(Math.floorDiv(record.timestamp(), DAY), 1L, Long::sum);
        count++;
        return null;
    }

    private String problemOfTheWhole() {
        if (count == 0) {
            return "holds no record";
        }
        if (facts == null) {
            return null;
        }
        if (facts.count() != count) {
            return notWhole(count, facts.count());
        }
        if (facts.lastOffset() != lastOffset) {
            return "not what was stored: ends with offset " + lastOffset + " and not " + facts.lastOffset();
        }
        return facts.leastTimestamp() == least && facts.greatestTimestamp() == greatest ? null
            : "not what was stored: its least or its greatest timestamp is another one";
    }

    static String notWhole(long found, long stored) {
        return "not what was stored: " + found + " records of " + stored;
    }

    /** What was found in a file with which nothing is wrong. */
    FileFacts found() {
        return new FileFacts(name.key(), least, greatest, lastOffset, count,
            facts == null ? FileFacts.NOT_NOTED : facts.from(), facts == null ? null : facts.topicId()).withTopic(name.topic());
    }

    /**
     * The same, as what is to be known of the file of this name.
     *
     * @param folder that it lies in; null for the topic's own
     */
    AuditedFile file(String folder, String fileName) {
        return new AuditedFile(folder, fileName, name, firstOffset, found(), gaps,
            days.equals(Map.of(Math.floorDiv(name.firstTimestamp(), DAY), count)) ? null : days);
    }
}
