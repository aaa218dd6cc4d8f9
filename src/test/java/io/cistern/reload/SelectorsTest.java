package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.cistern.Settings;
import io.cistern.SettingsException;
import io.cistern.batch.Record;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SelectorsTest {

    private static final CamelContext CONTEXT = new DefaultCamelContext();

    @TempDir
    private static Path folder;

    @BeforeAll
    static void start() {
        CONTEXT.getPropertiesComponent().addInitialProperty("secret", "42");
        CONTEXT.setVariable("global:secret", "42");
        CONTEXT.start();
    }

    @AfterAll
    static void stop() {
        CONTEXT.stop();
    }

    /** Records of offsets 0 to 3: a full one, another, a tombstone without a key, and one that is empty of all. */
    private static final List<Record> RECORDS = List.of(
        record(0, "k0", "{\"amount\": 42, \"status\": \"PAID\"}", new Record.Header("vip", bytes("yes"))),
        record(1, "k1", "{\"amount\": 1}", new Record.Header("vip", bytes("no")), new Record.Header("CamelFileName", bytes("x"))),
        record(2, null, null, new Record.Header("vip", null)),
        record(3, "", "{}"));

    @ParameterizedTest
    @CsvSource(delimiterString = " => ", quoteCharacter = '~', value = {
        "jq => .amount > 10 => 0",
        "jq => .status != \"PAID\" => 1 2 3",
        "jq => . == null => 2",
        "jq => variable(\"key\") == \"k1\" => 1",
        "jq => variable(\"key\") == null => 2",
        "jq => variable(\"topic\") == \"orders\" and (variable(\"partition\") | tonumber) == 5 => 0 1 2 3",
        "jq => (variable(\"offset\") | tonumber) > 1 => 2 3",
        "jq => (variable(\"timestamp\") | tonumber) == 1001 => 1",
        "jq => header(\"vip\") == \"yes\" => 0",
        "jq => header(\"CamelFileName\") != null => ",
        "jq => .amount, false | . == 42 => 0",
        "jq => (.amount == 1, .amount == 1) => 1",
        "jq => empty => ",
        "jq => .status => ",
        "jsonpath => $[?(@.amount > 10)] => 0",
        "jsonpath => $.status => 0",
        "jsonpath => $[?(@.amount == ${variable.offset})] => 1",
        "jsonpath => $[?('${header.vip}' == 'no')] => 1",
        "jsonpath => $[?('${variable.key}-${variable.partition}-${variable.topic}-${variable.timestamp}' == 'k0-5-orders-1000')] => 0",
        "groovy => body?.contains('PAID') => 0",
        "groovy => body == null => 2",
        "groovy => variables.key == 'k1' || headers.vip == 'yes' => 0 1",
        "groovy => variables.topic == 'orders' && variables.partition == 5 && variables.offset % 2 == 1 && variables.timestamp > 1001 => 3",
        "simple => ${body} contains 'PAID' => 0",
        "simple => ${body} == null => 2",
        "simple => ${variable.key} == 'k1' || ${header.vip} == 'yes' => 0 1",
        "simple => ${variable.topic} == 'orders' && ${variable.partition} == 5 && ${variable.offset} > 2 && ${variable.timestamp} == 1003 => 3"})
    void selectsByPayloadKeyHeadersAndCoordinates(String language, String text, String expected) throws IOException {
        // \| is one that does not end a column of this table.
        Selectors selectors = selectors("by-all." + language, text);

        assertThat(selected(selectors, request("customSelectorName", "by-all"))).isEqualTo(expected == null ? "" : expected);
    }

    @ParameterizedTest
    @CsvSource(delimiterString = " => ", quoteCharacter = '~', value = {
        "jq => .amount > 10 => 0",
        "jq => variable(\"key\") == \"k1\" => 1",
        "jq => variable(\"key\"; \"none\") == null => 2",
        "jq => (variable(\"offset\") | tonumber) > 1 => 2 3",
        "jq => variable(\"topic\") == \"orders\" and variable(\"partition\") == \"5\" and variable(\"timestamp\") == \"1003\" => 3",
        "jq => header(\"vip\") == \"yes\" => 0",
        "jsonpath => $[?(@.amount > 10)] => 0",
        "jsonpath => $.status => 0"})
    void selectsByWhatCameWithTheRequest(String language, String text, String expected) {
        assertThat(selected(selectors(), inline(language, text))).isEqualTo(expected);
    }

    /** Each would select something if what it tries were possible. */
    @ParameterizedTest
    @CsvSource(delimiterString = " => ", quoteCharacter = '~', value = {
        "jq => \"${body}\" != \"${\" + \"body}\" => ",
        "jq => \"{{secret}}\" == \"42\" => ",
        "jq => variable(\"global:secret\") == \"42\" => ",
        "jq => variable(\"global:secret\"; \"42\") == \"42\" => ",
        "jq => property(\"secret\") == \"42\" => ",
        "jq => header(\"global:secret\") == \"42\" => ",
        "jsonpath => $[?('${header.vip}' == 'yes')] => ",
        "jsonpath => $[?('${variable.global:secret}' == '42')] => ",
        "jsonpath => $[?('${properties:secret}' == '42')] => ",
        "jsonpath => $[?('{{secret}}' == '42')] => ",
        "jsonpath => $[?('${groovy:42}' == '42')] => "})
    void whatCameWithTheRequestSeesTheRecordOnly(String language, String text, String expected) {
        assertThat(selected(selectors(), inline(language, text))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"env | has(\"PATH\")", "$ENV | has(\"PATH\")", "include \"secret\"; true", "import \"a\" as $a; true",
        "input", "def f: f; f"})
    void whatAnInlineSelectorMustNotHaveFailsOnTheRecord(String text) {
        assertThatThrownBy(() -> selectors().matches("orders", RECORDS.get(0), inline("jq", text)))
            .isInstanceOf(SelectorException.class);
    }

    @ParameterizedTest
    @CsvSource({"jq, resource:classpath:selector-of-others.txt", "jq, resource:file:/etc/hostname",
        "jsonpath, ${body}", "jsonpath, ${groovy:1}", "jq, ${body}", "jq, {{secret}}"})
    void whatIsNoExpressionInItsLanguageIsRefused(String language, String text) {
        Selectors selectors = selectors();
        assertThat(catchThrowableOfType(RequestException.class, () -> selectors.check(inline(language, text))).getCode())
            .isEqualTo("invalid-selector");
    }

    @Test
    void aNestedResourceIsNotRead() throws IOException {
        Path secret = Files.writeString(folder.resolve("secret.jsonpath"), "$.amount");
        Selectors selectors = selectors();
        // To JSONPath this is the name of a field.
        assertThat(selected(selectors, inline("jsonpath", "resource:file:" + secret))).isEmpty();
    }

    @Test
    void aFailureNamesTheRecordAndHoldsNothingOfIt() throws IOException {
        Selectors selectors = selectors("fails.groovy", "throw new IllegalArgumentException(body)");
        Record noJson = record(7, "key", "no json");
        for (ReloadRequest request : List.of(request("customSelectorName", "fails"), inline("jq", ".a"), inline("jsonpath", "$.a"),
            inline("jq", "error(.)"))) {
            assertThatThrownBy(() -> selectors.matches("orders", noJson, request)).isInstanceOf(SelectorException.class)
                .hasNoCause().hasMessageContaining("topic orders, partition 5 at offset 7: ")
                .hasMessageNotContaining("no json").hasMessageNotContaining("key");
        }
        assertThatThrownBy(() -> selectors.matches(null, noJson, inline("jq", ".a")))
            .hasMessageStartingWith("Selector failed on the record of partition 5 at offset 7: ");
        assertThatThrownBy(() -> selectors.matches("orders", noJson, request("customSelectorName", "fails")))
            .hasMessage("Selector fails failed on the record of topic orders, partition 5 at offset 7: IllegalArgumentException");
    }

    @Test
    void aBatchWithoutASelectorIsTheSameAndOneThatFailsIsAMishap() {
        ReloadBatch batch = batch(request("partitioning", "key"));
        assertThat(select(batch)).isSameAs(batch);

        assertThat(select(batch(inline("jq", ".amount > 10")))).containsExactly(RECORDS.get(0));

        assertThatThrownBy(() -> select(batch(inline("jq", ".amount | ltrimstr(1) | error"))))
            .isInstanceOf(IllegalStateException.class).hasMessageContaining("at offset 0");
    }

    private static ReloadBatch batch(ReloadRequest request) {
        Iterator<Record> records = RECORDS.iterator();
        return new ReloadBatch(new LoneReplica(null, request).turn(), "orders", records.next(), new ReloadBatch.Records() {
            @Override
            public Record read() {
                return records.hasNext() ? records.next() : null;
            }

            @Override
            public long bytes() {
                return 0;
            }

            @Override
            public boolean suffice(int count) {
                return false;
            }
        });
    }

    private Iterable<Record> select(ReloadBatch batch) {
        return selectors().select(batch, batch.getReload());
    }

    @Test
    void moreInlineSelectorsThanAreKeptCompiledAllWork() {
        Selectors selectors = selectors();
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 300; i++) {
                assertThat(selected(selectors, inline("jq", ".amount == " + i))).isEqualTo(i == 42 ? "0" : i == 1 ? "1" : "");
            }
        }
    }

    @Test
    void aSelectorThatThisProcessDoesNotHaveIsNamed() {
        assertThatThrownBy(() -> selectors().matches("orders", RECORDS.get(0), request("customSelectorName", "elsewhere")))
            .isInstanceOf(IllegalStateException.class).hasMessageContaining("elsewhere");
    }

    /** What a broken file is told by: its name, a line, and a column where the language says it. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
        "jq | .amount > | line 1, column 9: ",
        "jq | \\n\\n  .amount and ) | line 3, column 15: ",
        "jq | .amount\\n  == \"open | line 2, column ",
        "groovy | def x = { | line 1, column ",
        "groovy | \\nbody == 1\\n)\\n | line 3, column 1: ",
        "jsonpath | $[?( | line 1",
        "simple | ${body} == | line 1",
        "simple | ${body} == 'a' && ${unknown} | line 1"})
    void aBrokenFileIsToldByItsLine(String language, String text, String place) {
        SettingsException refusal = catchThrowableOfType(SettingsException.class,
            () -> selectors("broken." + language, text.replace("\\n", "\n")));

        assertThat(refusal.problems()).singleElement().asString()
            .startsWith(folder.resolve("selectors/broken." + language) + ": no selector in " + language + ": " + place)
            .doesNotContain("\n").doesNotEndWith(": ");
    }

    private static String selected(Selectors selectors, ReloadRequest request) {
        selectors.check(request);
        List<String> selected = new ArrayList<>();
        for (Record record : RECORDS) {
            if (selectors.matches("orders", record, request)) {
                selected.add("" + record.offset());
            }
        }
        return String.join(" ", selected);
    }

    private static Selectors selectors() {
        Selectors selectors = new Selectors(settings(null));
        selectors.setCamelContext(CONTEXT);
        return selectors;
    }

    /** Those of a folder with this file only. */
    private static Selectors selectors(String file, String text) throws IOException {
        Path files = Files.createDirectories(folder.resolve("selectors"));
        Path written = Files.writeString(files.resolve(file), text);
        try {
            Selectors selectors = new Selectors(settings(folder));
            selectors.setCamelContext(CONTEXT);
            return selectors;
        } finally {
            Files.delete(written);
        }
    }

    private static Settings settings(Path configurations) {
        return new Settings(Map.of("bss.roles", "reloader", "bss.configurations-path",
            configurations == null ? "" : configurations.toString())::get);
    }

    private static ReloadRequest inline(String language, String expression) {
        return request("selector", Map.of("language", language, "expression", expression));
    }

    private static ReloadRequest request(String field, Object value) {
        return ReloadRequest.ofTopic(Map.of("topic", "orders", "reIngestionTopic", "orders.again", field, value), topic -> topic);
    }

    private static Record record(long offset, String key, String value, Record.Header... headers) {
        return new Record(5, offset, 1000 + offset, Record.TimestampType.CREATE_TIME, key == null ? null : bytes(key),
            value == null ? null : bytes(value), List.of(headers));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
