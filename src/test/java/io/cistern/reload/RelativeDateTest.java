package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RelativeDateTest {

    /** A Thursday, in a leap year. */
    private static final Instant NOW = Instant.parse("2024-02-29T13:26:37.728Z");

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "now           | 2024-02-29T13:26:37.728Z",
        "now-1d        | 2024-02-28T13:26:37.728Z",
        "now+2h        | 2024-02-29T15:26:37.728Z",
        "now-90m       | 2024-02-29T11:56:37.728Z",
        "now+86400s    | 2024-03-01T13:26:37.728Z",
        "now-2w        | 2024-02-15T13:26:37.728Z",
        "now-1M        | 2024-01-29T13:26:37.728Z",
        "now+1M        | 2024-03-29T13:26:37.728Z",
        "now-1y        | 2023-02-28T13:26:37.728Z",
        "now/s         | 2024-02-29T13:26:37Z",
        "now/m         | 2024-02-29T13:26:00Z",
        "now/h         | 2024-02-29T13:00:00Z",
        "now/d         | 2024-02-29T00:00:00Z",
        "now/w         | 2024-02-26T00:00:00Z",
        "now/M         | 2024-02-01T00:00:00Z",
        "now/y         | 2024-01-01T00:00:00Z",
        "now-1d/d      | 2024-02-28T00:00:00Z",
        "now/d-1s      | 2024-02-28T23:59:59Z",
        "now/d-1ms     | 2024-02-28T23:59:59.999Z",
        "now+500ms     | 2024-02-29T13:26:38.228Z",
        "now/ms        | 2024-02-29T13:26:37.728Z",
        "now-1m-1ms    | 2024-02-29T13:25:37.727Z",
        "now-1M/M+3d   | 2024-01-04T00:00:00Z",
        "now+3d/w      | 2024-02-26T00:00:00Z",
        "now+4d/w      | 2024-03-04T00:00:00Z",
        "2022-11-14T13:26:37.728Z | 2022-11-14T13:26:37.728Z",
        "2022-11-14T13:26:37+02:00 | 2022-11-14T11:26:37Z"})
    void isToldFromThePresentStepByStep(String text, Instant expected) {
        assertThat(RelativeDate.parse(text, ZoneOffset.UTC).at(NOW)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        // Behind midnight there, but not yet in UTC
        "Asia/Tokyo       | 2024-02-29T20:00:00Z | now/d    | 2024-02-29T15:00:00Z",
        "Asia/Kolkata     | 2024-02-29T20:00:00Z | now/h    | 2024-02-29T19:30:00Z",
        // A day of 23 hours, and one of 25
        "Europe/Rome      | 2024-03-31T12:00:00Z | now/d    | 2024-03-30T23:00:00Z",
        "Europe/Rome      | 2024-03-31T12:00:00Z | now-1d   | 2024-03-30T13:00:00Z",
        "Europe/Rome      | 2024-03-31T12:00:00Z | now-24h  | 2024-03-30T12:00:00Z",
        "Europe/Rome      | 2024-10-28T12:00:00Z | now-1d/d | 2024-10-26T22:00:00Z",
        // Where clocks are put forward at midnight, the day starts at one
        "Africa/Cairo     | 2024-04-26T12:00:00Z | now/d    | 2024-04-25T22:00:00Z"})
    void daysAreThoseOfTheZone(String zone, Instant now, String text, Instant expected) {
        assertThat(RelativeDate.parse(text, ZoneId.of(zone)).at(now)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "''              | expected a time like 2022-11-14T13:26:37.728Z, or one relative",
        "2022-11-14      | expected a time like 2022-11-14T13:26:37.728Z, or one relative",
        "today           | not \"today\"",
        "Now             | not \"Now\"",
        "' now'          | not \" now\"",
        "now-            | expected steps like -1d, +2h or /d behind now, not \"-\"",
        "now-1           | not \"-1\"",
        "now1d           | not \"1d\"",
        "now-d           | not \"-d\"",
        "now-1.5d        | not \"-1.5d\"",
        "now--1d         | not \"--1d\"",
        "now-1D          | not \"-1D\"",
        "now-1d/         | not \"/\"",
        "now-1d x+1d     | not \" x+1d\"",
        "now/2d          | not \"/2d\"",
        "now-1000000d    | not \"-1000000d\""})
    void whatIsNoneIsRefused(String text, String message) {
        assertThatThrownBy(() -> RelativeDate.parse(text, ZoneOffset.UTC)).isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining(message);
    }

    @Test
    void isWithinTheYearsOfFourDigits() {
        for (String text : new String[] {"now-3000y", "now+9000y", "now+999999y", "now-999999y+999999y-999999y"}) {
            RelativeDate date = RelativeDate.parse(text, ZoneOffset.UTC);
            assertThatThrownBy(() -> date.at(NOW)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("\"" + text + "\" is not within the years 0 to 9999");
        }
    }
}
