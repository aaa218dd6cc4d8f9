package io.cistern.reload;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.Settings;
import io.cistern.bucket.BatchFileName;
import io.cistern.bucket.Bucket;
import io.cistern.bucket.BucketException;
import io.cistern.kafka.Topics;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeException;
import org.apache.camel.ExchangeProperty;

/** Checks what is asked for over HTTP, before anything is done about it. */
public final class Requests {

    private static final ObjectMapper JSON = new ObjectMapper()
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
    private static final TypeReference<Map<String, Object>> OBJECT = new TypeReference<>() {
    };
    private static final Set<String> OF_A_TOPIC = Set.of("topic", "reIngestionTopic", "startDate", "stopDate",
        "customSelectorName", "partitioning", "timestamps");
    private static final Set<String> OF_A_FILE = Set.of("fileName", "reIngestionTopic", "customSelectorName",
        "partitioning", "timestamps");

    private final Settings settings;
    private final Bucket bucket;
    private final Topics topics;
    private final Selectors selectors;

    public Requests(Settings settings, Bucket bucket, Topics topics, Selectors selectors) {
        this.settings = settings;
        this.bucket = bucket;
        this.topics = topics;
        this.selectors = selectors;
    }

    /**
     * Checks the request for the reload of a topic.
     *
     * @param body a JSON object
     * @throws RequestException if it is not right, or its folder or target topic does not exist
     */
    public ReloadRequest ofTopic(String body) {
        Map<String, Object> asked = object(body, OF_A_TOPIC);
        String topic = topic(asked, "topic");
        String target = topic(asked, "reIngestionTopic");
        Instant start = date(asked, "startDate");
        Instant stop = date(asked, "stopDate");
        if (start != null && stop != null && start.isAfter(stop)) {
            throw bad("invalid-range", "startDate is after stopDate");
        }
        ReloadRequest request = new ReloadRequest(topic, settings.folder(topic), null, target,
            start == null ? Long.MIN_VALUE : firstMillisecond(start),
            stop == null ? Long.MAX_VALUE : stop.toEpochMilli(),
            selector(asked), preservePartitions(asked), topics.partitions(target), originalTimestamps(asked), asked);
        requireFolder(request.folder(), "topic: there is no folder " + request.folder()
            + " in the bucket, which would hold the batch files of topic " + topic);
        requireTarget(request);
        return request;
    }

    /**
     * Checks the request for the reload of one file; throws as {@link #ofTopic} does.
     *
     * @throws IOException if the bucket does not say whether there is the file
     */
    public ReloadRequest ofFile(String body) throws IOException {
        Map<String, Object> asked = object(body, OF_A_FILE);
        String fileName = required(asked, "fileName");
        String target = topic(asked, "reIngestionTopic");
        int slash = fileName.lastIndexOf('/');
        if (slash < 1 || !Settings.isFolder(fileName)) {
            throw bad("invalid-file", "fileName: expected a path in the bucket like folder/name.txt");
        }
        BatchFileName name = BatchFileName.parse(fileName.substring(slash + 1), null);
        ReloadRequest request = new ReloadRequest(name == null ? null : name.topic(), null, fileName, target,
            Long.MIN_VALUE, Long.MAX_VALUE, selector(asked), preservePartitions(asked), topics.partitions(target),
            originalTimestamps(asked), asked);
        if (!bucket.exists(fileName)) {
            throw new RequestException(404, "unknown-file", "fileName: there is no such file in the bucket");
        }
        requireTarget(request);
        return request;
    }

    /** The topic of the request to stop a reload. */
    public String ofStop(String body) {
        return topic(object(body, Set.of("topic")), "topic");
    }

    /**
     * The number of batch files in a folder.
     *
     * @throws RequestException if there is no such folder
     */
    public long count(String encodedFolder) {
        String folder = folder(encodedFolder);
        long count = 0;
        for (var names = bucket.list(folder, null); names.hasNext();) {
            if (BatchFileName.parse(names.next(), null) != null) {
                count++;
            }
        }
        if (count == 0) {
            requireFolder(folder, "folder: there is no such folder in the bucket");
        }
        return count;
    }

    /** The folder that a path names: Camel leaves the path as it came. */
    static String folder(String encoded) {
        String folder;
        try {
            folder = URLDecoder.decode(encoded.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            folder = "";
        }
        if (!Settings.isFolder(folder)) {
            throw bad("invalid-folder", "folder: expected the name of a folder");
        }
        return folder;
    }

    /** What a caller is told of a mistake. */
    public Map<String, Object> answer(@ExchangeException RequestException mistake) {
        return Map.of("message", mistake.getMessage(), "code", mistake.getCode());
    }

    /** What a caller is told when the bucket cannot be asked. */
    public Map<String, Object> unavailable(@ExchangeException Exception failure) {
        return Map.of("message", "The bucket cannot be used: " + BucketException.reason(failure), "code",
            "bucket-unavailable");
    }

    /** What a caller is told when no broker can be asked. */
    public Map<String, Object> noBroker(@ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure) {
        return Map.of("message", "The broker cannot be asked: " + settings.withoutSecrets(failure.getMessage()), "code",
            "broker-unavailable");
    }

    /** What a caller is told when the fault is not the caller's; the log says more. */
    public Map<String, Object> failure() {
        return Map.of("message", "The request could not be handled: see the log", "code", "internal-error");
    }

    private void requireFolder(String folder, String message) {
        if (!bucket.list(folder, null).hasNext()) {
            throw new RequestException(404, "unknown-folder", message);
        }
    }

    private void requireTarget(ReloadRequest request) {
        if (request.targetPartitions() == 0) {
            throw new RequestException(404, "unknown-topic", "reIngestionTopic: topic " + request.target()
                + " does not exist");
        }
    }

    private static Map<String, Object> object(String body, Set<String> fields) {
        if (body == null || body.isBlank()) {
            throw bad("invalid-json", "The body is empty: expected a JSON object, with Content-Type: application/json");
        }
        Map<String, Object> asked;
        try {
            asked = JSON.readValue(body, OBJECT);
        } catch (JsonProcessingException e) {
            var at = e.getLocation();
            throw bad("invalid-json", "The body is no JSON object"
                + (at == null ? "" : ", at line " + at.getLineNr() + ", column " + at.getColumnNr()));
        }
        if (asked == null) {
            throw bad("invalid-json", "The body is no JSON object");
        }
        List<String> unknown = new ArrayList<>();
        for (String field : asked.keySet()) {
            if (!fields.contains(field)) {
                unknown.add(printable(field));
            }
        }
        if (!unknown.isEmpty()) {
            throw bad("unknown-field", "Unknown field " + String.join(", ", unknown) + ": expected "
                + String.join(", ", new TreeSet<>(fields)));
        }
        return asked;
    }

    private static String required(Map<String, Object> asked, String field) {
        String value = optional(asked, field);
        if (value == null || value.isEmpty()) {
            throw bad("missing-field", field + " is required");
        }
        return value;
    }

    private static String optional(Map<String, Object> asked, String field) {
        Object value = asked.get(field);
        if (value != null && !(value instanceof String)) {
            throw bad("invalid-field", field + ": expected a string");
        }
        return (String) value;
    }

    private static String topic(Map<String, Object> asked, String field) {
        String topic = required(asked, field);
        if (!Settings.isTopicName(topic)) {
            throw bad("invalid-topic", field + ": expected the name of a Kafka topic");
        }
        return topic;
    }

    private static Instant date(Map<String, Object> asked, String field) {
        String text = optional(asked, field);
        if (text == null) {
            return null;
        }
        try {
            Instant date = DateTimeFormatter.ISO_INSTANT.parse(text, Instant::from);
            date.toEpochMilli();
            return date;
        } catch (DateTimeException | ArithmeticException e) {
            throw bad("invalid-date", field + ": expected a date and time of RFC 3339, like 2022-11-14T13:26:37.728Z");
        }
    }

    /** Timestamps are in milliseconds: the first that is not before {@code start}. */
    private static long firstMillisecond(Instant start) {
        return start.getNano() % 1_000_000 == 0 ? start.toEpochMilli() : start.toEpochMilli() + 1;
    }

    private String selector(Map<String, Object> asked) {
        String name = optional(asked, "customSelectorName");
        if (name != null && !selectors.exists(name)) {
            throw new RequestException(404, "unknown-selector", "customSelectorName: there is no such selector");
        }
        return name;
    }

    private static boolean preservePartitions(Map<String, Object> asked) {
        return choice(asked, "partitioning", "key", "preserve").equals("preserve");
    }

    private static boolean originalTimestamps(Map<String, Object> asked) {
        return choice(asked, "timestamps", "original", "now").equals("original");
    }

    private static String choice(Map<String, Object> asked, String field, String first, String second) {
        String value = optional(asked, field);
        if (value != null && !value.equals(first) && !value.equals(second)) {
            throw bad("invalid-field", field + ": expected " + first + " or " + second);
        }
        return value == null ? first : value;
    }

    private static RequestException bad(String code, String message) {
        return new RequestException(400, code, message);
    }

    private static String printable(String text) {
        return text.substring(0, Math.min(64, text.length())).replaceAll("\\p{Cntrl}", "?");
    }
}
