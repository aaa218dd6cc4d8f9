package io.cistern.testing.stores;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.azure.core.util.BinaryData;
import com.azure.storage.blob.BlobContainerClient;
import com.azure.storage.blob.BlobContainerClientBuilder;
import com.azure.storage.blob.models.BlobStorageException;
import com.azure.storage.common.StorageSharedKeyCredential;
import com.azure.storage.common.policy.RequestRetryOptions;
import com.azure.storage.common.policy.RetryPolicyType;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Exception;

class TestStoresTest {

    private static final List<String> ODD_KEYS = List.of("d/e", "d/f/g.txt", "d0", ".hidden", "a b", "ü", "日本", "😀",
        "a+b", "a%20b", "100%", "a=b&c", "10:20:30", "a?b#c", "a'b\"c", "(a)[b]{c}", "~a", "a*b", "a,b;c", "a@b$c",
        "a<b>c|d^e`f", " a ",
        "2026-01-15T10:00:00.000Z_app.events_0_0_1768471200500.txt.gz");

    private final String bucket = "bucket-" + UUID.randomUUID();

    private static TestStore store(String type) {
        if (type.equals("s3")) {
            return TestStores.s3();
        }
        assumeTrue(AzuriteStore.whyNot() == null, () -> "Azurite " + AzuriteStore.whyNot());
        return TestStores.azure();
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "azure"})
    void keepsBytesUnderAnyKeyAndKnowsWhatIsMissing(String type) {
        TestStore store = store(type);
        store.createBucket(bucket);
        assertThat(store.keys(bucket)).isEmpty();

        ODD_KEYS.forEach(key -> store.write(bucket, key, key.getBytes(StandardCharsets.UTF_8)));

        assertThat(store.keys(bucket)).containsExactlyElementsOf(ODD_KEYS.stream().sorted().toList());
        assertThat(ODD_KEYS).allSatisfy(key -> assertThat(store.read(bucket, key)).asString().isEqualTo(key));
        assertThat(store.read(bucket, "missing")).isNull();
        assertThat(store.read(bucket, "d/missing")).isNull();
        store.write(bucket, "d/e", new byte[0]);
        assertThat(store.read(bucket, "d/e")).as("written again").isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3", "azure"})
    void isReachedThroughAProxyAndRefusesOthers(String type) {
        TestStore store = store(type);
        store.createBucket(bucket);
        byte[] bytes = new byte[1_000_000];
        new Random(1).nextBytes(bytes);

        try (FaultyProxy proxy = new FaultyProxy(store.endpoint())) {
            for (URI endpoint : List.of(store.endpoint(), proxy.address())) {
                String key = "a b/ü+%=&:" + endpoint.getPort();
                write(store.settings(bucket, endpoint), key, bytes);
                assertThat(store.read(bucket, key)).isEqualTo(bytes);
                // A large body may be refused before it is read, and then a client may see no more than a broken pipe.
                assertThatThrownBy(() -> write(store.wrongCredentials(bucket, endpoint), "other", new byte[1]))
                    .satisfies(e -> assertThat(status(e)).isEqualTo(403));
            }
            assertThat(proxy.requests()).hasSize(2);
            // The byte that is refused may not be on its way yet.
            assertThat(proxy.bytesUp()).isGreaterThanOrEqualTo(1_000_000);

            proxy.fail(request -> true, Fault.status(503, store.errorBody(503)), Integer.MAX_VALUE);
            assertThatThrownBy(() -> write(store.settings(bucket, proxy.address()), "other", bytes))
                .satisfies(e -> assertThat(status(e)).isEqualTo(503));
        }
        assertThat(store.read(bucket, "other")).isNull();
    }

    @Test
    void azuriteKnowsConnectionStringsAndTokens() {
        AzuriteStore store = (AzuriteStore) store("azure");
        store.createBucket(bucket);
        BlobContainerClient byString = new BlobContainerClientBuilder()
            .connectionString(store.connectionString(store.endpoint())).containerName(bucket).buildClient();
        byString.getBlobClient("a").upload(BinaryData.fromString("a"));

        String account = store.settings(bucket, store.endpoint()).get("BUCKET_ENDPOINT");
        BlobContainerClient byToken = new BlobContainerClientBuilder().endpoint(account).containerName(bucket)
            .sasToken(store.sasToken(bucket, "rl")).buildClient();
        assertThat(byToken.getBlobClient("a").downloadContent().toString()).isEqualTo("a");
        assertThatThrownBy(() -> byToken.getBlobClient("b").upload(BinaryData.fromString("b")))
            .satisfies(e -> assertThat(status(e)).isEqualTo(403));
    }

    private static int status(Throwable e) {
        return e instanceof S3Exception s3 ? s3.statusCode() : ((BlobStorageException) e).getStatusCode();
    }

    /** Writes with a client that has nothing but the settings, and tries only once. */
    private static void write(Map<String, String> settings, String key, byte[] bytes) {
        if (settings.get("BUCKET_TYPE").equals("azure")) {
            new BlobContainerClientBuilder()
                .endpoint(settings.get("BUCKET_ENDPOINT")).containerName(settings.get("BUCKET_NAME"))
                .credential(new StorageSharedKeyCredential(
                    settings.get("AZURE_STORAGE_ACCOUNT"), settings.get("AZURE_STORAGE_KEY")))
                .retryOptions(new RequestRetryOptions(RetryPolicyType.FIXED, 1, (Integer) null, null, null, null))
                .buildClient().getBlobClient(key).upload(BinaryData.fromBytes(bytes), true);
            return;
        }
        try (S3Client client = S3Client.builder().endpointOverride(URI.create(settings.get("BUCKET_ENDPOINT")))
            .region(Region.of(settings.get("BUCKET_REGION"))).forcePathStyle(true)
            .credentialsProvider(StaticCredentialsProvider.create(
                AwsBasicCredentials.create(settings.get("S3_KEY_ID"), settings.get("S3_KEY"))))
            .overrideConfiguration(configuration -> configuration.retryStrategy(retry -> retry.maxAttempts(1)))
            .httpClient(ApacheHttpClient.create()).build()) {
            client.putObject(request -> request.bucket(settings.get("BUCKET_NAME")).key(key),
                RequestBody.fromBytes(bytes));
        }
    }
}
