package io.cistern.reload;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.Settings;
import io.cistern.bucket.FileBucket;
import io.cistern.bucket.FileFacts;
import io.cistern.kafka.Topics;
import io.cistern.testing.ApplicationYaml;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.TestKafka;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPOutputStream;
import org.apache.camel.component.kafka.KafkaComponent;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What an audit says of folders in which something is missing, or only seems to be: files by hand, and a real broker. */
class AuditTest {

    private static final Instant START = Instant.parse("2022-11-14T13:00:00Z");

    @TempDir
    private static Path root;
    private static FileBucket bucket;
    private static DefaultCamelContext camel;
    private static int topics;
    private String topic;

    /** A record as its line says it. */
    private record Line(int partition, long offset, Instant timestamp) {

        private String text() {
            return BatchFiles.line(partition, offset, timestamp, "k", "v" + offset);
        }
    }

    @BeforeAll
    static void openTheBucket() {
        bucket = new FileBucket(root);
        camel = new DefaultCamelContext();
        camel.getComponent("kafka", KafkaComponent.class);
    }

    @AfterAll
    static void closeTheBucket() {
        bucket.close();
        camel.stop();
    }

    @BeforeEach
    void nameATopic() {
        topic = "audited." + topics++;
    }

    // ---- what is there ---------------------------------------------------------------------------------------------

    @Test
    void filesBehindEachOtherAreOneRangeAndCountedByDay() {
        store(lines(0, 9));
        store(lines(10, 19));
        store(lines(20, 24));
        store(linesOf(3, 7, 9));
        // And one from the day before, with records of both days
        Instant midnight = Instant.parse("2022-11-15T00:00:00Z");
        store(List.of(new Line(4, 0, midnight.minusMillis(1)), new Line(4, 1, midnight)));

        JsonNode report = audit(false);

        assertThat(report.get("files").asLong()).isEqualTo(5);
        assertThat(report.get("records").asLong()).isEqualTo(30);
        assertThat(report.get("holes").asLong()).isZero();
        assertThat(partition(report, 0).toString()).isEqualTo("{'partition':0,'life':1,'inKafka':false,'files':3,'records':25,"
            .replace('\'', '"') + ("'holes':0,'ranges':[{'from':0,'to':24}],'gaps':[],'emptyGaps':0,'emptyOffsets':0,"
            + "'overlaps':[],'days':{'2022-11-14':{'files':3,'records':25}}}").replace('\'', '"'));
        assertThat(ranges(report, 3)).containsExactly("7-9");
        assertThat(partition(report, 4).get("days").toString())
            .isEqualTo("{\"2022-11-14\":{\"files\":1,\"records\":2}}");
        assertThat(partition(audit(true), 4).get("days").toString())
            .isEqualTo("{\"2022-11-14\":{\"files\":1,\"records\":1},\"2022-11-15\":{\"files\":0,\"records\":1}}");
    }

    @Test
    void whatTheStorerNotedOrStoredAroundIsEmpty() {
        store(at(9), -1, linesOf(0, 5, 6, 8, 9, 12, 12));
        store(at(20), 13, linesOf(0, 15, 16));
        store(at(30), 17, linesOf(0, 20, 20));

        for (boolean deep : new boolean[] {false, true}) {
            JsonNode report = audit(deep);
            assertThat(ranges(report, 0)).containsExactly("5-20");
            assertThat(gaps(report, 0)).isEmpty();
            assertThat(partition(report, 0).get("emptyOffsets").asLong()).isEqualTo(3 + 2 + 3);
            // Without reading it nobody knows that the first one has two of them.
            assertThat(partition(report, 0).get("emptyGaps").asLong()).isEqualTo(deep ? 4 : 3);
            assertThat(report.get("records").asLong()).isEqualTo(8);
        }
    }

    @Test
    void whatACrashLeftTwiceIsAnOverlapAndNoHole() {
        store(at(10), -1, lines(0, 9));
        store(at(20), -1, lines(10, 19));
        store(at(30), -1, lines(10, 12));
        store(at(40), -1, lines(13, 30));

        for (boolean deep : new boolean[] {false, true}) {
            JsonNode report = audit(deep);
            assertThat(report.get("holes").asLong()).isZero();
            assertThat(report.at("/topics/0/partitions")).hasSize(1);
            assertThat(ranges(report, 0)).containsExactly("0-30");
            assertThat(texts(partition(report, 0).get("overlaps"))).containsExactly("10-19");
            assertThat(report.get("records").asLong()).isEqualTo(41);
            assertThat(partition(report, 0).at("/days/2022-11-14/records").asLong()).isEqualTo(41);
        }
    }

    @Test
    void aTopicThatWasDeletedAndCreatedAgainIsToldLifeByLife() {
        store(at(10), -1, lines(0, 4));
        store(at(20), -1, lines(8, 9));
        Duration later = Duration.ofDays(1);
        store(at(10).plus(later), -1, moved(later, lines(0, 6)));
        store(at(20).plus(later), 7, moved(later, lines(9, 11)));

        for (boolean deep : new boolean[] {false, true}) {
            JsonNode lives = audit(deep).at("/topics/0/partitions");
            assertThat(lives).extracting(life -> life.get("life").asInt()).containsExactly(1, 2);
            assertThat(texts(lives.get(0).get("ranges"))).containsExactly("0-4", "8-9");
            assertThat(kinds(lives.get(0))).containsExactly("5-7 unknown");
            assertThat(texts(lives.get(1).get("ranges"))).containsExactly("0-11");
            assertThat(kinds(lives.get(1))).isEmpty();
            assertThat(lives.get(0).get("days").toString()).isEqualTo("{\"2022-11-14\":{\"files\":2,\"records\":7}}");
            assertThat(lives.get(1).get("days").toString()).isEqualTo("{\"2022-11-15\":{\"files\":2,\"records\":10}}");
        }
    }

    @Test
    void eachTopicOfAFolderIsToldOnItsOwn() {
        String own = topic;
        store(lines(0, 4));
        String folder = topic;
        for (String other : List.of(own + "_7", "other")) {
            String name = BatchFiles.name(START, other, 2, 1);
            BatchFiles.write(root, folder, name, List.of(new Line(2, 1, START).text()));
        }
        BatchFiles.write(root, folder, "README.md", List.of("no batch file"));

        JsonNode report = audit(false);

        assertThat(report.get("files").asLong()).isEqualTo(3);
        assertThat(report.get("otherFiles").asLong()).isEqualTo(1);
        assertThat(report.get("topics")).extracting(one -> one.get("topic").asText() + texts(one.at("/partitions/0/ranges")))
            .containsExactlyInAnyOrder(own + "[0-4]", own + "_7[1-1]", "other[1-1]");
    }

    @Test
    void filesOfWhichNothingIsKnownAreOpenedAndNoted() throws IOException {
        Instant first = START.plusSeconds(3);
        String before12 = BatchFiles.name(first, topic, 0, 3).replace("_3_", "_");
        BatchFiles.write(root, topic, before12, lines(3, 5).stream().map(Line::text).toList());
        String path = BatchFiles.write(root, topic, BatchFiles.name(at(6), topic, 0, 6, at(60)),
            lines(6, 9).stream().map(Line::text).toList());

        assertThat(ranges(audit(false), 0)).containsExactly("3-9");
        try (Stream<Path> facts = Files.list(root.resolve(".cistern").resolve(topic))) {
            assertThat(facts.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder(
                "2022-11-14T13:00:03.000Z_0_1668432398047." + at(3).toEpochMilli() + "_" + at(5).toEpochMilli() + "_5_3~"
                    + FileFacts.tagOf(topic),
                "2022-11-14T13:00:06.000Z_0_6_" + at(60).toEpochMilli() + "." + at(6).toEpochMilli() + "_"
                    + at(9).toEpochMilli() + "_9_4~" + FileFacts.tagOf(topic));
        }
        // So that the next one does not open it
        bucket.write(path, "no record\n".getBytes(UTF_8));
        assertThat(ranges(audit(false), 0)).containsExactly("3-9");
        assertThat(audit(true).get("holes").asLong()).isEqualTo(1);
    }

    // ---- gaps, with a broker ---------------------------------------------------------------------------------------

    @Test
    void whatKafkaStillHasIsMissing() {
        topic = TestKafka.topic("audit", 1);
        produce(30);
        List<Line> all = inKafka();
        store(all.subList(0, 10));
        store(all.subList(13, 20));
        store(all.subList(21, 30));

        JsonNode report = audit(false);

        assertThat(report.get("holes").asLong()).isEqualTo(2);
        assertThat(ranges(report, 0)).containsExactly("0-9", "13-19", "21-29");
        assertThat(gaps(report, 0)).containsExactly("10-12 missing", "20-20 missing");
        assertThat(partition(report, 0).get("inKafka").asBoolean()).isTrue();
        // And when it is stored again it is there
        store(all.subList(8, 14));
        store(all.subList(20, 21));
        assertThat(audit(false).get("holes").asLong()).isZero();
    }

    @Test
    void abortedRecordsAndMarkersAreEmpty() {
        topic = TestKafka.topic("audit", 1);
        for (int i = 0; i < 5; i++) {
            transaction(3, true);
            transaction(2, false);
        }
        List<Line> committed = inKafka();
        assertThat(committed).hasSize(15);
        for (int i = 0; i < 15; i += 3) {
            store(committed.subList(i, i + 3));
        }

        JsonNode report = audit(false);

        assertThat(gaps(report, 0)).isEmpty();
        assertThat(ranges(report, 0)).containsExactly("0-30");
        assertThat(partition(report, 0).get("emptyGaps").asLong()).isEqualTo(4);
        assertThat(partition(report, 0).get("emptyOffsets").asLong()).isEqualTo(16);
        // What is behind the last one holds nothing to be stored.
        assertThat(partition(report, 0).get("notStoredYet").asLong()).isZero();
    }

    @Test
    void whatKafkaHasDeletedIsGone() throws Exception {
        topic = TestKafka.topic("audit", 1);
        produce(40);
        List<Line> all = inKafka();
        store(all.subList(0, 5));
        store(all.subList(10, 15));
        store(all.subList(25, 30));
        store(all.subList(32, 40));
        try (Admin admin = TestKafka.broker().admin()) {
            admin.deleteRecords(Map.of(new TopicPartition(topic, 0), RecordsToDelete.beforeOffset(20))).all().get();
        }

        assertThat(gaps(audit(false), 0)).containsExactly("5-9 gone", "15-19 gone", "20-24 missing", "30-31 missing");
    }

    @Test
    void withoutTheTopicOrABrokerNothingIsKnown() throws Exception {
        topic = TestKafka.topic("audit", 1);
        produce(20);
        List<Line> all = inKafka();
        store(all.subList(0, 5));
        store(all.subList(10, 20));

        JsonNode withoutBroker = audit(topic, false, Map.of());
        assertThat(gaps(withoutBroker, 0)).containsExactly("5-9 unknown");

        try (Admin admin = TestKafka.broker().admin()) {
            admin.deleteTopics(List.of(topic)).all().get();
            await().until(() -> !admin.listTopics().names().get().contains(topic));
        }
        JsonNode withoutTopic = audit(false);
        assertThat(gaps(withoutTopic, 0)).containsExactly("5-9 unknown");
        assertThat(partition(withoutTopic, 0).get("inKafka").asBoolean()).isFalse();
        assertThat(partition(withoutTopic, 0).has("notStoredYet")).isFalse();
        assertThat(withoutTopic.get("holes").asLong()).isEqualTo(1);
    }

    @Test
    void aLaterLifeOfTheTopicIsNotTakenForTheStoredOne() {
        topic = TestKafka.topic("audit", 1);
        produce(40);
        // Given a former life with other timestamps, of which nothing is in Kafka
        store(lines(0, 4));
        store(lines(8, 9));
        assertThat(gaps(audit(false), 0)).containsExactly("5-7 unknown");
        assertThat(partition(audit(false), 0).get("inKafka").asBoolean()).isFalse();
        // And one that had come further
        store(lines(70, 80));
        assertThat(gaps(audit(false), 0)).containsExactly("5-7 unknown", "10-69 unknown");

        // When the one in Kafka is stored too
        List<Line> all = inKafka();
        store(all.subList(0, 3));
        store(all.subList(5, 30));

        JsonNode lives = audit(false).at("/topics/0/partitions");
        assertThat(kinds(lives.get(0))).containsExactly("5-7 unknown", "10-69 unknown");
        assertThat(kinds(lives.get(1))).containsExactly("3-4 missing");
        assertThat(lives.get(1).get("notStoredYet").asLong()).isEqualTo(10);
    }

    @Test
    void whatIsNotStoredYetOrWasNeverToBeIsNoHole() {
        topic = TestKafka.topic("audit", 3);
        produce(30);
        List<Line> all = inKafka();
        store(all.subList(12, 20));

        JsonNode report = audit(false);

        assertThat(report.get("holes").asLong()).isZero();
        assertThat(partition(report, 0).get("notStoredBefore").asLong()).isEqualTo(12);
        assertThat(partition(report, 0).get("notStoredYet").asLong()).isEqualTo(10);
        assertThat(ranges(report, 1)).isEmpty();
        assertThat(partition(report, 2).get("notStoredYet").asLong()).isZero();
    }

    @Test
    void aPartitionOfWhichAllFilesAreLostIsToldToo() {
        topic = TestKafka.topic("audit", 2);
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            producer.send(new ProducerRecord<>(topic, 0, null, "a".getBytes(UTF_8)));
            producer.send(new ProducerRecord<>(topic, 1, null, "b".getBytes(UTF_8)));
        }
        store(inKafka().subList(0, 1));

        assertThat(partition(audit(false), 1).get("notStoredYet").asLong()).isEqualTo(1);
    }

    @Test
    void aFileThatIsLostBehindAllOthersIsAHoleToo() throws IOException {
        topic = TestKafka.topic("audit", 2);
        produce(30);
        List<Line> all = inKafka();
        store(all.subList(0, 10));
        store(all.subList(10, 15));
        String last = store(all.subList(15, 20));
        assertThat(audit(false).get("holes").asLong()).isZero();

        Files.delete(root.resolve(last));

        assertThat(gaps(audit(false), 0)).containsExactly("15-19 missing");
        assertThat(partition(audit(false), 0).get("notStoredYet").asLong()).isEqualTo(10);
        assertThat(gaps(audit(topic, true, Map.of()), 0)).containsExactly("15-19 unknown");
        // Stored again it is there, whatever its name
        store(all.get(16).timestamp.plusSeconds(120), -1, all.subList(15, 22));
        assertThat(audit(false).get("holes").asLong()).isZero();
    }

    @Test
    void aPartitionOfWhichEveryFileIsLostIsToldByWhatWasNoted() throws IOException {
        store(linesOf(1, 0, 4));
        Files.delete(root.resolve(store(lines(3, 9))));

        assertThat(gaps(audit(false), 0)).containsExactly("3-9 unknown");
    }

    @Test
    void filesThatWereDeletedFromTheStartOnAreNoHole() throws IOException {
        String first = store(lines(0, 9));
        String second = store(lines(10, 19));
        store(lines(20, 29));
        Files.delete(root.resolve(first));
        Files.delete(root.resolve(second));
        // And what is no note of a file
        bucket.write(".cistern/" + topic + "/x.1_2_3_4", new byte[0]);
        bucket.write(".cistern/" + topic + "/x_y.1_2_3_4", new byte[0]);

        assertThat(audit(false).get("holes").asLong()).isZero();
        assertThat(ranges(audit(false), 0)).containsExactly("20-29");
    }

    // ---- files that are not what they should be ----------------------------------------------------------------------

    @Test
    void aTruncatedFileIsUnreadableAndWhatItHeldIsAGap() throws IOException {
        topic = TestKafka.topic("audit", 1);
        produce(30);
        List<Line> all = inKafka();
        store(all.subList(0, 10));
        String path = store(all.get(10).timestamp.plusSeconds(60), -1, all.subList(10, 20), ".gz");
        store(all.subList(20, 30));
        Path file = root.resolve(path);
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, java.util.Arrays.copyOf(whole, whole.length - 20));

        assertThat(audit(false).get("holes").asLong()).as("names only").isZero();

        JsonNode report = audit(true);
        assertThat(report.get("holes").asLong()).isEqualTo(2);
        assertThat(report.get("files").asLong()).isEqualTo(3);
        assertThat(gaps(report, 0)).containsExactly("10-19 missing");
        assertThat(unreadable(report)).singleElement().asString().startsWith(path + ": not whole");
        // And so it is found by one that has to open it
        try (Stream<Path> facts = Files.list(root.resolve(".cistern").resolve(topic))) {
            Files.delete(facts.filter(one -> one.toString().contains("_0_10_")).findFirst().orElseThrow());
        }
        assertThat(unreadable(audit(false))).singleElement().asString().startsWith(path + ": not whole");
    }

    static Stream<List<String>> wrong() {
        return Stream.of(
            List.of("line 3: no JSON object", "swap 3", "{\"timestamp\""),
            List.of("line 1: partition 1, in a file of partition 0", "swap 1", new Line(1, 10, at(10)).text()),
            List.of("line 1: offset 11, in a file whose first offset is 10 by its name", "swap 1",
                new Line(0, 11, at(10)).text()),
            List.of("line 3: offset 11 behind offset 11", "swap 3", new Line(0, 11, at(12)).text()),
            List.of("not what was stored: 9 records of 10", "swap 10", ""),
            List.of("not what was stored: ends with offset 20 and not 19", "swap 10", new Line(0, 20, at(19)).text()),
            List.of("not what was stored: its least or its greatest timestamp is another one", "swap 4",
                new Line(0, 13, at(9)).text()),
            List.of("holds no record", "all", ""));
    }

    @ParameterizedTest
    @MethodSource("wrong")
    void aFileThatContradictsItsNameOrWhatWasStoredIsUnreadable(List<String> how) throws IOException {
        store(lines(0, 9));
        String path = store(lines(10, 19));
        store(lines(20, 29));
        List<String> lines = new ArrayList<>(Files.readAllLines(root.resolve(path)));
        if (how.get(1).equals("all")) {
            lines.clear();
        } else {
            lines.set(Integer.parseInt(how.get(1).substring(5)) - 1, how.get(2));
        }
        lines.remove("");
        bucket.write(path, lines.stream().map(line -> line + "\n").reduce("", String::concat).getBytes(UTF_8));

        assertThat(audit(false).get("holes").asLong()).as("names only").isZero();
        JsonNode report = audit(true);
        assertThat(unreadable(report)).singleElement().asString().startsWith(path + ": " + how.get(0));
        assertThat(gaps(report, 0)).containsExactly("10-19 unknown");
    }

    @Test
    void anUnreadableFileAmongOverlappingOnesDoesNotKeepTheOthersFromBeingTold() {
        store(at(10), -1, lines(0, 9));
        String path = store(at(20), -1, lines(5, 14));
        store(at(30), -1, lines(8, 19));
        bucket.write(path, "no record\n".getBytes(UTF_8));

        for (boolean deep : new boolean[] {false, true}) {
            JsonNode report = audit(deep);
            assertThat(unreadable(report)).singleElement().asString().startsWith(path + ": line 1");
            assertThat(ranges(report, 0)).containsExactly("0-19");
            assertThat(texts(partition(report, 0).get("overlaps"))).containsExactly("8-9");
        }
    }

    // ---- how it is told --------------------------------------------------------------------------------------------

    private static Instant at(long second) {
        return START.plusSeconds(second);
    }

    /** Records of partition 0, a second apart, from one offset to another, both included. */
    private static List<Line> lines(long from, long to) {
        return LongStream.rangeClosed(from, to).mapToObj(offset -> new Line(0, offset, at(offset))).toList();
    }

    /** Records of a partition, between each two offsets that are given, both included. */
    private static List<Line> linesOf(int partition, long... bounds) {
        List<Line> lines = new ArrayList<>();
        for (int i = 0; i < bounds.length; i += 2) {
            lines(bounds[i], bounds[i + 1]).forEach(line -> lines.add(new Line(partition, line.offset, line.timestamp)));
        }
        return lines;
    }

    private static List<Line> moved(Duration by, List<Line> lines) {
        return lines.stream().map(line -> new Line(line.partition, line.offset, line.timestamp.plus(by))).toList();
    }

    /** Writes a file as the storer does a minute after its first record; gives its path. */
    private String store(List<Line> lines) {
        return store(lines.get(0).timestamp.plusSeconds(60), -1, lines);
    }

    private String store(Instant consumed, long from, List<Line> lines) {
        return store(consumed, from, lines, "");
    }

    private String store(Instant consumed, long from, List<Line> lines, String extension) {
        Line first = lines.get(0);
        Line last = lines.get(lines.size() - 1);
        String name = BatchFiles.name(first.timestamp, topic, first.partition, first.offset, consumed) + extension;
        long least = lines.stream().mapToLong(line -> line.timestamp.toEpochMilli()).min().getAsLong();
        long greatest = lines.stream().mapToLong(line -> line.timestamp.toEpochMilli()).max().getAsLong();
        BatchFiles.writeFacts(root, topic, name, topic, LongStream.of(least, greatest, last.offset, lines.size(), from)
            .filter(number -> number >= 0).toArray());
        return BatchFiles.write(root, topic, name, lines.stream().map(Line::text).toList(),
            out -> extension.equals(".gz") ? new GZIPOutputStream(out) : out);
    }

    private void produce(int count) {
        try (KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
            for (int i = 0; i < count; i++) {
                producer.send(new ProducerRecord<>(topic, 0, null, ("v" + i).getBytes(UTF_8)));
            }
        }
    }

    private void transaction(int count, boolean commit) {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(Map.of(
            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, TestKafka.broker().bootstrapServers(),
            ProducerConfig.TRANSACTIONAL_ID_CONFIG, topic), new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.initTransactions();
            producer.beginTransaction();
            for (int i = 0; i < count; i++) {
                producer.send(new ProducerRecord<>(topic, 0, null, ("v" + i).getBytes(UTF_8)));
            }
            producer.flush();
            if (commit) {
                producer.commitTransaction();
            } else {
                producer.abortTransaction();
            }
        }
    }

    private List<Line> inKafka() {
        return TestKafka.records(topic).stream().map(record -> new Line(record.partition(), record.offset(),
            Instant.ofEpochMilli(record.timestamp()))).toList();
    }

    private JsonNode audit(boolean deep) {
        return audit(topic, deep, Map.of("KAFKA_BROKERS", TestKafka.broker().bootstrapServers()));
    }

    private static JsonNode audit(String folder, boolean deep, Map<String, String> environment) {
        Function<String, String> lookup = ApplicationYaml.lookup(environment);
        Settings settings = new Settings(lookup);
        Topics kafka = new Topics(settings);
        kafka.setCamelContext(camel);
        try {
            ObjectMapper json = new ObjectMapper();
            return json.readTree(json.writeValueAsBytes(
                new Audit(settings, bucket.bucket(), kafka, new Planner(bucket.bucket())).of(folder, deep)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The latest life of a partition. */
    private JsonNode partition(JsonNode report, int partition) {
        JsonNode found = null;
        for (JsonNode ofTopic : report.get("topics")) {
            for (JsonNode life : ofTopic.get("partitions")) {
                found = ofTopic.get("topic").asText().equals(topic) && life.get("partition").asInt() == partition ? life : found;
            }
        }
        return found;
    }

    private List<String> ranges(JsonNode report, int partition) {
        return texts(partition(report, partition).get("ranges"));
    }

    private List<String> gaps(JsonNode report, int partition) {
        return kinds(partition(report, partition));
    }

    private static List<String> kinds(JsonNode life) {
        return StreamSupport.stream(life.get("gaps").spliterator(), false)
            .map(gap -> gap.get("from") + "-" + gap.get("to") + " " + gap.get("kind").asText()).toList();
    }

    private static List<String> texts(JsonNode ranges) {
        return StreamSupport.stream(ranges.spliterator(), false).map(range -> range.get("from") + "-" + range.get("to"))
            .toList();
    }

    private static List<String> unreadable(JsonNode report) {
        return StreamSupport.stream(report.at("/topics/0/unreadable").spliterator(), false)
            .map(file -> file.get("file").asText() + ": " + file.get("reason").asText()).toList();
    }
}
