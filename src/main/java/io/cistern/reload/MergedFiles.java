package io.cistern.reload;

import io.cistern.batch.BatchFileReader;
import io.cistern.batch.Record;
import io.cistern.bucket.Bucket;
import java.io.Closeable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.PriorityQueue;

/**
 * The records of a run in the order of their offsets, each once: files that overlap are read side by side, and a record
 * that is the same in both comes once. Records that share an offset and nothing else both come.
 */
final class MergedFiles implements Iterator<Record>, Closeable {

    private final Bucket bucket;
    private final String folder;
    private final Reload reload;
    private final List<PlannedFile> files;
    private final PriorityQueue<OpenFile> open = new PriorityQueue<>(
        Comparator.comparingLong((OpenFile file) -> file.head.offset()).thenComparingInt(file -> file.index));
    /** What came at the offset that came last; only where files overlap. */
    private final List<Record> atLastOffset = new ArrayList<>();
    /** Whose head came last: read on when more is asked for, so that a bad line takes no record before it along. */
    private OpenFile current;
    private int nextFile;
    private Record next;

    private static final class OpenFile {
        private final int index;
        private final BatchFileReader reader;
        private Record head;
        private long count;

        private OpenFile(int index, BatchFileReader reader) {
            this.index = index;
            this.reader = reader;
        }
    }

    MergedFiles(Bucket bucket, String folder, Reload reload, List<PlannedFile> files) {
        this.bucket = bucket;
        this.folder = folder;
        this.reload = reload;
        this.files = files;
    }

    @Override
    public boolean hasNext() {
        while (next == null) {
            if (current != null) {
                OpenFile file = current;
                current = null;
                advance(file);
            }
            while (nextFile < files.size() && (open.isEmpty() || files.get(nextFile).firstOffset <= open.peek().head.offset())) {
                openNext();
            }
            if (open.isEmpty()) {
                return false;
            }
            current = open.remove();
            if (!isCopy(current.head)) {
                next = current.head;
            }
        }
        return true;
    }

    @Override
    public Record next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        Record record = next;
        next = null;
        return record;
    }

    private boolean isCopy(Record record) {
        if (files.size() == 1) {
            return false;
        }
        if (!atLastOffset.isEmpty() && atLastOffset.get(0).offset() == record.offset()) {
            if (atLastOffset.contains(record)) {
                return true;
            }
        } else {
            atLastOffset.clear();
        }
        atLastOffset.add(record);
        return false;
    }

    private void openNext() {
        int index = nextFile++;
        advance(new OpenFile(index, Planner.open(bucket, path(index))));
    }

    /** Reads the file's next record, and puts it back among the open ones; at its end it is checked and closed. */
    private void advance(OpenFile file) {
        boolean kept = false;
        try {
            if (file.reader.hasNext()) {
                file.head = file.reader.next();
                file.count++;
                open.add(file);
                kept = true;
                return;
            }
            long expected = files.get(file.index).count;
            if (expected >= 0 && expected != file.count) {
                throw new IllegalStateException(path(file.index) + ": not whole: " + file.count + " records of " + expected);
            }
            reload.fileDone();
        } finally {
            if (!kept) {
                file.reader.close();
            }
        }
    }

    private String path(int index) {
        return folder + '/' + files.get(index).name(reload.getRequest().topic());
    }

    @Override
    public void close() {
        if (current != null) {
            open.add(current);
            current = null;
        }
        open.forEach(file -> file.reader.close());
        open.clear();
        nextFile = files.size();
    }
}
