package io.cistern.testing.stores;

import com.azure.core.util.BinaryData;
import com.azure.storage.blob.BlobServiceClient;
import com.azure.storage.blob.BlobServiceClientBuilder;
import com.azure.storage.blob.models.BlobErrorCode;
import com.azure.storage.blob.models.BlobItem;
import com.azure.storage.blob.models.BlobStorageException;
import com.azure.storage.blob.sas.BlobContainerSasPermission;
import com.azure.storage.blob.sas.BlobServiceSasSignatureValues;
import io.cistern.testing.Ports;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Azurite: Azure's own emulator of its Blob Storage, with blobs in memory. It needs Node.js. */
public final class AzuriteStore implements TestStore {

    private static final String VERSION = "3.37.0";
    /** Both are the same for everyone, and in Azure's documentation. */
    private static final String ACCOUNT = "devstoreaccount1";
    private static final String KEY =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private final URI endpoint;
    private final StoreProcess process;
    private final BlobServiceClient client;

    private AzuriteStore() {
        Path folder = install();
        int port = Ports.free();
        endpoint = URI.create("http://" + Ports.HOST + ":" + port);
        process = new StoreProcess("azurite");
        process.start(List.of("node", folder.resolve("node_modules/azurite/dist/src/blob/main.js").toString(),
            "--silent", "--disableTelemetry", "--inMemoryPersistence", "--skipApiVersionCheck",
            "--blobHost", Ports.HOST, "--blobPort", String.valueOf(port)), endpoint);
        client = new BlobServiceClientBuilder().connectionString(connectionString(endpoint)).buildClient();
    }

    /** Starts one of its own; its program is fetched by npm if it is not there yet. */
    public static AzuriteStore start() {
        String whyNot = whyNot();
        if (whyNot != null) {
            throw new IllegalStateException("Azurite " + whyNot);
        }
        return new AzuriteStore();
    }

    /** Why it cannot run on this machine; null if it can. */
    public static String whyNot() {
        return Node.whyNotWithNpm();
    }

    private static Path install() {
        Path folder = Installation.folder("azurite");
        Installation.install(folder, VERSION, List.of(Installation.npm(), "install", "--no-audit", "--no-fund",
            "--no-save", "--prefix", folder.toString(), "azurite@" + VERSION));
        return folder;
    }

    @Override
    public String type() {
        return "azure";
    }

    @Override
    public URI endpoint() {
        return endpoint;
    }

    @Override
    public Map<String, String> settings(String bucket, URI endpoint) {
        return Map.of("BUCKET_TYPE", type(), "BUCKET_NAME", bucket, "BUCKET_ENDPOINT", account(endpoint),
            "AZURE_STORAGE_ACCOUNT", ACCOUNT, "AZURE_STORAGE_KEY", KEY);
    }

    @Override
    public Map<String, String> wrongCredentials(String bucket, URI endpoint) {
        Map<String, String> settings = new HashMap<>(settings(bucket, endpoint));
        settings.put("AZURE_STORAGE_KEY",
            Base64.getEncoder().encodeToString("not the key of this account".getBytes(StandardCharsets.UTF_8)));
        return settings;
    }

    /** The connection string of the account at this store's endpoint or at a proxy's. */
    public String connectionString(URI endpoint) {
        return "DefaultEndpointsProtocol=http;AccountName=" + ACCOUNT + ";AccountKey=" + KEY + ";BlobEndpoint="
            + account(endpoint) + ";";
    }

    /**
     * A token for a container, good for a day, without a question mark at its start.
     *
     * @param permissions letters such as {@code racwdl}
     */
    public String sasToken(String bucket, String permissions) {
        return client.getBlobContainerClient(bucket).generateSas(new BlobServiceSasSignatureValues(
            OffsetDateTime.now().plusDays(1), BlobContainerSasPermission.parse(permissions)));
    }

    private static String account(URI endpoint) {
        return endpoint + "/" + ACCOUNT;
    }

    @Override
    public void createBucket(String bucket) {
        client.createBlobContainer(bucket);
    }

    @Override
    public void write(String bucket, String key, byte[] bytes) {
        client.getBlobContainerClient(bucket).getBlobClient(key).upload(BinaryData.fromBytes(bytes), true);
    }

    @Override
    public byte[] read(String bucket, String key) {
        try {
            return client.getBlobContainerClient(bucket).getBlobClient(key).downloadContent().toBytes();
        } catch (BlobStorageException e) {
            if (BlobErrorCode.BLOB_NOT_FOUND.equals(e.getErrorCode())) {
                return null;
            }
            throw e;
        }
    }

    @Override
    public List<String> keys(String bucket) {
        return client.getBlobContainerClient(bucket).listBlobs().stream().map(BlobItem::getName).sorted().toList();
    }

    @Override
    public String errorBody(int status) {
        String code = switch (status) {
            case 400 -> "InvalidHeaderValue";
            case 403 -> "AuthorizationFailure";
            case 404 -> "BlobNotFound";
            case 409 -> "BlobAlreadyExists";
            case 412 -> "ConditionNotMet";
            case 500 -> "InternalError";
            case 503 -> "ServerBusy";
            default -> "OperationTimedOut";
        };
        return "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>" + code + "</Code><Message>Made up by a test"
            + "</Message></Error>";
    }

    @Override
    public void close() {
        process.close();
    }
}
