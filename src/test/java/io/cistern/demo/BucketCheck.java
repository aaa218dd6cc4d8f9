package io.cistern.demo;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.luben.zstd.ZstdInputStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;

/**
 * Checks the batch files of a bucket folder and their events against the topics, by what the contract says of them and
 * with no code of Cistern. It does not look into headers, keys and payloads: {@link TopicCheck} does, after a reload.
 */
final class BucketCheck {

    private static final Pattern NAME = Pattern.compile(
            "(?<time>[^_]+)_(?<topic>.+)_(?<partition>\\d+)_(?<offset>\\d+)_(?<consumed>\\d+)\\.txt(?<codec>\\.gz|\\.zst)?");

    /**
     * What lies in a bucket's folder.
     *
     * @param firstConsumed when the first record was consumed, as the file names say, in milliseconds
     * @param lastWritten   when the last file was written, as the file system says, in milliseconds
     */
    record Stored(long files, long bytes, long firstConsumed, long lastWritten) {

        Stored plus(Stored other) {
            return new Stored(files + other.files, bytes + other.bytes, Math.min(firstConsumed, other.firstConsumed),
                    Math.max(lastWritten, other.lastWritten));
        }

        static final Stored NOTHING = new Stored(0, 0, Long.MAX_VALUE, Long.MIN_VALUE);
    }

    private final ObjectMapper json = new ObjectMapper();
    private final Path bucket;
    private final String brokers;
    private final Differences differences;
    private final Map<String, JsonNode> events = new HashMap<>();

    /** Reads the events of the whole events topic, which has one partition. */
    BucketCheck(Path bucket, String brokers, String eventsTopic, Differences differences) throws IOException {
        this.bucket = bucket;
        this.brokers = brokers;
        this.differences = differences;
        try (PartitionReader reader = new PartitionReader(brokers, new TopicPartition(eventsTopic, 0))) {
            while (reader.hasNext()) {
                ConsumerRecord<byte[], byte[]> event = reader.next();
                JsonNode key = json.readTree(event.key());
                JsonNode value = json.readTree(event.value());
                String path = value.path("filePath").asText();
                if (!path.contains("_" + key.path("topic").asText() + "_" + key.path("partition").asText() + "_")) {
                    differences.add(key.path("topic").asText(),
                            "Event " + event.offset() + " has key " + key + " for " + path);
                }
                if (events.put(path, value) != null) {
                    differences.add(key.path("topic").asText(), "More than one event for " + path);
                }
            }
        }
    }

    /** Checks that the files of the folder hold each record of the topic once, and that each file has its event. */
    Stored check(String folder, String topic, int partitions) throws IOException {
        Map<Integer, BitSet> offsets = new TreeMap<>();
        Stored stored = Stored.NOTHING;
        for (Path file : files(bucket.resolve(folder))) {
            String path = folder + "/" + bucket.resolve(folder).relativize(file);
            Matcher name = NAME.matcher(file.getFileName().toString());
            if (!name.matches() || !name.group("topic").equals(topic)) {
                differences.add(topic, "Not the name of a batch file of " + topic + ": " + path);
                continue;
            }
            checkFile(topic, path, file, name, offsets);
            stored = stored.plus(new Stored(1, Files.size(file), Long.parseLong(name.group("consumed")),
                    Files.getLastModifiedTime(file).toMillis()));
        }
        for (int p = 0; p < partitions; p++) {
            checkComplete(topic, p, offsets.getOrDefault(p, new BitSet()));
        }
        events.keySet().stream().filter(path -> path.startsWith(folder + "/") && !Files.exists(bucket.resolve(path)))
                .forEach(path -> differences.add(topic, "An event but no file: " + path));
        return stored;
    }

    private void checkFile(String topic, String path, Path file, Matcher name, Map<Integer, BitSet> offsets)
            throws IOException {
        int partition = Integer.parseInt(name.group("partition"));
        BitSet seen = offsets.computeIfAbsent(partition, p -> new BitSet());
        long first = -1;
        long last = -1;
        int lines = 0;
        for (JsonNode line : lines(topic, path, file, name.group("codec"))) {
            long offset = line.path("offset").asLong(-1);
            String where = path + " line " + ++lines;
            if (!line.has("key") || !line.has("payload") || line.path("partition").asInt(-1) != partition) {
                differences.add(topic, where + ": a field is missing, or another partition");
            }
            if (offset <= last) {
                differences.add(topic, where + ": offset " + offset + " after " + last);
            }
            if (offset >= 0 && seen.get((int) offset)) {
                differences.add(topic, where + ": offset " + offset + " is stored more than once");
            }
            if (lines == 1) {
                first = offset;
                if (!Instant.parse(name.group("time")).equals(Instant.parse(line.path("timestamp").asText()))) {
                    differences.add(topic, where + ": its timestamp is not the one in the file's name");
                }
            }
            if (offset >= 0) {
                seen.set((int) offset);
            }
            last = offset;
        }
        if (first != Long.parseLong(name.group("offset"))) {
            differences.add(topic, path + " begins with offset " + first);
        }
        JsonNode event = events.get(path);
        if (event == null) {
            differences.add(topic, "No event for " + path);
        } else if (event.path("batchOffsetStart").asLong(-1) != first || event.path("batchOffsetEnd").asLong(-1) != last
                || event.path("batchSize").asInt(-1) != lines) {
            differences.add(topic, "The event for " + path + " does not agree with its " + lines + " lines from offset "
                    + first + " to " + last + ": " + event);
        }
    }

    private void checkComplete(String topic, int partition, BitSet stored) {
        try (PartitionReader reader = new PartitionReader(brokers, new TopicPartition(topic, partition))) {
            BitSet missing = new BitSet();
            missing.set((int) reader.begin(), (int) reader.end());
            missing.andNot(stored);
            if (!missing.isEmpty()) {
                differences.add(topic, missing.cardinality(), missing.cardinality() + " records of " + topic + "-"
                        + partition + " are in no file, the first at offset " + missing.nextSetBit(0));
            }
            if (stored.length() > reader.end()) {
                differences.add(topic, "Files of " + topic + "-" + partition + " go on to offset " + (stored.length() - 1)
                        + ", but the topic ends before " + reader.end());
            }
        }
    }

    private List<JsonNode> lines(String topic, String path, Path file, String codec) throws IOException {
        byte[] bytes = bytes(file, codec);
        List<JsonNode> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                try {
                    lines.add(json.readTree(bytes, start, i - start));
                } catch (IOException e) {
                    differences.add(topic, path + " line " + (lines.size() + 1) + " is not JSON: " + e.getMessage());
                }
                start = i + 1;
            }
        }
        if (start != bytes.length) {
            differences.add(topic, path + " does not end with a newline");
        }
        return lines;
    }

    private static byte[] bytes(Path file, String codec) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        if (codec == null) {
            return bytes;
        }
        InputStream raw = new ByteArrayInputStream(bytes);
        try (InputStream in = codec.equals(".gz") ? new GZIPInputStream(raw) : new ZstdInputStream(raw)) {
            return in.readAllBytes();
        }
    }

    /** The files of a folder in the order of their names; none if there is no such folder. */
    static List<Path> files(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }
}
