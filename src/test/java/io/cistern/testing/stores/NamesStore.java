package io.cistern.testing.stores;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Answers ListObjectsV2 as S3 does, of folders with more names than anybody wants to hold; files cannot be read. */
public final class NamesStore implements AutoCloseable {

    /** Names of a page. */
    public static final int PAGE = 1000;

    private final HttpServer server;
    private final AtomicInteger requests = new AtomicInteger();
    private final int names;
    private final Map<String, IntFunction<String>> folders;

    /**
     * @param names   how many are in each folder
     * @param folders for each folder, with its slash, what its names are, counted from 0, in order; with their number as
     *                {@code _0_<number>_}
     */
    public NamesStore(int names, Map<String, IntFunction<String>> folders) {
        this.names = names;
        this.folders = folders;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/", this::list);
        server.start();
    }

    /** The settings of this bucket. */
    public Map<String, String> settings() {
        return Map.of("BUCKET_TYPE", "s3", "BUCKET_NAME", "archive", "BUCKET_ENDPOINT",
            "http://127.0.0.1:" + server.getAddress().getPort(), "S3_KEY_ID", "id", "S3_KEY", "key");
    }

    /** Counts what is asked for. */
    public AtomicInteger requests() {
        return requests;
    }

    private void list(HttpExchange exchange) throws IOException {
        requests.incrementAndGet();
        String query = exchange.getRequestURI().getQuery();
        Matcher prefix = Pattern.compile("(?:^|&)prefix=([^&]*)").matcher(query);
        String folder = prefix.find() ? prefix.group(1) : "";
        IntFunction<String> name = folders.get(folder);
        Matcher token = Pattern.compile("(?:^|&)(?:continuation-token=|start-after=[^&]*_0_)(\\d+)").matcher(query);
        int next = token.find() ? Integer.parseInt(token.group(1)) + 1 : 0;
        int end = name == null ? next : Math.min(next + PAGE, names);
        StringBuilder answer = new StringBuilder("<ListBucketResult><IsTruncated>").append(name != null && end < names)
            .append("</IsTruncated>");
        if (name != null && end < names) {
            answer.append("<NextContinuationToken>").append(end - 1).append("</NextContinuationToken>");
        }
        for (int i = next; i < end; i++) {
            answer.append("<Contents><Key>").append(folder).append(name.apply(i)).append("</Key><Size>8000000</Size></Contents>");
        }
        byte[] bytes = answer.append("</ListBucketResult>").toString().getBytes(UTF_8);
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
