package io.cistern.bucket;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.bucket.AnyNames.Named;
import java.util.Comparator;
import java.util.List;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.LongRange;
import org.apache.kafka.common.Uuid;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FileFactsTest {

    @Property(edgeCases = EdgeCasesMode.NONE)
    void readsBackItsOwnNames(@ForAll("files") Named file, @ForAll long least, @ForAll long greatest,
                              @ForAll @LongRange long lastOffset, @ForAll @LongRange long count) {
        String key = BatchFileName.parse(file.name(), file.topic()).key();
        FileFacts facts = new FileFacts(key, least, greatest, lastOffset, count);
        String path = facts.path("in/orders");

        assertThat(path)
            .isEqualTo(".cistern/in/orders/" + key + '.' + least + '_' + greatest + '_' + lastOffset + '_' + count);
        assertThat(FileFacts.parse(path.substring(FileFacts.folderFor("in/orders").length() + 1))).isEqualTo(facts);
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void readsBackWhatWasNotedOfTheOffsetsBeforeTheFirstRecord(@ForAll("files") Named file, @ForAll long least,
        @ForAll long greatest, @ForAll @LongRange long lastOffset, @ForAll @LongRange long count,
        @ForAll @LongRange long from) {
        String key = BatchFileName.parse(file.name(), file.topic()).key();
        FileFacts facts = new FileFacts(key, least, greatest, lastOffset, count, from, null);
        String name = key + '.' + least + '_' + greatest + '_' + lastOffset + '_' + count + '_' + from;

        assertThat(facts.path("in/orders")).isEqualTo(".cistern/in/orders/" + name);
        assertThat(facts.widePath("in/orders")).isEqualTo(".cistern/.wide/in/orders/" + name);
        assertThat(FileFacts.parse(name)).isEqualTo(facts).isNotEqualTo(
            new FileFacts(key, least, greatest, lastOffset, count));
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void readsBackTheTopicId(@ForAll("files") Named file, @ForAll long least, @ForAll long greatest,
                             @ForAll @LongRange long lastOffset, @ForAll @LongRange(min = -1) long from) {
        String key = BatchFileName.parse(file.name(), file.topic()).key();
        FileFacts facts = new FileFacts(key, least, greatest, lastOffset, 1, from, Uuid.randomUuid().toString());

        String name = facts.path("in/orders").substring(".cistern/in/orders/".length());

        assertThat(name).endsWith("." + facts.topicId());
        assertThat(FileFacts.parse(name)).isEqualTo(facts);
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void readsBackTheTopicTag(@ForAll("files") Named file, @ForAll long least, @ForAll long greatest,
                              @ForAll @LongRange long lastOffset, @ForAll @LongRange(min = -1) long from) {
        String key = BatchFileName.parse(file.name(), file.topic()).key();
        String former = "(.+)\\.(-?\\d{1,19})_(-?\\d{1,19})_(\\d{1,19})_(\\d{1,19})(?:_(\\d{1,19}))?(?:\\.([A-Za-z0-9_-]{22}))?";
        for (String topicId : new String[] {null, Uuid.randomUuid().toString()}) {
            FileFacts facts = new FileFacts(key, least, greatest, lastOffset, 1, from, topicId).withTopic(file.topic());

            String name = facts.path("in/orders").substring(".cistern/in/orders/".length());

            assertThat(name).endsWith("~" + FileFacts.tagOf(file.topic())).hasSizeLessThan(255).doesNotMatch(former);
            assertThat(FileFacts.parse(name)).isEqualTo(facts);
        }
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void sortAsTheFilesOfTheirTopicDo(@ForAll("filesOfATopic") List<Named> files, @ForAll long random) {
        List<String> keys = files.stream().sorted(Comparator.comparing(Named::name))
            .map(file -> BatchFileName.parse(file.name(), file.topic()).key()).distinct().toList();

        List<String> factsNames = keys.stream()
            .map(key -> new FileFacts(key, random, random, Math.abs(random >> 1), 1).path("f")).sorted().toList();

        assertThat(factsNames.stream().map(path -> FileFacts.parse(path.substring(".cistern/f/".length())).key()))
            .containsExactlyElementsOf(keys);
    }

    @Test
    void sayWhetherARecordMayBeInARangeWhoseBoundsCount() {
        FileFacts facts = new FileFacts("k", -5, 10, 0, 2);

        assertThat(facts.mayHold(10, 20)).isTrue();
        assertThat(facts.mayHold(11, 20)).isFalse();
        assertThat(facts.mayHold(-20, -5)).isTrue();
        assertThat(facts.mayHold(-20, -6)).isFalse();
        assertThat(facts.mayHold(0, 0)).isTrue();
        assertThat(facts.mayHold(Long.MIN_VALUE, Long.MAX_VALUE)).isTrue();
    }

    @Test
    void ofWideFilesHaveAPlaceOfTheirOwn() {
        long first = 1_668_432_397_728L;
        long day = 86_400_000;
        FileFacts wide = new FileFacts("2022-11-14T13:26:37.728Z_0_312_1668432398047", first, first + day + 1, 377, 66);

        assertThat(wide.widePath("in/orders")).isEqualTo(".cistern/.wide/in/orders/2022-11-14T13:26:37.728Z_0_312_1668432398047"
            + ".1668432397728_1668518797729_377_66");
        assertThat(FileFacts.listedPath("in/orders", "orders.ingestion"))
            .isEqualTo(".cistern/.listed/in/orders/orders.ingestion");
        assertThat(wide.isWide(first)).isTrue();
        assertThat(wide.isWide(first + 1)).isFalse();
        assertThat(new FileFacts("k", first - day, first + day, 0, 1).isWide(first)).isFalse();
        assertThat(new FileFacts("k", first - day - 1, first, 0, 1).isWide(first)).isTrue();
        for (long unsortable : new long[] {-62_167_219_200_001L, 253_402_300_800_000L, Long.MIN_VALUE, Long.MAX_VALUE}) {
            assertThat(new FileFacts("k", unsortable, unsortable, 0, 1).isWide(unsortable)).isTrue();
        }
    }

    /** A file that is not wide and holds something of a range has a name between both bounds of the range. */
    @Property(edgeCases = EdgeCasesMode.NONE)
    void ofOtherFilesLieBetweenTheNamesAroundTheirRange(
        @ForAll @LongRange(min = -62_167_219_200_000L, max = 253_402_300_799_999L) long first,
        @ForAll @LongRange(min = -86_400_000, max = 86_400_000) long distance,
        @ForAll @LongRange(min = 0, max = 1_000_000_000_000L) long length) {
        String name = BatchFileName.format("orders", 0, first, 0, 1, io.cistern.batch.Compression.NONE);
        long held = first + distance;

        for (long[] range : new long[][] {{held, held + length}, {held - length, held}, {held, held},
            {Long.MIN_VALUE, held}, {held, Long.MAX_VALUE}}) {
            String before = FileFacts.nameBefore(range[0]);
            String behind = FileFacts.nameBehind(range[1]);
            assertThat(before == null || name.compareTo(before) > 0).as(before).isTrue();
            assertThat(behind == null || name.compareTo(behind) < 0).as(behind).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "2022-11-14T13:26:37.728Z_0_1_2", "2022-11-14T13:26:37.728Z_0_1_2.1_2_3", "k.1_2_3_x", "k.1_2_-3_4",
        "k.1_2_3_4.txt", ".1_2_3_4", "k.1_2_3_9223372036854775808", "k.-_2_3_4", "k.1_2_3_4_", "k.1_2_3_4_-1",
        "k.1_2_3_4_5_6", "k.1_2_3_4_9223372036854775808"})
    void takeOtherFilesForWhatTheyAre(String name) {
        assertThat(FileFacts.parse(name)).isNull();
    }

    @Provide
    Arbitrary<Named> files() {
        return AnyNames.topics().flatMap(AnyNames::of);
    }

    @Provide
    Arbitrary<List<Named>> filesOfATopic() {
        return AnyNames.topics().flatMap(topic -> AnyNames.of(topic).list().ofMaxSize(30));
    }
}
