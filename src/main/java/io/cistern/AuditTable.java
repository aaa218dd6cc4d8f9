package io.cistern;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** An audit's report for people. */
final class AuditTable {

    private static final String ROW = "  %-9s %-4s %-7s %-12s %-22s %s%n";
    private static final Map<String, String> MEANINGS = Map.of(
        "missing", "Kafka still has it, so it can be stored again",
        "gone", "Kafka has deleted it: nobody knows what was there",
        "unknown", "Kafka cannot be asked: it may have been empty");

    private AuditTable() {
    }

    static void print(JsonNode report, PrintStream out) {
        out.printf("%s: %s, %s, %s%n", report.get("folder").asText(), count(report, "files"), count(report, "records"),
            report.get("holes").asLong() == 0 ? "nothing is missing" : count(report, "holes"));
        out.println(report.get("deep").asBoolean() ? "Every line was read."
            : "Read were the names only; --deep reads every line.");
        if (report.get("otherFiles").asLong() > 0) {
            out.println("Not looked at, since they are no batch files: " + count(report, "otherFiles"));
        }
        report.get("topics").forEach(topic -> print(out, topic));
    }

    private static void print(PrintStream out, JsonNode topic) {
        out.printf("%n%s%n", topic.get("topic").asText());
        out.printf(ROW, "partition", "life", "files", "records", "days", "offsets");
        topic.get("partitions").forEach(life -> {
            List<String> ranges = texts(life.get("ranges"));
            out.printf(ROW, life.get("partition"), life.get("life"), life.get("files"), life.get("records"), days(life),
                ranges.isEmpty() ? "none" : ranges.get(0));
            ranges.stream().skip(1).forEach(range -> out.printf(ROW, "", "", "", "", "", range));
            life.get("gaps").forEach(gap -> out.printf("    hole %s: %s: %s%n", text(gap), gap.get("kind").asText(),
                MEANINGS.get(gap.get("kind").asText())));
            texts(life.get("overlaps")).forEach(range ->
                out.printf("    stored more than once, reloaded once: %s%n", range));
            if (life.get("emptyOffsets").asLong() > 0) {
                out.printf("    without a record, as it was in Kafka: %s%n", count(life, "emptyOffsets"));
            }
            if (life.path("notStoredBefore").asLong() > 0) {
                out.printf("    in Kafka before the first one that is stored: %s%n", count(life, "notStoredBefore"));
            }
            if (life.path("notStoredYet").asLong() > 0) {
                out.printf("    in Kafka and not stored yet: %s%n", count(life, "notStoredYet"));
            }
        });
        topic.path("otherFolders").forEach(folder ->
            out.printf("    other files of the topic, not read: folder %s%n", folder.asText()));
        topic.get("unreadable").forEach(file ->
            out.printf("    unreadable %s: %s%n", file.get("file").asText(), file.get("reason").asText()));
    }

    private static String count(JsonNode node, String field) {
        long number = node.get(field).asLong();
        String word = field.startsWith("empty") || field.startsWith("notStored") ? "offsets"
            : field.equals("otherFiles") ? "files" : field;
        return number + " " + (number == 1 ? word.substring(0, word.length() - 1) : word);
    }

    private static String days(JsonNode life) {
        List<String> days = new ArrayList<>();
        life.get("days").fieldNames().forEachRemaining(days::add);
        return days.isEmpty() ? "" : days.size() == 1 ? days.get(0) : days.get(0) + ".." + days.get(days.size() - 1);
    }

    private static List<String> texts(JsonNode ranges) {
        List<String> texts = new ArrayList<>();
        ranges.forEach(range -> texts.add(text(range)));
        return texts;
    }

    private static String text(JsonNode range) {
        return range.get("from") + "-" + range.get("to");
    }
}
