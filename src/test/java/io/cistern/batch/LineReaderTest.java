package io.cistern.batch;

import static io.cistern.batch.TestFiles.bytes;
import static io.cistern.batch.TestFiles.header;
import static io.cistern.batch.TestFiles.line;
import static io.cistern.batch.TestFiles.record;
import static io.cistern.batch.TestFiles.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.batch.Record.TimestampType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@link LineReader} takes for a record, and what it does not. */
class LineReaderTest {

    private static final ObjectMapper JSON = new ObjectMapper()
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

    private static final String GOOD = "{\"timestamp\":\"2022-11-14T13:26:37.728Z\",\"partition\":2,\"offset\":312,"
        + "\"key\":\"k\",\"payload\":\"v\",\"headers\":[{\"key\":\"h\",\"value\":\"w\"}]}";
    private static final Record GOOD_RECORD = new Record(2, 312, 1668432397728L, TimestampType.CREATE_TIME, utf8("k"),
        utf8("v"), List.of(header("h", utf8("w"))));

    /** One reader for all, as for the lines of a file: no line may leave anything behind. */
    private final LineReader reader = new LineReader();

    private Record read(byte[] line) {
        return reader.read(line, 0, line.length);
    }

    private Record read(String line) {
        return read(utf8(line));
    }

    @Property(edgeCases = EdgeCasesMode.NONE)
    void takesTheKnownFieldsInAnyOrderSpacingAndSpelling(@ForAll("records") Record record, @ForAll Random random)
        throws IOException {
        String line = new FreeWriter(random).object(record);
        assertThat(JSON.readTree(line).isObject()).isTrue();

        assertThat(read(line)).isEqualTo(record);
    }

    @Property(edgeCases = EdgeCasesMode.NONE, tries = 3000)
    void understandsADamagedLineAsOthersDoOrNotAtAll(@ForAll("records") Record record, @ForAll Random random) {
        byte[] line = damage(utf8(line(record)), random);
        Record taken;
        try {
            taken = read(line);
        } catch (IllegalArgumentException e) {
            assertThat(e).hasMessageNotContaining("\n").message().isNotBlank();
            return;
        }

        assertThat(taken).isEqualTo(asJacksonReads(line));
    }

    private static byte[] damage(byte[] line, Random random) {
        byte[] interesting = utf8("\"\\{}[]:,0-19eun \t\0");
        byte[] damaged = line.clone();
        for (int i = random.nextInt(3); i >= 0; i--) {
            int at = random.nextInt(damaged.length);
            byte other = random.nextInt(4) == 0 ? (byte) random.nextInt() : interesting[random.nextInt(interesting.length)];
            switch (random.nextInt(3)) {
                case 0 -> damaged[at] = other;
                case 1 -> {
                    damaged = Arrays.copyOf(damaged, damaged.length + 1);
                    System.arraycopy(damaged, at, damaged, at + 1, damaged.length - 1 - at);
                    damaged[at] = other;
                }
                default -> {
                    System.arraycopy(damaged, at + 1, damaged, at, damaged.length - 1 - at);
                    damaged = Arrays.copyOf(damaged, damaged.length - 1);
                }
            }
        }
        return damaged;
    }

    private static Record asJacksonReads(byte[] line) {
        try {
            JsonNode json = JSON.readTree(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line)).toString());
            List<Record.Header> headers = new ArrayList<>();
            json.path("headers").forEach(header -> headers.add(new Record.Header(header.get("key").textValue(),
                content(header, "value", "encoding"))));
            TimestampType type = Arrays.stream(TimestampType.values())
                .filter(one -> one.kafkaName().equals(json.path("timestampType").asText("CreateTime"))).findFirst()
                .orElseThrow();
            return new Record(json.get("partition").intValue(), json.get("offset").longValue(),
                Instant.parse(json.get("timestamp").textValue()).toEpochMilli(), type,
                content(json, "key", "keyEncoding"), content(json, "payload", "payloadEncoding"), headers);
        } catch (IOException e) {
            throw new AssertionError("Taken, though it is no JSON: " + new String(line, StandardCharsets.UTF_8), e);
        }
    }

    private static byte[] content(JsonNode json, String field, String encoding) {
        byte[] text = utf8(json.get(field).textValue());
        return json.has(encoding) && text != null ? Base64.getDecoder().decode(text) : text;
    }

    @Test
    void refusesALineThatIsCutAtAnyByte() {
        byte[] line = utf8(new FreeWriter(new Random(1)).object(new Record(1, 2, 3, TimestampType.LOG_APPEND_TIME,
            utf8("é😀\n"), bytes(0xff), List.of(header("h", null), header("h", bytes(0x80))))));

        for (int length = 0; length < line.length; length++) {
            byte[] cut = Arrays.copyOf(line, length);
            assertThatThrownBy(() -> read(cut)).as("cut to %d bytes", length).isInstanceOf(IllegalArgumentException.class);
            // the bytes behind the line's end in the reader's buffer are not the line's
            assertThatThrownBy(() -> reader.read(line, 0, cut.length)).as("cut to %d bytes", length)
                .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"timestamp", "partition", "offset", "key", "payload"})
    void refusesALineThatLacksAField(String field) throws IOException {
        Map<String, Object> fields = JSON.readValue(GOOD, TreeMap.class);
        fields.remove(field);

        assertRefused(utf8(JSON.writeValueAsString(fields)), "field " + field + " is missing");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        // what is replaced     | by what                          | what the message says
        "`{\"timestamp\"`       | `{\"more\":1,\"timestamp\"`      | unknown field more",
        "`{\"timestamp\"`       | `{\"\":1,\"timestamp\"`          | unknown field",
        "`{\"timestamp\"`       | `{\"Key\":1,\"timestamp\"`       | unknown field Key",
        "`{\"timestamp\"`       | `{\"\\u0000\":1,\"timestamp\"`   | unknown field ?",
        "`\"value\":\"w\"`      | `\"value\":\"w\",\"more\":1`     | unknown field headers.more",
        "`\"key\":\"h\",`       | ``                               | field headers.key is missing",
        "`,\"value\":\"w\"`     | ``                               | field headers.value is missing",
        "`\"key\":\"k\"`        | `\"key\":\"k\",\"key\":\"l\"`    | field key is there twice",
        "`\"key\":\"k\"`        | `\"key\":null,\"key\":null`      | field key is there twice",
        "`\"offset\":312`       | `\"offset\":312,\"offset\":312`  | field offset is there twice",
        "`\"value\":\"w\"`      | `\"value\":\"w\",\"value\":null` | field headers.value is there twice",
        "2,                     | `-2,`                            | field partition: expected a whole number from 0",
        "2,                     | `02,`                            | field partition: expected a whole number from 0",
        "2,                     | `00,`                            | field partition: expected a whole number from 0",
        "2,                     | `+2,`                            | field partition: expected a whole number from 0",
        "2,                     | `\"2\",`                         | field partition: expected a whole number from 0",
        "2,                     | `null,`                          | field partition: expected a whole number from 0",
        "2,                     | `,`                              | field partition: expected a whole number from 0",
        "2,                     | `2147483648,`                    | field partition: expected a number up to 2147483647",
        "2,                     | `2.0,`                           | no JSON object of a record",
        "2,                     | `2e0,`                           | no JSON object of a record",
        "312                    | `9223372036854775808`            | field offset: expected a number up to 9223372036854775807",
        "312                    | `99999999999999999999`           | field offset: expected a number up to",
        "2022-11-14T            | `2022-02-30T`                    | field timestamp: expected a time like",
        "2022-11-14T            | `2022-11-14 `                    | field timestamp: expected a time like",
        "13:26:37.728Z          | `25:00:00.000Z`                  | field timestamp: expected a time like",
        "13:26:37.728Z          | `13:60:00.000Z`                  | field timestamp: expected a time like",
        "13:26:37.728Z          | `13:26:61.000Z`                  | field timestamp: expected a time like",
        "13:26:37.728Z          | `13:26:37.728`                   | field timestamp: expected a time like",
        "2022-11-14T13:26:37    | `+999999999-11-14T13:26:37`      | field timestamp: expected a time like",
        "2022-11-14T13:26:37.728Z | ``                             | field timestamp: expected a time like",
        "`\"2022-11-14T13:26:37.728Z\"` | `1668432397728`          | field timestamp: expected a string",
        "`\"2022-11-14T13:26:37.728Z\"` | `null`                   | field timestamp: expected a string",
        "`\"v\"`                | `{}`                             | field payload: expected a string",
        "`\"v\"`                | `1`                              | field payload: expected a string",
        "`\"v\"`                | `nul`                            | field payload: expected a string",
        "`\"v\"`                | `NULL`                           | field payload: expected a string",
        "`\"v\"`                | `nullnull`                       | no JSON object of a record",
        "`\"v\"`                | `'v'`                            | field payload: expected a string",
        "`\"v\"`                | `\"v`                            | no JSON object of a record",
        "`\"v\"`                | `\"\\x\"`                        | an escape in a string that JSON does not know",
        "`\"v\"`                | `\"\\U0041\"`                    | an escape in a string that JSON does not know",
        "`\"v\"`                | `\"\\u00g0\"`                    | an escape in a string that is no \\uXXXX",
        "`\"v\"`                | `\"\\u-041\"`                    | an escape in a string that is no \\uXXXX",
        "`\"v\"`                | `\"\\ud83d\"`                    | half of a surrogate pair",
        "`\"v\"`                | `\"\\ud83dx\"`                   | half of a surrogate pair",
        "`\"v\"`                | `\"\\ude00\"`                    | half of a surrogate pair",
        "`\"v\"`                | `\"\\ud83d\\u0041\"`             | half of a surrogate pair",
        "`\"v\"`                | `\"\\ud83d\\ud83d\\ude00\"`      | half of a surrogate pair",
        "`\"h\"`                | `\"\\ud83d\"`                    | half of a surrogate pair",
        "`\"headers\"`          | `\"reload\":null,\"headers\"`     | field reload: expected a string",
        "`\"headers\"`          | `\"reload\":\"\",\"reload\":\"\",\"headers\"` | field reload is there twice",
        "`\"headers\"`          | `\"reloads\":\"\",\"headers\"`   | unknown field reloads",
        "`\"h\"`                | `null`                           | field headers.key: expected a string",
        "`\"k\"`                | `\"k\",\"keyEncoding\":\"hex\"`  | field keyEncoding: expected",
        "`\"k\"`                | `\"k\",\"keyEncoding\":null`     | field keyEncoding: expected a string",
        "`\"k\"`                | `\"?\",\"keyEncoding\":\"base64\"` | field key: expected base64",
        "`\"v\"`                | `\"AA=A\",\"payloadEncoding\":\"base64\"` | field payload: expected base64",
        "`\"w\"`                | `\"w\",\"encoding\":\"base64\"`  | field headers.value: expected base64",
        "`\"headers\"`          | `\"timestampType\":\"createtime\",\"headers\"` | field timestampType: expected CreateTime",
        "`[{\"key\":\"h\",\"value\":\"w\"}]` | `{\"h\":\"w\"}`     | no JSON object of a record: expected [",
        "`[{\"key\":\"h\",\"value\":\"w\"}]` | `null`              | no JSON object of a record: expected [",
        "`[{\"key\":\"h\",\"value\":\"w\"}]` | `[{}]`              | a field's name: expected a string",
        "`}]}`                  | `},]}`                           | no JSON object of a record: expected {",
        "`}]}`                  | `}],}`                           | a field's name: expected a string",
        "`}]}`                  | `}]}}`                           | more text behind the JSON object",
        "`}]}`                  | `}]} {}`                         | more text behind the JSON object",
        "`}]}`                  | `}]},`                           | more text behind the JSON object",
        "`,\"offset\"`          | `\"offset\"`                     | no JSON object of a record: expected }",
        "`\"offset\":`          | `\"offset\" `                    | no JSON object of a record: expected :",
        "`{\"timestamp\"`       | `[{\"timestamp\"`                | no JSON object of a record: expected {",
        "`{\"timestamp\"`       | `\ufeff{\"timestamp\"`           | no JSON object of a record: expected {",
        "`{\"timestamp\"`       | `{,\"timestamp\"`                | a field's name: expected a string",
        "`{\"timestamp\"`       | `{timestamp`                     | a field's name: expected a string"})
    void refusesWhatIsNoRecord(String replaced, String by, String message) {
        assertThat(GOOD).contains(replaced);
        String line = GOOD.replaceFirst(Pattern.quote(replaced),
            Matcher.quoteReplacement(by == null ? "" : by));

        assertRefused(utf8(line), message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\t\r", "{}", "[]", "null", "x"})
    void refusesALineWithoutAnObject(String line) {
        assertRefused(utf8(line), line.equals("{}") ? "field timestamp is missing" : "expected {");
    }

    @Test
    void refusesRawControlCharactersAndBytesThatAreNoUtf8WhereverTheyAre() {
        for (String place : List.of("\"k\"", "\"v\"", "\"h\"", "\"w\"", "\"offset\"")) {
            for (String before : List.of("", "é", "\\n")) {
                for (int control = 0; control < 0x20; control++) {
                    assertRefused(with(place, before, bytes(control)), "a control character in a string that is not escaped");
                }
                for (byte[] broken : AnyRecords.BROKEN) {
                    assertRefused(with(place, before, broken), "bytes in a string that are no UTF-8");
                }
            }
        }
    }

    /** The good line with bytes in place of a string's contents. */
    private static byte[] with(String place, String before, byte[] contents) {
        int at = GOOD.indexOf(place) + 1;
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        line.writeBytes(utf8(GOOD.substring(0, at) + before));
        line.writeBytes(contents);
        line.writeBytes(utf8(GOOD.substring(at + place.length() - 2)));
        return line.toByteArray();
    }

    private void assertRefused(byte[] line, String message) {
        assertThatThrownBy(() -> read(line)).as(new String(line, StandardCharsets.UTF_8))
            .isInstanceOf(IllegalArgumentException.class).hasMessageContaining(message);
        assertThat(read(GOOD)).isEqualTo(GOOD_RECORD);
    }

    @Test
    void quotesNoContentsInItsMessages() {
        for (String line : List.of(GOOD.replace("312", "-312"), GOOD.replace("\"v\"", "\"secret\\x\""), GOOD + "secret",
            GOOD.replace("2022", "secret"), GOOD.replace("\"k\"", "\"secret?\",\"keyEncoding\":\"base64\""))) {
            assertThatThrownBy(() -> read(line)).hasMessageNotContaining("secret").hasMessageNotContaining("312");
        }
        assertThatThrownBy(() -> read("{\"" + "a".repeat(1000) + "\":1}")).message().hasSizeLessThan(100);
    }

    /** Writes a record as JSON in ways that no writer of ours uses: the same object, spelt by chance. */
    private static final class FreeWriter {

        private final Random random;

        FreeWriter(Random random) {
            this.random = random;
        }

        String object(Record record) {
            List<Supplier<String>> fields = new ArrayList<>();
            fields.add(() -> field("timestamp", string(Instant.ofEpochMilli(record.timestamp()).toString())));
            fields.add(() -> field("partition", String.valueOf(record.partition())));
            fields.add(() -> field("offset", String.valueOf(record.offset())));
            addContents(fields, "key", "keyEncoding", record.key());
            addContents(fields, "payload", "payloadEncoding", record.value());
            if (!record.headers().isEmpty() || random.nextBoolean()) {
                fields.add(() -> field("headers", "[" + spaced(record.headers().stream().map(this::header).toList()) + "]"));
            }
            if (record.timestampType() != TimestampType.CREATE_TIME || random.nextBoolean()) {
                fields.add(() -> field("timestampType", string(record.timestampType().kafkaName())));
            }
            return space() + object(fields) + space();
        }

        private String header(Record.Header header) {
            List<Supplier<String>> fields = new ArrayList<>();
            fields.add(() -> field("key", string(header.key())));
            addContents(fields, "value", "encoding", header.value());
            return object(fields);
        }

        private void addContents(List<Supplier<String>> fields, String name, String encoding, byte[] bytes) {
            String text = bytes == null ? null : text(bytes);
            if (bytes == null) {
                fields.add(() -> field(name, "null"));
            } else if (text != null && random.nextInt(4) > 0) {
                fields.add(() -> field(name, string(text)));
            } else {
                fields.add(() -> field(name, string(Base64.getEncoder().encodeToString(bytes))));
                fields.add(() -> field(encoding, string("base64")));
            }
        }

        private static String text(byte[] bytes) {
            try {
                return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            } catch (CharacterCodingException e) {
                return null;
            }
        }

        private String object(List<Supplier<String>> fields) {
            Collections.shuffle(fields, random);
            return "{" + spaced(fields.stream().map(Supplier::get).toList()) + "}";
        }

        private String field(String name, String value) {
            return string(name) + space() + ":" + space() + value;
        }

        private String spaced(List<String> parts) {
            return space() + String.join(space() + "," + space(), parts) + space();
        }

        private String space() {
            return List.of("", "", "", " ", "\t", "\r", " \t ").get(random.nextInt(7));
        }

        private String string(String text) {
            StringBuilder json = new StringBuilder("\"");
            for (char character : text.toCharArray()) {
                int shortEscape = "\b\t\n\f\r\"\\/".indexOf(character);
                boolean must = character < 0x20 || character == '"' || character == '\\';
                if (shortEscape >= 0 && (must || random.nextBoolean()) && random.nextBoolean()) {
                    json.append('\\').append("btnfr\"\\/".charAt(shortEscape));
                } else if (must || Character.isSurrogate(character) || random.nextInt(8) == 0) {
                    json.append(String.format(random.nextBoolean() ? "\\u%04x" : "\\u%04X", (int) character));
                } else {
                    json.append(character);
                }
            }
            return json.append('"').toString();
        }
    }

    @Provide
    Arbitrary<Record> records() {
        return AnyRecords.records();
    }
}
