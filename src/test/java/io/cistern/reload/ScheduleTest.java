package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cistern.Settings;
import io.cistern.reload.Schedule.Due;
import io.cistern.testing.ApplicationYaml;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.PluginHelper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which reload is due, and that the routes come to it. */
class ScheduleTest {

    private static final String REQUEST = """
        {"topic": "orders", "reIngestionTopic": "again", "startDate": "now-1d/d", "stopDate": "2030-01-01T00:00:00Z",
        "startOffset": 3, "keys": ["a", "b"], "headers": {"x": "y"}}
        """;

    /** A clock that is set by hand. */
    private static final class SetClock extends Clock {
        private Instant now;

        private SetClock(Instant now) {
            this.now = now;
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void theRequestIsAsSetWithTheTimesOfTheTick() {
        Due due = dueAt("0 0 3 * * ?", "Europe/Rome", REQUEST, "2024-02-29T02:00:00Z");

        assertThat(due.request()).isEqualTo(Map.of("topic", "orders", "reIngestionTopic", "again",
            "startDate", "2024-02-27T23:00:00Z", "stopDate", "2030-01-01T00:00:00Z", "startOffset", 3, "keys", List.of("a", "b"),
            "headers", Map.of("x", "y")));
    }

    @Test
    void theScheduledRequestMayEndBeforeToday() {
        Due due = dueAt("0 0 3 * * ?", "Europe/Rome", REQUEST.replace("\"stopDate\": \"2030-01-01T00:00:00Z\"",
            "\"stopDateExclusive\": \"now/d\""), "2024-02-29T02:00:00Z");

        assertThat(due.request()).containsEntry("startDate", "2024-02-27T23:00:00Z")
            .containsEntry("stopDateExclusive", "2024-02-28T23:00:00Z");
        assertThat(ReloadRequest.ofTopic(due.request(), topic -> topic).to())
            .isEqualTo(Instant.parse("2024-02-28T22:59:59.999Z").toEpochMilli());
    }

    @Test
    void theSameTickHasTheSameIdOnEveryReplicaAndNoOtherHas() {
        String tick = "2024-03-01T03:00:00Z";
        String id = dueAt("0 0 3 * * ?", "UTC", REQUEST, tick).id();

        assertThat(id).matches("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
        // Written another way, as on another replica
        assertThat(dueAt("0 0 3 * * ?", "UTC", REQUEST.replace(" ", "").replace("\n", ""), tick).id()).isEqualTo(id);
        assertThat(List.of(
            dueAt("0 0 3 * * ?", "UTC", REQUEST, "2024-03-02T03:00:00Z").id(),
            dueAt("0 0 * * * ?", "UTC", REQUEST, tick).id(),
            dueAt("0 0 4 * * ?", "Europe/Rome", REQUEST, tick).id(),
            dueAt("0 0 3 * * ?", "UTC", REQUEST.replace("again", "other"), tick).id(), id))
            .doesNotHaveDuplicates();
    }

    @Test
    void ofTicksThatWereMissedTheLastOneIsTold() {
        SetClock clock = new SetClock(Instant.parse("2024-02-28T12:00:00Z"));
        Schedule schedule = cron("0 0 3 * * ?", "Europe/Rome", REQUEST, clock);
        assertThat(schedule.ofCron()).isNull();

        // The machine slept until 2 March: at three o'clock of Rome it is two o'clock UTC.
        clock.now = Instant.parse("2024-03-02T01:30:00Z");
        assertThat(schedule.ofCron().request()).containsEntry("startDate", "2024-02-28T23:00:00Z");
        assertThat(schedule.ofCron()).isNull();
        clock.now = Instant.parse("2024-03-02T02:00:00Z");
        assertThat(schedule.ofCron()).isNotNull();
        assertThat(schedule.ofCron()).isNull();

        // A little late is not missed, whatever is due since.
        Schedule often = cron("0/1 * * * * ?", "UTC", REQUEST.replace("now-1d/d", "now"), clock);
        clock.now = Instant.parse("2024-03-02T02:00:03Z");
        for (int second = 1; second <= 3; second++) {
            assertThat(often.ofCron().request()).containsEntry("startDate", "2024-03-02T02:00:0" + second + "Z");
        }
        assertThat(often.ofCron()).isNull();
        // The last one of all is never made up for by another.
        Schedule once = cron("0 0 3 3 3 ? 2024", "UTC", REQUEST, clock);
        clock.now = Instant.parse("2024-03-09T03:00:00Z");
        assertThat(once.ofCron()).isNotNull();
        assertThat(once.ofCron()).isNull();
    }

    /** Looked at each quarter of an hour over both days on which the clocks change. */
    @ParameterizedTest
    @CsvSource({"2027-03-28, 2027-03-28T01:30:00Z", "2026-10-25, 2026-10-25T00:30:00Z", "2027-03-29, 2027-03-29T00:30:00Z",
        "2026-10-26, 2026-10-26T01:30:00Z"})
    void aTickAtHalfPastTwoComesOnceADay(LocalDate day, Instant expected) {
        ZoneId rome = ZoneId.of("Europe/Rome");
        SetClock clock = new SetClock(day.atStartOfDay(rome).toInstant());
        Schedule schedule = cron("0 30 2 * * ?", rome.getId(), REQUEST, clock);
        List<Long> ticks = new ArrayList<>();
        for (Instant end = day.plusDays(1).atStartOfDay(rome).toInstant(); clock.now.isBefore(end);
             clock.now = clock.now.plusSeconds(900)) {
            Due due = schedule.ofCron();
            if (due != null) {
                ticks.add(due.tick());
                assertThat(due.request()).containsEntry("startDate", day.minusDays(1).atStartOfDay(rome).toInstant().toString());
            }
        }
        assertThat(ticks).containsExactly(expected.toEpochMilli());
    }

    /** What is due at a tick, which is the next one of the expression half an hour before. */
    private static Due dueAt(String cron, String zone, String request, String tick) {
        SetClock clock = new SetClock(Instant.parse(tick).minusSeconds(1800));
        Schedule schedule = cron(cron, zone, request, clock);
        clock.now = Instant.parse(tick);
        Due due = schedule.ofCron();
        assertThat(due.tick()).isEqualTo(clock.now.toEpochMilli());
        return due;
    }

    @Test
    void aPeriodIsDueOnceAtEachOfItsMultiplesAndNotAtTheStart() {
        SetClock clock = new SetClock(Instant.parse("2024-02-29T06:00:00Z"));
        Schedule early = period("6h", clock);
        assertThat(early.ofPeriod()).isNull();

        clock.now = Instant.parse("2024-02-29T11:59:59.999Z");
        Schedule late = period("6h", clock);
        assertThat(early.ofPeriod()).isNull();

        clock.now = Instant.parse("2024-02-29T12:00:00Z");
        Due due = early.ofPeriod();
        assertThat(due.request()).containsEntry("startDate", "2024-02-28T00:00:00Z");
        assertThat(early.ofPeriod()).isNull();

        // A replica that comes to it later says the same, and one that starts later does not come to it.
        clock.now = Instant.parse("2024-02-29T13:00:00Z");
        assertThat(late.ofPeriod()).isEqualTo(due);
        assertThat(period("6h", clock).ofPeriod()).isNull();

        // Of ticks that were missed the last one is told; a clock that goes back tells none again.
        clock.now = Instant.parse("2024-03-02T00:00:01Z");
        Due next = early.ofPeriod();
        assertThat(next.request()).containsEntry("startDate", "2024-03-01T00:00:00Z");
        assertThat(next.id()).isNotEqualTo(due.id());
        clock.now = Instant.parse("2024-03-01T23:59:00Z");
        assertThat(early.ofPeriod()).isNull();
        clock.now = Instant.parse("2024-03-02T00:00:02Z");
        assertThat(early.ofPeriod()).isNull();
    }

    @Test
    void aCronExpressionMakesTheRouteOfferEachTickToAllReplicasAlike() throws Exception {
        Map<String, String> settings = Map.of("BSS_RELOAD_SCHEDULE_CRON", "0/1 * * * * ?", "BSS_RELOAD_SCHEDULE_REQUEST",
            REQUEST.replace("now-1d/d", "now"), "BSS_RELOAD_SCHEDULE_ZONE", "Europe/Rome");
        List<Due> one = new CopyOnWriteArrayList<>();
        List<Due> other = new CopyOnWriteArrayList<>();
        try (DefaultCamelContext first = running(settings, one, 0); DefaultCamelContext second = running(settings, other, 0)) {
            // The one that started later lacks the first ticks.
            await().until(() -> one.size() >= 3 && other.size() >= 3 && one.stream().anyMatch(other::contains));
            assertThat(first.getRoutes()).extracting(route -> route.getId()).contains("reload-by-cron")
                .doesNotContain("reload-by-period");
        }
        assertSecondsInARow(one);
        assertSecondsInARow(other);
    }

    private static void assertSecondsInARow(List<Due> dues) {
        Instant first = Instant.parse((String) dues.get(0).request().get("startDate"));
        assertThat(first.getNano()).isZero();
        for (int i = 0; i < dues.size(); i++) {
            assertThat(dues.get(i).request()).containsEntry("startDate", first.plusSeconds(i).toString())
                .containsEntry("headers", Map.of("x", "y"));
        }
    }

    @Test
    void aPeriodMakesTheRouteOfferEachMultipleAndOneThatFailsIsTriedAgain() throws Exception {
        List<Due> dues = new CopyOnWriteArrayList<>();
        try (DefaultCamelContext context = running(Map.of("BSS_RELOAD_SCHEDULE_PERIOD", "2s", "BSS_RELOAD_SCHEDULE_REQUEST",
            REQUEST.replace("now-1d/d", "now"), "BSS_RETRY_DELAY", "10ms"), dues, 2)) {
            await().until(() -> dues.size() >= 2);
            assertThat(context.getRoutes()).extracting(route -> route.getId()).contains("reload-by-period")
                .doesNotContain("reload-by-cron");
        }
        Instant first = Instant.parse((String) dues.get(0).request().get("startDate"));
        assertThat(first.getEpochSecond() % 2).isZero();
        assertThat(dues.get(1).request()).containsEntry("startDate", first.plusSeconds(2).toString());
    }

    @Test
    void withoutAScheduleThereIsNoRoute() throws Exception {
        try (DefaultCamelContext context = running(Map.of(), new CopyOnWriteArrayList<>(), 0)) {
            assertThat(context.getRoutes()).extracting(route -> route.getId()).containsExactly("accept-scheduled");
        }
    }

    /** A context with the routes by timer, and one in place of what they call, which fails at first as often as asked. */
    private static DefaultCamelContext running(Map<String, String> settings, List<Due> accepted, int failures)
        throws Exception {
        Function<String, String> lookup = lookup(settings);
        Properties properties = new Properties();
        ApplicationYaml.keys().stream().filter(key -> key.startsWith("bss.") || key.startsWith("kafka.")
            || key.startsWith("camel.component.")).forEach(key -> properties.put(key, lookup.apply(key)));
        DefaultCamelContext context = new DefaultCamelContext();
        context.getPropertiesComponent().setInitialProperties(properties);
        Settings read = new Settings();
        read.setCamelContext(context);
        context.getRegistry().bind("settings", read);
        context.getRegistry().bind("schedule", new Schedule(read));
        AtomicInteger attempts = new AtomicInteger();
        context.addRoutes(new RouteBuilder() {
            @Override
            public void configure() {
                from("direct:accept-scheduled").routeId("accept-scheduled").errorHandler(noErrorHandler()).process(exchange -> {
                    assertThat(exchange.getMessage().getHeaders()).doesNotContainKeys("CamelTimerName", "CamelTimerFiredTime", "firedTime");
                    if (attempts.incrementAndGet() <= failures) {
                        throw new IllegalStateException("not today");
                    }
                    accepted.add(exchange.getMessage().getBody(Due.class));
                });
            }
        });
        PluginHelper.getRoutesLoader(context).loadRoutes(
            PluginHelper.getResourceLoader(context).resolveResource("file:routes/reloader-timer.camel.yaml"));
        context.start();
        return context;
    }

    private static Schedule cron(String cron, String zone, String request, Clock clock) {
        return new Schedule(new Settings(lookup(Map.of("BSS_RELOAD_SCHEDULE_CRON", cron, "BSS_RELOAD_SCHEDULE_ZONE", zone,
            "BSS_RELOAD_SCHEDULE_REQUEST", request))), clock);
    }

    private static Schedule period(String period, Clock clock) {
        return new Schedule(new Settings(lookup(Map.of("BSS_RELOAD_SCHEDULE_PERIOD", period, "BSS_RELOAD_SCHEDULE_REQUEST",
            REQUEST))), clock);
    }

    private static Function<String, String> lookup(Map<String, String> settings) {
        Map<String, String> all = new HashMap<>(Map.of("BSS_ROLES", "reloader", "KAFKA_BROKERS", "localhost:1", "BUCKET_TYPE",
            "file", "BUCKET_NAME", "bucket", "BSS_HTTP_AUTHENTICATION", "none"));
        all.putAll(settings);
        return ApplicationYaml.lookup(all);
    }
}
