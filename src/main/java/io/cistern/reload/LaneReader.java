package io.cistern.reload;

import io.cistern.batch.BadLineException;
import io.cistern.batch.BatchFileReader;
import io.cistern.batch.DamagedFileException;
import io.cistern.batch.Record;
import io.cistern.bucket.Bucket;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.PriorityQueue;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The records of a lane, each once: life by life of its topic, in the order of their offsets. Files that overlap are read
 * side by side, and a record that is the same in both comes once; records that share an offset and nothing else both come.
 * It can be left after any record, and gone on with by {@link #saveTo}.
 */
final class LaneReader implements Iterator<Record>, Closeable {

    /** The parts of a lane's plan. */
    interface Parts {

        /** A part, and where the next one of its lane is looked for. */
        record Found(PlanPart part, long offset) {
        }

        /** The lane's first part at an offset or behind it. */
        Found read(long from);
    }

    /** Told of what cannot be read; it is passed over if they return. */
    interface Mishaps {

        /** A line is no record. */
        void badLine(BadLineException bad);

        /** A file is not whole: what is left of it cannot be read. */
        void damagedFile(DamagedFileException damaged);
    }

    private static final int[] NONE = {};

    private final Bucket bucket;
    private final ReloadRequest request;
    private final Parts parts;
    private final PriorityQueue<OpenFile> open = new PriorityQueue<>(
        Comparator.comparingLong((OpenFile file) -> file.head.offset()).thenComparingInt(file -> file.index));
    /** Begun files whose next line is not read yet, so that a bad one takes no record before it along. */
    private final List<OpenFile> unread = new ArrayList<>();
    private Parts.Found part;
    private Parts.Found following;
    private int nextFile;
    private int life;
    private int opened;
    private long filesDone;
    private long lastOffset;
    /** What came last; what else came at its offset; and the hashes of what had come at it before this reader. */
    private Record last;
    private List<Record> furtherLast = List.of();
    private int[] atLastBefore;
    private Record next;
    private Mishaps mishaps = new Mishaps() {
        @Override
        public void badLine(BadLineException bad) {
            throw bad;
        }

        @Override
        public void damagedFile(DamagedFileException damaged) {
            throw damaged;
        }
    };

    private static final class OpenFile {
        private final int index;
        private final PlanPart.File file;
        /** Null for one that is damaged at its start. */
        private final BatchFileReader reader;
        private final DamagedFileException damage;
        private Record head;
        /** Read, with those that are bad; the head's is one of them. */
        private long lines;

        private OpenFile(int index, PlanPart.File file, BatchFileReader reader, DamagedFileException damage) {
            this.index = index;
            this.file = file;
            this.reader = reader;
            this.damage = damage;
        }

        private boolean hasNext() {
            if (damage != null) {
                throw damage;
            }
            return reader.hasNext();
        }

        private void close() {
            if (reader != null) {
                reader.close();
            }
        }
    }

    /** @param from where to go on; not changed */
    LaneReader(Bucket bucket, ReloadRequest request, Parts parts, Lane from) {
        this.bucket = bucket;
        this.request = request;
        this.parts = parts;
        this.nextFile = from.nextFile;
        this.life = from.life;
        this.filesDone = from.files;
        this.lastOffset = from.lastOffset;
        this.atLastBefore = from.atLastOffset;
        this.part = parts.read(from.part);
        try {
            for (Lane.Begun begun : from.begun) {
                unread.add(open(new PlanPart.File(begun.name(), begun.firstOffset(), begun.count())));
                skip(unread.get(unread.size() - 1), begun.lines());
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private static void skip(OpenFile file, long lines) {
        while (file.lines < lines) {
            try {
                file.hasNext();
                file.reader.next();
            } catch (BadLineException e) {
                // It was passed over when it was met first.
            }
            file.lines++;
        }
    }

    /** Has mishaps told; without this they are thrown. */
    void tell(Mishaps told) {
        this.mishaps = told;
    }

    /**
     * Whether there is one more record.
     *
     * @throws BadLineException              if the next line is none, and is not passed over
     * @throws DamagedFileException          if a file is not whole, and its rest is not passed over
     * @throws java.io.UncheckedIOException  if a file cannot be read
     */
    @Override
    public boolean hasNext() {
        while (next == null) {
            while (!unread.isEmpty()) {
                advance(unread.get(unread.size() - 1));
            }
            openUpTo();
            if (open.isEmpty()) {
                return false;
            }
            OpenFile file = open.remove();
            unread.add(file);
            if (!isCopy(file.head)) {
                next = file.head;
            }
        }
        return true;
    }

    /** The record that {@link #next} will give, or null. */
    Record peek() {
        return hasNext() ? next : null;
    }

    @Override
    public Record next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        Record record = next;
        next = null;
        if (record.offset() == lastOffset && last != null) {
            List<Record> all = new ArrayList<>(furtherLast);
            all.add(last);
            furtherLast = all;
        } else {
            furtherLast = List.of();
            if (record.offset() != lastOffset) {
                atLastBefore = NONE;
            }
        }
        lastOffset = record.offset();
        last = record;
        return record;
    }

    private boolean isCopy(Record record) {
        if (request.fileName() != null || record.offset() != lastOffset) {
            return false;
        }
        return record.equals(last) || furtherLast.contains(record)
            || IntStream.of(atLastBefore).anyMatch(hash -> hash == record.hashCode());
    }

    /** Opens what may hold the next record. */
    private void openUpTo() {
        while (true) {
            if (nextFile < part.part().files().size()) {
                PlanPart.File file = part.part().files().get(nextFile);
                if (!open.isEmpty() && file.firstOffset() > open.peek().head.offset()) {
                    return;
                }
                nextFile++;
                OpenFile opened = open(file);
                unread.add(opened);
                advance(opened);
            } else if (part.part().isLast()) {
                return;
            } else {
                if (following == null) {
                    following = parts.read(part.offset() + 1);
                }
                if (following.part().life() != life) {
                    if (!open.isEmpty()) {
                        return;
                    }
                    life = following.part().life();
                    lastOffset = -1;
                    last = null;
                    furtherLast = List.of();
                    atLastBefore = NONE;
                }
                part = following;
                following = null;
                nextFile = 0;
            }
        }
    }

    private OpenFile open(PlanPart.File file) {
        try {
            return new OpenFile(opened++, file, Planner.open(bucket, path(file)), null);
        } catch (DamagedFileException e) {
            return new OpenFile(opened++, file, null, e);
        }
    }

    private String path(PlanPart.File file) {
        return request.folder() == null || file.name().indexOf('/') >= 0 ? file.name() : request.folder() + '/' + file.name();
    }

    /** Reads the next record of a file that waits for it; at its end the file is checked and closed. */
    private void advance(OpenFile file) {
        if (hasNext(file)) {
            file.head = file.reader.next();
            file.lines++;
            unread.remove(file);
            open.add(file);
            return;
        }
        unread.remove(file);
        file.close();
        filesDone++;
    }

    private boolean hasNext(OpenFile file) {
        while (true) {
            try {
                if (file.hasNext()) {
                    return true;
                }
                long expected = file.file.count();
                if (expected >= 0 && expected != file.lines) {
                    String reason = path(file.file) + ": not whole: " + file.lines + " records of " + expected;
                    throw new DamagedFileException(path(file.file), file.lines + 1, reason, new IOException(reason));
                }
                return false;
            } catch (BadLineException e) {
                mishaps.badLine(e);
                file.lines++;
            } catch (DamagedFileException e) {
                mishaps.damagedFile(e);
                return false;
            }
        }
    }

    /** Notes where it is: behind the record that {@link #next} gave last. */
    void saveTo(Lane lane) {
        lane.part = part.offset();
        lane.nextFile = nextFile;
        lane.life = life;
        lane.files = filesDone;
        lane.begun = new ArrayList<>();
        for (OpenFile file : unread) {
            // The head of the file that comes next is read, but not given.
            lane.begun.add(begun(file, next != null && file.head == next ? file.lines - 1 : file.lines));
        }
        open.forEach(file -> lane.begun.add(begun(file, file.lines - 1)));
        lane.lastOffset = lastOffset;
        lane.atLastOffset = last == null ? atLastBefore : IntStream.concat(IntStream.of(atLastBefore),
            Stream.concat(furtherLast.stream(), Stream.of(last)).mapToInt(Record::hashCode)).distinct().toArray();
    }

    private static Lane.Begun begun(OpenFile file, long lines) {
        return new Lane.Begun(file.file.name(), file.file.firstOffset(), file.file.count(), lines);
    }

    @Override
    public void close() {
        unread.forEach(OpenFile::close);
        open.forEach(OpenFile::close);
        unread.clear();
        open.clear();
    }
}
