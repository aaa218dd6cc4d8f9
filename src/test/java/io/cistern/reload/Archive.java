package io.cistern.reload;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.Settings;
import io.cistern.batch.BatchFile;
import io.cistern.batch.Compression;
import io.cistern.batch.Record;
import io.cistern.batch.TestFiles;
import io.cistern.bucket.BatchFileName;
import io.cistern.bucket.FileBucket;
import io.cistern.bucket.FileFacts;
import io.cistern.kafka.Topics;
import io.cistern.testing.ApplicationYaml;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** A topic's folder in a bucket, filled file by file in the ways in which storers of all kinds may leave it. */
final class Archive {

    /** Who wrote a file, and so what is known of it without opening it. */
    enum Writer { STORER, STORER_WITHOUT_FACTS, REFERENCE, REFERENCE_BEFORE_1_2 }

    static final String TOPIC = "orders_7";

    private final FileBucket bucket;
    private final String folder;

    /** An empty folder of its own. */
    Archive(FileBucket bucket, String folder) {
        this.bucket = bucket;
        this.folder = folder;
    }

    /** Records of partition 0 from one offset to another, both included, a second apart, of the topic's given life. */
    static List<Record> records(String life, long from, long to) {
        return LongStream.rangeClosed(from, to).mapToObj(offset -> record(life, offset, time(life) + offset * 1000)).toList();
    }

    static Record record(String life, long offset, long timestamp) {
        return TestFiles.record(0, offset, timestamp, "k", life + offset);
    }

    /** When a life's offset 0 was written: b's a day after a's. */
    static long time(String life) {
        return 1_700_000_000_000L + (life.charAt(0) - 'a') * 86_400_000L;
    }

    /** Stores records as {@code writer} does; answers the file's path in the bucket. */
    String store(Writer writer, long consumedAt, Compression compression, List<Record> records) {
        BatchFile file = TestFiles.batchFile(folder, TOPIC, consumedAt, compression, records);
        String path = file.getPath();
        if (writer == Writer.REFERENCE_BEFORE_1_2) {
            path = path.replace("_" + records.get(0).offset() + "_" + consumedAt + ".txt", "_" + consumedAt + ".txt");
        }
        if (Files.exists(bucket.root().resolve(path))) {
            throw new IllegalStateException("There is such a file already: " + path);
        }
        if ((writer == Writer.STORER || writer == Writer.STORER_WITHOUT_FACTS) && file.isWide()) {
            bucket.write(file.getWidePath(), new byte[0]);
        }
        bucket.write(path, TestFiles.readAll(file.getInputStream()));
        if (writer == Writer.STORER) {
            bucket.write(file.getFactsPath(), new byte[0]);
        }
        return path;
    }

    /** Stores records of a topic incarnation, as a storer does that knows Kafka's topic id. */
    void storeOf(String topicId, long consumedAt, List<Record> records) {
        BatchFile file = TestFiles.batchFile(folder, TOPIC, topicId, consumedAt, records);
        bucket.write(file.getPath(), TestFiles.readAll(file.getInputStream()));
        bucket.write(file.getFactsPath(), new byte[0]);
    }

    @SafeVarargs
    final String store(long consumedAt, List<Record>... records) {
        return store(Writer.STORER, consumedAt, Compression.NONE, Stream.of(records).flatMap(List::stream).toList());
    }

    Outcome reload() {
        return reload(Long.MIN_VALUE, Long.MAX_VALUE);
    }

    Outcome reload(long from, long to) {
        return Outcome.of(bucket.bucket(), Outcome.request(TOPIC, folder, from, to));
    }

    /** What an audit answers, without a broker. */
    JsonNode audit(boolean deep) {
        Settings settings = new Settings(ApplicationYaml.lookup(Map.of(
            "bss.topics-config.data-topics-mapping[0].ingestion", TOPIC,
            "bss.topics-config.data-topics-mapping[0].bucket-folder", folder)));
        return new ObjectMapper().valueToTree(new Audit(settings, bucket.bucket(), new Topics(settings),
            new Planner(bucket.bucket())).of(folder, deep));
    }

    /** A reload that is stopped when so many records are through. */
    Outcome reloadUntil(int stopAfter) {
        return Outcome.of(bucket.bucket(), Outcome.request(TOPIC, folder, Long.MIN_VALUE, Long.MAX_VALUE), stopAfter);
    }

    Outcome reloadFile(String path) {
        return Outcome.of(bucket.bucket(), Outcome.request(path));
    }

    /** Makes a file's contents useless, while its name and its facts stay. */
    void ruin(String path) {
        bucket.write(path, TestFiles.utf8("no record\n"));
    }

    void overwrite(String path, byte[] bytes) {
        bucket.write(path, bytes);
    }

    void delete(String path) {
        try {
            Files.delete(bucket.root().resolve(path));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The facts of a file that have this topic tag; null if there are none. */
    FileFacts facts(String path, String topicTag) {
        String key = BatchFileName.parse(path.substring(folder.length() + 1), TOPIC).key();
        try (Stream<Path> files = Files.list(bucket.root().resolve(FileFacts.folderFor(folder)))) {
            return files.map(file -> FileFacts.parse(file.getFileName().toString()))
                .filter(one -> one.key().equals(key) && topicTag.equals(one.topicTag())).findFirst().orElse(null);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What is known of a file; null if nothing is. */
    FileFacts facts(String path) {
        String key = BatchFileName.parse(path.substring(folder.length() + 1), TOPIC).key();
        Path facts = bucket.root().resolve(FileFacts.folderFor(folder));
        if (!Files.isDirectory(facts)) {
            return null;
        }
        try (Stream<Path> files = Files.list(facts)) {
            return files.map(file -> FileFacts.parse(file.getFileName().toString())).filter(one -> one.key().equals(key))
                .findFirst().orElse(null);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
