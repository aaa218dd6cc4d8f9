package io.cistern.bucket;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A folder of a million files: names come page by page, so that no more than a page is ever held. */
class MillionNamesTest {

    private static final int NAMES = 1_000_000;
    private static final int PAGE = 1000;

    private final AtomicInteger requests = new AtomicInteger();
    private HttpServer store;

    /** Answers ListObjectsV2 as S3 does, without holding the names either. */
    @BeforeEach
    void startTheStore() throws IOException {
        store = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        store.createContext("/", this::list);
        store.start();
    }

    @AfterEach
    void stopTheStore() {
        store.stop(0);
    }

    private static String name(int number) {
        return "2022-11-14T13:26:37.728Z_orders_0_%07d_1668432398047.txt".formatted(number);
    }

    private void list(HttpExchange exchange) throws IOException {
        requests.incrementAndGet();
        String query = exchange.getRequestURI().getQuery();
        Matcher token = Pattern.compile("(?:^|&)(?:continuation-token=|start-after=orders/.*_0_)(\\d+)").matcher(query);
        int next = token.find() ? Integer.parseInt(token.group(1)) + 1 : 0;
        int end = Math.min(next + PAGE, NAMES);
        StringBuilder answer = new StringBuilder("<ListBucketResult><IsTruncated>").append(end < NAMES)
            .append("</IsTruncated>");
        if (end < NAMES) {
            answer.append("<NextContinuationToken>").append(end - 1).append("</NextContinuationToken>");
        }
        for (int i = next; i < end; i++) {
            answer.append("<Contents><Key>orders/").append(name(i)).append("</Key><Size>8000000</Size></Contents>");
        }
        byte[] bytes = answer.append("</ListBucketResult>").toString().getBytes(UTF_8);
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Test
    void areReadPageByPageAsTheyAreAskedFor() {
        try (TestBucket bucket = new TestBucket(Map.of("BUCKET_TYPE", "s3", "BUCKET_NAME", "archive", "BUCKET_ENDPOINT",
            "http://127.0.0.1:" + store.getAddress().getPort(), "S3_KEY_ID", "id", "S3_KEY", "key"))) {
            Iterator<String> names = bucket.bucket().list("orders", null);
            for (int i = 0; i < NAMES; i++) {
                String name = names.next();
                if (i % PAGE == 0) {
                    assertThat(name).isEqualTo(name(i));
                    assertThat(requests).hasValue(i / PAGE + 1);
                }
            }
            assertThat(names.hasNext()).isFalse();

            // And a listing that starts late asks for nothing before
            requests.set(0);
            Iterator<String> last = bucket.bucket().list("orders", name(998_999));
            assertThat(last.next()).isEqualTo(name(999_000));
            last.forEachRemaining(name -> assertThat(name).isGreaterThan(name(999_000)));
            assertThat(requests).hasValue(1);
        }
    }
}
