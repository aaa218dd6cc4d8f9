package io.cistern.reload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.cistern.Settings;
import io.cistern.batch.Record;
import io.cistern.testing.JsonSchema;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReloadRequestTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final byte[] NO_TEXT = {(byte) 0xff, 0};

    /** Each line: what is asked for, and which of partition/offset pairs it covers. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
        "{} | 0/0 0/7 3/0 3/7 3/8 1000000/9223372036854775807",
        "{\"partitions\": [3, 0]} | 0/0 0/7 3/0 3/7 3/8",
        "{\"partitions\": [1000000]} | 1000000/9223372036854775807",
        "{\"startOffset\": 7} | 0/7 3/7 3/8 1000000/9223372036854775807",
        "{\"stopOffset\": 7} | 0/0 0/7 3/0 3/7",
        "{\"startOffset\": 7, \"stopOffset\": 7} | 0/7 3/7",
        "{\"startOffset\": {\"3\": 7}} | 0/0 0/7 3/7 3/8 1000000/9223372036854775807",
        "{\"stopOffset\": {\"0\": 6, \"3\": 7}} | 0/0 3/0 3/7 1000000/9223372036854775807",
        "{\"startOffset\": {\"3\": 7}, \"stopOffset\": 7} | 0/0 0/7 3/7",
        "{\"startOffset\": 9223372036854775807} | 1000000/9223372036854775807",
        "{\"partitions\": [3], \"stopOffset\": {\"3\": 0}} | 3/0"})
    void coversPartitionsAndOffsets(String asked, String expected) {
        ReloadRequest request = ofTopic(asked);
        List<String> covered = List.of("0/0", "0/7", "3/0", "3/7", "3/8", "1000000/9223372036854775807").stream()
            .filter(place -> {
                int partition = Integer.parseInt(place.split("/")[0]);
                long offset = Long.parseLong(place.split("/")[1]);
                boolean covers = request.covers(record(partition, offset, 0, null));
                assertThat(covers).as(place).isEqualTo(request.coversPartition(partition)
                    && offset >= request.startOffset(partition) && offset <= request.stopOffset(partition));
                return covers;
            }).toList();
        assertThat(String.join(" ", covered)).isEqualTo(expected);
    }

    @Test
    void coversKeysByTheirBytes() {
        ReloadRequest keys = ofTopic("{\"keys\": [\"ä\", \"\", {\"base64\": \"/wA=\"}, \"\\ud83d\\ude00\", \"b\", \"b\"]}");
        for (String key : List.of("ä", "", "😀", "b")) {
            assertThat(keys.covers(record(0, 0, 0, key.getBytes(StandardCharsets.UTF_8)))).as(key).isTrue();
        }
        assertThat(keys.covers(record(0, 0, 0, NO_TEXT))).isTrue();
        for (byte[] other : new byte[][] {null, {0}, {(byte) 0xff}, {(byte) 0xff, 0, 0}, {'a'}, "ä".getBytes(StandardCharsets.ISO_8859_1)}) {
            assertThat(keys.covers(record(0, 0, 0, other))).isFalse();
        }
        ReloadRequest none = ofTopic("{\"keys\": [null]}");
        assertThat(none.covers(record(0, 0, 0, null))).isTrue();
        assertThat(none.covers(record(0, 0, 0, new byte[0]))).isFalse();
        assertThat(ofTopic("{}").covers(record(0, 0, 0, null))).isTrue();
    }

    @Test
    void coversAllOfWhatIsAskedForTogether() {
        ReloadRequest request = ofTopic("{\"startDate\": \"1970-01-01T00:00:00.005Z\", \"stopDate\": \"1970-01-01T00:00:00.006Z\","
            + " \"partitions\": [1], \"startOffset\": 3, \"keys\": [\"k\"]}");
        byte[] key = {'k'};
        assertThat(request.covers(record(1, 3, 5, key))).isTrue();
        assertThat(request.covers(record(1, 3, 6, key))).isTrue();
        assertThat(request.covers(record(1, 3, 4, key))).isFalse();
        assertThat(request.covers(record(1, 3, 7, key))).isFalse();
        assertThat(request.covers(record(0, 3, 5, key))).isFalse();
        assertThat(request.covers(record(1, 2, 5, key))).isFalse();
        assertThat(request.covers(record(1, 3, 5, null))).isFalse();
        assertThat(List.of(request.from(), request.to())).containsExactly(5L, 6L);
        assertThat(request.coversAll()).isFalse();
        // Only timestamps say whether files can be left out by theirs.
        assertThat(ofTopic("{\"partitions\": [1], \"keys\": [\"k\"]}").coversAll()).isTrue();
    }

    @Test
    void coversUpToTheMillisecondBeforeAnExclusiveEnd() {
        ReloadRequest day = ofTopic("{\"startDate\": \"2022-11-14T00:00:00Z\", \"stopDateExclusive\": \"2022-11-15T00:00:00Z\"}");
        long midnight = Instant.parse("2022-11-15T00:00:00Z").toEpochMilli();
        assertThat(day.to()).isEqualTo(midnight - 1);
        assertThat(day.covers(record(0, 0, midnight - 1, null))).isTrue();
        assertThat(day.covers(record(0, 0, midnight, null))).isFalse();
        // An end within a millisecond, which is before that end.
        assertThat(ofTopic("{\"stopDateExclusive\": \"2022-11-15T00:00:00.000001Z\"}").to()).isEqualTo(midnight);
        for (String wrong : List.of(
            "{\"stopDate\": \"2022-11-15T00:00:00Z\", \"stopDateExclusive\": \"2022-11-15T00:00:00Z\"}",
            "{\"startDate\": \"2022-11-15T00:00:00Z\", \"stopDateExclusive\": \"2022-11-15T00:00:00Z\"}",
            "{\"stopDateExclusive\": \"now/d\"}")) {
            assertThatThrownBy(() -> ofTopic(wrong)).isInstanceOf(RequestException.class)
                .hasMessageContaining("stopDateExclusive");
        }
    }

    @Test
    void whatIsNotAskedForHasItsDefault() {
        ReloadRequest request = ofTopic("{\"pace\": null, \"keys\": null, \"selector\": null, \"dryRun\": null, \"headers\": null}");
        assertThat(request.topic()).isEqualTo("orders.ingestion");
        assertThat(request.folder()).isEqualTo("folder of orders.ingestion");
        assertThat(request.fileName()).isNull();
        assertThat(request.target()).isEqualTo("orders.again");
        assertThat(request.shape()).isEqualTo(new ReloadRequest.Shape(null, false, false, true, List.of(), false));
        assertThat(request.speed()).isEqualTo(new ReloadRequest.Speed(0, 0, 0, null));
        assertThat(request.delivery()).isEqualTo(ReloadRequest.Delivery.EXACTLY_ONCE);
        assertThat(request.onError()).isEqualTo(ReloadRequest.OnError.STOP);
        assertThat(request.dryRun()).isFalse();
        assertThat(request.force()).isFalse();
        assertThat(request.startOffset(5)).isZero();
        assertThat(request.stopOffset(5)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void readsWhatIsAskedForOfATopicAsOfAFile() throws IOException {
        String fields = "\"selector\": {\"language\": \"jq\", \"expression\": \" .a \\n\"}, \"compact\": true, \"partitioning\":"
            + " \"preserve\", \"timestamps\": \"now\", \"headers\": {\"b\": \"ä\", \"a\": null, \"\": \"\"}, \"provenance\": true,"
            + " \"recordsPerSecond\": 0.5, \"bytesPerSecond\": 1e9, \"delivery\": \"at-least-once\", \"onError\": \"dead-letter\","
            + " \"dryRun\": true, \"force\": true, \"partitions\": [2], \"startOffset\": 1, \"stopOffset\": {\"2\": 3}}";
        Map<String, Object> asked = map("{\"fileName\": \"orders/2022-11-14T13:26:37.728Z_orders.ingestion_0_312_1.txt\","
            + "\"reIngestionTopic\": \"orders.again\", " + fields);
        ReloadRequest ofFile = ReloadRequest.ofFile(asked);
        assertThat(ofFile.asAsked()).isSameAs(asked);
        assertThat(ofFile.topic()).isEqualTo("orders.ingestion");
        assertThat(ofFile.folder()).isNull();
        assertThat(ofFile.fileName()).startsWith("orders/2022");
        for (ReloadRequest request : List.of(ofFile, ofTopic("{" + fields))) {
            assertThat(request.shape()).isEqualTo(new ReloadRequest.Shape(new ReloadRequest.Selector(null, "jq", ".a"), true, true,
                false, List.of(new Record.Header("b", "ä".getBytes(StandardCharsets.UTF_8)), new Record.Header("a", null),
                new Record.Header("", new byte[0])), true));
            assertThat(request.speed()).isEqualTo(new ReloadRequest.Speed(0.5, 1e9, 0, null));
            assertThat(request.delivery()).isEqualTo(ReloadRequest.Delivery.AT_LEAST_ONCE);
            assertThat(request.onError()).isEqualTo(ReloadRequest.OnError.DEAD_LETTER);
            assertThat(request.dryRun() && request.force()).isTrue();
            assertThat(request.coversPartition(2)).isTrue();
            assertThat(request.coversPartition(1)).isFalse();
            assertThat(request.stopOffset(2)).isEqualTo(3);
        }
        assertThat(ofTopic("{\"pace\": 10}").speed()).isEqualTo(new ReloadRequest.Speed(0, 0, 10, null));
    }

    @Test
    void aRequestThatWasStoredAsJsonIsTheSameAgain() throws IOException {
        ReloadRequest request = ofTopic("{\"partitions\": [7, 3], \"startOffset\": {\"3\": 4294967296}, \"keys\": [\"k\", null],"
            + " \"headers\": {\"z\": \"1\", \"a\": \"2\"}, \"pace\": 1.5}");
        ReloadRequest again = ReloadRequest.ofTopic(map(JSON.writeValueAsString(request.asAsked())), topic -> "x");
        assertThat(again.asAsked()).isEqualTo(request.asAsked());
        assertThat(again.shape()).isEqualTo(request.shape());
        assertThat(again.startOffset(3)).isEqualTo(4294967296L);
        assertThat(again.covers(record(3, 4294967296L, 0, null))).isTrue();
        assertThat(again.covers(record(7, 0, 0, new byte[] {'x'}))).isFalse();
    }

    @Test
    void aRequestThatWasCheckedIsReadWithoutAskingAnybody() {
        Requests requests = new Requests(new Settings(Map.of("bss.topics-config.data-topics-mapping[0].ingestion", "orders",
            "bss.topics-config.data-topics-mapping[0].bucket-folder", "shop/orders")::get), null, null, null);
        ReloadRequest ofTopic = requests.read(map("{\"topic\": \"orders\", \"reIngestionTopic\": \"again\","
            + " \"onError\": \"dead-letter\", \"customSelectorName\": \"gone\"}"));
        assertThat(ofTopic.folder()).isEqualTo("shop/orders");
        assertThat(ofTopic.selector()).isEqualTo(new ReloadRequest.Selector("gone", null, null));
        assertThat(requests.read(map("{\"fileName\": \"a/b\", \"reIngestionTopic\": \"again\"}")).fileName()).isEqualTo("a/b");
    }

    @Test
    void refusesNullFieldsOfCallers() throws IOException {
        Requests requests = new Requests(new Settings(Map.<String, String>of()::get), null, null, null);
        for (String field : List.of("startDate", "stopDate", "stopDateExclusive", "partitions", "startOffset", "stopOffset", "keys",
            "customSelectorName", "selector", "compact", "partitioning", "timestamps", "headers", "provenance",
            "recordsPerSecond", "bytesPerSecond", "pace", "delivery", "onError", "dryRun", "force")) {
            assertThatThrownBy(() -> requests.ofTopic("{\"topic\": \"orders\", \"reIngestionTopic\": \"again\", \"" + field
                + "\": null}")).as(field).isInstanceOfSatisfying(RequestException.class, refusal -> {
                    assertThat(refusal.getStatus()).isEqualTo(400);
                    assertThat(refusal.getCode()).isEqualTo("invalid-field");
                }).hasMessageStartingWith(field + ": null");
        }
        assertThatThrownBy(() -> requests.ofFile("{\"fileName\": \"a/b.txt\", \"reIngestionTopic\": \"again\", \"keys\": null}"))
            .isInstanceOf(RequestException.class).hasMessageStartingWith("keys: null");
        for (String field : List.of("recordsPerSecond", "bytesPerSecond", "pace")) {
            assertThatThrownBy(() -> requests.speed("{\"" + field + "\": null}"))
                .isInstanceOf(RequestException.class).hasMessageStartingWith(field + ": null");
        }
        // A request that an earlier version accepted goes on.
        assertThat(requests.read(map("{\"topic\": \"orders\", \"reIngestionTopic\": \"again\", \"startDate\": null}")).from())
            .isEqualTo(Long.MIN_VALUE);
    }

    @Test
    void aPartitionThatTheTargetLacksIsRefusedOnlyIfItIsPreservedAndAskedFor() {
        ofTopic("{}").requirePartition(9, 1);
        ofTopic("{\"partitioning\": \"preserve\", \"partitions\": [0]}").requirePartition(9, 1);
        ReloadRequest preserved = ofTopic("{\"partitioning\": \"preserve\"}");
        preserved.requirePartition(1, 2);
        assertThatThrownBy(() -> preserved.requirePartition(2, 2)).isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("partition 2").hasMessageContaining("orders.again has 2 partitions");
    }

    @Test
    void theExamplesOfTheDocumentAreRequests() throws IOException {
        JsonNode document;
        try (InputStream yaml = getClass().getResourceAsStream("/static/openapi.yaml")) {
            document = new ObjectMapper(new YAMLFactory()).readTree(yaml);
        }
        JsonNode examples = document.at("/paths/~1reingestion~1topic/post/requestBody/content/application~1json/examples");
        assertThat(examples).hasSizeGreaterThan(3);
        for (JsonNode example : examples) {
            assertThat(ReloadRequest.ofTopic(map(example.get("value").toString()), topic -> topic).topic()).isEqualTo("orders.ingestion");
        }
        // Each field with the example of its schema.
        JsonSchema schemas = new JsonSchema(document, true);
        document.at("/components/schemas/FileRequest/properties").properties().forEach(field -> {
            JsonNode schema = schemas.resolve(field.getValue());
            if (schema.has("example")) {
                ofTopic("{\"" + field.getKey() + "\": " + schema.get("example") + "}");
            }
            schema.path("enum").forEach(value -> ofTopic("{\"" + field.getKey() + "\": " + value + "}"));
        });
    }

    private static ReloadRequest ofTopic(String fields) {
        return ReloadRequest.ofTopic(map(fields.replaceFirst("\\{", "{\"topic\": \"orders.ingestion\", \"reIngestionTopic\":"
            + " \"orders.again\", ").replaceFirst(", }", "}")), topic -> "folder of " + topic);
    }

    private static Map<String, Object> map(String json) {
        try {
            return JSON.readValue(json, new TypeReference<>() {
            });
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(json, e);
        }
    }

    private static Record record(int partition, long offset, long timestamp, byte[] key) {
        return new Record(partition, offset, timestamp, Record.TimestampType.CREATE_TIME, key, null, List.of());
    }
}
