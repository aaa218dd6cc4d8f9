package io.cistern.bucket;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.batch.Compression;
import io.cistern.bucket.AnyNames.Named;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchFileNameTest {

    @Test
    void writesNamesAsTheContractSays() {
        assertThat(BatchFileName.format("orders.ingestion", 0, 1668432397728L, 312, 1668432398047L, Compression.NONE))
            .isEqualTo("2022-11-14T13:26:37.728Z_orders.ingestion_0_312_1668432398047.txt");
        assertThat(BatchFileName.format("a_7", 12, 0, 0, 0, Compression.GZIP))
            .isEqualTo("1970-01-01T00:00:00.000Z_a_7_12_0_0.txt.gz");
        assertThat(BatchFileName.format("a", 0, -1, 1, 2, Compression.ZSTD))
            .isEqualTo("1969-12-31T23:59:59.999Z_a_0_1_2.txt.zst");
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void readsBackItsOwnNames(@ForAll("topics") String topic, @ForAll @IntRange int partition, @ForAll long firstTimestamp,
                              @ForAll @LongRange long firstOffset, @ForAll @LongRange long consumedAt,
                              @ForAll Compression compression) {
        String name = BatchFileName.format(topic, partition, firstTimestamp, firstOffset, consumedAt, compression);
        BatchFileName parsed = BatchFileName.parse(name, topic);

        assertThat(parsed.topic()).isEqualTo(topic);
        assertThat(parsed.partition()).isEqualTo(partition);
        assertThat(parsed.firstTimestamp()).isEqualTo(firstTimestamp);
        assertThat(parsed.firstOffset()).isEqualTo(firstOffset);
        assertThat(parsed.consumedAt()).isEqualTo(consumedAt);
        assertThat(BatchFileName.parse(name, null)).isEqualTo(parsed);
        assertThat(name).startsWith(parsed.key().substring(0, parsed.key().indexOf('_')) + '_' + topic + '_')
            .contains(parsed.key().substring(parsed.key().indexOf('_')) + ".txt");
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void readsNamesOfEveryVersion(@ForAll("files") Named file) {
        BatchFileName parsed = BatchFileName.parse(file.name(), file.topic());

        assertThat(parsed.partition()).isEqualTo(file.partition());
        assertThat(parsed.firstTimestamp()).isEqualTo(file.firstTimestamp());
        assertThat(parsed.firstOffset()).isEqualTo(file.firstOffset());
        assertThat(parsed.consumedAt()).isEqualTo(file.consumedAt());
        assertThat(BatchFileName.parse(file.name(), file.topic() + "x")).isNull();
        assertThat(BatchFileName.parse("x" + file.name(), file.topic())).isNull();
        assertThat(BatchFileName.parse(file.name() + "x", file.topic())).isNull();
    }

    @Test
    void tellsATopicThatEndsLikeAPartitionFromAPartitionByTheFoldersTopic() {
        String name = "2022-11-14T13:26:37.728Z_orders_7_3_1668432398047.txt";

        assertThat(BatchFileName.parse(name, "orders_7"))
            .isEqualTo(new BatchFileName(1668432397728L, "orders_7", 3, BatchFileName.UNKNOWN, 1668432398047L,
                "2022-11-14T13:26:37.728Z_3_1668432398047"));
        assertThat(BatchFileName.parse(name, "orders"))
            .isEqualTo(new BatchFileName(1668432397728L, "orders", 7, 3, 1668432398047L,
                "2022-11-14T13:26:37.728Z_7_3_1668432398047"));
        assertThat(BatchFileName.parse(name, null)).isEqualTo(BatchFileName.parse(name, "orders"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".txt", "README.md", "a.txt", "_a_0_1_2.txt", "2022-11-14T13:26:37.728Z_a_0_1_2",
        "2022-11-14T13:26:37.728Z_a_0_1_2.json", "2022-11-14T13:26:37.728Z_a_0_1_2.txt.bz2", "2022-11-14T13:26:37.728Z_a_0_1_2.TXT",
        "2022-11-14T13:26:37.728Z_a_0_1_2.txt.tmp", "2022-11-14T13:26:37.728Z_a_0.txt", "2022-11-14T13:26:37.728Z_a_0_-1_2.txt",
        "2022-11-14T13:26:37.728Z_0_1.txt", "2022-11-14T13:26:37.728Z__0_1_2.txt", "2022-11-14T13:26:37.728Z_a_0_1_x.txt",
        "2022-11-14_a_0_1_2.txt", "today_a_0_1_2.txt", "2022-11-14T13:26:37.728Z_a_2147483648_1_2.txt",
        "2022-11-14T13:26:37.728Z_a_0_1_9223372036854775808.txt", "2022-11-14T13:26:37.728Z_a_٣_1_2.txt",
        "2022-11-14T13:26:37.728Z_a_0_1_2.txt\n"})
    void takesOtherFilesForWhatTheyAre(String name) {
        assertThat(BatchFileName.parse(name, "a")).isNull();
    }

    @Provide
    Arbitrary<String> topics() {
        return AnyNames.topics();
    }

    @Provide
    Arbitrary<Named> files() {
        return AnyNames.topics().flatMap(AnyNames::of);
    }
}
