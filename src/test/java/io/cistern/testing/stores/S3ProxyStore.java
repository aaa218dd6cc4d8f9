package io.cistern.testing.stores;

import io.cistern.testing.Ports;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * S3Proxy: the S3 protocol, with its signatures checked, over files in memory or in a folder. It cannot hold both a key
 * {@code d} and a key {@code d/e}. Its libraries would quarrel with those of the tests: it has a process and a pom of its own.
 */
public final class S3ProxyStore implements TestStore {

    private static final Path POM = Path.of("src", "test", "stores", "s3proxy", "pom.xml").toAbsolutePath();
    private static final String KEY_ID = "cistern";
    private static final String KEY = "only-for-tests";
    private static final String REGION = "us-east-1";

    private final URI endpoint = URI.create("http://" + Ports.HOST + ":" + Ports.free());
    private final StoreProcess process;
    private final S3Client client;

    private S3ProxyStore(String files) {
        Path libraries = install();
        process = new StoreProcess("s3proxy");
        Path logback = process.file("logback.xml", """
            <configuration>
              <statusListener class="ch.qos.logback.core.status.NopStatusListener"/>
              <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
                <encoder><pattern>%d %level %logger{0}: %msg%n</pattern></encoder>
              </appender>
              <root level="WARN"><appender-ref ref="out"/></root>
            </configuration>
            """);
        Path properties = process.file("s3proxy.properties", """
            s3proxy.endpoint=%s
            s3proxy.authorization=aws-v2-or-v4
            s3proxy.identity=%s
            s3proxy.credential=%s
            %s
            jclouds.identity=local
            jclouds.credential=local
            """.formatted(endpoint, KEY_ID, KEY, files));
        process.start(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlogback.configurationFile=" + logback,
            "-cp", libraries.resolve("*").toString(), "org.gaul.s3proxy.Main", "--properties", properties.toString()),
            endpoint);
        client = S3Client.builder().endpointOverride(endpoint).forcePathStyle(true).region(Region.of(REGION))
            .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(KEY_ID, KEY)))
            // It closes connections that clients would keep, and a client finds that out by writing to them.
            .overrideConfiguration(all -> all.putHeader("Connection", "close"))
            .httpClient(ApacheHttpClient.create()).build();
    }

    /** Starts one of its own; its program is fetched by Maven if it is not there yet. */
    public static S3ProxyStore start() {
        return new S3ProxyStore("jclouds.provider=transient-nio2");
    }

    /** One that has its files in a folder, since they are more than fit into memory. */
    public static S3ProxyStore start(Path folder) throws IOException {
        Files.createDirectories(folder);
        return new S3ProxyStore("jclouds.provider=filesystem-nio2\njclouds.filesystem.basedir=" + folder);
    }

    private static Path install() {
        Path folder = Installation.folder("s3proxy");
        List<String> command = new ArrayList<>(Installation.maven());
        command.addAll(List.of("-q", "-B", "-ntp", "-f", POM.toString(),
            "org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies",
            "-DincludeScope=runtime", "-DoutputDirectory=" + folder));
        try {
            Installation.install(folder, Files.readString(POM), command);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return folder;
    }

    @Override
    public String type() {
        return "s3";
    }

    @Override
    public URI endpoint() {
        return endpoint;
    }

    @Override
    public Map<String, String> settings(String bucket, URI endpoint) {
        return Map.of("BUCKET_TYPE", type(), "BUCKET_NAME", bucket, "BUCKET_ENDPOINT", endpoint.toString(),
            "BUCKET_REGION", REGION, "S3_KEY_ID", KEY_ID, "S3_KEY", KEY);
    }

    @Override
    public Map<String, String> wrongCredentials(String bucket, URI endpoint) {
        Map<String, String> settings = new HashMap<>(settings(bucket, endpoint));
        settings.put("S3_KEY", "not-the-key");
        return settings;
    }

    @Override
    public void createBucket(String bucket) {
        client.createBucket(request -> request.bucket(bucket));
    }

    @Override
    public void write(String bucket, String key, byte[] bytes) {
        client.putObject(request -> request.bucket(bucket).key(key), RequestBody.fromBytes(bytes));
    }

    @Override
    public byte[] read(String bucket, String key) {
        try {
            return client.getObjectAsBytes(request -> request.bucket(bucket).key(key)).asByteArray();
        } catch (NoSuchKeyException e) {
            return null;
        }
    }

    @Override
    public List<String> keys(String bucket) {
        return client.listObjectsV2Paginator(request -> request.bucket(bucket)).contents().stream()
            .map(S3Object::key).sorted().toList();
    }

    @Override
    public String errorBody(int status) {
        String code = switch (status) {
            case 400 -> "InvalidRequest";
            case 403 -> "AccessDenied";
            case 404 -> "NoSuchKey";
            case 409 -> "OperationAborted";
            case 412 -> "PreconditionFailed";
            case 501 -> "NotImplemented";
            case 503 -> "SlowDown";
            default -> "InternalError";
        };
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code + "</Code><Message>Made up by a test"
            + "</Message><RequestId>0123456789ABCDEF</RequestId></Error>";
    }

    @Override
    public void close() {
        client.close();
        process.close();
    }
}
