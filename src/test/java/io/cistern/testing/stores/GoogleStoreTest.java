package io.cistern.testing.stores;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.api.gax.paging.Page;
import com.google.auth.oauth2.GoogleCredentials;
import com.google.cloud.ReadChannel;
import com.google.cloud.WriteChannel;
import com.google.cloud.storage.Blob;
import com.google.cloud.storage.BlobInfo;
import com.google.cloud.storage.Storage;
import com.google.cloud.storage.Storage.BlobListOption;
import com.google.cloud.storage.Storage.BlobTargetOption;
import com.google.cloud.storage.Storage.BlobWriteOption;
import com.google.cloud.storage.StorageException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Compares the store with what Google's client expects of Google Cloud Storage. */
class GoogleStoreTest {

    private static final int MIB = 1024 * 1024;

    private static GoogleStore store;
    private static Storage client;
    private static int buckets;

    @BeforeAll
    static void start() {
        Assumptions.assumeTrue(GoogleStore.whyNot() == null, GoogleStore.whyNot());
        store = GoogleStore.start();
        client = GoogleStore.client(store.settings("any", store.endpoint()));
    }

    @AfterAll
    static void close() {
        if (store != null) {
            store.close();
        }
    }

    @Test
    void whatIsWrittenIsRead() {
        String bucket = newBucket();
        store.write(bucket, "folder/a", bytes("one"));
        store.write(bucket, "folder/a", bytes("two"));
        store.write(bucket, "empty", new byte[0]);

        assertThat(store.read(bucket, "folder/a")).isEqualTo(bytes("two"));
        assertThat(store.read(bucket, "empty")).isEmpty();
        assertThat(store.read(bucket, "folder/b")).isNull();
        assertThat(store.keys(bucket)).containsExactly("empty", "folder/a");
    }

    @Test
    void keysMayHaveAnyCharacters() throws IOException {
        String bucket = newBucket();
        List<String> keys = Stream.of("a b", "ü", "+", "a+b c", "%", "%2F", "%41", "=", "&", "a&b=c", ":", "#", "?",
            "a?b#c", "//", "/a", "a//b", "a/", "./a", "../a", "\"'<>\\^`{|}~", ";,@$!*()[]", "日本", "😀", "～")
            .sorted().toList();
        for (String key : keys) {
            store.write(bucket, key, bytes(key));
        }

        assertThat(store.keys(bucket)).isEqualTo(keys);
        for (String key : keys) {
            assertThat(store.read(bucket, key)).as(key).isEqualTo(bytes(key));
            upload(bucket, key, bytes("again " + key), 256 * 1024);
            assertThat(client.get(bucket, key).getName()).isEqualTo(key);
            assertThat(store.read(bucket, key)).as(key).isEqualTo(bytes("again " + key));
            assertThat(names(client.list(bucket, BlobListOption.prefix(key))).get(0)).isEqualTo(key);
            assertThat(names(client.list(bucket, BlobListOption.startOffset(key))).get(0)).isEqualTo(key);
        }
        for (String key : keys) {
            assertThat(client.delete(bucket, key)).as(key).isTrue();
        }
        assertThat(store.keys(bucket)).isEmpty();
    }

    @Test
    void aKeyMayHave1024Bytes() {
        String bucket = newBucket();
        String longest = "ü".repeat(512);
        store.write(bucket, longest, bytes("x"));

        assertThat(store.read(bucket, longest)).isEqualTo(bytes("x"));
        // So long a query goes as a POST.
        assertThat(names(client.list(bucket, BlobListOption.prefix(longest), BlobListOption.startOffset(longest))))
            .containsExactly(longest);
        assertThatThrownBy(() -> store.write(bucket, longest + "x", bytes("x")))
            .isInstanceOfSatisfying(StorageException.class, e -> assertThat(e.getCode()).isEqualTo(400))
            .hasMessageContaining("The maximum object length is 1024 characters, but got a name with 1025 characters");
    }

    @Test
    void anObjectIsCreatedOnlyOnce() {
        String bucket = newBucket();
        BlobInfo info = BlobInfo.newBuilder(bucket, "a").build();
        client.create(info, bytes("one"), BlobTargetOption.doesNotExist());

        assertThatThrownBy(() -> client.create(info, bytes("two"), BlobTargetOption.doesNotExist()))
            .isInstanceOfSatisfying(StorageException.class, e -> {
                assertThat(e.getCode()).isEqualTo(412);
                assertThat(e.getReason()).isEqualTo("conditionNotMet");
            });
        assertThatThrownBy(() -> client.createFrom(info, new ByteArrayInputStream(bytes("two")),
            BlobWriteOption.doesNotExist()))
            .isInstanceOfSatisfying(StorageException.class, e -> assertThat(e.getCode()).isEqualTo(412));
        assertThat(store.read(bucket, "a")).isEqualTo(bytes("one"));
    }

    @Test
    void aResumableUploadIsRefusedAtItsEndIfTheObjectIsThereByThen() throws IOException {
        String bucket = newBucket();
        WriteChannel channel = client.writer(BlobInfo.newBuilder(bucket, "a").build(), BlobWriteOption.doesNotExist());
        channel.write(ByteBuffer.wrap(bytes("late")));
        store.write(bucket, "a", bytes("early"));

        assertThatThrownBy(channel::close).hasStackTraceContaining("412 Precondition Failed");
        assertThat(store.read(bucket, "a")).isEqualTo(bytes("early"));
    }

    @Test
    void hashesAreReturnedAndChecked() throws Exception {
        String bucket = newBucket();
        // CRC-32C of these digits: E3069283.
        Blob blob = client.create(BlobInfo.newBuilder(bucket, "a").build(), bytes("123456789"));

        assertThat(blob.getCrc32cToHexString()).isEqualTo("e3069283");
        assertThat(blob.getMd5ToHexString()).isEqualTo("25f9e794323b453885f5181f1b624d0b");
        HttpResponse<String> damaged = send(request("/upload/storage/v1/b/" + bucket + "/o?uploadType=multipart")
            .header("Authorization", "Bearer " + token()).header("Content-Type", "multipart/related; boundary=x")
            .POST(HttpRequest.BodyPublishers.ofString("""
                --x\r
                Content-Type: application/json\r
                \r
                {"name":"b","md5Hash":"%s"}\r
                --x\r
                \r
                else\r
                --x--""".formatted(blob.getMd5()))));
        assertThat(damaged.statusCode()).isEqualTo(400);
        assertThat(damaged.body()).contains("doesn't match calculated MD5 hash").contains("\"reason\":\"invalid\"");
        assertThatThrownBy(() -> client.createFrom(BlobInfo.newBuilder(bucket, "b").setCrc32c(blob.getCrc32c()).build(),
            new ByteArrayInputStream(bytes("else")), BlobWriteOption.crc32cMatch()))
            .hasStackTraceContaining("400 Bad Request");
        assertThat(store.read(bucket, "b")).isNull();
    }

    @Test
    void aLargeObjectGoesInChunksAndIsReadFromAnyPlace() throws IOException {
        String bucket = newBucket();
        byte[] bytes = random(20 * MIB + 17);
        upload(bucket, "large", bytes, MIB);

        assertThat(store.read(bucket, "large")).isEqualTo(bytes);
        try (ReadChannel reader = client.reader(bucket, "large"); InputStream in = Channels.newInputStream(reader)) {
            assertThat(in.readNBytes(1000)).isEqualTo(Arrays.copyOf(bytes, 1000));
        }
        try (ReadChannel reader = client.reader(bucket, "large"); InputStream in = Channels.newInputStream(reader)) {
            reader.seek(7 * MIB + 3);
            reader.limit(7 * MIB + 3 + 5000);
            assertThat(in.readAllBytes()).isEqualTo(Arrays.copyOfRange(bytes, 7 * MIB + 3, 7 * MIB + 3 + 5000));
        }
        try (ReadChannel reader = client.reader(bucket, "large"); InputStream in = Channels.newInputStream(reader)) {
            reader.seek(bytes.length);
            assertThat(in.readAllBytes()).isEmpty();
        }
    }

    @Test
    void anObjectOf100MebibytesIsWrittenAndRead() throws IOException {
        String bucket = newBucket();
        byte[] bytes = random(100 * MIB);
        client.createFrom(BlobInfo.newBuilder(bucket, "huge").build(), new ByteArrayInputStream(bytes));

        assertThat(Arrays.equals(store.read(bucket, "huge"), bytes)).isTrue();
    }

    @Test
    void chunksAreAcknowledgedAsDocumented() throws Exception {
        String bucket = newBucket();
        String token = "Bearer " + token();
        int quantum = 256 * 1024;
        byte[] bytes = random(2 * quantum + 5);
        HttpResponse<String> started = send(request("/upload/storage/v1/b/" + bucket + "/o?uploadType=resumable&name=a")
            .header("Authorization", token).POST(HttpRequest.BodyPublishers.noBody()));
        URI session = URI.create(started.headers().firstValue("Location").orElseThrow());

        HttpResponse<String> nothing = send(put(session, "bytes */*", new byte[0]));
        assertThat(nothing.statusCode()).isEqualTo(308);
        assertThat(nothing.headers().firstValue("Range")).isEmpty();

        HttpResponse<String> first = send(put(session, "bytes 0-" + (quantum + 9) + "/*",
            Arrays.copyOf(bytes, quantum + 10)));
        assertThat(first.statusCode()).isEqualTo(308);
        assertThat(first.headers().firstValue("Range")).hasValue("bytes=0-" + (quantum - 1));

        HttpResponse<String> gap = send(put(session, "bytes " + 2 * quantum + "-" + (3 * quantum - 1) + "/*",
            new byte[quantum]));
        assertThat(gap.statusCode()).isEqualTo(503);
        assertThat(gap.body()).contains("Content-Range");

        HttpResponse<String> overlap = send(put(session, "bytes 0-" + (2 * quantum - 1) + "/*",
            Arrays.copyOf(bytes, 2 * quantum)));
        assertThat(overlap.headers().firstValue("Range")).hasValue("bytes=0-" + (2 * quantum - 1));

        HttpResponse<String> status = send(put(session, "bytes */" + bytes.length, new byte[0]));
        assertThat(status.statusCode()).isEqualTo(308);
        assertThat(store.read(bucket, "a")).isNull();

        String last = "bytes " + 2 * quantum + "-" + (2 * quantum + 4) + "/" + bytes.length;
        HttpResponse<String> end = send(put(session, last, Arrays.copyOfRange(bytes, 2 * quantum, bytes.length)));
        assertThat(end.statusCode()).isEqualTo(200);
        assertThat(end.body()).contains("\"size\":\"" + bytes.length + "\"");
        assertThat(send(put(session, "bytes */" + bytes.length, new byte[0])).statusCode()).isEqualTo(200);
        assertThat(store.read(bucket, "a")).isEqualTo(bytes);
    }

    @Test
    void ofAChunkWhoseConnectionBreaksWholePartsStay() throws Exception {
        String bucket = newBucket();
        int quantum = 256 * 1024;
        HttpResponse<String> started = send(request("/upload/storage/v1/b/" + bucket + "/o?uploadType=resumable&name=a")
            .header("Authorization", "Bearer " + token()).POST(HttpRequest.BodyPublishers.noBody()));
        URI session = URI.create(started.headers().firstValue("Location").orElseThrow());
        try (Socket socket = new Socket(session.getHost(), session.getPort())) {
            socket.getOutputStream().write(bytes("PUT " + session.getRawPath() + "?" + session.getRawQuery()
                + " HTTP/1.1\r\nHost: " + session.getAuthority() + "\r\nContent-Range: bytes 0-" + (4 * quantum - 1) + "/"
                + 4 * quantum + "\r\nContent-Length: " + 4 * quantum + "\r\n\r\n"));
            socket.getOutputStream().write(new byte[2 * quantum + 7]);
        }

        Awaitility.await().untilAsserted(() -> {
            HttpResponse<String> status = send(put(session, "bytes */" + 4 * quantum, new byte[0]));
            assertThat(status.statusCode()).isEqualTo(308);
            assertThat(status.headers().firstValue("Range")).hasValue("bytes=0-" + (2 * quantum - 1));
        });
        assertThat(store.read(bucket, "a")).isNull();
    }

    @Test
    void downloadsHaveRangesAndHashes() throws Exception {
        String bucket = newBucket();
        store.write(bucket, "a/b", bytes("123456789"));
        String token = "Bearer " + token();

        for (String path : List.of("/storage/v1/b/", "/download/storage/v1/b/")) {
            HttpRequest.Builder request = request(path + bucket + "/o/a%2Fb?alt=media").header("Authorization", token);
            HttpResponse<String> whole = send(request.copy());
            assertThat(whole.statusCode()).isEqualTo(200);
            assertThat(whole.body()).isEqualTo("123456789");
            assertThat(whole.headers().firstValue("X-Goog-Hash"))
                .hasValue("crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==");

            HttpResponse<String> part = send(request.copy().header("Range", "bytes=2-4"));
            assertThat(part.statusCode()).isEqualTo(206);
            assertThat(part.body()).isEqualTo("345");
            assertThat(part.headers().firstValue("Content-Range")).hasValue("bytes 2-4/9");
            assertThat(send(request.copy().header("Range", "bytes=-2")).body()).isEqualTo("89");
            assertThat(send(request.copy().header("Range", "bytes=7-")).body()).isEqualTo("89");
            assertThat(send(request.copy().header("Range", "bytes=9-")).statusCode()).isEqualTo(416);
        }
    }

    @Test
    void aFolderOf3000KeysIsListedInPages() {
        String bucket = newBucket();
        List<String> keys = IntStream.range(0, 3000).mapToObj("folder/%04d"::formatted).toList();
        keys.parallelStream().forEach(key -> store.write(bucket, key, bytes(key)));
        store.write(bucket, "before", bytes("x"));
        store.write(bucket, "goes behind", bytes("x"));

        assertThat(pages(bucket, BlobListOption.prefix("folder/"), BlobListOption.pageSize(1000)))
            .isEqualTo(List.of(keys.subList(0, 1000), keys.subList(1000, 2000), keys.subList(2000, 3000)));
        assertThat(pages(bucket, BlobListOption.prefix("folder/"), BlobListOption.pageSize(700)))
            .hasSize(5).satisfies(pages -> assertThat(pages.stream().flatMap(List::stream)).isEqualTo(keys));
        assertThat(store.keys(bucket)).hasSize(3002);
    }

    @Test
    void aListBeginsAtAnOffsetAndKeepsToItsFolder() {
        String bucket = newBucket();
        for (String key : List.of("f/a", "f/b", "f/b/1", "f/b/2", "f/c", "f/d/1", "f/d/2", "f/e", "g/a")) {
            store.write(bucket, key, bytes(key));
        }
        BlobListOption folder = BlobListOption.prefix("f/");
        BlobListOption here = BlobListOption.currentDirectory();

        assertThat(pages(bucket, folder, here, BlobListOption.pageSize(2)))
            .containsExactly(List.of("f/a", "f/b"), List.of("f/c", "f/b/"), List.of("f/e", "f/d/"));
        assertThat(pages(bucket, folder, here, BlobListOption.startOffset("f/b/2"), BlobListOption.pageSize(1)))
            .containsExactly(List.of("f/b/"), List.of("f/c"), List.of("f/d/"), List.of("f/e"));
        assertThat(pages(bucket, folder, BlobListOption.startOffset("f/b!"), BlobListOption.pageSize(3)))
            .containsExactly(List.of("f/b/1", "f/b/2", "f/c"), List.of("f/d/1", "f/d/2", "f/e"));
        assertThat(pages(bucket, folder, BlobListOption.startOffset("f/f"))).containsExactly(List.of());
        assertThat(pages(bucket, BlobListOption.prefix("h/"))).containsExactly(List.of());
    }

    @Test
    void aListIsInTheOrderOfUtf8() {
        String bucket = newBucket();
        List<String> keys = new ArrayList<>(List.of("b", "B", "ä", "z", "～", "😀", "日", "a", "a/"));
        keys.forEach(key -> store.write(bucket, key, bytes(key)));
        keys.sort(Comparator.comparing(GoogleStoreTest::bytes, Arrays::compareUnsigned));

        assertThat(names(client.list(bucket))).isEqualTo(keys);
        assertThat(keys.indexOf("～")).isLessThan(keys.indexOf("😀"));
    }

    @Test
    void aBucketIsThereOrMissing() {
        String bucket = newBucket();

        assertThat(client.get(bucket).getName()).isEqualTo(bucket);
        assertThat(client.get("there-is-none")).isNull();
        assertThat(client.testIamPermissions(bucket, List.of("storage.objects.create"))).containsExactly(true);
        assertThatThrownBy(() -> store.createBucket(bucket))
            .isInstanceOfSatisfying(StorageException.class, e -> assertThat(e.getCode()).isEqualTo(409));
    }

    @Test
    void aMissingBucketIsAnError() {
        assertThatThrownBy(() -> store.write("there-is-none", "a", bytes("x")))
            .isInstanceOfSatisfying(StorageException.class, GoogleStoreTest::isMissingBucket);
        assertThatThrownBy(() -> store.keys("there-is-none"))
            .isInstanceOfSatisfying(StorageException.class, GoogleStoreTest::isMissingBucket);
        assertThatThrownBy(() -> store.read("there-is-none", "a"))
            .isInstanceOfSatisfying(StorageException.class, e -> assertThat(e.getCode()).isEqualTo(404));
    }

    @Test
    void wrongCredentialsAreRefused() {
        String bucket = newBucket();
        Storage refused = GoogleStore.client(store.wrongCredentials(bucket, store.endpoint()));

        assertThatThrownBy(() -> refused.list(bucket)).hasStackTraceContaining("invalid_grant")
            .hasStackTraceContaining("Invalid JWT Signature.");
    }

    @Test
    void aCallWithoutARightTokenIsRefused() throws Exception {
        HttpResponse<String> none = send(request("/storage/v1/b/any/o"));
        HttpResponse<String> wrong = send(request("/storage/v1/b/any/o").header("Authorization", "Bearer else"));

        assertThat(none.statusCode()).isEqualTo(401);
        assertThat(none.body()).contains("\"reason\":\"required\"");
        assertThat(wrong.statusCode()).isEqualTo(401);
        assertThat(wrong.body()).contains("\"reason\":\"authError\"");
    }

    @Test
    void theSettingsNameTheEndpointThatIsAskedFor() {
        Map<String, String> settings = store.settings("a-bucket", URI.create("http://127.0.0.1:1"));

        assertThat(settings).containsEntry("BUCKET_TYPE", "google").containsEntry("BUCKET_NAME", "a-bucket")
            .containsEntry("BUCKET_ENDPOINT", "http://127.0.0.1:1").containsKey("GOOGLE_APPLICATION_CREDENTIALS");
    }

    private static void isMissingBucket(StorageException e) {
        assertThat(e.getCode()).isEqualTo(404);
        assertThat(e.getReason()).isEqualTo("notFound");
        assertThat(e).hasMessage("The specified bucket does not exist.");
    }

    private static String newBucket() {
        String bucket = "bucket-" + ++buckets;
        store.createBucket(bucket);
        return bucket;
    }

    private static void upload(String bucket, String key, byte[] bytes, int chunk) throws IOException {
        try (WriteChannel channel = client.writer(BlobInfo.newBuilder(bucket, key).build())) {
            channel.setChunkSize(chunk);
            Channels.newOutputStream(channel).write(bytes);
        }
    }

    private static List<String> names(Page<Blob> page) {
        return page.streamAll().map(Blob::getName).collect(Collectors.toList());
    }

    private static List<List<String>> pages(String bucket, BlobListOption... options) {
        List<List<String>> pages = new ArrayList<>();
        for (Page<Blob> page = client.list(bucket, options); page != null; page = page.getNextPage()) {
            pages.add(page.streamValues().map(Blob::getName).toList());
        }
        return pages;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] random(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    private static String token() throws IOException {
        return ((GoogleCredentials) client.getOptions().getScopedCredentials())
            .refreshAccessToken().getTokenValue();
    }

    private static HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(store.endpoint().resolve(path));
    }

    private static HttpRequest.Builder put(URI session, String contentRange, byte[] bytes) {
        return HttpRequest.newBuilder(session).header("Content-Range", contentRange)
            .PUT(HttpRequest.BodyPublishers.ofByteArray(bytes));
    }

    private static HttpResponse<String> send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
}
