package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The ticks of cron expressions on days on which clocks change. */
class CronTicksTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        // Clocks are put forward from 2:00 to 3:00, and from 0:00 to 1:00
        "0 30 2 * * ?    | Europe/Rome       | 2027-03-27T12:00 | 2027-03-28T03:30+02:00 2027-03-29T02:30+02:00",
        "0 0 2 * * ?     | Europe/Rome       | 2027-03-27T12:00 | 2027-03-28T03:00+02:00 2027-03-29T02:00+02:00",
        "0 0 3 * * ?     | Europe/Rome       | 2027-03-27T12:00 | 2027-03-28T03:00+02:00 2027-03-29T03:00+02:00",
        "0 15,45 2 * * ? | Europe/Rome       | 2027-03-27T12:00 | 2027-03-28T03:15+02:00 2027-03-28T03:45+02:00",
        "0 15 2,3 * * ?  | Europe/Rome       | 2027-03-27T12:00 | 2027-03-28T03:15+02:00 2027-03-29T02:15+02:00",
        "0 0/30 * * * ?  | Europe/Rome       | 2027-03-28T01:00 | 2027-03-28T01:30+01:00 2027-03-28T03:00+02:00 2027-03-28T03:30+02:00 2027-03-28T04:00+02:00",
        "0 30 2 28 3 ? 2027 | Europe/Rome    | 2027-01-01T00:00 | 2027-03-28T03:30+02:00",
        "0 30 2 ? * SUN  | Europe/Rome       | 2027-03-25T00:00 | 2027-03-28T03:30+02:00 2027-04-04T02:30+02:00",
        "0 0 0 * * ?     | America/Sao_Paulo | 2018-11-03T12:00 | 2018-11-04T01:00-02:00 2018-11-05T00:00-02:00",
        "0 10 2 * * ?    | Australia/Lord_Howe | 2026-10-03T12:00 | 2026-10-04T02:40+11:00 2026-10-05T02:10+11:00",
        // Clocks are put back from 3:00 to 2:00, and from 2:00 to 1:30
        "0 30 2 * * ?    | Europe/Rome       | 2026-10-24T12:00 | 2026-10-25T02:30+02:00 2026-10-26T02:30+01:00",
        "0 0 3 * * ?     | Europe/Rome       | 2026-10-24T12:00 | 2026-10-25T03:00+01:00 2026-10-26T03:00+01:00",
        "0 0 2 * * ?     | Europe/Rome       | 2026-10-24T12:00 | 2026-10-25T02:00+02:00 2026-10-26T02:00+01:00",
        "0 15 2,3 * * ?  | Europe/Rome       | 2026-10-24T12:00 | 2026-10-25T02:15+02:00 2026-10-25T03:15+01:00 2026-10-26T02:15+01:00",
        "0 0/30 * * * ?  | Europe/Rome       | 2026-10-25T01:30 | 2026-10-25T02:00+02:00 2026-10-25T02:30+02:00 2026-10-25T02:00+01:00 2026-10-25T02:30+01:00 2026-10-25T03:00+01:00",
        "0 40 1 * * ?    | Australia/Lord_Howe | 2027-04-03T12:00 | 2027-04-04T01:40+11:00 2027-04-05T01:40+10:30",
        // Clocks never change
        "0 30 2 * * ?    | UTC               | 2027-03-27T12:00 | 2027-03-28T02:30Z 2027-03-29T02:30Z",
        "0 30 2 * * ?    | +05:30            | 2027-03-27T12:00 | 2027-03-28T02:30+05:30"})
    void eachLocalTimeIsOneTick(String expression, ZoneId zone, LocalDateTime from, String expected) {
        CronTicks ticks = new CronTicks(expression, zone);
        List<String> found = new ArrayList<>();
        Instant tick = from.atZone(zone).toInstant();
        for (int i = expected.split(" ").length; i > 0; i--) {
            tick = ticks.next(tick);
            found.add(OffsetDateTime.ofInstant(tick, zone).toString());
        }
        assertThat(String.join(" ", found)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"Europe/Rome", "UTC", "America/New_York"})
    void anExpressionThatIsOverHasNoMoreTicks(ZoneId zone) {
        CronTicks ticks = new CronTicks("0 0 3 1 3 ? 2024", zone);
        Instant last = ticks.next(Instant.parse("2024-01-01T00:00:00Z"));
        assertThat(last.atZone(zone).toLocalDateTime()).isEqualTo("2024-03-01T03:00");
        assertThat(ticks.next(last)).isNull();
    }
}
