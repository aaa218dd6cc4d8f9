package io.cistern.batch;

import static io.cistern.batch.TestFiles.bytes;
import static io.cistern.batch.TestFiles.file;
import static io.cistern.batch.TestFiles.header;
import static io.cistern.batch.TestFiles.line;
import static io.cistern.batch.TestFiles.read;
import static io.cistern.batch.TestFiles.readAll;
import static io.cistern.batch.TestFiles.record;
import static io.cistern.batch.TestFiles.trickling;
import static io.cistern.batch.TestFiles.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.luben.zstd.ZstdInputStream;
import io.cistern.batch.Record.TimestampType;
import io.cistern.bucket.FileFacts;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.zip.GZIPInputStream;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@link BatchFileWriter} writes, {@link BatchFileReader} and everybody else can read. */
class BatchFileCodecTest {

    private static final ObjectMapper JSON = new ObjectMapper()
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
    private static final int CHUNK = BatchFileWriter.CHUNK;

    @Test
    void writesAPlainTextRecordAsTheContractSays() {
        Record record = record(0, 312, Instant.parse("2022-11-14T13:26:37.728Z").toEpochMilli(), "\"42\"", "{\"id\":42}");

        assertThat(new String(file(Compression.NONE, List.of(record)), StandardCharsets.UTF_8)).isEqualTo("""
            {"timestamp":"2022-11-14T13:26:37.728Z","partition":0,"offset":312,"key":"\\"42\\"","payload":"{\\"id\\":42}"}
            """);
    }

    @Test
    void writesWhatTheContractsFieldsCannotSayInFieldsOfItsOwn() {
        Record bare = new Record(1, 7, -1, TimestampType.NO_TIMESTAMP_TYPE, null, null, List.of());
        Record rich = new Record(1, 8, 0, TimestampType.LOG_APPEND_TIME, bytes(0xff), bytes(0xed, 0xa0, 0x80),
            List.of(header("a", utf8("1")), header("a", null), header("b", bytes(0x80)), header("", utf8(""))));
        Record controls = record(1, 9, 0, "", "\0\b\t\n\f\r\u001f\u007f\u2028/é😀");

        assertThat(line(bare)).isEqualTo("{\"timestamp\":\"1969-12-31T23:59:59.999Z\",\"partition\":1,\"offset\":7,"
            + "\"key\":null,\"payload\":null,\"timestampType\":\"NoTimestampType\"}");
        assertThat(line(rich)).isEqualTo("{\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"partition\":1,\"offset\":8,"
            + "\"key\":\"/w==\",\"keyEncoding\":\"base64\",\"payload\":\"7aCA\",\"payloadEncoding\":\"base64\","
            + "\"headers\":[{\"key\":\"a\",\"value\":\"1\"},{\"key\":\"a\",\"value\":null},"
            + "{\"key\":\"b\",\"value\":\"gA==\",\"encoding\":\"base64\"},{\"key\":\"\",\"value\":\"\"}],"
            + "\"timestampType\":\"LogAppendTime\"}");
        assertThat(line(controls)).isEqualTo("{\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"partition\":1,\"offset\":9,"
            + "\"key\":\"\",\"payload\":\"\\u0000\\b\\t\\n\\f\\r\\u001f\u007f\u2028/é😀\"}");
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void readsBackWhatWasWritten(@ForAll("files") List<Record> records, @ForAll Compression compression,
                                 @ForAll @IntRange(min = 1, max = 50) int atATime) {
        byte[] file = file(compression, records);

        assertThat(read("a.txt" + compression.extension(), file)).isEqualTo(records);
        assertThat(read("a.txt" + compression.extension(), trickling(file, atATime))).isEqualTo(records);
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void aTagSaysWhichReloadPublishedARecordAndLeavesTheRestAsItIs(@ForAll("records") Record record) throws IOException {
        String tagged = taggedLine(record);

        String plain = line(record);
        if (record.headers().stream().noneMatch(header -> header.key().equals("cistern.reload.id"))) {
            assertThat(tagged).isEqualTo(plain);
        } else {
            assertThat(tagged).startsWith(plain.substring(0, plain.length() - 1) + ",\"reload\":\"").endsWith("\"}");
            assertThat(JSON.readTree(tagged).get("reload").isTextual()).isTrue();
        }
        assertThat(read("a.txt", utf8(tagged))).containsExactly(record);
    }

    @Test
    void aTagIsTheLastShortTextOfTheHeaderAndElseEmpty() throws IOException {
        byte[] id = utf8("8d1e0f3c-0f0e-4d5f-9f2e-1d3c5b7a9e00");
        byte[] tricky = utf8("\u00e9\"\n\0");
        assertThat(tags(id)).isEqualTo("8d1e0f3c-0f0e-4d5f-9f2e-1d3c5b7a9e00");
        assertThat(tags(utf8("first"), tricky)).isEqualTo("\u00e9\"\n\0");
        assertThat(tags(utf8("x".repeat(100)))).isEqualTo("x".repeat(100));
        assertThat(tags(id, utf8("x".repeat(101)))).isEmpty();
        assertThat(tags(id, null)).isEmpty();
        assertThat(tags(id, bytes(0x41, 0xff))).isEmpty();
        assertThat(tags(new byte[0])).isEmpty();
    }

    /** What the line of a record with such headers says in its field. */
    private static String tags(byte[]... ids) throws IOException {
        List<Record.Header> headers = new ArrayList<>();
        for (byte[] id : ids) {
            headers.add(header("cistern.reload.id", id));
        }
        headers.add(header("cistern.reload.i", utf8("another")));
        return JSON.readTree(taggedLine(new Record(0, 1, 2, TimestampType.CREATE_TIME, null, null, headers))).get("reload")
            .textValue();
    }

    private static String taggedLine(Record record) {
        LineWriter writer = new LineWriter(true);
        writer.write(record);
        return new String(writer.buffer(), 0, writer.length() - 1, StandardCharsets.UTF_8);
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void takesNoMoreMemoryThanWasForetold(@ForAll("files") List<Record> records, @ForAll Compression compression,
                                          @ForAll @IntRange(min = 0, max = 300_000) int large) {
        BatchFileWriter writer = new BatchFileWriter(compression, new LineWriter(true), new Chunks());
        List<Record> all = new ArrayList<>(records);
        all.add(records.size() / 2, record(0, 0, 0, "large", "\0".repeat(large)));
        for (Record record : all) {
            long bytes = Record.mostBytes(record.key(), record.value());
            for (Record.Header header : record.headers()) {
                bytes += Record.Header.mostBytes(header.key(), header.value());
            }
            assertThat(taggedLine(record).getBytes(StandardCharsets.UTF_8).length + 1L).isLessThanOrEqualTo(bytes);
            long most = writer.heldBytes() + writer.growth(bytes);
            writer.append(record);
            assertThat(writer.heldBytes()).isLessThanOrEqualTo(most);
        }
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void writesJsonThatOthersReadAlike(@ForAll("records") Record record) throws IOException {
        String line = line(record);
        assertThat(line).doesNotContain("\n");
        JsonNode json = JSON.readTree(line);

        Map<String, Object> expected = new LinkedHashMap<>();
        expected.put("timestamp", record.timestamp());
        expected.put("partition", record.partition());
        expected.put("offset", record.offset());
        putText(expected, "key", "keyEncoding", record.key());
        putText(expected, "payload", "payloadEncoding", record.value());
        if (!record.headers().isEmpty()) {
            expected.put("headers", record.headers().stream().map(header -> {
                Map<String, Object> entry = new LinkedHashMap<>();
                entry.put("key", header.key());
                putText(entry, "value", "encoding", header.value());
                return entry;
            }).toList());
        }
        if (record.timestampType() != TimestampType.CREATE_TIME) {
            expected.put("timestampType", record.timestampType().kafkaName());
        }
        Map<String, Object> actual = JSON.convertValue(json, LinkedHashMap.class);
        actual.replace("timestamp", Instant.parse(json.get("timestamp").textValue()).toEpochMilli());
        actual.replace("offset", json.get("offset").longValue());
        assertThat(actual).isEqualTo(expected);
        assertThat(actual.keySet()).containsExactlyElementsOf(expected.keySet());
    }

    /** Text as it is where it is UTF-8, else in base64: by the JDK's opinion of what is UTF-8. */
    private static void putText(Map<String, Object> fields, String field, String encoding, byte[] bytes) {
        if (bytes == null) {
            fields.put(field, null);
            return;
        }
        try {
            fields.put(field, StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
        } catch (CharacterCodingException e) {
            fields.put(field, Base64.getEncoder().encodeToString(bytes));
            fields.put(encoding, "base64");
        }
    }

    @ParameterizedTest
    @EnumSource
    void readsBackFilesWhoseLengthIsJustBelowAtAndAboveTheWritersBounds(Compression compression) {
        for (int bound : new int[] {4 * 1024, 8 * 1024, CHUNK / 2, CHUNK, 2 * CHUNK, 5 * CHUNK}) {
            for (int length = bound - 1; length <= bound + 1; length++) {
                // Given
                List<Record> records = new ArrayList<>();
                int missing = length;
                for (int offset = 10; missing > 0; offset++) {
                    Record empty = record(0, offset, 0, "k", "");
                    int overhead = line(empty).length() + 1;
                    int value = missing > CHUNK && missing - CHUNK > 2 * overhead ? 1000 * (offset % 50) : missing - overhead;
                    records.add(record(0, offset, 0, "k", "v".repeat(value)));
                    missing -= overhead + value;
                }

                // When
                BatchFileWriter writer = new BatchFileWriter(compression, new LineWriter(true), new Chunks());
                records.forEach(writer::append);
                long lengthBefore = writer.length();
                writer.finish();

                // Then
                byte[] file = readAll(writer.inputStream());
                assertThat(writer.length()).isEqualTo(file.length);
                assertThat(writer.heldBytes()).isGreaterThanOrEqualTo(file.length);
                if (compression == Compression.NONE) {
                    assertThat(file).hasSize(length);
                    assertThat(lengthBefore).isEqualTo(length);
                }
                assertThat(read("a.txt" + compression.extension(), file)).isEqualTo(records);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void whoStillReadsAFileThatIsNotNeededAnyMoreNeverSeesAnother(Compression compression) throws IOException {
        // Given a file that is read in part, and not any more
        Chunks chunks = new Chunks();
        BatchFileWriter first = fileOf(chunks, compression, "first ");
        byte[] whole = readAll(first.inputStream());
        InputStream late = first.inputStream();
        assertThat(late.readNBytes(10)).isEqualTo(Arrays.copyOf(whole, 10));
        first.release();

        // When others take its chunks
        for (int i = 0; i < 3; i++) {
            BatchFileWriter next = fileOf(chunks, compression, "next " + i);
            byte[] file = readAll(next.inputStream());

            // Then
            assertThat(file).isEqualTo(readAll(fileOf(new Chunks(), compression, "next " + i).inputStream()));
            assertThatThrownBy(late::read).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> late.readNBytes(10)).isInstanceOf(IOException.class);
            assertThatThrownBy(first::inputStream).isInstanceOf(IllegalStateException.class);
            first.release();
            next.release();
        }
    }

    private static BatchFileWriter fileOf(Chunks chunks, Compression compression, String what) {
        BatchFileWriter writer = new BatchFileWriter(compression, new LineWriter(false), chunks);
        Random random = new Random(what.hashCode());
        for (int offset = 0; offset < 3000; offset++) {
            byte[] value = new byte[random.nextInt(400)];
            random.nextBytes(value);
            writer.append(new Record(0, offset, 0, TimestampType.CREATE_TIME, what.getBytes(StandardCharsets.UTF_8), value, List.of()));
        }
        writer.finish();
        return writer;
    }

    @ParameterizedTest
    @EnumSource
    void readsBackLargeValues(Compression compression) {
        byte[] random = new byte[10_000_000];
        new Random(42).nextBytes(random);
        byte[] escaped = new byte[10_000_000];
        byte[] text = "é".repeat(5_000_000).getBytes(StandardCharsets.UTF_8);
        List<Record> records = new ArrayList<>();
        for (byte[] value : List.of(random, escaped, text, new byte[0])) {
            records.add(new Record(0, records.size(), 0, TimestampType.CREATE_TIME, null, value, List.of()));
        }

        assertThat(read("a.txt" + compression.extension(), file(compression, records))).isEqualTo(records);
    }

    @ParameterizedTest
    @EnumSource
    void readsAllSegmentsFromAStreamThatGivesFewBytesAtATime(Compression compression) {
        byte[] file = file(compression, severalSegments());

        for (int atATime : new int[] {1, 7, 100, 100_000}) {
            assertThat(read("a.txt" + compression.extension(), trickling(file, atATime))).isEqualTo(severalSegments());
        }
    }

    @ParameterizedTest
    @EnumSource
    void writesFilesThatTheToolsOfTheirFormatsRead(Compression compression) throws IOException {
        List<Record> records = severalSegments();
        byte[] file = file(compression, records);

        StringBuilder expected = new StringBuilder();
        records.forEach(record -> expected.append(line(record)).append('\n'));
        InputStream bytes = new ByteArrayInputStream(file);
        InputStream plain = switch (compression) {
            case NONE -> bytes;
            case GZIP -> new GZIPInputStream(bytes);
            case ZSTD -> new ZstdInputStream(bytes);
        };
        assertThat(new String(readAll(plain), StandardCharsets.UTF_8)).isEqualTo(expected.toString());
    }

    @ParameterizedTest
    @EnumSource(names = "NONE", mode = EnumSource.Mode.EXCLUDE)
    void takesATruncatedCompressedFileForAnErrorAndNotForItsEnd(Compression compression) {
        String name = "orders/a.txt" + compression.extension();
        byte[] file = file(compression, severalSegments());

        for (int length = 0; length < file.length; length++) {
            byte[] truncated = Arrays.copyOf(file, length);
            assertThat(catchThrowable(() -> read(name, truncated))).as("cut to %d of %d bytes", length, file.length)
                .isInstanceOfAny(UncheckedIOException.class, BadLineException.class);
        }
    }

    @ParameterizedTest
    @EnumSource(names = "NONE", mode = EnumSource.Mode.EXCLUDE)
    void takesAFileThatEndsWithinItsLastMemberOrFrameForAnErrorThoughAllItsLinesAreWhole(Compression compression) {
        byte[] first = file(compression, List.of(record(0, 1, 0, "a", "one")));
        byte[] second = file(compression, List.of(record(0, 2, 0, "b", "two")));
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        String name = "orders/a.txt" + compression.extension();

        assertThat(read(name, both)).extracting(Record::offset).containsExactly(1L, 2L);
        for (int length = first.length + 1; length < both.length; length++) {
            byte[] truncated = Arrays.copyOf(both, length);
            assertThat(catchThrowable(() -> read(name, truncated))).as("cut to %d of %d bytes", length, both.length)
                .isInstanceOf(UncheckedIOException.class);
        }
    }

    @ParameterizedTest
    @EnumSource(names = "NONE", mode = EnumSource.Mode.EXCLUDE)
    void takesABitThatTurnedForAnErrorAndNotForARecord(Compression compression) {
        String name = "orders/a.txt" + compression.extension();
        List<Record> records = List.of(record(0, 1, 0, "a", "the quick brown fox jumps over the lazy dog"),
            record(0, 2, 0, "b", "pack my box with five dozen liquor jugs"));
        byte[] file = file(compression, records);

        for (int bit = 0; bit < file.length * 8; bit++) {
            byte[] turned = file.clone();
            turned[bit / 8] ^= (byte) (1 << bit % 8);
            List<Record> found = new ArrayList<>();
            Throwable failure = catchThrowable(() -> found.addAll(read(name, turned)));
            if (failure == null) {
                // It was one that says nothing about the records, as the time in a gzip header.
                assertThat(found).as("bit %d", bit).isEqualTo(records);
            } else {
                assertThat(failure).as("bit %d", bit)
                    .isInstanceOfAny(UncheckedIOException.class, BadLineException.class);
            }
        }
    }

    /** Few bytes once compressed, more than two segments of text, with no line ending where a segment does. */
    private static List<Record> severalSegments() {
        return List.of(record(0, 1, 0, "a", "x".repeat(CHUNK)), record(0, 2, 0, "b", "y".repeat(CHUNK)),
            record(0, 3, 0, "c", "z"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.txt.gz", "a.txt.zst"})
    void refusesAFileThatIsNotCompressedAsItsNameSays(String name) {
        assertThatThrownBy(() -> read(name, file(Compression.NONE, severalSegments())))
            .isInstanceOf(UncheckedIOException.class);
    }

    @ParameterizedTest
    @EnumSource
    void closesItsStreamAtTheEnd(Compression compression) throws IOException {
        AtomicBoolean closed = new AtomicBoolean();
        BatchFileReader reader = new BatchFileReader("a.txt" + compression.extension(),
            closing(file(compression, severalSegments()), closed));

        reader.forEachRemaining(record -> assertThat(closed).isFalse());

        assertThat(closed).isTrue();
        assertThat(reader.hasNext()).isFalse();
    }

    @Test
    void closesItsStreamWhenItCannotStart() {
        AtomicBoolean closed = new AtomicBoolean();

        assertThatThrownBy(() -> new BatchFileReader("a.txt.gz", closing(utf8("no record\n"), closed)))
            .isInstanceOf(DamagedFileException.class).hasMessageContaining("a.txt.gz");

        assertThat(closed).isTrue();
    }

    private static InputStream closing(byte[] bytes, AtomicBoolean closed) {
        return new ByteArrayInputStream(bytes) {
            @Override
            public void close() {
                closed.set(true);
            }
        };
    }

    @Test
    void namesTheFileAndTheLineThatIsBad() throws IOException {
        // Given
        byte[] file = utf8(line(record(0, 1, 0, null, "one")) + '\n' + line(record(0, 2, 0, null, "two")) + '\n'
            + "{\"timestamp\":\"2022-11-14T13:26:37.728Z\",\"payload\":\"secret\",\"oops\":1}\n");

        // When
        try (BatchFileReader reader = new BatchFileReader("orders/a.txt", trickling(file, 7))) {
            assertThat(reader.next().offset()).isEqualTo(1);
            assertThat(reader.lineNumber()).isEqualTo(1);
            assertThat(reader.next().offset()).isEqualTo(2);

            // Then
            assertThatThrownBy(reader::hasNext).isInstanceOfSatisfying(BadLineException.class, bad -> {
                assertThat(bad.file()).isEqualTo("orders/a.txt");
                assertThat(bad.line()).isEqualTo(3);
                assertThat(bad).hasMessage("orders/a.txt, line 3: unknown field oops");
            });
        }
    }

    @ParameterizedTest
    @EnumSource
    void goesOnBehindEachLineThatIsNoRecord(Compression compression) throws IOException {
        // Given bad lines at the start, in a row, longer than the reader's buffer, and at the end, without a newline
        String one = line(record(0, 1, 0, "a", "one"));
        String two = line(record(0, 2, 0, "b", "two"));
        String three = line(record(0, 3, 0, "c", "x".repeat(CHUNK)));
        String longest = "{\"secret\":\"" + "y".repeat(3 * CHUNK);
        List<String> lines = List.of("secret", "x", one, longest, "{\"secret\":1}", "\u00e9\u0000", two, three, "[]", "{\"secret");
        String name = "a.txt" + compression.extension();
        byte[] file = compression.compress(utf8(String.join("\n", lines)), utf8(String.join("\n", lines)).length);

        for (int atATime : new int[] {7, 100_000, file.length}) {
            // When
            List<String> read = new ArrayList<>();
            try (BatchFileReader reader = new BatchFileReader(name, trickling(file, atATime))) {
                for (boolean more = true; more;) {
                    try {
                        more = reader.hasNext();
                        if (more) {
                            read.add(line(reader.next()));
                            assertThat(reader.lineNumber()).isEqualTo(read.size());
                        }
                    } catch (BadLineException bad) {
                        read.add(new String(bad.bytes(), StandardCharsets.UTF_8));
                        assertThat(bad.line()).isEqualTo(read.size()).isEqualTo(reader.lineNumber());
                        assertThat(bad.cut()).isFalse();
                        assertThat(bad.toString()).contains(name + ", line " + read.size() + ": ")
                            .doesNotContain("\"").doesNotContain("yyy");
                    }
                }
            }

            // Then
            assertThat(read).isEqualTo(lines);
        }
    }

    @Test
    void goesOnBehindALineThatIsLongerThanCanBeHeld() throws IOException {
        String last = line(record(0, 7, 0, "a", "last"));
        for (int length : new int[] {CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 10 * CHUNK}) {
            for (String behind : List.of("", "\n", "\n" + last, "\n\n" + last + "\n")) {
                try (BatchFileReader reader = new BatchFileReader("a.txt", trickling(utf8("z".repeat(length) + behind), 1000),
                    CHUNK)) {
                    assertThatThrownBy(reader::hasNext).isInstanceOfSatisfying(BadLineException.class, bad -> {
                        assertThat(bad.line()).isEqualTo(1);
                        assertThat(bad.bytes()).hasSize(Math.min(length, CHUNK)).containsOnly('z');
                        assertThat(bad.cut()).isEqualTo(length >= CHUNK);
                    });
                    if (behind.contains(last)) {
                        assertThat(reader.next().offset()).isEqualTo(7);
                        assertThat(reader.lineNumber()).isEqualTo(behind.startsWith("\n\n") ? 3 : 2);
                    }
                    assertThat(reader.hasNext()).isFalse();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void passesOverByteOrderMarkAndBlankLines(Compression compression) throws IOException {
        String one = line(record(0, 1, 0, "a", "one"));
        String two = line(record(0, 2, 0, "b", "two"));
        for (String text : List.of("\ufeff" + one + "\n\n" + two, "\ufeff\n" + one + "\n \t\n" + two + "\n",
            "\n" + one + "\n\n" + two + "\n\n", one + "\r\n\r\n" + two + "\r\n\r\n", one + '\n' + two + "\n  ",
            "\ufeff" + one + '\n' + two)) {
            byte[] file = compression.compress(utf8(text), utf8(text).length);
            for (int atATime : new int[] {1, file.length}) {
                try (BatchFileReader reader = new BatchFileReader("a.txt" + compression.extension(), trickling(file, atATime))) {
                    assertThat(reader.next().offset()).as(text).isEqualTo(1);
                    assertThat(reader.next().offset()).as(text).isEqualTo(2);
                    assertThat(reader.lineNumber()).as(text).isEqualTo(
                        text.substring(0, text.indexOf(two)).lines().count() + 1);
                    assertThat(reader.hasNext()).as(text).isFalse();
                }
            }
        }
        for (String text : List.of("", "\n", "\ufeff", "\ufeff \n\n")) {
            try (BatchFileReader reader = new BatchFileReader("a.txt", trickling(utf8(text), 1))) {
                assertThat(reader.hasNext()).as(text).isFalse();
            }
        }
    }

    @Test
    void refusesByteOrderMarkInTheMiddleOfAFile() throws IOException {
        byte[] file = utf8(line(record(0, 1, 0, "a", "one")) + "\n\ufeff" + line(record(0, 2, 0, "b", "two")));
        try (BatchFileReader reader = new BatchFileReader("a.txt", trickling(file, file.length))) {
            assertThat(reader.next().offset()).isEqualTo(1);
            assertThatThrownBy(reader::hasNext).isInstanceOf(BadLineException.class).hasMessageContaining("line 2");
        }
    }

    @Test
    void ignoresUnknownFieldsOnlyWhereAsked() throws IOException {
        String plain = line(record(0, 1, 0, "a", "one"));
        String header = "\"headers\":[{\"key\":\"h\",\"value\":\"v\",\"more\":{\"a\":[]}}],";
        for (String value : List.of("1", "-1.5e+3", "null", "true", "\"t\\\"\\\\\"", "[]", "{}", "[1, {\"a\":[\"]}\"]}]",
            "{\"offset\":7,\"b\": {\"c\":false}}")) {
            for (String text : List.of(plain.replaceFirst("\\{", Matcher.quoteReplacement("{ \"more\" : " + value + " ,")),
                plain.substring(0, plain.length() - 1) + ",\"more\":" + value + "}",
                plain.replaceFirst("\\{", Matcher.quoteReplacement("{" + header.replace("{\"a\":[]}", value))))) {
                try (BatchFileReader reader = new BatchFileReader("a.txt", trickling(utf8(text), 100), true)) {
                    assertThat(reader.next().offset()).as(text).isEqualTo(1);
                    assertThat(reader.hasNext()).isFalse();
                }
                try (BatchFileReader reader = new BatchFileReader("a.txt", trickling(utf8(text), 100))) {
                    assertThatThrownBy(reader::hasNext).as(text).isInstanceOf(BadLineException.class)
                        .hasMessageContaining("unknown field").hasMessageContaining("more");
                }
            }
        }
        for (String malformed : List.of("", "x", "01", "tru", "[1", "{\"a\"}", "{1:2}", "[1,]", "{\"a\":1,}", "\"\t\"", "\"", "[}",
            "[".repeat(200) + "]".repeat(200))) {
            String text = plain.replaceFirst("\\{", Matcher.quoteReplacement("{\"more\":" + malformed + ","));
            try (BatchFileReader reader = new BatchFileReader("a.txt", trickling(utf8(text), 100), true)) {
                assertThatThrownBy(reader::hasNext).as(text).isInstanceOf(BadLineException.class);
            }
        }
    }

    @Test
    void keepsTheFirstMegabyteOfALineThatIsNoRecord() throws IOException {
        for (int more : new int[] {0, 1}) {
            byte[] text = utf8("x".repeat((1 << 20) + more) + '\n');
            try (BatchFileReader reader = new BatchFileReader("a.txt", new ByteArrayInputStream(text))) {
                assertThatThrownBy(reader::hasNext).isInstanceOfSatisfying(BadLineException.class, bad -> {
                    assertThat(bad.bytes()).hasSize(1 << 20);
                    assertThat(bad.cut()).isEqualTo(more > 0);
                });
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = "NONE", mode = EnumSource.Mode.EXCLUDE)
    void cannotGoOnWhereTheCompressionIsBroken(Compression compression) throws IOException {
        byte[] file = file(compression, severalSegments());
        try (BatchFileReader reader = new BatchFileReader("a.txt" + compression.extension(),
            new ByteArrayInputStream(file, 0, file.length - 5))) {
            Throwable failure = catchThrowable(() -> reader.forEachRemaining(record -> { }));
            assertThat(failure).isInstanceOf(UncheckedIOException.class);
            assertThatThrownBy(reader::hasNext).isSameAs(failure);
        }
    }

    @Test
    void tellsOfABatchFileInNameFactsAndEvent() {
        // Given
        long noon = Instant.parse("2022-11-14T12:00:00Z").toEpochMilli();
        List<Record> records = List.of(record(3, 312, noon, "a", "1"), record(3, 320, noon - 5000, "a", null),
            record(3, 377, noon + 9000, "b", "2"), record(3, 378, noon + 1000, null, "3"));

        // When
        BatchFile file = TestFiles.batchFile("in/orders", "orders_7", 1668432398047L, Compression.GZIP, records);

        // Then
        assertThat(file.getPath()).isEqualTo("in/orders/2022-11-14T12:00:00.000Z_orders_7_3_312_1668432398047.txt.gz");
        assertThat(file.getFactsPath()).isEqualTo(".cistern/in/orders/2022-11-14T12:00:00.000Z_3_312_1668432398047."
            + (noon - 5000) + "_" + (noon + 9000) + "_378_4~" + FileFacts.tagOf("orders_7"));
        assertThat(file.getEvent()).isEqualTo(Map.of("filePath", file.getPath(),
            "batchTimeStart", "2022-11-14T12:00:00.000Z", "batchTimeEnd", "2022-11-14T12:00:01.000Z",
            "batchOffsetStart", 312L, "batchOffsetEnd", 378L, "batchSize", 4));
        assertThat(file).containsExactlyElementsOf(records);
        assertThat(file.getLength()).isEqualTo(readAll(file.getInputStream()).length);
    }

    @Test
    void notesFromWhichOffsetOnNothingWasBeforeItsFirstRecord() {
        List<Record> records = List.of(record(0, 12, 1000, "a", "1"), record(0, 13, 1000, "a", "2"));

        assertThat(TestFiles.batchFile("f", "t", 2000, Compression.NONE, 9, records).getFactsPath())
            .isEqualTo(".cistern/f/1970-01-01T00:00:01.000Z_0_12_2000.1000_1000_13_2_9~" + FileFacts.tagOf("t"));
        assertThat(TestFiles.batchFile("f", "t", 2000, Compression.NONE, 12, records).getFactsPath())
            .isEqualTo(".cistern/f/1970-01-01T00:00:01.000Z_0_12_2000.1000_1000_13_2~" + FileFacts.tagOf("t"));
    }

    @Provide
    Arbitrary<List<Record>> files() {
        return AnyRecords.ofAFile(12);
    }

    @Provide
    Arbitrary<Record> records() {
        return AnyRecords.records();
    }
}
