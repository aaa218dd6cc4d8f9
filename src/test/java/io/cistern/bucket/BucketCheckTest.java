package io.cistern.bucket;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.cistern.testing.Ports;
import io.cistern.testing.StartupProblems;
import io.cistern.testing.TestKafka;
import io.cistern.testing.stores.AzuriteStore;
import io.cistern.testing.stores.Fault;
import io.cistern.testing.stores.FaultyProxy;
import io.cistern.testing.stores.FramingStore;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the start-up check says of a bucket that cannot be used: why, and which variable to look at, in bounded time. */
class BucketCheckTest {

    private static final Predicate<FaultyProxy.Request> ALL = request -> true;
    private static final Predicate<FaultyProxy.Request> LIST = request ->
        request.target().matches(".*[?&](list-type|comp=list|delimiter).*");
    private static final Predicate<FaultyProxy.Request> WRITE = request -> !request.method().equals("GET");
    private static final Predicate<FaultyProxy.Request> READ = LIST.or(WRITE).negate();

    @TempDir
    private static Path folder;
    private static String events;

    private final String bucket = "check-" + UUID.randomUUID();

    @BeforeAll
    static void prepare() {
        events = TestKafka.topic("check.events", 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "azure", "google", "file"})
    void aBucketThatCanBeUsedPasses(String type) {
        TestStore store = store(type);
        assertThat(problems(store.settings(bucket, store.endpoint()))).isEmpty();
        // And again, with the file that the first check has left
        assertThat(problems(store.settings(bucket, store.endpoint()))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"s3, there is no bucket missing", "azure, there is no container missing", "google, there is no bucket missing",
        "file, is no folder; create it first"})
    void aMissingBucketIsTold(String type, String words) {
        TestStore store = store(type);
        assertThat(problem(store.settings("missing", store.endpoint()))).contains(words);
    }

    @ParameterizedTest
    @CsvSource({"s3, wrong credentials: S3_KEY does not belong to S3_KEY_ID", "azure, AZURE_STORAGE_KEY",
        "google, wrong credentials: Google refuses the key of GOOGLE_APPLICATION_CREDENTIALS"})
    void wrongCredentialsAreTold(String type, String words) {
        TestStore store = store(type);
        assertThat(problem(store.wrongCredentials(bucket, store.endpoint()))).contains(words).doesNotContain("no permission");
    }

    @ParameterizedTest
    @CsvSource({"s3, S3_KEY_ID", "azure, AZURE_STORAGE_KEY", "google, GOOGLE_APPLICATION_CREDENTIALS"})
    void noCredentialsAtAllAreTold(String type, String variable) throws Exception {
        // Given a process with nothing in its environment, whose cloud's own address has no credentials either
        Path home = Files.createDirectories(folder.resolve("home"));
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1", "-Duser.home=" + home, "-cp", System.getProperty("java.class.path"),
            StartupProblems.class.getName()).redirectErrorStream(true);
        builder.environment().clear();
        builder.environment().putAll(all(Map.of("BSS_ROLES", "reloader", "BUCKET_TYPE", type, "BUCKET_NAME", bucket,
            "BUCKET_ENDPOINT", "http://127.0.0.1:" + Ports.free() + "/account", "HOME", home.toString(),
            "AWS_EC2_METADATA_DISABLED", "true", "NO_GCE_CHECK", "true",
            "AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:" + Ports.free())));

        // When
        long start = System.nanoTime();
        Process process = builder.start();
        List<String> output = new String(process.getInputStream().readAllBytes(), UTF_8).lines().toList();

        // Then
        assertThat(output).endsWith("done").filteredOn(line -> line.startsWith("bss.")).singleElement().asString()
            .contains("no credentials: set " + variable);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(30));
    }

    @ParameterizedTest
    @CsvSource({"s3, s3:ListBucket, s3:GetObject, s3:PutObject", "azure, list blobs, read blobs, create blobs",
        "google, storage.objects.list, storage.objects.get, storage.objects.create"})
    void whichPermissionIsMissingIsTold(String type, String list, String read, String write) {
        TestStore store = store(type);
        Fault refused = type.equals("azure") ? refusedByAzure("AuthorizationPermissionMismatch")
            : Fault.status(403, store.errorBody(403));
        assertThat(problem(store, LIST, refused)).contains("no permission").contains(list, bucket);
        assertThat(problem(store, READ, refused)).contains("no permission").contains(read, bucket);
        assertThat(problem(store, WRITE, refused)).contains("no permission").contains(write, bucket);
        // Who only reads needs no permission to write
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint())) {
            proxy.fail(WRITE, refused, Integer.MAX_VALUE);
            Map<String, String> reader = new HashMap<>(store.settings(bucket, proxy.address()));
            reader.put("BSS_ROLES", "reloader");
            assertThat(problems(reader)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "azure", "google"})
    void anEndpointWhereNobodyListensIsTold(String type) throws IOException {
        assertThat(problem(store(type).settings(bucket, URI.create("http://127.0.0.1:" + Ports.free()))))
            .contains("no connection: check BUCKET_ENDPOINT");
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "azure", "google"})
    void aHostThatDoesNotExistIsTold(String type) {
        assertThat(problem(store(type).settings(bucket, URI.create("http://no-such-host.invalid:8080"))))
            .contains("there is no such host", "BUCKET_ENDPOINT", "no-such-host.invalid");
    }

    @ParameterizedTest
    @CsvSource({"s3, no S3 store", "azure, no Azure Blob Storage", "google, no Google Cloud Storage"})
    void somethingThatIsNoStoreIsTold(String type, String words) throws IOException {
        TestStore store = store(type);
        for (int status : new int[] {200, 302, 400, 404, 405}) {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", exchange -> {
                exchange.getRequestBody().readAllBytes();
                exchange.getResponseHeaders().add("Content-Type", "text/html");
                byte[] page = "<html><body>Hello</body></html>".getBytes(UTF_8);
                exchange.sendResponseHeaders(status, page.length);
                exchange.getResponseBody().write(page);
                exchange.close();
            });
            server.start();
            try {
                assertThat(problem(store.settings(bucket, URI.create("http://127.0.0.1:" + server.getAddress().getPort()))))
                    .as("status " + status).contains("wrong endpoint", words, "BUCKET_ENDPOINT");
            } finally {
                server.stop(0);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "azure", "google"})
    void aStoreWithoutTlsBehindHttpsIsTold(String type) {
        TestStore store = store(type);
        assertThat(problem(store.settings(bucket, URI.create("https://127.0.0.1:" + store.endpoint().getPort()))))
            .contains("no TLS: check BUCKET_ENDPOINT");
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "azure", "google"})
    void aStoreThatDoesNotAnswerIsTold(String type) {
        assertThat(problem(store(type), ALL, Fault.HANG, "BUCKET_TIMEOUT", "500ms")).contains("no answer within 500ms");
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "azure", "google"})
    void aStoreThatIsTooBusyIsTold(String type) {
        TestStore store = store(type);
        for (int status : new int[] {503, 429}) {
            assertThat(problem(store, ALL, Fault.status(status, store.errorBody(status)))).contains("the store is too busy");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "400 | AuthorizationHeaderMalformed | wrong region or endpoint: check BUCKET_REGION and BUCKET_ENDPOINT",
        "301 | PermanentRedirect | wrong region or endpoint: check BUCKET_REGION and BUCKET_ENDPOINT",
        "307 | TemporaryRedirect | wrong region or endpoint: check BUCKET_REGION and BUCKET_ENDPOINT",
        "403 | InvalidAccessKeyId | wrong credentials: the store does not know this S3_KEY_ID",
        "400 | ExpiredToken | wrong credentials: they have expired",
        "403 | RequestTimeTooSkewed | clock is wrong",
        "400 | InvalidBucketName | this cannot be the name of a bucket: check-",
        "501 | NotImplemented | try S3_CREATE_ONLY=false or S3_CHECKSUMS=when-required"})
    void anErrorOfS3IsToldInPlainWords(int status, String code, String words) {
        TestStore store = TestStores.s3();
        store.createBucket(bucket);
        assertThat(problem(store, ALL, Fault.status(status, store.errorBody(403).replace("AccessDenied", code))))
            .contains(words);
    }

    @Test
    void reportsAStoreThatKeepsFraming() {
        try (FramingStore store = new FramingStore()) {
            // Twice: what the first check could not delete would not hide the fault.
            for (int i = 0; i < 2; i++) {
                assertThat(problem(store.settings())).contains("the store does not return what was written",
                    "set S3_CHECKSUMS=when-required", "framing of aws-chunked uploads");
            }
        }
    }

    @Test
    void s3UploadsWithoutFramingIfChecksumsAreOnlySentWhenRequired() throws IOException {
        try (FramingStore store = new FramingStore()) {
            assertThat(problems(store.settings(), "S3_CHECKSUMS", "when-required")).isEmpty();
            Map<String, String> settings = new HashMap<>(store.settings());
            settings.put("S3_CHECKSUMS", "when-required");
            byte[] bytes = BucketContract.bytes(300_000);
            try (TestBucket opened = new TestBucket(settings)) {
                opened.bucket().put("orders/a.txt", BucketContract.content(bytes));
            }
            assertThat(store.files().get("bucket/orders/a.txt")).isEqualTo(bytes);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "azure", "google", "file"})
    void deletesItsFileAgain(String type) {
        TestStore store = store(type);
        assertThat(problems(store.settings(bucket, store.endpoint()))).isEmpty();
        assertThat(store.keys(bucket)).containsExactly(".cistern/.probe");
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "azure", "google"})
    void needsNoPermissionToDelete(String type) {
        TestStore store = store(type);
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint())) {
            proxy.fail(request -> request.method().equals("DELETE"), type.equals("azure")
                ? refusedByAzure("AuthorizationPermissionMismatch") : Fault.status(403, store.errorBody(403)), Integer.MAX_VALUE);
            for (int i = 0; i < 3; i++) {
                assertThat(problems(store.settings(bucket, proxy.address()))).isEmpty();
            }
            // All starts with the same settings share one file.
            assertThat(store.keys(bucket)).hasSize(2).anyMatch(key -> key.startsWith(".cistern/.probe-"))
                .contains(".cistern/.probe");
        }
    }

    @Test
    void aKeyIdThatS3DoesNotKnowIsTold() {
        TestStore store = store("s3");
        assertThat(problem(store.settings(bucket, store.endpoint()), "S3_KEY_ID", "unknown"))
            .contains("wrong credentials: the store does not know this S3_KEY_ID");
    }

    @Test
    void s3TakesCredentialsOfTheDefaultChain() {
        TestStore store = store("s3");
        Map<String, String> settings = new HashMap<>(store.settings(bucket, store.endpoint()));
        String keyId = settings.remove("S3_KEY_ID");
        String key = settings.remove("S3_KEY");
        Map<String, String> before = new HashMap<>();
        Map.of("aws.accessKeyId", keyId, "aws.secretAccessKey", key).forEach((name, value) ->
            before.put(name, System.setProperty(name, value)));
        try {
            assertThat(problems(settings)).isEmpty();
            System.setProperty("aws.secretAccessKey", "not-the-key");
            assertThat(problem(settings)).contains("wrong credentials");
        } finally {
            before.forEach((name, value) -> {
                if (value == null) {
                    System.clearProperty(name);
                } else {
                    System.setProperty(name, value);
                }
            });
        }
    }

    @Test
    void azureTakesAConnectionStringOrAToken() {
        AzuriteStore store = (AzuriteStore) store("azure");
        assertThat(problems(Map.of("BUCKET_TYPE", "azure", "BUCKET_NAME", bucket,
            "AZURE_STORAGE_CONNECTION_STRING", store.connectionString(store.endpoint())))).isEmpty();
        for (String start : List.of("", "?")) {
            assertThat(problems(byToken(store, start + store.sasToken(bucket, "racwl")))).isEmpty();
        }
    }

    @Test
    void whatAnAzureTokenMayNotDoIsTold() {
        AzuriteStore store = (AzuriteStore) store("azure");
        assertThat(problem(byToken(store, store.sasToken(bucket, "racw")))).contains("no permission to list blobs in " + bucket);
        assertThat(problem(byToken(store, store.sasToken(bucket, "cwl")))).contains("no permission to read blobs in " + bucket);
        assertThat(problem(byToken(store, store.sasToken(bucket, "rl")))).contains("no permission to create blobs in " + bucket);
        // Who only reads needs no more
        assertThat(problems(byToken(store, store.sasToken(bucket, "rl")), "BSS_ROLES", "reloader")).isEmpty();
    }

    @Test
    void brokenCredentialsOfAzureAreTold() {
        AzuriteStore store = (AzuriteStore) store("azure");
        Map<String, String> byKey = store.settings(bucket, store.endpoint());
        String token = store.sasToken(bucket, "racwl");
        String connection = store.connectionString(store.endpoint());
        String signature = token.replaceFirst(".*sig=([^&]*).*", "$1");
        for (String broken : List.of(token.replace(signature, "AAAA" + signature.substring(4)), "no token")) {
            assertThat(problem(byToken(store, broken))).contains("AZURE_STORAGE_SAS_TOKEN").doesNotContain(signature);
        }
        assertThat(problem(byKey, "AZURE_STORAGE_KEY", "no base64!")).contains("wrong credentials", "AZURE_STORAGE_KEY")
            .doesNotContain("no base64!");
        assertThat(problem(store, ALL, refusedByAzure("AuthenticationFailed"))).contains("wrong credentials", "AZURE_STORAGE_KEY",
            "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING");
        assertThat(problem(Map.of("BUCKET_TYPE", "azure", "BUCKET_NAME", bucket), "AZURE_STORAGE_CONNECTION_STRING",
            connection.replace("AccountName", "Account"))).contains("Invalid connection string");
        assertThat(problem(Map.of("BUCKET_TYPE", "azure", "BUCKET_NAME", bucket), "AZURE_STORAGE_CONNECTION_STRING",
            connection.replaceFirst("AccountKey=....", "AccountKey=AAAA"))).contains("AZURE_STORAGE_CONNECTION_STRING");
    }

    @Test
    void anAccountFileOfGoogleThatIsBrokenIsTold() throws IOException {
        TestStore store = store("google");
        Map<String, String> right = store.settings(bucket, store.endpoint());
        String account = Files.readString(Path.of(right.get("GOOGLE_APPLICATION_CREDENTIALS")));
        for (String broken : List.of("no json", "{}", "{\"type\": \"service_account\"}",
            account.replace("BEGIN PRIVATE KEY", "BEGIN"), account.replaceFirst("PRIVATE KEY-----\\\\n....", "$0AAA"))) {
            Path file = Files.writeString(folder.resolve("account.json"), broken);
            assertThat(problem(right, "GOOGLE_APPLICATION_CREDENTIALS", file.toString()))
                .contains("wrong credentials: GOOGLE_APPLICATION_CREDENTIALS: " + file + " is broken");
        }
        assertThat(problems(right, "GOOGLE_APPLICATION_CREDENTIALS", folder + "/none.json")).singleElement().asString()
            .startsWith("bss.bucket.google-credentials (environment GOOGLE_APPLICATION_CREDENTIALS): is no file");
    }

    /** The store of this type, with the bucket of this test. */
    private TestStore store(String type) {
        TestStore store = TestStores.of(type);
        store.createBucket(bucket);
        return store;
    }

    private static Fault refusedByAzure(String code) {
        return Fault.status(403, TestStores.azure().errorBody(403), "x-ms-error-code: " + code);
    }

    private Map<String, String> byToken(AzuriteStore store, String token) {
        Map<String, String> settings = new HashMap<>(store.settings(bucket, store.endpoint()));
        settings.remove("AZURE_STORAGE_KEY");
        settings.put("AZURE_STORAGE_SAS_TOKEN", token);
        return settings;
    }

    /** What is said where all requests of a kind meet a fault. */
    private String problem(TestStore store, Predicate<FaultyProxy.Request> which, Fault fault, String... more) {
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint())) {
            proxy.fail(which, fault, Integer.MAX_VALUE);
            return problem(store.settings(bucket, proxy.address()), more);
        }
    }

    /** The one thing that is said of a bucket that cannot be used. */
    private static String problem(Map<String, String> settings, String... more) {
        List<String> problems = problems(settings, more);
        assertThat(problems).singleElement().asString()
            .startsWith("bss.bucket.name (environment BUCKET_NAME): the bucket cannot be used: ");
        return problems.get(0);
    }

    private static List<String> problems(Map<String, String> bucket, String... more) {
        Map<String, String> settings = all(bucket);
        for (int i = 0; i < more.length; i += 2) {
            settings.put(more[i], more[i + 1]);
        }
        long start = System.nanoTime();
        List<String> problems = StartupProblems.of(settings);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
        return problems;
    }

    /** These settings of a bucket, with all others that a start needs. */
    private static Map<String, String> all(Map<String, String> bucket) {
        Map<String, String> settings = new HashMap<>(Map.of("KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "KAFKA_GROUP_ID", "check", "BSS_EVENTS_TOPIC", events, "BSS_HTTP_AUTHENTICATION", "none",
            "bss.topics-config.data-topics-mapping[0].ingestion-pattern", "check-none-.*",
            "BUCKET_TIMEOUT", "1s", "BUCKET_RETRIES", "1", "BSS_RETRY_DELAY", "10ms", "BSS_RETRY_DELAY_MAX", "20ms"));
        settings.putAll(bucket);
        return settings;
    }
}
