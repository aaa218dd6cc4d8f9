package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.batch.Record;
import io.cistern.bucket.BatchFileName;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * What was asked of a reload, checked: made from the JSON object of the request and nothing else, so that it can be made
 * again wherever that is known.
 *
 * @param topic    the ingestion topic; null for the reload of a file whose name does not tell it
 * @param folder   the folder of its batch files, or null for the reload of a file
 * @param formerFolders further folders that hold files of the topic
 * @param fileName the path of the one file to reload, or null for the reload of a topic
 * @param target   the topic to publish to
 * @param range    which records
 * @param shape    what is published of them
 * @param speed    how fast
 * @param delivery how often each is published if the reload is interrupted
 * @param onError  what becomes of a record that cannot be reloaded
 * @param dryRun   whether it is only told what would be done
 * @param force    whether it is done in spite of what is found wrong beforehand
 * @param asAsked  the request as it came, for status answers
 */
public record ReloadRequest(String topic, String folder, List<String> formerFolders, String fileName, String target, Range range, Shape shape,
                            Speed speed, Delivery delivery, OnError onError, boolean dryRun, boolean force,
                            Map<String, Object> asAsked) {

    /** How often a record is published if the reload is interrupted. */
    public enum Delivery { EXACTLY_ONCE, AT_LEAST_ONCE }

    /** What becomes of a record that cannot be reloaded: it ends the reload, or is left out, or goes to the dead letters. */
    public enum OnError { STOP, SKIP, DEAD_LETTER }

    private enum Partitioning { KEY, PRESERVE }

    private enum Timestamps { ORIGINAL, NOW }

    /**
     * Which records are asked for.
     *
     * @param from         least timestamp, milliseconds since the epoch, included
     * @param to           greatest timestamp, included
     * @param partitions   the partitions, in ascending order, or null for all
     * @param startOffsets least offsets, included
     * @param stopOffsets  greatest offsets, included
     * @param keys         the keys, or null for all
     */
    record Range(long from, long to, int[] partitions, Offsets startOffsets, Offsets stopOffsets, Keys keys) {
    }

    /**
     * What is published of the records in the range.
     *
     * @param selector           the selector that leaves some of them, or null
     * @param compact            whether only the last record of each key is
     * @param preservePartitions whether records go to the partition that they came from, rather than by key
     * @param originalTimestamps whether records keep their timestamps, rather than get the time of the reload
     * @param headers            headers that each record gets behind its own
     * @param provenance         whether each record gets headers that say where it comes from
     */
    public record Shape(Selector selector, boolean compact, boolean preservePartitions, boolean originalTimestamps,
                        List<Record.Header> headers, boolean provenance) {
    }

    /**
     * A selector, by its name or by what it is.
     *
     * @param name       its name, or null
     * @param language   jq or jsonpath; null for one with a name
     * @param expression in that language; null for one with a name
     */
    public record Selector(String name, String language, String expression) {
    }

    /**
     * How fast records are published; 0 where no limit was asked for.
     *
     * @param recordsPerSecond most records a second
     * @param bytesPerSecond   most bytes a second
     * @param pace             how many times as fast as their timestamps follow each other; not with another limit
     * @param since            where the pace starts; null for the reload's start
     */
    public record Speed(double recordsPerSecond, double bytesPerSecond, double pace, Beat since) {

        static final Speed UNLIMITED = new Speed(0, 0, 0, null);

        Speed since(Beat beat) {
            return new Speed(recordsPerSecond, bytesPerSecond, pace, beat);
        }
    }

    /**
     * When a record of a timestamp is due, at a pace.
     *
     * @param at        milliseconds since the epoch, without the time of pauses
     * @param timestamp milliseconds since the epoch
     */
    record Beat(long at, long timestamp) {
    }

    /** Bytes of a path in a bucket: S3 takes no more. */
    static final int LONGEST_PATH = 1024;

    private static final int MOST_KEYS = 100_000;
    private static final int LONGEST_EXPRESSION = 10_000;
    private static final Set<String> OF_BOTH = Set.of("reIngestionTopic", "partitions", "startOffset", "stopOffset", "keys",
        "customSelectorName", "selector", "compact", "partitioning", "timestamps", "headers", "provenance",
        "recordsPerSecond", "bytesPerSecond", "pace", "delivery", "onError", "dryRun", "force");
    private static final Set<String> OF_A_TOPIC = with("topic", "startDate", "stopDate", "stopDateExclusive");
    private static final Set<String> OF_A_FILE = with("fileName");

    private static Set<String> with(String... fields) {
        Set<String> all = new HashSet<>(OF_BOTH);
        Collections.addAll(all, fields);
        return Set.copyOf(all);
    }

    /**
     * The request for the reload of a topic.
     *
     * @param asked         a JSON object
     * @param folderOfTopic tells the folder of an ingestion topic's batch files
     * @throws RequestException if it is not right
     */
    public static ReloadRequest ofTopic(Map<String, Object> asked, Function<String, String> folderOfTopic) {
        return ofTopic(asked, folderOfTopic, topic -> List.of());
    }

    /**
     * The request for the reload of a topic that may have files in further folders.
     *
     * @param asked                a JSON object
     * @param folderOfTopic        tells the folder of an ingestion topic's batch files
     * @param formerFoldersOfTopic tells the further folders of an ingestion topic
     * @throws RequestException if it is not right
     */
    public static ReloadRequest ofTopic(Map<String, Object> asked, Function<String, String> folderOfTopic,
                                        Function<String, List<String>> formerFoldersOfTopic) {
        Asked fields = new Asked(asked, OF_A_TOPIC);
        String topic = fields.topic("topic");
        Instant start = fields.date("startDate");
        long from = start == null ? Long.MIN_VALUE : firstMillisecond(start);
        return of(fields, topic, folderOfTopic.apply(topic), formerFoldersOfTopic.apply(topic), null, from,
            lastMillisecond(fields, start), asked);
    }

    /**
     * Refuses fields that are null; requests that were accepted before this check existed may have some.
     *
     * @throws RequestException if there are any
     */
    public static void refuseNull(Map<String, Object> asked) {
        Asked.refuseNull(asked);
    }

    /**
     * The request for the reload of one file.
     *
     * @param asked a JSON object
     * @throws RequestException if it is not right
     */
    public static ReloadRequest ofFile(Map<String, Object> asked) {
        Asked fields = new Asked(asked, OF_A_FILE);
        String fileName = fields.required("fileName");
        int slash = fileName.lastIndexOf('/');
        if (slash < 1 || !Settings.isFolder(fileName) || fileName.getBytes(StandardCharsets.UTF_8).length > LONGEST_PATH) {
            throw Asked.bad("invalid-file", "fileName: expected a path in the bucket like folder/name.txt");
        }
        BatchFileName name = BatchFileName.parse(fileName.substring(slash + 1), null);
        return of(fields, name == null ? null : name.topic(), null, List.of(), fileName, Long.MIN_VALUE, Long.MAX_VALUE, asked);
    }

    private static ReloadRequest of(Asked fields, String topic, String folder, List<String> formerFolders, String fileName,
                                    long from, long to, Map<String, Object> asked) {
        return new ReloadRequest(topic, folder, formerFolders, fileName, fields.topic("reIngestionTopic"), range(fields, from, to),
            shape(fields), speed(fields), fields.choice("delivery", Delivery.EXACTLY_ONCE),
            fields.choice("onError", OnError.STOP), fields.isTrue("dryRun"), fields.isTrue("force"), asked);
    }

    private static Range range(Asked fields, long from, long to) {
        Offsets start = fields.offsets("startOffset", 0);
        Offsets stop = fields.offsets("stopOffset", Long.MAX_VALUE);
        boolean empty = start.others() > stop.others();
        for (int partition : IntStream.concat(Arrays.stream(start.partitions()), Arrays.stream(stop.partitions())).toArray()) {
            empty |= start.of(partition) > stop.of(partition);
        }
        if (empty) {
            throw Asked.bad("invalid-range", "startOffset is greater than stopOffset");
        }
        return new Range(from, to, fields.partitions("partitions"), start, stop, fields.keys("keys", MOST_KEYS));
    }

    private static Shape shape(Asked fields) {
        return new Shape(selector(fields), fields.isTrue("compact"),
            fields.choice("partitioning", Partitioning.KEY) == Partitioning.PRESERVE,
            fields.choice("timestamps", Timestamps.ORIGINAL) == Timestamps.ORIGINAL,
            fields.headers("headers"), fields.isTrue("provenance"));
    }

    private static Selector selector(Asked fields) {
        String name = fields.text("customSelectorName");
        Asked inline = fields.object("selector", Set.of("language", "expression"));
        if (inline == null) {
            return name == null ? null : new Selector(name, null, null);
        }
        if (name != null) {
            throw Asked.bad("conflicting-fields", "selector: not together with customSelectorName");
        }
        String language = inline.required("selector.language");
        if (!Selectors.INLINE_LANGUAGES.contains(language)) {
            throw Asked.bad("invalid-field", "selector.language: expected jq or jsonpath");
        }
        String expression = inline.required("selector.expression").strip();
        if (expression.isEmpty() || expression.length() > LONGEST_EXPRESSION) {
            throw Asked.bad("invalid-field", "selector.expression: expected from 1 to " + LONGEST_EXPRESSION + " characters");
        }
        return new Selector(null, language, expression);
    }

    static Speed speed(Asked fields) {
        Speed speed = new Speed(fields.positive("recordsPerSecond"), fields.positive("bytesPerSecond"),
            fields.positive("pace"), null);
        if (speed.pace > 0 && speed.recordsPerSecond + speed.bytesPerSecond > 0) {
            throw Asked.bad("conflicting-fields", "pace: not together with recordsPerSecond or bytesPerSecond");
        }
        return speed;
    }

    /** Timestamps are in milliseconds: the last one before the end of the range, by either of the fields that give it. */
    private static long lastMillisecond(Asked fields, Instant start) {
        Instant stop = fields.date("stopDate");
        Instant end = fields.date("stopDateExclusive");
        if (stop != null && end != null) {
            throw Asked.bad("conflicting-fields", "stopDateExclusive: not together with stopDate");
        }
        if (start != null && stop != null && start.isAfter(stop)) {
            throw Asked.bad("invalid-range", "startDate is after stopDate");
        }
        if (start != null && end != null && !start.isBefore(end)) {
            throw Asked.bad("invalid-range", "startDate is not before stopDateExclusive");
        }
        return stop != null ? stop.toEpochMilli() : end != null ? firstMillisecond(end) - 1 : Long.MAX_VALUE;
    }

    /** Timestamps are in milliseconds: the first that is not before {@code start}. */
    private static long firstMillisecond(Instant start) {
        return start.getNano() % 1_000_000 == 0 ? start.toEpochMilli() : start.toEpochMilli() + 1;
    }

    /** Whether a record is in the range that was asked for: by timestamp, partition, offset and key. */
    public boolean covers(Record record) {
        return record.timestamp() >= range.from && record.timestamp() <= range.to
            && coversPartition(record.partition())
            && record.offset() >= startOffset(record.partition()) && record.offset() <= stopOffset(record.partition())
            && (range.keys == null || range.keys.contain(record.key()));
    }

    /** Whether records of a partition are asked for. */
    public boolean coversPartition(int partition) {
        return range.partitions == null || Arrays.binarySearch(range.partitions, partition) >= 0;
    }

    /** Whether any timestamp is in the range that was asked for. */
    public boolean coversAll() {
        return range.from == Long.MIN_VALUE && range.to == Long.MAX_VALUE;
    }

    /** Least timestamp, milliseconds since the epoch, included. */
    public long from() {
        return range.from;
    }

    /** Greatest timestamp, included. */
    public long to() {
        return range.to;
    }

    /** Least offset of a partition, included; 0 if any will do. */
    public long startOffset(int partition) {
        return range.startOffsets.of(partition);
    }

    /** Greatest offset of a partition, included; {@link Long#MAX_VALUE} if any will do. */
    public long stopOffset(int partition) {
        return range.stopOffsets.of(partition);
    }

    /** The selector that was asked for, or null. */
    public Selector selector() {
        return shape.selector;
    }

    public boolean preservePartitions() {
        return shape.preservePartitions;
    }

    public boolean originalTimestamps() {
        return shape.originalTimestamps;
    }

    /**
     * Checks that a stored partition can be published to, if it is asked for.
     *
     * @param targetPartitions how many partitions the target has
     * @throws IllegalStateException if it is to be preserved and the target has no such one
     */
    void requirePartition(int partition, int targetPartitions) {
        if (shape.preservePartitions && partition >= targetPartitions && coversPartition(partition)) {
            throw new IllegalStateException("partitioning: there are records of partition " + partition + ", but topic "
                + target + " has " + targetPartitions + " partitions only");
        }
    }
}
