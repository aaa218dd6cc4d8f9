package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.batch.BatchFileReader;
import io.cistern.batch.Record;
import io.cistern.bucket.Bucket;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.camel.Body;
import org.apache.camel.Variable;

/** Reads the files of a run as batches that hold the records in the range that was asked for. */
public final class Batches {

    private static final int STOP_CHECK = 1024;

    private final Settings.Reload settings;
    private final Bucket bucket;

    public Batches(Settings settings, Bucket bucket) {
        this.settings = settings.reload();
        this.bucket = bucket;
    }

    /** The batches of {@code run}, read as they are asked for; to be closed if it is left before its end. */
    public Iterator<ReloadBatch> of(@Body Plan.Run run, @Variable("reload") Reload reload) {
        ReloadRequest request = reload.getRequest();
        if (request.fileName() == null) {
            return new OfRun(reload, new MergedFiles(bucket, request.folder(), reload, run.files()));
        }
        return new OfRun(reload, new SingleFile(Planner.open(bucket, request.fileName()), reload));
    }

    /** One file as it is, whatever its offsets. */
    private static final class SingleFile implements Iterator<Record>, Closeable {

        private final BatchFileReader reader;
        private final Reload reload;
        private boolean ended;

        private SingleFile(BatchFileReader reader, Reload reload) {
            this.reader = reader;
            this.reload = reload;
        }

        @Override
        public boolean hasNext() {
            boolean more = reader.hasNext();
            if (!more && !ended) {
                ended = true;
                reload.fileDone();
            }
            return more;
        }

        @Override
        public Record next() {
            return reader.next();
        }

        @Override
        public void close() {
            reader.close();
        }
    }

    private static long bytes(Record record) {
        long bytes = length(record.key()) + length(record.value());
        for (Record.Header header : record.headers()) {
            bytes += header.key().length() + length(header.value());
        }
        return bytes;
    }

    private static long length(byte[] bytes) {
        return bytes == null ? 0 : bytes.length;
    }

    private final class OfRun implements Iterator<ReloadBatch>, Closeable {

        private final Reload reload;
        private final ReloadRequest request;
        private final Iterator<Record> records;
        private final Closeable files;
        private ReloadBatch next;
        /** Met while a batch was read: what came before it goes first, which the split step asks for the next one before. */
        private RuntimeException failure;
        private boolean ended;

        private <F extends Iterator<Record> & Closeable> OfRun(Reload reload, F files) {
            this.reload = reload;
            this.request = reload.getRequest();
            this.records = files;
            this.files = files;
        }

        @Override
        public boolean hasNext() {
            if (next == null && failure == null && !ended) {
                next = read();
            }
            return next != null || failure != null;
        }

        @Override
        public ReloadBatch next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            if (next == null) {
                RuntimeException thrown = failure;
                failure = null;
                throw thrown;
            }
            ReloadBatch batch = next;
            next = null;
            return batch;
        }

        private ReloadBatch read() {
            List<Record> batch = new ArrayList<>();
            try {
                fill(batch);
            } catch (RuntimeException e) {
                failure = e;
            }
            if (failure != null || batch.isEmpty()) {
                ended = true;
                close();
            }
            return batch.isEmpty() ? null : new ReloadBatch(reload, request.topic(), batch.get(0).partition(), batch);
        }

        private void fill(List<Record> batch) {
            long bytes = 0;
            for (int i = 0; batch.size() < settings.batchRecords() && bytes < settings.batchBytes(); i++) {
                if (i % STOP_CHECK == 0 && reload.isStopRequested() || !records.hasNext()) {
                    return;
                }
                Record record = records.next();
                reload.recordRead();
                if (request.covers(record.timestamp())) {
                    request.requirePartition(record.partition());
                    batch.add(record);
                    bytes += bytes(record);
                }
            }
        }

        @Override
        public void close() {
            try {
                files.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
