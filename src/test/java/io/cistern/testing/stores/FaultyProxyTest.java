package io.cistern.testing.stores;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class FaultyProxyTest {

    private static final Predicate<FaultyProxy.Request> ALL = request -> true;

    private final Map<String, byte[]> stored = new ConcurrentHashMap<>();
    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private HttpServer server;
    private FaultyProxy proxy;
    private volatile String host;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::serve);
        server.start();
        proxy = new FaultyProxy(URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/store"));
    }

    @AfterEach
    void stop() {
        proxy.close();
        server.stop(0);
        threads.shutdownNow();
    }

    /** PUT stores a body, GET gives it, with its length, or in chunks where the query says so. */
    private void serve(HttpExchange exchange) throws IOException {
        host = exchange.getRequestHeaders().getFirst("Host");
        String path = exchange.getRequestURI().getPath();
        try (exchange) {
            if (exchange.getRequestMethod().equals("PUT")) {
                stored.put(path, exchange.getRequestBody().readAllBytes());
                exchange.sendResponseHeaders(201, -1);
            } else if (!stored.containsKey(path)) {
                exchange.sendResponseHeaders(404, -1);
            } else if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.sendResponseHeaders(200, -1);
            } else {
                boolean chunked = "chunked".equals(exchange.getRequestURI().getQuery());
                exchange.sendResponseHeaders(200, chunked ? 0 : stored.get(path).length);
                exchange.getResponseBody().write(stored.get(path));
            }
        }
    }

    @Test
    void leavesRequestsAndAnswersAsTheyAreIfThereIsNoFault() throws Exception {
        byte[] bytes = bytes(3_000_000);

        assertThat(put("a", BodyPublishers.ofByteArray(bytes)).statusCode()).isEqualTo(201);
        assertThat(get("a").body()).isEqualTo(bytes);
        assertThat(get("a?chunked").body()).isEqualTo(bytes);
        assertThat(get("missing").statusCode()).isEqualTo(404);
        assertThat(call("HEAD", "a", BodyPublishers.noBody()).statusCode()).isEqualTo(200);
        // A body of unknown length goes in chunks.
        put("b", BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes)));
        assertThat(stored.get("/store/b")).isEqualTo(bytes);

        assertThat(host).isEqualTo("127.0.0.1:" + proxy.address().getPort());
        assertThat(proxy.bytesUp()).isBetween(6_000_000L, 6_010_000L);
        assertThat(proxy.bytesDown()).isBetween(6_000_000L, 6_010_000L);
        assertThat(proxy.requests()).extracting(FaultyProxy.Request::method, FaultyProxy.Request::target)
            .startsWith(tuple("PUT", "/store/a"),
                tuple("GET", "/store/a"),
                tuple("GET", "/store/a?chunked"));
        assertThat(proxy.requests().get(0).headers().get("content-length")).isEqualTo("3000000");
    }

    @Test
    void letsAClientWaitUntilItIsAskedForItsBody() throws Exception {
        HttpRequest request = HttpRequest.newBuilder(uri("a")).expectContinue(true)
            .PUT(BodyPublishers.ofByteArray(bytes(1_000_000))).build();

        assertThat(http.send(request, BodyHandlers.ofByteArray()).statusCode()).isEqualTo(201);

        assertThat(stored.get("/store/a")).isEqualTo(bytes(1_000_000));
        assertThat(proxy.requests().get(0).headers()).containsKey("expect");
    }

    @Test
    void answersWithAStatusAfterTheWholeRequestWasRead() throws Exception {
        proxy.fail(request -> request.method().equals("PUT"), Fault.status(503, "<Error/>", "x-code: SlowDown"), 2);
        byte[] bytes = bytes(5_000_000);

        HttpResponse<byte[]> answer = put("a", BodyPublishers.ofByteArray(bytes));
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.body()).isEqualTo("<Error/>".getBytes(StandardCharsets.UTF_8));
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/xml");
        assertThat(answer.headers().firstValue("x-code")).hasValue("SlowDown");

        assertThat(get("a").statusCode()).as("another method").isEqualTo(404);
        assertThat(put("a", BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes))).statusCode())
            .as("in chunks").isEqualTo(503);
        assertThat(stored).isEmpty();
        assertThat(put("a", BodyPublishers.ofByteArray(bytes)).statusCode()).as("the third time").isEqualTo(201);
    }

    @Test
    void answersAHeadWithAStatusAndNoBody() throws Exception {
        proxy.fail(ALL, Fault.status(500, "{\"error\":1}"), 1);

        HttpResponse<byte[]> answer = call("HEAD", "a", BodyPublishers.noBody());

        assertThat(answer.statusCode()).isEqualTo(500);
        assertThat(answer.body()).isEmpty();
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
    }

    @Test
    void answersAClientThatWaitsToBeAskedForItsBody() throws Exception {
        proxy.fail(ALL, Fault.status(403, "<Error/>"), 1);

        Received received =
            received("PUT /store/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");

        assertThat(received.text()).startsWith("HTTP/1.1 403 ").endsWith("\r\n\r\n<Error/>");
        assertThat(received.reset()).isFalse();
    }

    @Test
    void resetsBeforeTheStoreSeesTheRequest() throws Exception {
        proxy.fail(ALL, Fault.RESET, 1);

        assertThat(received("PUT /store/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"))
            .isEqualTo(new Received("", true));

        assertThat(stored).isEmpty();
        assertThat(put("a", BodyPublishers.ofString("ab")).statusCode()).isEqualTo(201);
    }

    @Test
    void resetsAfterTheStoreHasStored() throws Exception {
        proxy.fail(ALL, Fault.RESET_AFTER_STORING, 1);

        assertThat(received("PUT /store/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"))
            .isEqualTo(new Received("", true));

        assertThat(stored.get("/store/a")).asString().isEqualTo("ab");
        assertThat(get("a").body()).asString().isEqualTo("ab");
    }

    @Test
    void hangsUntilItIsHealed() throws Exception {
        proxy.fail(ALL, Fault.HANG, Integer.MAX_VALUE);
        HttpRequest request = HttpRequest.newBuilder(uri("a")).timeout(Duration.ofMillis(300)).GET().build();
        assertThatThrownBy(() -> http.send(request, BodyHandlers.ofByteArray()))
            .isInstanceOf(HttpTimeoutException.class);

        CompletableFuture<Received> hanging =
            CompletableFuture.supplyAsync(() -> received("GET /store/a HTTP/1.1\r\n\r\n"));
        await().until(() -> proxy.requests().size() == 2);
        assertThat(hanging).isNotDone();
        proxy.heal();

        assertThat(hanging.join()).isEqualTo(new Received("", false));
        assertThat(get("a").statusCode()).isEqualTo(404);
    }

    @Test
    void endsABodyTooEarlyInGoodOrder() throws Exception {
        stored.put("/store/a", bytes(1_000_000));
        proxy.fail(ALL, Fault.truncate(10_000), 2);

        Received received = received("GET /store/a HTTP/1.1\r\nHost: x\r\n\r\n");

        assertThat(received.reset()).isFalse();
        assertThat(received.text()).containsIgnoringCase("Content-length: 1000000");
        assertThat(received.bodyLength()).isEqualTo(10_000);
        assertThatThrownBy(() -> get("a")).isInstanceOf(IOException.class);
        assertThat(get("a").body()).hasSize(1_000_000);
    }

    @Test
    void resetsWithinABody() throws Exception {
        stored.put("/store/a", bytes(1_000_000));
        proxy.fail(ALL, Fault.resetAfter(10_000), 2);

        Received received = received("GET /store/a HTTP/1.1\r\nHost: x\r\n\r\n");

        assertThat(received.reset()).isTrue();
        assertThat(received.bodyLength()).isLessThanOrEqualTo(10_000);
        assertThatThrownBy(() -> get("a")).isInstanceOf(IOException.class);
        assertThat(get("a").body()).hasSize(1_000_000);
    }

    @Test
    void hangsWithinABodyUntilItIsHealed() throws Exception {
        stored.put("/store/a", bytes(1_000_000));
        proxy.fail(ALL, Fault.hangAfter(10_000), 1);

        HttpResponse<InputStream> answer =
            http.send(HttpRequest.newBuilder(uri("a")).build(), BodyHandlers.ofInputStream());
        assertThat(answer.body().readNBytes(10_000)).hasSize(10_000);
        CompletableFuture<Integer> next = CompletableFuture.supplyAsync(() -> {
            try {
                return answer.body().read();
            } catch (IOException e) {
                return -2;
            }
        });
        assertThat(get("a").body()).as("meanwhile").hasSize(1_000_000);
        assertThat(next).isNotDone();
        proxy.heal();

        assertThat(next.join()).isEqualTo(-2);
    }

    @Test
    void answersSlowly() throws Exception {
        proxy.fail(ALL, Fault.slow(Duration.ofSeconds(1)), 1);
        long start = System.nanoTime();

        CompletableFuture<HttpResponse<byte[]>> answer = http.sendAsync(
            HttpRequest.newBuilder(uri("a")).PUT(BodyPublishers.ofString("ab")).build(), BodyHandlers.ofByteArray());

        await().pollInterval(Duration.ofMillis(10)).until(() -> stored.containsKey("/store/a"));
        assertThat(answer).isNotDone();
        assertThat(answer.join().statusCode()).isEqualTo(201);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void refusesConnectionsWhileItIsDown() throws Exception {
        proxy.fail(ALL, Fault.HANG, 1);
        CompletableFuture<Received> open =
            CompletableFuture.supplyAsync(() -> received("GET /store/a HTTP/1.1\r\n\r\n"));
        await().until(() -> proxy.requests().size() == 1);

        proxy.down();

        assertThat(open.join().text()).isEmpty();
        assertThatThrownBy(() -> get("a")).isInstanceOf(ConnectException.class);
        proxy.up();
        assertThat(get("a").statusCode()).isEqualTo(404);
    }

    @Test
    void closesTheClientsConnectionIfTheStoreIsDown() {
        server.stop(0);

        assertThat(received("GET /store/a HTTP/1.1\r\nHost: x\r\n\r\n").text()).isEmpty();
        assertThat(proxy.requests()).hasSize(1);
    }

    @Test
    void takesManyRequestsAtOnce() {
        List<CompletableFuture<Integer>> answers = new Random(1).ints(100, 0, 200_000).boxed()
            .map(size -> http.sendAsync(HttpRequest.newBuilder(uri("many/" + size))
                .PUT(BodyPublishers.ofByteArray(bytes(size))).build(), BodyHandlers.discarding())
                .thenApply(HttpResponse::statusCode))
            .toList();

        assertThat(answers).allSatisfy(answer -> assertThat(answer.join()).isEqualTo(201));
        assertThat(stored).hasSize(100).allSatisfy((path, bytes) -> assertThat(path).endsWith("/" + bytes.length));
        assertThat(proxy.requests()).hasSize(100);
    }

    /** What a plain socket sees. */
    private record Received(String text, boolean reset) {

        int bodyLength() {
            return text.length() - text.indexOf("\r\n\r\n") - 4;
        }
    }

    private Received received(String request) {
        StringBuilder text = new StringBuilder();
        try (Socket socket = new Socket(proxy.address().getHost(), proxy.address().getPort())) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            int next = socket.getInputStream().read();
            while (next >= 0) {
                text.append((char) next);
                next = socket.getInputStream().read();
            }
            return new Received(text.toString(), false);
        } catch (IOException e) {
            return new Received(text.toString(), true);
        }
    }

    private HttpResponse<byte[]> get(String path) throws IOException, InterruptedException {
        return call("GET", path, BodyPublishers.noBody());
    }

    private HttpResponse<byte[]> put(String path, BodyPublisher body) throws IOException, InterruptedException {
        return call("PUT", path, body);
    }

    private HttpResponse<byte[]> call(String method, String path, BodyPublisher body)
        throws IOException, InterruptedException {
        return http.send(HttpRequest.newBuilder(uri(path)).method(method, body).timeout(Duration.ofSeconds(20)).build(),
            BodyHandlers.ofByteArray());
    }

    private URI uri(String path) {
        return URI.create(proxy.address() + "/" + path);
    }

    private static byte[] bytes(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }
}
