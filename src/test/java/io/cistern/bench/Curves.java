package io.cistern.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.PackagedCistern;
import io.cistern.testing.UnpackedJar;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.springframework.util.FileSystemUtils;

/** How cost grows: each curve is a few runs of the jar that differ in one number. */
final class Curves {

    /** The names of all curves. */
    static final List<String> ALL = List.of("start", "start-of-the-jar", "records", "partitions", "busy", "topics", "replicas",
        "live", "size", "files");

    private static final String RATE = "records/s";
    private static final String CPU = "CPU s per million";
    private static final String RSS = "RSS MB";
    private static final Instant FIRST_DAY = Instant.parse("2021-01-01T00:00:00Z");
    private static final int DAYS = 3 * 365;
    private static final String FOLDER = "orders";

    /** So many records that what a JVM takes to warm up is a small part. */
    private static final long WARM = 5_000_000;

    private final Stage stage;
    private final long seed;
    private int topics;

    Curves(Stage stage, long seed) {
        this.stage = stage;
        this.seed = seed;
    }

    Curve run(String name) throws IOException {
        return switch (name) {
            case "start" -> start(name, UnpackedJar.shared().options());
            case "start-of-the-jar" -> start(name, List.of("-jar", PackagedCistern.JAR.toString()));
            case "records" -> records();
            case "partitions" -> partitions();
            case "busy" -> busy();
            case "topics" -> topics();
            case "replicas" -> replicas();
            case "live" -> live();
            case "size" -> size();
            case "files" -> files();
            default -> throw new IllegalArgumentException("No curve " + name + ": there are " + ALL);
        };
    }

    /** The numbers of the option {@code bench.<curve>}, which may be larger than those of a full run. */
    private static List<Long> numbers(String curve, String fullRun) {
        return Stream.of(System.getProperty("bench." + curve, fullRun).split(",")).map(Long::valueOf).toList();
    }

    private List<String> topics(int count, int partitions, long records) {
        List<String> names = IntStream.range(0, count).mapToObj(i -> "curve-" + ++topics).toList();
        stage.broker().createTopics(names, partitions);
        stage.broker().fill(names, new Data(seed, 100), records);
        return names;
    }

    private static Map<String, String> storerOf(List<String> topics, Path bucket) {
        Map<String, String> settings = Cistern.storerOf(topics);
        settings.putAll(Cistern.folderBucket(bucket));
        return settings;
    }

    /** Stores all of the topics with one process. */
    private Figures store(List<String> topics, long records) throws IOException {
        Path bucket = stage.home("bucket");
        Map<String, String> settings = storerOf(topics, bucket);
        long before = stage.broker().fetched(null);
        try (Cistern cistern = new Cistern(stage.home("cistern"), stage.broker(), settings)) {
            Fetching fetching = new Fetching(stage.broker(), null, cistern.program(), before);
            long began = fetching.awaitBegin();
            long ended = fetching.awaitEnd(cistern::encoded);
            return Figures.of(cistern.program(), records, began, ended);
        } finally {
            stage.broker().deleteTopics(topics);
            FileSystemUtils.deleteRecursively(bucket);
        }
    }

    private Curve records() throws IOException {
        Curve curve = new Curve("records", "records stored", RATE, CPU, RSS, "longest GC pause ms");
        for (long records : numbers("records-stored", "1000000,10000000")) {
            Figures figures = store(topics(1, Stage.PARTITIONS, records), records);
            curve.add(records, figures.rate(), figures.cpuPerMillion(), figures.peakMegabytes(), figures.longestPause());
        }
        return curve;
    }

    private Curve partitions() throws IOException {
        Curve curve = new Curve("partitions", "partitions on one consumer", RATE, CPU, RSS);
        for (long partitions : numbers("partitions", "1,10,100,1000")) {
            long records = WARM;
            Figures figures = store(topics(1, (int) partitions, records), records);
            curve.add(partitions, figures.rate(), figures.cpuPerMillion(), figures.peakMegabytes());
        }
        return curve;
    }

    /** So many partitions of the topic have all records, and the others none: as it is at the end of each backlog. */
    private Curve busy() throws IOException {
        Curve curve = new Curve("busy", "partitions of " + Stage.PARTITIONS + " that have records, in lz4", RATE, CPU, RSS);
        for (long busy : numbers("busy", "1,3," + Stage.PARTITIONS)) {
            List<String> topic = topics(1, Stage.PARTITIONS, 0);
            stage.broker().fillFirst(topic.get(0), (int) busy, new Data(seed, 100), WARM);
            Figures figures = store(topic, WARM);
            curve.add(busy, figures.rate(), figures.cpuPerMillion(), figures.peakMegabytes());
        }
        return curve;
    }

    private Curve topics() throws IOException {
        Curve curve = new Curve("topics", "topics mapped", CPU, RSS, "start s", "start CPU s");
        for (long count : numbers("topics", "1,100,500")) {
            long records = WARM;
            Figures figures = store(topics((int) count, 1, records), records);
            curve.add(count, figures.cpuPerMillion(), figures.peakMegabytes(), figures.startSeconds(), figures.startCpu());
        }
        return curve;
    }

    /** Replicas wait for a topic that is filled when all of them have their partitions. */
    private Curve replicas() throws IOException {
        Curve curve = new Curve("replicas", "replicas", CPU + ", all replicas", "most " + RSS + " of one");
        for (long count : numbers("replicas", "1,2,3")) {
            // As many for each of them: each warms up by itself.
            long records = count * WARM;
            List<String> topic = topics(1, Stage.PARTITIONS, 0);
            Path bucket = stage.home("bucket");
            Map<String, String> settings = storerOf(topic, bucket);
            settings.put("KAFKA_GROUP_ID", topic.get(0));
            List<Cistern> replicas = new ArrayList<>();
            try {
                for (int i = 0; i < count; i++) {
                    replicas.add(new Cistern(stage.home("cistern"), stage.broker(), settings).awaitReady());
                }
                pause(5000);
                long began = System.currentTimeMillis();
                stage.broker().fill(topic, new Data(seed, 100), records);
                DoubleSupplier encoded = () -> replicas.stream().mapToDouble(Cistern::encoded).sum();
                long ended = new Fetching(stage.broker(), topic.get(0), replicas.get(0).program(), 0).awaitEnd(encoded);
                List<Figures> figures = replicas.stream().map(each -> Figures.of(each.program(), records, began, ended)).toList();
                curve.add(count, figures.stream().mapToDouble(Figures::cpuPerMillion).sum(),
                    figures.stream().mapToDouble(Figures::peakMegabytes).max().orElse(0));
            } finally {
                replicas.forEach(Cistern::close);
                stage.broker().deleteTopics(topic);
                FileSystemUtils.deleteRecursively(bucket);
            }
        }
        return curve;
    }

    /** What is published evenly is stored as it comes, with time to spare: what that costs, when the JVM is warm. */
    private Curve live() throws IOException {
        Curve curve = new Curve("live", "records published per second", "% of a core", CPU, RSS);
        for (long perSecond : numbers("live", "10,100,1000,10000")) {
            List<String> topic = topics(1, Stage.PARTITIONS, 0);
            Path bucket = stage.home("bucket");
            Map<String, String> settings = storerOf(topic, bucket);
            Data data = new Data(seed, 100);
            try (Cistern cistern = new Cistern(stage.home("cistern"), stage.broker(), settings).awaitReady().awaitRest()) {
                stage.broker().trickle(topic.get(0), data, perSecond, Duration.ofSeconds(20));
                long began = System.currentTimeMillis();
                long records = stage.broker().trickle(topic.get(0), data, perSecond, Duration.ofSeconds(30));
                Figures figures = Figures.of(cistern.program(), records, began, System.currentTimeMillis());
                curve.add(perSecond, 100 * figures.cpuSeconds() / figures.seconds(), figures.cpuPerMillion(),
                    figures.peakMegabytes());
            } finally {
                stage.broker().deleteTopics(topic);
                FileSystemUtils.deleteRecursively(bucket);
            }
        }
        return curve;
    }

    /** From the start to its first file, of one record, with a file for each poll. */
    private Curve start(String name, List<String> launch) throws IOException {
        Curve curve = new Curve(name, "start", "s to ready", "s to the first stored record", "CPU s until then", RSS);
        for (int i = 1; i <= 3; i++) {
            List<String> topic = topics(1, 1, 1);
            Path bucket = stage.home("bucket");
            Map<String, String> settings = storerOf(topic, bucket);
            settings.put("BSS_MAX_BYTES_PER_FILE", "0");
            try (Cistern cistern = new Cistern(stage.home("cistern"), stage.broker(), settings, launch)) {
                long[] ready = {0};
                Thread readiness = new Thread(() -> {
                    cistern.awaitReady();
                    ready[0] = System.currentTimeMillis();
                });
                readiness.start();
                cistern.awaitStored(1);
                long stored = System.currentTimeMillis();
                readiness.join();
                Program program = cistern.program();
                curve.add(i, (ready[0] - program.startedMillis()) / 1000.0, (stored - program.startedMillis()) / 1000.0,
                    program.cpuSeconds(stored), program.peakMegabytes());
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            } finally {
                stage.broker().deleteTopics(topic);
            }
        }
        return curve;
    }

    private Cistern reloader(Path bucket) {
        Map<String, String> settings = new HashMap<>(Cistern.folderBucket(bucket));
        settings.put("BSS_ROLES", "reloader");
        return new Cistern(stage.home("cistern"), stage.broker(), settings).awaitReady();
    }

    private String target(int partitions) {
        String target = "curve-" + ++topics;
        stage.broker().createTopic(target, partitions);
        return target;
    }

    /** One file of one partition, of values of 1 KiB. */
    private Curve size() throws IOException {
        Curve curve = new Curve("size", "MB of the file", "MB/s reloaded", CPU, RSS, "longest GC pause ms");
        for (long megabytes : numbers("size", "1,10,100,1000")) {
            Path bucket = stage.home("bucket");
            long records = writeFile(bucket, megabytes << 20);
            String target = target(1);
            try (Cistern cistern = reloader(bucket)) {
                long began = System.currentTimeMillis();
                cistern.awaitReloaded(cistern.reload("{\"topic\":\"%s\",\"reIngestionTopic\":\"%s\"}".formatted(FOLDER, target)));
                Figures figures = Figures.of(cistern.program(), records, began, System.currentTimeMillis());
                curve.add(megabytes, megabytes / figures.seconds(), figures.cpuPerMillion(), figures.peakMegabytes(),
                    figures.longestPause());
            } finally {
                stage.broker().deleteTopics(List.of(target));
                FileSystemUtils.deleteRecursively(bucket);
            }
        }
        return curve;
    }

    /** Writes a file with its facts; gives how many records are in it. */
    private long writeFile(Path bucket, long bytes) throws IOException {
        HandCodec codec = new HandCodec(1 << 16);
        Data data = new Data(seed, 1024);
        String name = BatchFiles.name(Data.START, FOLDER, 0, 0);
        Files.createDirectories(bucket.resolve(FOLDER));
        long offset = 0;
        long timestamp = 0;
        try (OutputStream out = Files.newOutputStream(bucket.resolve(FOLDER).resolve(name))) {
            for (long written = 0; written < bytes; written += codec.length) {
                ProducerRecord<byte[], byte[]> record = data.record(FOLDER, offset);
                timestamp = record.timestamp();
                codec.length = 0;
                codec.write(new ConsumerRecord<>(FOLDER, 0, offset++, timestamp, TimestampType.CREATE_TIME, 0, 0, record.key(),
                    record.value(), new RecordHeaders(record.headers()), Optional.empty()));
                out.write(codec.buffer, 0, codec.length);
            }
        }
        BatchFiles.writeFacts(bucket, FOLDER, name, FOLDER, Data.START.toEpochMilli(), timestamp, offset - 1, offset);
        return offset;
    }

    /** Files of a record each over three years; of the last day of the second one a reload is asked for, twice. */
    private Curve files() throws IOException {
        Curve curve = new Curve("files", "files in the folder", "s to the first record of a day", "s to that once more",
            "s of folders", "s of count", "s of coverage", RSS);
        for (long count : numbers("files", "1000,10000,100000")) {
            Path bucket = stage.home("bucket");
            long stepMillis = Duration.ofDays(DAYS).toMillis() / count;
            for (long i = 0; i < count; i++) {
                Instant time = FIRST_DAY.plusMillis(i * stepMillis);
                int partition = (int) (i % Stage.PARTITIONS);
                long offset = i / Stage.PARTITIONS;
                String name = BatchFiles.name(time, FOLDER, partition, offset);
                BatchFiles.write(bucket, FOLDER, name, List.of(BatchFiles.line(partition, offset, time, "key", "{}")));
                BatchFiles.writeFacts(bucket, FOLDER, name, FOLDER, time.toEpochMilli(), time.toEpochMilli(), offset, 1);
            }
            try (Cistern cistern = reloader(bucket)) {
                double first = secondsToFirstRecord(cistern);
                double second = secondsToFirstRecord(cistern);
                double folders = seconds(cistern, "/status/folders");
                double counted = seconds(cistern, "/status/" + FOLDER + "/count");
                double covered = seconds(cistern, "/status/" + FOLDER + "/coverage");
                curve.add(count, first, second, folders, counted, covered, cistern.program().peakMegabytes());
            } finally {
                FileSystemUtils.deleteRecursively(bucket);
            }
        }
        return curve;
    }

    private double secondsToFirstRecord(Cistern cistern) {
        String target = target(1);
        Instant day = FIRST_DAY.plus(2 * 365 - 1, ChronoUnit.DAYS);
        long began = System.currentTimeMillis();
        // With as little as a thousand files there is no other day that has fewer than one.
        String id = cistern.reload("{\"topic\":\"%s\",\"reIngestionTopic\":\"%s\",\"startDate\":\"%s\",\"stopDate\":\"%s\"}".formatted(
            FOLDER, target, day, day.plus(1, ChronoUnit.DAYS)));
        while (stage.broker().count(target, 1) == 0) {
            if (System.currentTimeMillis() - began > 600_000) {
                throw new IllegalStateException("Nothing was reloaded");
            }
            pause(5);
        }
        double seconds = (System.currentTimeMillis() - began) / 1000.0;
        cistern.awaitReloaded(id);
        stage.broker().deleteTopics(List.of(target));
        return seconds;
    }

    private static double seconds(Cistern cistern, String path) {
        long began = System.nanoTime();
        JsonNode answer = cistern.json(path, null);
        if (answer.has("code")) {
            throw new IllegalStateException(path + ": " + answer);
        }
        return (System.nanoTime() - began) / 1e9;
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
