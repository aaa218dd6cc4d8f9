package io.cistern.observability;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The dashboard is one that Grafana takes, and each alert says what it means and what to do. */
class DashboardTest {

    private final JsonNode dashboard = Queries.dashboard();

    @Test
    void theDashboardHasWhatGrafanaNeeds() {
        assertThat(dashboard.get("title").asText()).isEqualTo("Cistern");
        assertThat(dashboard.get("uid").asText()).hasSizeLessThanOrEqualTo(40);
        assertThat(dashboard.get("id").isNull()).as("an id would be another installation's").isTrue();
        assertThat(dashboard.get("schemaVersion").asInt()).isGreaterThanOrEqualTo(39);
        assertThat(dashboard.get("templating").get("list").findValuesAsText("name")).containsExactly("datasource", "job",
            "topic");
        Set<Integer> ids = new HashSet<>();
        List<String> rows = new ArrayList<>();
        for (JsonNode panel : dashboard.get("panels")) {
            String title = panel.get("title").asText();
            assertThat(ids.add(panel.get("id").asInt())).as(title).isTrue();
            if (panel.get("type").asText().equals("row")) {
                rows.add(title);
                continue;
            }
            assertThat(panel.get("type").asText()).as(title).isEqualTo("timeseries");
            assertThat(panel.get("description").asText()).as(title).isNotBlank();
            assertThat(panel.at("/fieldConfig/defaults/unit").asText()).as(title).isNotBlank();
            assertThat(panel.get("targets")).as(title).isNotEmpty().allSatisfy(target -> {
                assertThat(target.at("/datasource/uid").asText()).isEqualTo("${datasource}");
                assertThat(target.get("expr").asText()).contains("job=~\"$job\"");
                assertThat(target.get("legendFormat").asText()).isNotBlank();
            });
        }
        assertThat(rows).containsExactly("Storing", "Bucket", "Reloads", "Process");
    }

    @Test
    void noTwoPanelsAreInOnePlace() {
        Set<String> taken = new HashSet<>();
        for (JsonNode panel : dashboard.get("panels")) {
            JsonNode place = panel.get("gridPos");
            assertThat(place.get("x").asInt() + place.get("w").asInt()).isLessThanOrEqualTo(24);
            for (int x = 0; x < place.get("w").asInt(); x++) {
                for (int y = 0; y < place.get("h").asInt(); y++) {
                    assertThat(taken.add((place.get("x").asInt() + x) + "/" + (place.get("y").asInt() + y)))
                        .as(panel.get("title").asText()).isTrue();
                }
            }
        }
    }

    @Test
    void eachAlertLeadsToItsChapterOfTheRunbook() throws IOException {
        List<String> chapters = new ArrayList<>();
        Matcher heading = Pattern.compile("(?m)^## (Cistern\\w+)$").matcher(Files.readString(Path.of("docs/runbooks/alerts.md")));
        while (heading.find()) {
            chapters.add(heading.group(1));
        }
        assertThat(chapters).containsExactlyElementsOf(Queries.alerts().keySet());
        Queries.alerts().forEach((name, rule) -> {
            assertThat(rule.at("/annotations/summary").asText()).as(name).isNotBlank();
            assertThat(rule.at("/annotations/description").asText()).as(name).isNotBlank();
            assertThat(rule.at("/annotations/runbook_url").asText()).as(name)
                .isEqualTo("docs/runbooks/alerts.md#" + name.toLowerCase());
            assertThat(rule.at("/labels/severity").asText()).as(name).isIn("warning", "critical");
        });
    }
}
