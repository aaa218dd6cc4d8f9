package io.cistern.observability;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** That the check of queries finds what it is for. */
class PromQlTest {

    private static final Scrape SCRAPE = new Scrape("""
        # HELP stored_total Records
        # TYPE stored_total counter
        stored_total{topic="a \\"b\\"",by="AGE"} 3.0
        stored_total{topic="c",by="BYTES"} 1.5E7
        # TYPE held gauge
        held 0.0
        # TYPE took_seconds histogram
        took_seconds_bucket{operation="put",le="0.005"} 1
        took_seconds_bucket{operation="put",le="+Inf"} 1
        took_seconds_count{operation="put"} 1
        took_seconds_sum{operation="put"} 0.001
        # TYPE old gauge
        old NaN
        """);

    @ParameterizedTest
    @CsvSource(delimiterString = " -> ", value = {
        "held",
        "sum(held)",
        "sum by (topic) (rate(stored_total[5m]))",
        "sum(rate(stored_total[5m])) by (topic)",
        "sum without (by, topic) (increase(stored_total{topic=~`a.*|c`, by!=`X`}[1h:1m]))",
        "histogram_quantile(0.99, sum by (operation, le) (rate(took_seconds_bucket{job=~`ci.*`}[5m])))",
        "topk(10, stored_total) > 3 * on (topic) group_left () max by (topic) (stored_total)",
        "held == held offset 15m and held > 1e9 # a comment with absent_metric",
        "sum by (job, instance) (old)",
        "{__name__=~`held|old`, job=~`.*`}"})
    void whatIsThereIsFound(String expression) {
        assertThat(missing(expression)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiterString = " -> ", value = {
        "helt -> helt",
        "sum by (topic) (rate(stored[5m])) -> stored",
        "sum by (topik) (rate(stored_total[5m])) -> topik",
        "stored_total{topic=`b`} -> topic",
        "stored_total{folder=~`.*`} -> folder",
        "held{topic=~`.*`} -> topic",
        "held and on (job) helt -> helt",
        "held unless stored_totals -> stored_totals",
        "held{job=`other`} -> job",
        "{__name__=~`helt|olt`} -> helt"})
    void whatIsMissingIsTold(String expression, String part) {
        assertThat(missing(expression)).anySatisfy(told -> assertThat(told).contains(part));
    }

    @Test
    void samplesAreReadWithLabelsTypesAndValues() {
        assertThat(SCRAPE.value("stored_total", "by", "BYTES")).isEqualTo(1.5E7);
        assertThat(SCRAPE.of("stored_total").get(0).labels()).containsEntry("topic", "a \\\"b\\\"");
        assertThat(SCRAPE.types()).containsEntry("took_seconds", "histogram").containsEntry("held", "gauge");
        assertThat(SCRAPE.labels("took_seconds")).containsExactly("operation");
        assertThat(SCRAPE.value("old")).isNaN();
    }

    private static List<String> missing(String expression) {
        return new PromQl(expression.replace('`', '"')).missingIn(SCRAPE, Map.of("job", "cistern", "instance", "a:1"));
    }
}
