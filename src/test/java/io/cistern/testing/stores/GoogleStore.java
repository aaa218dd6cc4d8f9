package io.cistern.testing.stores;

import com.google.auth.oauth2.ServiceAccountCredentials;
import com.google.cloud.ServiceOptions;
import com.google.cloud.storage.Blob;
import com.google.cloud.storage.BlobInfo;
import com.google.cloud.storage.BucketInfo;
import com.google.cloud.storage.Storage;
import com.google.cloud.storage.StorageException;
import com.google.cloud.storage.StorageOptions;
import io.cistern.testing.Ports;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The JSON API of Google Cloud Storage, with objects in memory and service accounts whose signatures are checked: a
 * script of our own after Google's documentation, {@code src/test/stores/google/server.js}. It needs Node.js.
 */
public final class GoogleStore implements TestStore {

    private static final Path SCRIPT = Path.of("src", "test", "stores", "google", "server.js").toAbsolutePath();

    private final URI endpoint;
    private final StoreProcess process;
    private final Storage client;

    private GoogleStore() {
        int port = Ports.free();
        endpoint = URI.create("http://" + Ports.HOST + ":" + port);
        process = new StoreProcess("google");
        // The script ends with its standard input, and so with this JVM, however that ends.
        process.start(List.of("node", SCRIPT.toString(), process.folder().toString(), String.valueOf(port)), endpoint);
        client = client(settings("", endpoint));
    }

    /** Starts one of its own. */
    public static GoogleStore start() {
        String whyNot = whyNot();
        if (whyNot != null) {
            throw new IllegalStateException("The store for Google's protocol " + whyNot);
        }
        return new GoogleStore();
    }

    /** Why it cannot run on this machine; null if it can. */
    public static String whyNot() {
        return Node.whyNot();
    }

    @Override
    public String type() {
        return "google";
    }

    @Override
    public URI endpoint() {
        return endpoint;
    }

    /** Tokens come from the store itself, also where the endpoint is a proxy's. */
    @Override
    public Map<String, String> settings(String bucket, URI endpoint) {
        return Map.of("BUCKET_TYPE", type(), "BUCKET_NAME", bucket, "BUCKET_ENDPOINT", endpoint.toString(),
            "GOOGLE_APPLICATION_CREDENTIALS", process.folder().resolve("service-account.json").toString());
    }

    @Override
    public Map<String, String> wrongCredentials(String bucket, URI endpoint) {
        Map<String, String> settings = new HashMap<>(settings(bucket, endpoint));
        settings.put("GOOGLE_APPLICATION_CREDENTIALS", process.folder().resolve("refused-account.json").toString());
        return settings;
    }

    /** A plain client that tries everything once, with the endpoint and the credentials of settings. */
    static Storage client(Map<String, String> settings) {
        try (InputStream account = Files.newInputStream(Path.of(settings.get("GOOGLE_APPLICATION_CREDENTIALS")))) {
            ServiceAccountCredentials credentials =
                ServiceAccountCredentials.fromStream(account).createWithCustomRetryStrategy(false);
            return StorageOptions.http().setHost(settings.get("BUCKET_ENDPOINT"))
                .setProjectId(credentials.getProjectId()).setCredentials(credentials)
                .setRetrySettings(ServiceOptions.getNoRetrySettings()).build().getService();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void createBucket(String bucket) {
        client.create(BucketInfo.of(bucket));
    }

    @Override
    public void write(String bucket, String key, byte[] bytes) {
        client.create(BlobInfo.newBuilder(bucket, key).build(), bytes);
    }

    @Override
    public byte[] read(String bucket, String key) {
        try {
            return client.readAllBytes(bucket, key);
        } catch (StorageException e) {
            if (e.getCode() == 404 && client.get(bucket) != null) {
                return null;
            }
            throw e;
        }
    }

    @Override
    public List<String> keys(String bucket) {
        return client.list(bucket).streamAll().map(Blob::getName).sorted().toList();
    }

    @Override
    public String errorBody(int status) {
        String reason = switch (status) {
            case 400 -> "invalid";
            case 401 -> "authError";
            case 403 -> "forbidden";
            case 404 -> "notFound";
            case 409 -> "conflict";
            case 412 -> "conditionNotMet";
            case 429 -> "rateLimitExceeded";
            default -> "backendError";
        };
        return """
            {"error":{"code":%d,"message":"Made up by a test","errors":[{"message":"Made up by a test",\
            "domain":"global","reason":"%s"}]}}""".formatted(status, reason);
    }

    @Override
    public void close() {
        process.close();
    }
}
