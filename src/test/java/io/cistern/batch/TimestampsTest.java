package io.cistern.batch;

import static io.cistern.batch.TestFiles.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link Timestamps} says what java.time says, whatever it wrote or read before. */
class TimestampsTest {

    private static final long YEAR_0 = Instant.parse("0000-01-01T00:00:00Z").toEpochMilli();
    private static final long YEAR_10000 = Instant.parse("+10000-01-01T00:00:00Z").toEpochMilli();
    private static final DateTimeFormatter FOUR_DIGIT_YEARS =
        DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

    private final Timestamps timestamps = new Timestamps();

    @Property(edgeCases = EdgeCasesMode.NONE, tries = 1000)
    void writesAndReadsAsJavaTimeDoes(@ForAll("mixedDays") List<Long> series) {
        for (long timestamp : series) {
            String expected = timestamp >= YEAR_0 && timestamp < YEAR_10000
                ? FOUR_DIGIT_YEARS.format(Instant.ofEpochMilli(timestamp)) : Instant.ofEpochMilli(timestamp).toString();
            byte[] text = new byte[50];
            int end = timestamps.write(timestamp, text, 5);

            assertThat(new String(text, 5, end - 5, StandardCharsets.US_ASCII)).isEqualTo(expected);
            assertThat(end).isLessThanOrEqualTo(5 + 40);
            assertThat(Timestamps.format(timestamp)).isEqualTo(expected);
            assertThat(timestamps.read(text, 5, end - 5)).isEqualTo(timestamp);
            assertThat(Timestamps.parse(expected)).isEqualTo(timestamp);
        }
    }

    @Property(edgeCases = EdgeCasesMode.NONE, tries = 1000)
    void readsWhatOthersWroteAsJavaTimeDoesOrRefusesItToo(@ForAll("texts") List<String> texts) {
        for (String text : texts) {
            byte[] bytes = utf8("\"" + text + "\"");
            Long expected = millis(text);
            if (expected == null) {
                assertThatThrownBy(() -> timestamps.read(bytes, 1, bytes.length - 2)).as(text)
                    .isInstanceOf(DateTimeException.class);
                assertThatThrownBy(() -> Timestamps.parse(text)).as(text).isInstanceOf(DateTimeException.class);
            } else {
                assertThat(timestamps.read(bytes, 1, bytes.length - 2)).as(text).isEqualTo(expected);
                assertThat(Timestamps.parse(text)).as(text).isEqualTo(expected);
            }
        }
    }

    private static Long millis(String text) {
        try {
            return Instant.parse(text).toEpochMilli();
        } catch (DateTimeException | ArithmeticException e) {
            return null;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2022-11-14T13:26:37Z, 1668432397000",
        "2022-11-14T13:26:37.7Z, 1668432397700",
        "2022-11-14T13:26:37.728999999Z, 1668432397728",
        "2022-11-14T14:26:37.728+01:00, 1668432397728",
        "2022-11-13T24:00:00.000Z, 1668384000000",
        "2016-12-31T23:59:60.000Z, 1483228799000",
        "1969-12-31T23:59:59.999Z, -1",
        "1969-12-31T23:59:59.9991Z, -1",
        "0000-01-01T00:00:00.000Z, -62167219200000",
        "-0001-12-31T23:59:59.999Z, -62167219200001",
        "9999-12-31T23:59:59.999Z, 253402300799999",
        "+10000-01-01T00:00:00Z, 253402300800000",
        "+292278994-08-17T07:12:55.807Z, 9223372036854775807",
        "-292275055-05-16T16:47:04.192Z, -9223372036854775808"})
    void readsEveryIsoTime(String text, long expected) {
        assertThat(Timestamps.parse(text)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "2022", "2022-11-14", "2022-11-14T13:26:37.728", "2022-11-14 13:26:37.728Z",
        "2022-11-14T24:00:00.001Z", "2022-02-29T00:00:00.000Z", "+292278994-08-17T07:12:55.808Z", "+999999999-01-01T00:00:00Z",
        "-292275055-05-16T16:47:04.191Z", "2022-11-14T13:26:37.728ZZ", "２０２２-11-14T13:26:37.728Z", "1668432397728"})
    void refusesWhatIsNoTime(String text) {
        assertThatThrownBy(() -> Timestamps.parse(text)).isInstanceOf(DateTimeException.class);
    }

    @Test
    void remembersADayOnlyAsItWasWritten() {
        for (String text : List.of("2022-11-14T13:26:37.728Z", "2022-11-14T24:00:00.000Z", "2022-11-14T00:00:00.000Z",
            "2022-11-15T00:00:00.000Z", "2022-11-15t23:59:59.999z", "2022-11-15T23:59:60.999Z", "2022-11-14T23:59:59.999Z")) {
            byte[] bytes = utf8(text);
            assertThat(timestamps.read(bytes, 0, bytes.length)).as(text).isEqualTo(millis(text));
        }
    }

    @Provide
    Arbitrary<List<Long>> mixedDays() {
        Arbitrary<Long> fewDays = Arbitraries.longs().between(-2, 2).flatMap(day ->
            Arbitraries.longs().between(-1, 86_400_000).map(millis -> 1_668_384_000_000L + day * 86_400_000 + millis));
        Arbitrary<Long> yearBounds = Arbitraries.of(YEAR_0, YEAR_10000, 0L, Instant.parse("2000-02-29T00:00:00Z").toEpochMilli(),
            Instant.parse("1900-03-01T00:00:00Z").toEpochMilli()).flatMap(bound ->
            Arbitraries.longs().between(-90_000_000, 90_000_000).map(near -> bound + near));
        return Arbitraries.frequencyOf(Tuple.of(4, fewDays), Tuple.of(2, yearBounds), Tuple.of(2, AnyRecords.timestamps()))
            .list().ofMaxSize(12);
    }

    @Provide
    Arbitrary<List<String>> texts() {
        Arbitrary<String> dates = Arbitraries.of("2022-11-14", "2022-11-15", "2016-12-31", "2022-02-29", "2022-13-01", "0000-01-01",
            "-0001-12-31", "+10000-01-01", "9999-12-31");
        Arbitrary<String> times = Arbitraries.of("T00:00:00.000", "T13:26:37.728", "T23:59:59.999", "T24:00:00.000",
            "T24:00:00.001", "T23:59:60.000", "T23:59:60.500", "T12:00:60.000", "T25:00:00.000", "T12:60:00.000", "t12:00:00.000",
            "T12:00:00", "T12:00:00.1", "T12:00:00.123456789", "T1a:00:00.000", "T12-00-00.000", " 12:00:00.000", "T12:00:00,000");
        Arbitrary<String> zones = Arbitraries.frequencyOf(Tuple.of(8, Arbitraries.just("Z")),
            Tuple.of(1, Arbitraries.of("z", "+00:00", "+01:00", "-23:59", "", "X", "ZZ")));
        return Combinators.combine(dates, times, zones).as((date, time, zone) -> date + time + zone)
            .list().ofMaxSize(10);
    }
}
