package io.cistern.batch;

import static io.cistern.batch.TestFiles.bytes;
import static io.cistern.batch.TestFiles.header;
import static io.cistern.batch.TestFiles.record;
import static io.cistern.batch.TestFiles.utf8;
import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.batch.Record.TimestampType;
import io.cistern.bucket.BatchFileName;
import io.cistern.bucket.FileFacts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Files of the reference system and of earlier versions, which every version must read. Never regenerate them. */
class GoldenFilesTest {

    private static final Path GOLDEN = Path.of("src/test/resources/golden");

    static Stream<Arguments> files() {
        return Stream.of(
            // The reference system
            Arguments.of("orders/2022-11-14T13:26:37.728Z_orders.ingestion_0_312_1668432398047.txt",
                new BatchFileName(1668432397728L, "orders.ingestion", 0, 312, 1668432398047L,
                    "2022-11-14T13:26:37.728Z_0_312_1668432398047"),
                List.of(
                    record(0, 312, 1668432397728L, "\"42\"", "{\"id\":42}"),
                    record(0, 313, 1668432396100L, null, "{\"name\":\"Zoë\\n\",\"path\":\"a/b\"}"),
                    record(0, 320, 1668432398000L, "\"42\"", null))),
            Arguments.of("orders/2021-03-01T08:00:00Z_orders.ingestion_1_1614585601234.txt",
                new BatchFileName(1614585600000L, "orders.ingestion", 1, BatchFileName.UNKNOWN, 1614585601234L,
                    "2021-03-01T08:00:00Z_1_1614585601234"),
                List.of(
                    record(1, 40, 1614585600000L, "\"7\"", "{\"id\":7}"),
                    record(1, 41, 1614585600500L, "\"8\"", "é 😀 /"))),
            Arguments.of("eu_orders-v1.dlq/2022-12-24T18:00:00.001Z_eu_orders-v1.dlq_3_0_1671904800999.txt",
                new BatchFileName(1671904800001L, "eu_orders-v1.dlq", 3, 0, 1671904800999L,
                    "2022-12-24T18:00:00.001Z_3_0_1671904800999"),
                List.of(record(3, 0, 1671904800001L, "", ""))),
            Arguments.of("sales_7/2021-03-01T08:00:00.250Z_sales_7_2_1614585600777.txt",
                new BatchFileName(1614585600250L, "sales_7", 2, BatchFileName.UNKNOWN, 1614585600777L,
                    "2021-03-01T08:00:00.250Z_2_1614585600777"),
                List.of(record(2, 14, 1614585600250L, "a", "old"))),
            Arguments.of("sales_7/2022-03-01T08:00:00.250Z_sales_7_2_15_1646121600777.txt",
                new BatchFileName(1646121600250L, "sales_7", 2, 15, 1646121600777L,
                    "2022-03-01T08:00:00.250Z_2_15_1646121600777"),
                List.of(record(2, 15, 1646121600250L, "a", "new"))),
            // Version 0.1 of this project
            Arguments.of("events/2026-01-15T10:00:00.000Z_app.events_0_0_1768471200500.txt",
                new BatchFileName(1768471200000L, "app.events", 0, 0, 1768471200500L,
                    "2026-01-15T10:00:00.000Z_0_0_1768471200500"),
                List.of(
                    record(0, 0, 1768471200000L, "k", "plain"),
                    new Record(0, 1, 1768471199999L, TimestampType.CREATE_TIME, utf8("k"), utf8("with headers"), List.of(
                        header("trace", utf8("1")), header("trace", utf8("")), header("Camel\"\n", null),
                        header("bin", bytes(0xff, 0)))),
                    new Record(0, 5, 1768471201000L, TimestampType.LOG_APPEND_TIME, bytes(0xc0, 0xc0),
                        bytes(0xed, 0xa0, 0x80, 0x41), List.of()),
                    new Record(0, 6, -1, TimestampType.NO_TIMESTAMP_TYPE, null,
                        utf8("\0\b\t\n\f\r\u001f\"\\/'é😀"), List.of()))),
            Arguments.of("events/2026-01-15T10:05:00.000Z_app.events_0_7_1768471500500.txt.gz",
                new BatchFileName(1768471500000L, "app.events", 0, 7, 1768471500500L,
                    "2026-01-15T10:05:00.000Z_0_7_1768471500500"),
                List.of(
                    record(0, 7, 1768471500000L, "k", "gzip one"),
                    record(0, 8, 1768471501000L, "k", "gzip two"))),
            Arguments.of("events/2026-01-15T10:10:00.000Z_app.events_0_9_1768471800500.txt.zst",
                new BatchFileName(1768471800000L, "app.events", 0, 9, 1768471800500L,
                    "2026-01-15T10:10:00.000Z_0_9_1768471800500"),
                List.of(
                    record(0, 9, 1768471800000L, "k", "zstd one"),
                    new Record(0, 10, 1768471801000L, TimestampType.CREATE_TIME, utf8("k"), utf8("zstd two"),
                        List.of(header("h", utf8("v")))))));
    }

    @ParameterizedTest
    @MethodSource("files")
    void readsAFileOfAnEarlierVersion(String path, BatchFileName name, List<Record> records) throws IOException {
        assertThat(BatchFileName.parse(path.substring(path.indexOf('/') + 1), name.topic())).isEqualTo(name);
        assertThat(TestFiles.read(path, Files.newInputStream(GOLDEN.resolve(path)))).isEqualTo(records);
    }

    @Test
    void readsTheFactsOfAnEarlierVersion() throws IOException {
        assertThat(names(GOLDEN.resolve(FileFacts.folderFor("events"))).map(FileFacts::parse)).containsExactly(
            new FileFacts("2026-01-15T10:00:00.000Z_0_0_1768471200500", -1, 1768471201000L, 6, 4),
            new FileFacts("2026-01-15T10:05:00.000Z_0_7_1768471500500", 1768471500000L, 1768471501000L, 8, 2),
            new FileFacts("2026-01-15T10:10:00.000Z_0_9_1768471800500", 1768471800000L, 1768471801000L, 10, 2));
    }

    @Test
    void expectsSomethingOfEveryGoldenFile() throws IOException {
        for (String folder : List.of("orders", "eu_orders-v1.dlq", "sales_7", "events")) {
            assertThat(names(GOLDEN.resolve(folder)).map(name -> folder + '/' + name))
                .isSubsetOf(files().map(file -> (String) file.get()[0]).toList());
        }
    }

    private static Stream<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList().stream();
        }
    }
}
