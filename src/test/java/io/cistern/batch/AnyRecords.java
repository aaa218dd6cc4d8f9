package io.cistern.batch;

import static io.cistern.batch.TestFiles.bytes;
import static io.cistern.batch.TestFiles.utf8;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;

/** Records of every kind that Kafka can hold, for properties. */
public final class AnyRecords {

    /** Texts that trip up writers and readers of JSON. */
    private static final String[] TRICKY = {"", "\"", "\\", "/", "\\\"", "\\u0041", "\0", "\n", "\r\n", "\t\b\f", "\u001f",
        "\u007f", "\u0080", "\u2028\u2029", "\ufeff", "\ufffd", "\uffff", "é", "e\u0301", "\ud83d\ude00", "\udbff\udfff", "null",
        "{\"id\":42}", "\"42\"", "</script>", "'", "${body}", "{{key}}", "Camel", "\u202etfel-ot-thgir"};

    /** Bytes that are no UTF-8, or nearly: overlong, surrogates, too large, cut short, without a start. */
    static final byte[][] BROKEN = {bytes(0xff), bytes(0xfe, 0xff), bytes(0x80), bytes(0xbf), bytes(0xc0, 0x80),
        bytes(0xc1, 0xbf), bytes(0xc2), bytes(0xc2, 0x41), bytes(0xe0, 0x80, 0x80), bytes(0xe0, 0x9f, 0xbf), bytes(0xe2, 0x80),
        bytes(0xe2, 0x28, 0xa1), bytes(0xed, 0xa0, 0x80), bytes(0xed, 0xbf, 0xbf), bytes(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80),
        bytes(0xf0, 0x80, 0x80, 0x80), bytes(0xf0, 0x8f, 0xbf, 0xbf), bytes(0xf0, 0x9f, 0x98), bytes(0xf4, 0x90, 0x80, 0x80),
        bytes(0xf5, 0x80, 0x80, 0x80), bytes(0xf8, 0x88, 0x80, 0x80, 0x80)};

    private AnyRecords() {
    }

    /** Records of one file: one partition, offsets that rise with gaps. */
    public static Arbitrary<List<Record>> ofAFile(int most) {
        Arbitrary<Long> gaps = Arbitraries.frequencyOf(
            Tuple.of(6, Arbitraries.just(1L)), Tuple.of(2, Arbitraries.longs().between(2, 1L << 40)));
        Arbitrary<Long> starts = Arbitraries.longs().between(0, 1L << 62);
        return Combinators.combine(records().list().ofMinSize(1).ofMaxSize(most), gaps.list().ofSize(most), starts,
            Arbitraries.integers().between(0, Integer.MAX_VALUE)).as(AnyRecords::consecutive);
    }

    private static List<Record> consecutive(List<Record> records, List<Long> gaps, long start, int partition) {
        List<Record> result = new ArrayList<>();
        long offset = start;
        for (int i = 0; i < records.size(); i++) {
            Record record = records.get(i);
            result.add(new Record(partition, offset, record.timestamp(), record.timestampType(), record.key(), record.value(),
                record.headers()));
            offset += gaps.get(i);
        }
        return result;
    }

    /** Any record. */
    public static Arbitrary<Record> records() {
        return Combinators.combine(Arbitraries.integers().between(0, Integer.MAX_VALUE),
            Arbitraries.longs().between(0, Long.MAX_VALUE), timestamps(), Arbitraries.of(Record.TimestampType.class),
            contents(), contents(), headers()).as(Record::new);
    }

    /** Any timestamp: of our days mostly, none (-1), before 1970, and beyond the years of four digits. */
    public static Arbitrary<Long> timestamps() {
        return Arbitraries.frequencyOf(
            Tuple.of(6, Arbitraries.longs().between(1_600_000_000_000L, 1_600_500_000_000L)),
            Tuple.of(2, Arbitraries.longs().between(-62_200_000_000_000L, 253_500_000_000_000L)),
            Tuple.of(1, Arbitraries.longs()),
            Tuple.of(1, Arbitraries.of(-1L, 0L, 1L, -62_167_219_200_000L, -62_167_219_200_001L, 253_402_300_799_999L,
                253_402_300_800_000L, Long.MIN_VALUE, Long.MAX_VALUE)));
    }

    /** Bytes of a key or a value, perhaps null: JSON, any text, tricky text, broken text, or anything. */
    public static Arbitrary<byte[]> contents() {
        return Arbitraries.frequencyOf(
            Tuple.of(1, Arbitraries.just((byte[]) null)),
            Tuple.of(3, Arbitraries.longs().map(id -> utf8("{\"id\":" + id + ",\"name\":\"Zoë\"}"))),
            Tuple.of(3, texts().map(TestFiles::utf8)),
            Tuple.of(2, Arbitraries.bytes().array(byte[].class).ofMaxSize(40)),
            Tuple.of(3, pieces()));
    }

    /** Sound and broken pieces in a row. */
    private static Arbitrary<byte[]> pieces() {
        Arbitrary<byte[]> piece = Arbitraries.frequencyOf(
            Tuple.of(3, Arbitraries.of(TRICKY).map(TestFiles::utf8)), Tuple.of(1, Arbitraries.of(BROKEN)));
        return piece.list().ofMaxSize(5).map(list -> {
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            list.forEach(all::writeBytes);
            return all.toByteArray();
        });
    }

    /** Any text that UTF-8 can say. */
    public static Arbitrary<String> texts() {
        Arbitrary<String> any = Arbitraries.integers().between(0, Character.MAX_CODE_POINT)
            .filter(character -> character < Character.MIN_SURROGATE || character > Character.MAX_SURROGATE)
            .map(Character::toString).list().ofMaxSize(20).map(characters -> String.join("", characters));
        return Arbitraries.oneOf(any, Arbitraries.of(TRICKY).list().ofMaxSize(4).map(parts -> String.join("", parts)));
    }

    private static Arbitrary<List<Record.Header>> headers() {
        Arbitrary<String> names = Arbitraries.oneOf(texts(),
            Arbitraries.of("trace", "trace", "CamelFileName", "camelHttpUri", "kafka.TOPIC", "cistern.reload.id", "key", "value", "encoding"));
        Arbitrary<List<Record.Header>> some = Combinators.combine(names, contents()).as(Record.Header::new)
            .list().ofMinSize(1).ofMaxSize(4);
        return Arbitraries.frequencyOf(Tuple.of(2, Arbitraries.just(List.<Record.Header>of())), Tuple.of(1, some),
            Tuple.of(1, some.map(headers -> {
                List<Record.Header> repeated = new ArrayList<>(headers);
                headers.forEach(header -> repeated.add(new Record.Header(header.key(), utf8("again"))));
                return repeated;
            })));
    }
}
