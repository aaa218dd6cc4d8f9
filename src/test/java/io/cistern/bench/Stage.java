package io.cistern.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.cistern.testing.stores.S3ProxyStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.tools.ConsumerPerformance;
import org.apache.kafka.tools.ProducerPerformance;
import org.springframework.util.FileSystemUtils;

/** Runs one contestant after the other, each as a process of its own on the same broker. */
final class Stage implements AutoCloseable {

    static final int PARTITIONS = 12;
    private static final String TOOLS_HEAP = "512m";
    private static final Duration PATIENCE = Duration.ofMinutes(20);
    private static final String BUCKET = "bench";

    private final Path folder;
    private final long seed;
    private final Broker broker;
    private final Map<Integer, Long> filled = new HashMap<>();
    private Case prepared;
    private Bucket bucket;
    private int runs;

    /** A bucket, the folder that its files are in, and the store before them, or null. */
    private record Bucket(Map<String, String> settings, Path folder, S3ProxyStore store) {
        private void delete() throws IOException {
            if (store != null) {
                store.close();
            }
            FileSystemUtils.deleteRecursively(folder);
        }
    }

    Stage(Path folder, long seed) throws IOException {
        FileSystemUtils.deleteRecursively(folder);
        this.folder = Files.createDirectories(folder);
        this.seed = seed;
        broker = new Broker(folder.resolve("broker"));
    }

    Broker broker() {
        return broker;
    }

    /** A new folder for the files of a process. */
    Path home(String name) {
        return folder.resolve("%03d-%s".formatted(++runs, name));
    }

    /** One run of one contestant. */
    Figures run(Case it, String contestant, long records) throws IOException {
        if (filled.putIfAbsent(it.size(), records) == null) {
            broker.createTopic(it.topic(), PARTITIONS);
            broker.fill(List.of(it.topic()), new Data(seed, it.size()), records);
        }
        if (it.way().equals("store")) {
            if (contestant.equals("kafka")) {
                return consumerPerformance(it, records);
            }
            Bucket into = bucket(it);
            try {
                return contestant.equals("loop") ? storeLoop(it, into, records) : store(it, into, records);
            } finally {
                into.delete();
            }
        }
        prepare(it, records);
        String target = "target-" + ++runs;
        broker.createTopic(target, PARTITIONS);
        try {
            Figures figures = switch (contestant) {
                case "kafka" -> producerPerformance(it, target, records);
                case "loop" -> reloadLoop(it, target, records, false);
                case "loop-tx" -> reloadLoop(it, target, records, true);
                case "cistern" -> reload(it, target, records, "exactly-once");
                default -> reload(it, target, records, "at-least-once");
            };
            if (broker.count(target, PARTITIONS) < records) {
                throw new IllegalStateException(contestant + " of " + it.name() + " published too little");
            }
            return figures;
        } finally {
            broker.deleteTopics(List.of(target));
        }
    }

    private Bucket bucket(Case it) throws IOException {
        if (it.bucket().equals("s3")) {
            Path files = home("store");
            S3ProxyStore store = S3ProxyStore.start(files);
            store.createBucket(BUCKET);
            return new Bucket(store.settings(BUCKET, store.endpoint()), files, store);
        }
        Path path = home("bucket");
        return new Bucket(Cistern.folderBucket(path), path, null);
    }

    /** The bucket with what is reloaded, stored by Cistern; it is the same for all runs of a case. */
    private void prepare(Case it, long records) throws IOException {
        if (it.equals(prepared)) {
            return;
        }
        if (bucket != null) {
            bucket.delete();
        }
        bucket = bucket(it);
        store(it, bucket, records);
        prepared = it;
    }

    private Figures consumerPerformance(Case it, long records) {
        long before = broker.fetched(it.topic());
        Path home = home("kafka");
        try (Program program = new Program(home, TOOLS_HEAP, Program.ofClass(ConsumerPerformance.class, "--bootstrap-server",
            broker.address(), "--topic", it.topic(), "--messages", records, "--group", home.getFileName(), "--hide-header"),
            Map.of())) {
            long began = new Fetching(broker, it.topic(), program, before).awaitBegin();
            long ended = program.awaitEnd(PATIENCE);
            List<String[]> lines = program.output().stream().map(line -> line.split(", ")).filter(line -> line.length == 10).toList();
            String[] line = lines.get(lines.size() - 1);
            Figures whole = Figures.of(program, Long.parseLong(line[4]), began, ended);
            return whole.during(Long.parseLong(line[7]) / 1000.0);
        }
    }

    private Figures producerPerformance(Case it, String target, long records) throws IOException {
        Path home = Files.createDirectories(home("kafka"));
        Data data = new Data(seed, it.size());
        Path payloads = home.resolve("values");
        try (var out = Files.newOutputStream(payloads)) {
            for (int i = 0; i < 2000; i++) {
                out.write(data.value());
                out.write('\n');
            }
        }
        try (Program program = new Program(home, TOOLS_HEAP, Program.ofClass(ProducerPerformance.class, "--topic", target,
            "--num-records", records, "--throughput", -1, "--payload-file", payloads, "--producer-props",
            "bootstrap.servers=" + broker.address(), "acks=all"), Map.of())) {
            long ended = program.awaitEnd(PATIENCE);
            double rate = Double.parseDouble(program.said("records sent, "));
            return Figures.of(program, records, ended - (long) (records / rate * 1000), ended);
        }
    }

    private Figures storeLoop(Case it, Bucket into, long records) {
        long before = broker.fetched(it.topic());
        try (Program program = new Program(home("loop"), Cistern.HEAP, Program.ofClass(StoreLoop.class, broker.address(),
            it.topic(), records, it.compression(), it.fileBytes()), into.settings())) {
            long began = new Fetching(broker, it.topic(), program, before).awaitBegin();
            program.awaitEnd(PATIENCE);
            return Figures.of(program, records, began, Long.parseLong(program.said("consumed=")));
        }
    }

    private Figures store(Case it, Bucket into, long records) {
        Map<String, String> settings = Cistern.storerOf(List.of(it.topic()));
        settings.putAll(into.settings());
        settings.put("BSS_COMPRESSION", it.compression());
        settings.put("BSS_MAX_BYTES_PER_FILE", it.fileBytes() + "");
        long before = broker.fetched(it.topic());
        try (Cistern cistern = new Cistern(home("cistern"), broker, settings)) {
            Fetching fetching = new Fetching(broker, it.topic(), cistern.program(), before);
            long began = fetching.awaitBegin();
            long ended = fetching.awaitEnd(cistern::encoded);
            cistern.program().stop();
            if (cistern.stored() != records) {
                throw new IllegalStateException("Stored are " + cistern.stored() + " of " + records + ": see " + folder);
            }
            return Figures.of(cistern.program(), records, began, ended);
        }
    }

    private Figures reloadLoop(Case it, String target, long records, boolean transactional) {
        try (Program program = new Program(home("loop"), Cistern.HEAP, Program.ofClass(ReloadLoop.class, broker.address(),
            it.topic(), target, transactional), bucket.settings())) {
            program.awaitEnd(PATIENCE);
            return Figures.of(program, records, Long.parseLong(program.said("began=")), Long.parseLong(program.said("ended=")));
        }
    }

    private Figures reload(Case it, String target, long records, String delivery) {
        Map<String, String> settings = new HashMap<>(bucket.settings());
        settings.put("BSS_ROLES", "reloader");
        try (Cistern cistern = new Cistern(home("cistern"), broker, settings).awaitReady().awaitRest()) {
            long began = System.currentTimeMillis();
            String id = cistern.reload(("{\"topic\":\"%s\",\"reIngestionTopic\":\"%s\",\"partitioning\":\"preserve\",\"delivery\":\"%s\"}")
                .formatted(it.topic(), target, delivery));
            JsonNode status = cistern.awaitReloaded(id);
            long count = status.get("lineIndex").asLong();
            long ended = Instant.parse(status.get("endedAt").asText()).toEpochMilli();
            if (count != records) {
                throw new IllegalStateException("Reloaded are " + count + " of " + records);
            }
            return Figures.of(cistern.program(), records, began, ended);
        }
    }

    @Override
    public void close() throws IOException {
        if (bucket != null) {
            bucket.delete();
        }
        broker.close();
        FileSystemUtils.deleteRecursively(folder.resolve("broker/data"));
    }
}
