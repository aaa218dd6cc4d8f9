package io.cistern.bench;

import com.github.luben.zstd.ZstdInputStream;
import com.github.luben.zstd.ZstdOutputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.apache.ApacheHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Object;

/** A folder or an S3 bucket as the hand-written loops use it, told by the same environment variables as Cistern's. */
abstract class HandBucket {

    static HandBucket of(Map<String, String> environment) {
        String name = environment.get("BUCKET_NAME");
        return environment.get("BUCKET_TYPE").equals("file") ? new Folder(Path.of(name)) : new S3(name, environment);
    }

    abstract void put(String path, byte[] bytes, int length) throws IOException;

    /** The paths of a folder's files, sorted. */
    abstract List<String> list(String folder) throws IOException;

    abstract InputStream get(String path) throws IOException;

    static OutputStream compress(String compression, OutputStream out) throws IOException {
        return switch (compression) {
            case "gzip" -> new GZIPOutputStream(out, 8192);
            case "zstd" -> new ZstdOutputStream(out, 3).setChecksum(true);
            default -> out;
        };
    }

    static String extension(String compression) {
        return switch (compression) {
            case "gzip" -> ".gz";
            case "zstd" -> ".zst";
            default -> "";
        };
    }

    /** The text of a file. */
    InputStream open(String path) throws IOException {
        InputStream in = get(path);
        return path.endsWith(".gz") ? new GZIPInputStream(in, 65_536) : path.endsWith(".zst") ? new ZstdInputStream(in) : in;
    }

    private static final class Folder extends HandBucket {

        private final Path root;

        private Folder(Path root) {
            this.root = root;
        }

        @Override
        void put(String path, byte[] bytes, int length) throws IOException {
            Path file = root.resolve(path);
            Path temporary = file.resolveSibling(".writing");
            Files.createDirectories(file.getParent());
            try (FileChannel out = FileChannel.open(temporary, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING)) {
                ByteBuffer rest = ByteBuffer.wrap(bytes, 0, length);
                while (rest.hasRemaining()) {
                    out.write(rest);
                }
                out.force(true);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
        }

        @Override
        List<String> list(String folder) throws IOException {
            try (Stream<Path> files = Files.list(root.resolve(folder))) {
                return files.map(file -> folder + "/" + file.getFileName()).sorted().toList();
            }
        }

        @Override
        InputStream get(String path) throws IOException {
            return Files.newInputStream(root.resolve(path));
        }
    }

    private static final class S3 extends HandBucket {

        private final String bucket;
        private final S3Client client;

        private S3(String bucket, Map<String, String> environment) {
            this.bucket = bucket;
            client = S3Client.builder().endpointOverride(URI.create(environment.get("BUCKET_ENDPOINT"))).forcePathStyle(true)
                .region(Region.of(environment.get("BUCKET_REGION")))
                .credentialsProvider(StaticCredentialsProvider.create(
                    AwsBasicCredentials.create(environment.get("S3_KEY_ID"), environment.get("S3_KEY"))))
                .httpClient(ApacheHttpClient.create()).build();
        }

        @Override
        void put(String path, byte[] bytes, int length) {
            client.putObject(request -> request.bucket(bucket).key(path),
                RequestBody.fromContentProvider(() -> new ByteArrayInputStream(bytes, 0, length), length, "text/plain"));
        }

        @Override
        List<String> list(String folder) {
            return client.listObjectsV2Paginator(request -> request.bucket(bucket).prefix(folder + "/")).contents().stream()
                .map(S3Object::key).sorted().toList();
        }

        @Override
        InputStream get(String path) {
            return client.getObjectAsBytes(request -> request.bucket(bucket).key(path)).asInputStream();
        }
    }
}
