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
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeException;
import org.apache.camel.ExchangeProperty;

/** Checks what is asked for over HTTP, before anything is done about it. */
public class Requests {

    private static final ObjectMapper JSON = new ObjectMapper()
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
    private static final TypeReference<Map<String, Object>> OBJECT = new TypeReference<>() {
    };
    /** The most bytes of a request's body. */
    public static final int MOST_BYTES = 1 << 20;
    /** What a caller is told whose body is larger. */
    public static final String TOO_LARGE = "The body is larger than " + MOST_BYTES + " bytes";

    /** Bytes of a file's name in the usual file systems. */
    private static final int LONGEST_NAME = 255;

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
     * @throws RequestException if it is not right, or its folder, target topic or selector does not exist
     */
    public ReloadRequest ofTopic(String body) {
        Map<String, Object> asked = object(body);
        ReloadRequest request = ReloadRequest.ofTopic(asked, settings::folder, settings::formerFolders);
        Asked.refuseNull(asked);
        checkSettings(request);
        if (request.formerFolders().stream().noneMatch(this::holdsFiles)) {
            requireFolder(request.folder(), "topic: there is no folder " + request.folder()
                + " in the bucket, which would hold the batch files of topic " + request.topic());
        }
        requireTarget(request);
        return request;
    }

    /**
     * Checks the request for the reload of one file; throws as {@link #ofTopic} does.
     *
     * @throws IOException if the bucket does not say whether there is the file
     */
    public ReloadRequest ofFile(String body) throws IOException {
        Map<String, Object> asked = object(body);
        ReloadRequest request = ReloadRequest.ofFile(asked);
        Asked.refuseNull(asked);
        checkSettings(request);
        if (!bucket.exists(request.fileName())) {
            throw new RequestException(404, "unknown-file", "fileName: there is no such file in the bucket");
        }
        requireTarget(request);
        return request;
    }

    /**
     * A request that was checked before, made again of what was asked; neither the bucket nor the broker is asked about it.
     *
     * @throws RequestException if it is not right
     */
    public ReloadRequest read(Map<String, Object> asked) {
        return asked.containsKey("fileName") ? ReloadRequest.ofFile(asked)
            : ReloadRequest.ofTopic(asked, settings::folder, settings::formerFolders);
    }

    /**
     * The limits that are asked for: those that are not named are none.
     *
     * @throws RequestException if it is not right
     */
    ReloadRequest.Speed speed(String body) {
        Map<String, Object> asked = object(body);
        ReloadRequest.Speed speed = ReloadRequest.speed(new Asked(asked, Set.of("recordsPerSecond", "bytesPerSecond", "pace")));
        Asked.refuseNull(asked);
        return speed;
    }

    /** The topic of the request to stop a reload. */
    public String ofStop(String body) {
        return new Asked(object(body), Set.of("topic")).topic("topic");
    }

    /**
     * The number of batch files in a folder, with those that its topics have in former folders.
     *
     * @throws RequestException if there is no such folder
     */
    public long count(String encodedFolder) {
        String folder = folder(encodedFolder);
        long count = count(folder, null);
        for (String topic : settings.topicsOf(folder)) {
            for (String former : settings.formerFolders(topic)) {
                count += count(former, topic);
            }
        }
        if (count == 0) {
            requireFolder(folder, "folder: there is no such folder in the bucket");
        }
        return count;
    }

    /** The batch files of a topic in a folder; those of all topics if {@code topic} is null. */
    private long count(String folder, String topic) {
        long count = 0;
        for (var names = bucket.list(folder, null); names.hasNext();) {
            if (BatchFileName.parse(names.next(), topic) != null) {
                count++;
            }
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
        if (!Settings.isFolder(folder) || isTooLong(folder)) {
            throw Asked.bad("invalid-folder", "folder: expected the name of a folder");
        }
        return folder;
    }

    /** Whether a folder has a longer name than file systems take, or a longer path than stores take. */
    private static boolean isTooLong(String folder) {
        return folder.getBytes(StandardCharsets.UTF_8).length > ReloadRequest.LONGEST_PATH
            || Arrays.stream(folder.split("/")).anyMatch(name -> name.getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME);
    }

    /** What a caller is told of a mistake. */
    public Map<String, Object> answer(@ExchangeException RequestException mistake) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("message", mistake.getMessage());
        answer.put("code", mistake.getCode());
        if (mistake.getRequestId() != null) {
            answer.put("requestId", mistake.getRequestId());
        }
        return answer;
    }

    /** What a caller is told when the bucket cannot be asked. */
    public Map<String, Object> unavailable(@ExchangeException Exception failure) {
        return Map.of("message", "The bucket cannot be used: "
            + ServerPaths.hide(BucketException.reason(failure)), "code",
            "bucket-unavailable");
    }

    /** What a caller is told when no broker can be asked. */
    public Map<String, Object> noBroker(@ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure) {
        return Map.of("message", "The broker cannot be asked: " + ServerPaths.hide(
            settings.withoutSecrets(failure.getMessage())), "code",
            "broker-unavailable");
    }

    /** What a caller is told when the fault is not the caller's; the log says more. */
    public Map<String, Object> failure() {
        return Map.of("message", "The request could not be handled: see the log", "code", "internal-error");
    }

    private void requireFolder(String folder, String message) {
        if (!holdsFiles(folder)) {
            throw new RequestException(404, "unknown-folder", message);
        }
    }

    private boolean holdsFiles(String folder) {
        return bucket.list(folder, null).hasNext();
    }

    private void requireTarget(ReloadRequest request) {
        String refusal = settings.whyNoTarget(request.target());
        if (refusal != null) {
            throw Asked.bad("invalid-topic", "reIngestionTopic: topic " + request.target() + " " + refusal);
        }
        if (topics.partitions(request.target()) == 0) {
            throw new RequestException(404, "unknown-topic", "reIngestionTopic: topic " + request.target()
                + " does not exist");
        }
    }

    /** What only this process can tell: its selectors and settings. */
    private void checkSettings(ReloadRequest request) {
        selectors.check(request);
        if (request.onError() == ReloadRequest.OnError.DEAD_LETTER && settings.reload().deadLetterTopic().isEmpty()) {
            throw Asked.bad("no-dead-letter-topic", "onError: dead-letter needs the setting "
                + Settings.name("bss.reload.dead-letter-topic"));
        }
    }

    private static Map<String, Object> object(String body) {
        if (body == null || body.isBlank()) {
            throw Asked.bad("invalid-json", "The body is empty: expected a JSON object, with Content-Type: application/json");
        }
        if (body.length() > MOST_BYTES) {
            throw new RequestException(413, "too-large", TOO_LARGE);
        }
        Map<String, Object> asked;
        try {
            asked = JSON.readValue(body, OBJECT);
        } catch (JsonProcessingException e) {
            var at = e.getLocation();
            throw Asked.bad("invalid-json", "The body is no JSON object"
                + (at == null ? "" : ", at line " + at.getLineNr() + ", column " + at.getColumnNr()));
        }
        if (asked == null) {
            throw Asked.bad("invalid-json", "The body is no JSON object");
        }
        return asked;
    }
}
