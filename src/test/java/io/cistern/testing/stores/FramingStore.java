package io.cistern.testing.stores;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * As much of the S3 protocol as a start-up check needs, by a store that does not know aws-chunked uploads: it keeps the body
 * of a request as it comes, framing included.
 */
public final class FramingStore implements AutoCloseable {

    private static final String EMPTY_LIST = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";

    private final HttpServer server;
    private final SortedMap<String, byte[]> files = new ConcurrentSkipListMap<>();

    public FramingStore() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/", this::answer);
        server.start();
    }

    /** The environment variables by which Cistern reaches it. */
    public Map<String, String> settings() {
        return Map.of("BUCKET_TYPE", "s3", "BUCKET_NAME", "bucket", "S3_KEY_ID", "cistern", "S3_KEY", "only-for-tests",
            "BUCKET_ENDPOINT", URI.create("http://127.0.0.1:" + server.getAddress().getPort()).toString());
    }

    /** The bodies that it has, by their paths with the bucket in front. */
    public SortedMap<String, byte[]> files() {
        return files;
    }

    private void answer(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        String path = exchange.getRequestURI().getPath().substring(1);
        byte[] found = files.get(path);
        switch (exchange.getRequestMethod()) {
            case "PUT" -> {
                boolean isThere = "*".equals(exchange.getRequestHeaders().getFirst("If-None-Match")) && found != null;
                if (!isThere) {
                    files.put(path, body);
                }
                send(exchange, isThere ? 412 : 200, new byte[0]);
            }
            case "DELETE" -> {
                files.remove(path);
                send(exchange, 204, new byte[0]);
            }
            default -> {
                if (path.equals("bucket") || path.equals("bucket/")) {
                    send(exchange, 200, EMPTY_LIST.getBytes(UTF_8));
                } else if (found == null) {
                    send(exchange, 404, "<Error><Code>NoSuchKey</Code></Error>".getBytes(UTF_8));
                } else {
                    send(exchange, 200, found);
                }
            }
        }
    }

    private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.getResponseHeaders().add("Content-Type", "application/xml");
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
