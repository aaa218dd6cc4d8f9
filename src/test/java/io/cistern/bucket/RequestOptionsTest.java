package io.cistern.bucket;

import static org.assertj.core.api.Assertions.assertThat;

import com.azure.storage.blob.BlobServiceClientBuilder;
import com.azure.storage.blob.models.AccessTier;
import com.google.cloud.storage.Storage;
import com.google.cloud.storage.StorageClass;
import io.cistern.testing.stores.AzuriteStore;
import io.cistern.testing.stores.Fault;
import io.cistern.testing.stores.FaultyProxy;
import io.cistern.testing.stores.FaultyProxy.Request;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import java.io.IOException;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.services.s3.S3Client;

/** What the backends' settings make of the requests, as they are on the wire. */
class RequestOptionsTest {

    private static final int LARGE = (5 << 20) + 1;

    private final String name = "options-" + UUID.randomUUID();

    @Test
    void s3CreatesOnlyAndSendsAChecksum() throws IOException {
        List<Request> small = s3Puts(10);
        assertThat(small).singleElement().satisfies(put -> {
            assertThat(put.method()).isEqualTo("PUT");
            assertThat(put.headers()).containsEntry("If-None-Match", "*");
            assertChecksum(put);
        });

        List<Request> large = s3Puts(LARGE);
        assertThat(large).extracting(RequestOptionsTest::s3Operation)
            .containsExactly("CreateMultipartUpload", "UploadPart", "UploadPart", "CompleteMultipartUpload");
        assertThat(large.get(3).headers()).containsEntry("If-None-Match", "*");
        assertThat(large.subList(0, 3)).noneMatch(request -> request.headers().containsKey("If-None-Match"));
        large.subList(1, 3).forEach(RequestOptionsTest::assertChecksum);
    }

    @Test
    void s3CreatesWithoutAConditionOrAChecksumWhereTheStoreCannotDoIt() throws IOException {
        for (int size : new int[] {10, LARGE}) {
            for (Request request : s3Puts(size, "S3_CREATE_ONLY", "false", "S3_CHECKSUMS", "when-required")) {
                assertThat(request.headers()).doesNotContainKey("If-None-Match").doesNotContainKey("x-amz-trailer");
                assertThat(request.headers().keySet()).noneMatch(header -> header.toLowerCase().contains("checksum"));
            }
        }
        // Neither takes the other along
        assertThat(s3Puts(10, "S3_CREATE_ONLY", "false")).singleElement().satisfies(RequestOptionsTest::assertChecksum);
        assertThat(s3Puts(10, "S3_CHECKSUMS", "when-required").get(0).headers()).containsEntry("If-None-Match", "*");
    }

    @Test
    void s3SaysNothingOfClassKeysOwnerAndTagsByDefault() throws IOException {
        for (int size : new int[] {10, LARGE}) {
            for (Request request : s3Puts(size)) {
                assertThat(request.headers().keySet()).noneMatch(header -> header.toLowerCase().matches(
                    "x-amz-(storage-class|server-side.*|expected-bucket-owner|tagging|acl)"));
            }
        }
    }

    @Test
    void s3StoresInAClassWithTagsAndEncrypted() throws IOException {
        Map<String, String> expected = Map.of("x-amz-storage-class", "GLACIER_IR", "x-amz-tagging", "team=a&kind=archive",
            "x-amz-server-side-encryption", "AES256");
        for (int size : new int[] {10, LARGE}) {
            List<Request> requests = s3Puts(size, "BUCKET_STORAGE_CLASS", "GLACIER_IR", "S3_TAGS", "team=a&kind=archive",
                "S3_SSE", "true");
            assertThat(requests.get(0).headers()).containsAllEntriesOf(expected);
            for (Request other : requests.subList(1, requests.size())) {
                assertThat(other.headers()).doesNotContainKeys(expected.keySet().toArray(String[]::new));
            }
        }
    }

    @Test
    void s3EncryptsWithAKeyOfItsOwn() throws IOException {
        for (int size : new int[] {10, LARGE}) {
            assertThat(s3Puts(size, "S3_KMS_KEY_ID", "alias/archive").get(0).headers())
                .containsEntry("x-amz-server-side-encryption", "aws:kms")
                .containsEntry("x-amz-server-side-encryption-aws-kms-key-id", "alias/archive");
        }
    }

    @Test
    void s3IsToldTheOwnerWithEveryRequest() throws IOException {
        try (FaultyProxy proxy = s3(); TestBucket opened = open(TestStores.s3(), proxy, "S3_BUCKET_OWNER", "123456789012")) {
            opened.bucket().check(true);
            opened.bucket().put("orders/large.txt", BucketContract.content(BucketContract.bytes(LARGE)));
            assertThat(proxy.requests()).extracting(RequestOptionsTest::s3Operation).containsExactly("ListObjectsV2",
                "GetObject", "PutObject", "CreateMultipartUpload", "UploadPart", "UploadPart", "CompleteMultipartUpload");
            assertThat(proxy.requests()).allSatisfy(request ->
                assertThat(request.headers()).containsEntry("x-amz-expected-bucket-owner", "123456789012"));
        }
    }

    @Test
    void s3ListsBehindANamePageByPage() throws IOException {
        try (FaultyProxy proxy = s3(); TestBucket opened = open(TestStores.s3(), proxy)) {
            proxy.heal();
            proxy.fail(request -> !request.target().contains("continuation-token"), Fault.status(200, """
                <ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>to ken+1</NextContinuationToken>
                <Contents><Key>orders/b.txt</Key></Contents></ListBucketResult>"""), 1);
            proxy.fail(request -> true, Fault.status(200, """
                <ListBucketResult><IsTruncated>false</IsTruncated>
                <Contents><Key>orders/c.txt</Key></Contents></ListBucketResult>"""), 1);

            assertThat(BucketContract.all(opened.bucket().list("orders", "a b.txt"))).containsExactly("b.txt", "c.txt");

            assertThat(proxy.requests()).hasSize(2).allSatisfy(request -> assertThat(request.target())
                .startsWith("/" + name + "?").contains("list-type=2", "delimiter=%2F", "prefix=orders%2F"));
            assertThat(proxy.requests().get(0).target()).contains("start-after=orders%2Fa%20b.txt")
                .doesNotContain("continuation-token");
            assertThat(proxy.requests().get(1).target()).contains("continuation-token=to%20ken%2B1");
        }
    }

    @Test
    void s3HasTheBucketInThePathOrInTheHost() {
        assertThat(s3Url("BUCKET_ENDPOINT", "http://store:9000")).isEqualTo("http://store:9000/" + name + "/a");
        assertThat(s3Url("BUCKET_ENDPOINT", "http://store:9000", "S3_PATH_STYLE", "false"))
            .isEqualTo("http://" + name + ".store:9000/a");
        assertThat(s3Url("BUCKET_ENDPOINT", "")).isEqualTo("https://" + name + ".s3.amazonaws.com/a");
        assertThat(s3Url("BUCKET_ENDPOINT", "", "S3_PATH_STYLE", "true", "BUCKET_REGION", "eu-central-1"))
            .isEqualTo("https://s3.eu-central-1.amazonaws.com/" + name + "/a");
    }

    @Test
    void azureCreatesOnlyWithAChecksumInATier() throws IOException {
        AzuriteStore store = azure();
        for (int size : new int[] {10, LARGE}) {
            try (FaultyProxy proxy = new FaultyProxy(store.endpoint());
                TestBucket opened = open(store, proxy, "BUCKET_STORAGE_CLASS", "Cool")) {
                opened.bucket().put("orders/" + size, BucketContract.content(BucketContract.bytes(size)));

                List<Request> requests = proxy.requests();
                Request last = requests.get(requests.size() - 1);
                assertThat(last.headers()).containsEntry("If-None-Match", "*").containsEntry("x-ms-access-tier", "Cool");
                assertThat(requests).hasSize(size == LARGE ? 3 : 1);
                assertThat(last.target().contains("comp=blocklist")).isEqualTo(size == LARGE);
                for (Request bytes : requests.subList(0, Math.max(1, requests.size() - 1))) {
                    assertThat(bytes.target().contains("comp=block&")).isEqualTo(size == LARGE);
                    assertThat(bytes.headers()).containsKey("Content-MD5");
                }
            }
            assertThat(azureTier(store, "orders/" + size)).isEqualTo(AccessTier.COOL);
        }
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint()); TestBucket opened = open(store, proxy)) {
            opened.bucket().put("orders/default", BucketContract.content(BucketContract.bytes(10)));
            assertThat(proxy.requests()).singleElement().satisfies(request ->
                assertThat(request.headers()).doesNotContainKey("x-ms-access-tier"));
        }
        assertThat(azureTier(store, "orders/default")).isEqualTo(AccessTier.HOT);
    }

    @Test
    void azureListsPageByPage() throws IOException {
        AzuriteStore store = azure();
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint()); TestBucket opened = open(store, proxy)) {
            assertThat(BucketContract.all(opened.bucket().list("orders", "a.txt"))).isEmpty();
            assertThat(proxy.requests()).singleElement().satisfies(request -> assertThat(request.target())
                .contains("comp=list", "prefix=orders/", "delimiter=/", "maxresults=1000"));
        }
    }

    @Test
    void googleCreatesOnlyInAClass() throws IOException {
        TestStore store = google();
        for (int size : new int[] {10, LARGE}) {
            try (FaultyProxy proxy = new FaultyProxy(store.endpoint());
                TestBucket opened = open(store, proxy, "BUCKET_STORAGE_CLASS", "NEARLINE")) {
                opened.bucket().put("orders/" + size, BucketContract.content(BucketContract.bytes(size)));

                assertThat(proxy.requests().get(0).method()).isEqualTo("POST");
                assertThat(proxy.requests().get(0).target()).contains("ifGenerationMatch=0",
                    size == LARGE ? "uploadType=resumable" : "uploadType=multipart");
                assertThat(opened.context().getRegistry().lookupByNameAndType("google", Storage.class)
                    .get(name, "orders/" + size).getStorageClass()).isEqualTo(StorageClass.NEARLINE);
            }
        }
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint()); TestBucket opened = open(store, proxy)) {
            opened.bucket().put("orders/default", BucketContract.content(BucketContract.bytes(10)));
            assertThat(opened.context().getRegistry().lookupByNameAndType("google", Storage.class)
                .get(name, "orders/default").getStorageClass()).isEqualTo(StorageClass.STANDARD);
        }
    }

    @Test
    void googleListsBehindANamePageByPage() throws IOException {
        TestStore store = google();
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint()); TestBucket opened = open(store, proxy)) {
            assertThat(BucketContract.all(opened.bucket().list("orders", "a.txt"))).isEmpty();
            assertThat(proxy.requests()).singleElement().satisfies(request -> assertThat(request.target())
                .contains("startOffset=orders/a.txt", "prefix=orders/", "delimiter=/", "maxResults=1000"));
        }
    }

    /** The requests of a put. */
    private List<Request> s3Puts(int size, String... settings) throws IOException {
        try (FaultyProxy proxy = s3(); TestBucket opened = open(TestStores.s3(), proxy, settings)) {
            opened.bucket().put("orders/a.txt", BucketContract.content(BucketContract.bytes(size)));
            return proxy.requests();
        }
    }

    /** Answers as S3 does, and also to what not every store knows. */
    private static FaultyProxy s3() {
        FaultyProxy proxy = new FaultyProxy(TestStores.s3().endpoint());
        Map.of("CreateMultipartUpload", "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>",
            "CompleteMultipartUpload", "<CompleteMultipartUploadResult><ETag>\"2\"</ETag></CompleteMultipartUploadResult>",
            "ListObjectsV2", "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
            "UploadPart", "", "PutObject", "", "GetObject", "")
            .forEach((operation, answer) -> proxy.fail(request -> s3Operation(request).equals(operation),
                Fault.status(200, answer, "ETag: \"3\""), Integer.MAX_VALUE));
        return proxy;
    }

    private static String s3Operation(Request request) {
        String target = request.target();
        return switch (request.method()) {
            case "POST" -> target.endsWith("?uploads") || target.contains("uploads=") ? "CreateMultipartUpload"
                : "CompleteMultipartUpload";
            case "PUT" -> target.contains("partNumber=") ? "UploadPart" : "PutObject";
            case "GET" -> target.contains("list-type=2") ? "ListObjectsV2" : "GetObject";
            default -> request.method();
        };
    }

    private static void assertChecksum(Request request) {
        assertThat(request.headers()).containsEntry("x-amz-sdk-checksum-algorithm", "CRC32");
        // In the head, or behind the body
        assertThat(request.headers().containsKey("x-amz-checksum-crc32")
            || "x-amz-checksum-crc32".equals(request.headers().get("x-amz-trailer"))).isTrue();
    }

    private String s3Url(String... settings) {
        try (TestBucket opened = new TestBucket(all(TestStores.s3().settings(name, URI.create("http://unused")), settings))) {
            return opened.context().getRegistry().lookupByNameAndType("s3", S3Client.class).utilities()
                .getUrl(url -> url.bucket(name).key("a")).toString();
        }
    }

    private AzuriteStore azure() {
        TestStores.azure().createBucket(name);
        return TestStores.azure();
    }

    private AccessTier azureTier(AzuriteStore store, String key) {
        return new BlobServiceClientBuilder().connectionString(store.connectionString(store.endpoint())).buildClient()
            .getBlobContainerClient(name).getBlobClient(key).getProperties().getAccessTier();
    }

    private TestStore google() {
        TestStores.google().createBucket(name);
        return TestStores.google();
    }

    private TestBucket open(TestStore store, FaultyProxy proxy, String... settings) {
        return new TestBucket(all(store.settings(name, proxy.address()), settings));
    }

    private static Map<String, String> all(Map<String, String> store, String... more) {
        Map<String, String> settings = new HashMap<>(store);
        settings.putAll(Map.of("BUCKET_PART_SIZE", "5MB", "BUCKET_TIMEOUT", "10s", "BUCKET_RETRIES", "0"));
        for (int i = 0; i < more.length; i += 2) {
            settings.put(more[i], more[i + 1]);
        }
        return settings;
    }
}
