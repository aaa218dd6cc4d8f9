package io.cistern.batch;

import io.cistern.bench.Data;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The codec of lines alone: records that lie in memory, one after the other. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "-Xmx256m")
public class CodecBenchmark {

    private static final int RECORDS = 512;

    /** Bytes of a value of {@link Data}; or 1 KiB with two headers, or with a character to escape in every eight. */
    @Param({"100", "1024", "10240", "headers", "escapes"})
    private String records;

    private final LineWriter writer = new LineWriter(false);
    private final LineReader reader = new LineReader();
    private final List<Record> decoded = new ArrayList<>();
    private final List<byte[]> encoded = new ArrayList<>();
    private int next;

    /** Makes the records, and the lines that they are. */
    @Setup
    public void make() {
        boolean sized = Character.isDigit(records.charAt(0));
        Data data = new Data(1, sized ? Integer.parseInt(records) : 1024);
        List<Record.Header> headers = records.equals("headers") ? List.of(header("source", "Zürich"), header("trace", "5f2a9c11"))
            : List.of();
        for (int i = 0; i < RECORDS; i++) {
            byte[] value = data.value();
            if (records.equals("escapes")) {
                for (int at = 0; at < value.length; at += 8) {
                    value[at] = (byte) (value[at] < 0 ? value[at] : at % 16 == 0 ? '\n' : '"');
                }
            }
            Record record = new Record(i % 12, 1_000_000 + i, 1_709_164_800_000L + i, Record.TimestampType.CREATE_TIME,
                data.key(), value, headers);
            writer.write(record);
            decoded.add(record);
            encoded.add(Arrays.copyOf(writer.buffer(), writer.length()));
        }
    }

    private static Record.Header header(String key, String value) {
        return new Record.Header(key, value.getBytes(StandardCharsets.UTF_8));
    }

    /** From a record to its line. */
    @Benchmark
    public int encode() {
        next = (next + 1) % RECORDS;
        writer.write(decoded.get(next));
        return writer.length();
    }

    /** From a line to its record. */
    @Benchmark
    public Record decode() {
        next = (next + 1) % RECORDS;
        byte[] line = encoded.get(next);
        return reader.read(line, 0, line.length - 1);
    }
}
