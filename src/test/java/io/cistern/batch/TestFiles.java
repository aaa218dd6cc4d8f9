package io.cistern.batch;

import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Records and batch files for tests, those of other packages too. */
public final class TestFiles {

    private TestFiles() {
    }

    /** A record of plain text, as most are. */
    public static Record record(int partition, long offset, long timestamp, String key, String value) {
        return new Record(partition, offset, timestamp, Record.TimestampType.CREATE_TIME, utf8(key), utf8(value),
            List.of());
    }

    public static Record.Header header(String name, byte[] value) {
        return new Record.Header(name, value);
    }

    /** The text in UTF-8, or null. */
    public static byte[] utf8(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    /** Bytes from numbers from 0 to 255. */
    public static byte[] bytes(int... numbers) {
        byte[] bytes = new byte[numbers.length];
        for (int i = 0; i < numbers.length; i++) {
            bytes[i] = (byte) numbers[i];
        }
        return bytes;
    }

    /** What the storer makes of consecutive records of one partition: the file with its path, facts and event. */
    public static BatchFile batchFile(String folder, String topic, long consumedAt, Compression compression,
                                      List<Record> records) {
        return batchFile(folder, topic, consumedAt, compression, records.get(0).offset(), records);
    }

    /** The same, of a topic incarnation. */
    public static BatchFile batchFile(String folder, String topic, String topicId, long consumedAt, List<Record> records) {
        return batchFile(folder, topic, topicId, consumedAt, Compression.NONE, records.get(0).offset(), records);
    }

    /** The same, of records that were polled from {@code startOffset} on. */
    static BatchFile batchFile(String folder, String topic, long consumedAt, Compression compression, long startOffset,
                               List<Record> records) {
        return batchFile(folder, topic, null, consumedAt, compression, startOffset, records);
    }

    private static BatchFile batchFile(String folder, String topic, String topicId, long consumedAt, Compression compression,
                                       long startOffset, List<Record> records) {
        PolledBatch polled = new PolledBatch(null, topic, records.get(0).partition(), startOffset,
            records.get(records.size() - 1).offset() + 1, consumedAt, topicId, records, records.size());
        BatchFile file = new BatchFile(polled, new BatchFile.Destination(folder, List.of()), compression,
            new LineWriter(false), new OpenBatches(), 0);
        file.append(polled);
        file.finish(Rotation.Reason.POLL);
        return file;
    }

    /** The bytes of a batch file of these records. */
    public static byte[] file(Compression compression, Iterable<Record> records) {
        BatchFileWriter writer = new BatchFileWriter(compression, new LineWriter(false), new Chunks());
        records.forEach(writer::append);
        writer.finish();
        return readAll(writer.inputStream());
    }

    /** The line of a record, without its newline. */
    public static String line(Record record) {
        LineWriter writer = new LineWriter(false);
        writer.write(record);
        return new String(writer.buffer(), 0, writer.length() - 1, StandardCharsets.UTF_8);
    }

    /** All records of a batch file; {@code name} tells its compression. */
    public static List<Record> read(String name, InputStream bytes) {
        List<Record> records = new ArrayList<>();
        try (BatchFileReader reader = new BatchFileReader(name, bytes)) {
            reader.forEachRemaining(records::add);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return records;
    }

    public static List<Record> read(String name, byte[] bytes) {
        return read(name, new ByteArrayInputStream(bytes));
    }

    public static byte[] readAll(InputStream in) {
        try (in) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same bytes as a slow network gives them: a few at a time, never saying that more are there. */
    public static InputStream trickling(byte[] bytes, int atATime) {
        return new FilterInputStream(new ByteArrayInputStream(bytes)) {
            @Override
            public int read(byte[] to, int from, int length) throws IOException {
                return super.read(to, from, Math.min(length, atATime));
            }

            @Override
            public int available() {
                return 0;
            }
        };
    }
}
