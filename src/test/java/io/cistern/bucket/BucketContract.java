package io.cistern.bucket;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cistern.Settings;
import io.cistern.testing.stores.TestStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.camel.Exchange;
import org.apache.camel.builder.AdviceWith;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every backend must do: run by each of them against a store that speaks its protocol. */
abstract class BucketContract {

    private static final int PART = 5 << 20;

    private String name;
    private TestBucket opened;
    private Bucket bucket;

    /** The store, whose buckets other tests have too. */
    abstract TestStore store();

    @BeforeEach
    void openABucketOfItsOwn() {
        name = "contract-" + UUID.randomUUID();
        store().createBucket(name);
        opened = open(Map.of());
        bucket = opened.bucket();
    }

    @AfterEach
    void closeTheBucket() {
        opened.close();
    }

    /** The bucket of this test, with further settings. */
    TestBucket open(Map<String, String> settings) {
        Map<String, String> all = new HashMap<>(store().settings(name, store().endpoint()));
        all.putAll(Map.of("BUCKET_PART_SIZE", "5MB", "BUCKET_TIMEOUT", "10s", "BSS_RETRY_DELAY", "20ms"));
        all.putAll(settings);
        return new TestBucket(backends(), all);
    }

    /** The folder of the backend's file. */
    String backends() {
        return "file:routes/buckets";
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 100_000, PART, PART + 1, 3 * PART + 17})
    void aFileIsThereAsItWasPutAndReadAsItIsThere(int size) throws IOException {
        byte[] bytes = bytes(size);

        bucket.put("orders/a.txt", content(bytes));

        assertThat(store().read(name, "orders/a.txt")).isEqualTo(bytes);
        assertThat(store().keys(name)).containsExactly("orders/a.txt");
        assertThat(bucket.exists("orders/a.txt")).isTrue();
        try (InputStream in = bucket.get("orders/a.txt")) {
            assertThat(in.readAllBytes()).isEqualTo(bytes);
            assertThat(in.read()).isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 100, PART + 1})
    void aFileIsNeverOverwritten(int size) throws IOException {
        byte[] first = bytes(size);
        bucket.put("orders/a.txt", content(first));

        byte[] second = bytes(size);
        Content other = content(size == 0 ? new byte[] {1} : second);
        if (size > 0) {
            second[size - 1] ^= 1;
        }

        assertThatThrownBy(() -> bucket.put("orders/a.txt", other)).isInstanceOf(FileAlreadyExistsException.class)
            .hasMessage("orders/a.txt");
        assertThatThrownBy(() -> bucket.put("orders/a.txt", content(bytes(size + 1))))
            .isInstanceOf(FileAlreadyExistsException.class);
        assertThat(store().read(name, "orders/a.txt")).isEqualTo(first);
        // An attempt whose answer was lost is made again: that is no failure.
        bucket.put("orders/a.txt", content(first));
        assertThat(store().read(name, "orders/a.txt")).isEqualTo(first);
    }

    @Test
    void ofManyThatPutAtATimeOneWins() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Callable<String>> puts = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                String text = "put by " + i;
                puts.add(() -> {
                    bucket.put("orders/a.txt", content(text.getBytes(UTF_8)));
                    return text;
                });
            }
            List<String> winners = new ArrayList<>();
            for (Future<String> put : threads.invokeAll(puts)) {
                try {
                    winners.add(put.get());
                } catch (java.util.concurrent.ExecutionException e) {
                    assertThat(e).hasCauseInstanceOf(FileAlreadyExistsException.class);
                }
            }
            assertThat(winners).containsExactly(new String(store().read(name, "orders/a.txt"), UTF_8));
            assertThat(store().keys(name)).hasSize(1);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void aFileCanBeReadInPartAndLeft() throws IOException {
        byte[] bytes = bytes(PART);
        store().write(name, "orders/a.txt", bytes);

        for (int from : new int[] {0, 1, 4_500_000, PART - 1}) {
            Exchange answer = opened.context().createProducerTemplate().request("direct:bucket-get", exchange -> {
                exchange.setVariable("path", "orders/a.txt");
                exchange.setVariable("from", (long) from);
            });
            assertThat(answer.getException()).isNull();
            assertThat(answer.getVariable("size", Long.class)).isEqualTo(PART);
            try (InputStream in = answer.getMessage().getBody(InputStream.class)) {
                assertThat(in.readAllBytes()).isEqualTo(java.util.Arrays.copyOfRange(bytes, from, PART));
            }
        }
        // Left early, many times: what a stream holds is given back.
        for (int i = 0; i < 100; i++) {
            try (InputStream in = bucket.get("orders/a.txt")) {
                assertThat(in.readNBytes(10)).isEqualTo(java.util.Arrays.copyOf(bytes, 10));
            }
        }
    }

    @Test
    void aMissingFileIsToldFromAFailure() throws IOException {
        store().write(name, "orders/a.txt", bytes(1));

        for (String missing : List.of("orders/b.txt", "orders", "orders/a.tx", "no/such/folder.txt")) {
            assertThatThrownBy(() -> bucket.get(missing)).isInstanceOf(NoSuchFileException.class).hasMessage(missing);
            assertThat(bucket.exists(missing)).isFalse();
        }
    }

    @Test
    void aFolderIsListedInOrderOverPages() throws Exception {
        // Given more names than the store gives at a time, beside those of other folders
        List<String> names = IntStream.range(0, 2300).mapToObj(i -> "2022-11-14T%02d_%d.txt".formatted(i % 24, i)).toList();
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            threads.invokeAll(names.stream().map(file -> (Callable<Void>) () -> {
                store().write(name, "orders/" + file, new byte[] {1});
                return null;
            }).toList());
        } finally {
            threads.shutdown();
        }
        for (String other : List.of("order/a.txt", "orders.txt", "orders0/a.txt", "orders/2022-11-14/inner.txt",
            "orders/nested/deep/b.txt", "a.txt")) {
            store().write(name, other, new byte[] {1});
        }
        List<String> sorted = new ArrayList<>(names);
        Collections.sort(sorted);

        // Then
        assertThat(all(bucket.list("orders", null))).isEqualTo(sorted);
        for (int start : new int[] {0, 999, 1000, 2200, 2299}) {
            assertThat(all(bucket.list("orders", sorted.get(start)))).isEqualTo(sorted.subList(start + 1, 2300));
        }
        assertThat(all(bucket.list("orders", "2022-11-14T23_x"))).isEmpty();
        assertThat(all(bucket.list("orders", "2022-11-14T12"))).isEqualTo(
            sorted.stream().filter(file -> file.compareTo("2022-11-14T12") > 0).toList());
        assertThat(all(bucket.list("orders/nested", null))).isEmpty();
        assertThat(all(bucket.list("no-such-folder", null))).isEmpty();
    }

    @Test
    void theFoldersThatHoldFilesAreFound() throws IOException {
        for (String path : List.of("orders/a.txt", "in/eu/a.txt", "in/us/a.txt", "deep/1/2/a.txt",
            ".cistern/orders/a.facts", "eu/.hidden/a.txt", ".hidden/a.txt",
            ".27/2022-11-14T13:26:37.728Z_.27_0_312_1668432398047.txt", "writing/.writing-a.txt", "at-the-root.txt")) {
            store().write(name, path, new byte[] {1});
        }

        assertThat(bucket.folders()).containsExactly(".27", "deep/1/2", "in/eu", "in/us", "orders");
    }

    @Test
    void aSampleShowsWhichFoldersHoldFilesOfATopic() {
        String file = "2022-11-14T13:26:37.728Z_%s_0_312_1668432398047.txt";
        for (String folder : List.of("a", "in/eu", "in/eu/old")) {
            store().write(name, folder + '/' + file.formatted("shop"), new byte[] {1});
        }
        store().write(name, "a/" + file.formatted("other_7"), new byte[] {1});
        store().write(name, "b/no batch file", new byte[] {1});
        store().write(name, ".cistern/a/" + file.formatted("hidden"), new byte[] {1});
        List<String> asked = new ArrayList<>();

        FolderSample sample = FolderSample.of(bucket, folder -> {
            asked.add(folder);
            return false;
        });

        assertThat(sample.topics()).containsExactly("other_7", "shop");
        assertThat(sample.foldersOf("shop")).containsExactly("a", "in/eu", "in/eu/old");
        assertThat(sample.foldersOf("other_7")).containsExactly("a");
        assertThat(sample.foldersOf("unheard-of")).isEmpty();
        assertThat(asked).containsExactlyInAnyOrder("a", "b", "in", "in/eu", "in/eu/old");
    }

    @Test
    void namesAreTakenToTheLetter() throws IOException {
        List<String> names = new ArrayList<>(List.of("a b", "ü", "日本", "😀", "+", "%", "%20", "=", "&", "a:b", "a?b", "#",
            "'", "\"", "(1)", "[x]", "{y}", "{{bss.bucket.s3-key}}", "${body}", "$simple{body}", "~", "*", ",", ";", "@", "<b>",
            "|", "a..b", "dot.", "x".repeat(200), "2022-11-14T13:26:37.728Z_orders.ingestion_0_312_1668432398047.txt.gz"));
        Collections.shuffle(names, new Random(7));
        for (String file : names) {
            bucket.put("odd names/" + file, content(file.getBytes(UTF_8)));
        }
        Collections.sort(names);

        assertThat(all(bucket.list("odd names", null))).containsExactlyInAnyOrderElementsOf(names);
        assertThat(store().keys(name)).containsExactlyInAnyOrderElementsOf(
            names.stream().map(file -> "odd names/" + file).toList());
        for (String file : names) {
            try (InputStream in = bucket.get("odd names/" + file)) {
                assertThat(in.readAllBytes()).as(file).isEqualTo(file.getBytes(UTF_8));
            }
            assertThat(all(bucket.list("odd names", file))).doesNotContain(file);
        }
        assertThat(bucket.folders()).containsExactly("odd names");
    }

    @Test
    void aBucketThatCanBeUsedPassesTheCheckAgainAndAgain() throws IOException {
        bucket.check(false);
        assertThat(store().keys(name)).isEmpty();
        for (int i = 0; i < 3; i++) {
            bucket.check(true);
        }
        assertThat(store().keys(name)).containsExactly(".cistern/.probe");
        assertThat(bucket.folders()).isEmpty();
    }

    @Test
    void theProbeFindsOtherBytes() throws Exception {
        BucketProbe probe = new BucketProbe(bucket, opened.context().getRegistry().lookupByNameAndType("settings", Settings.class));
        probe.verify();
        AdviceWith.adviceWith(opened.context(), "bucket-get", route -> route.weaveAddLast().process(exchange -> {
            try (InputStream in = exchange.getMessage().getBody(InputStream.class)) {
                byte[] read = in.readAllBytes();
                read[1000]++;
                exchange.getMessage().setBody(new ByteArrayInputStream(read));
            }
        }));
        assertThatThrownBy(probe::verify).isInstanceOf(BucketException.class)
            .hasMessageContaining("wrote 1024 bytes and read back 1024 bytes, different from byte 1000 on");
    }

    @Test
    void aMissingBucketIsTold() {
        String there = store().settings(name, store().endpoint()).get("BUCKET_NAME");
        try (TestBucket missing = open(Map.of("BUCKET_NAME", there + "-missing"))) {
            for (boolean write : new boolean[] {false, true}) {
                assertThatThrownBy(() -> missing.bucket().check(write)).isInstanceOf(BucketException.class)
                    .satisfies(e -> assertThat(BucketException.reason(e)).containsPattern(missingBucket()));
            }
            assertThatThrownBy(() -> missing.bucket().put("orders/a.txt", content(bytes(1))))
                .isInstanceOf(BucketException.class).hasMessageContaining("orders/a.txt");
        }
    }

    /** What is said of a bucket that is not there. */
    abstract String missingBucket();

    static List<String> all(Iterator<String> names) {
        List<String> all = new ArrayList<>();
        names.forEachRemaining(all::add);
        assertThat(names.hasNext()).isFalse();
        return all;
    }

    static byte[] bytes(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    static Content content(byte[] bytes) {
        return new Content() {
            @Override
            public InputStream getInputStream() {
                return new ByteArrayInputStream(bytes);
            }

            @Override
            public long getLength() {
                return bytes.length;
            }
        };
    }
}
