package io.cistern.testing.stores;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One request and its answer on their way through a {@link FaultyProxy}, with a connection of their own on either side.
 * After the heads nothing is interpreted: who reads the client's bytes ({@link #readClient}) sends them on until the
 * client is gone, while the proxy's thread of this connection sends the store's bytes back until the store closes.
 */
final class Exchange implements AutoCloseable {

    private static final int HEAD_LIMIT = 1 << 20;
    private static final Duration LINGER = Duration.ofSeconds(5);

    private final Socket client;
    private final InputStream fromClient;
    private final URI target;
    private final AtomicLong bytesUp;
    private final AtomicLong bytesDown;
    private final CountDownLatch released = new CountDownLatch(1);
    private final CountDownLatch closed = new CountDownLatch(1);
    private List<String> head;
    private FaultyProxy.Request request;
    private Socket store;
    private boolean clientIsRead;

    Exchange(Socket client, URI target, AtomicLong bytesUp, AtomicLong bytesDown) throws IOException {
        client.setTcpNoDelay(true);
        this.client = client;
        this.fromClient = new BufferedInputStream(client.getInputStream());
        this.target = target;
        this.bytesUp = bytesUp;
        this.bytesDown = bytesDown;
    }

    /** Reads the request's head. */
    FaultyProxy.Request request() throws IOException {
        head = readHead(fromClient);
        String[] words = head.get(0).split(" ");
        Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        for (String line : head.subList(1, head.size())) {
            headers.put(name(line), line.substring(line.indexOf(':') + 1).strip());
        }
        request = new FaultyProxy.Request(words[0], words[1], Collections.unmodifiableMap(headers));
        return request;
    }

    /** Sends the request to the store; its body goes on its way by itself. */
    void forward() throws IOException {
        synchronized (this) {
            if (closed.getCount() == 0) {
                throw new EOFException("Closed");
            }
            store = new Socket(target.getHost(), target.getPort());
        }
        store.setTcpNoDelay(true);
        writeHead(store.getOutputStream(), head);
        readClient(store.getOutputStream());
    }

    /** Sends the store's answer to the client, and no more than this many bytes of its body. */
    void answer(long limit) throws IOException {
        InputStream fromStore = new BufferedInputStream(store.getInputStream());
        OutputStream toClient = client.getOutputStream();
        writeHead(toClient, readAnswer(fromStore));
        pump(fromStore, toClient, limit, bytesDown);
    }

    /** Sends an answer that is not the store's. */
    void answer(int code, String body, List<String> headers) throws IOException {
        byte[] content = request.method().equals("HEAD") ? new byte[0] : body.getBytes(StandardCharsets.UTF_8);
        List<String> answer = new ArrayList<>(List.of("HTTP/1.1 " + code + " Made up",
            "Content-Type: application/" + (body.startsWith("{") ? "json" : "xml"),
            "Content-Length: " + content.length));
        answer.addAll(headers);
        writeHead(client.getOutputStream(), answer);
        client.getOutputStream().write(content);
    }

    /** Reads the store's answer to its end. */
    void loseAnswer() throws IOException {
        InputStream fromStore = new BufferedInputStream(store.getInputStream());
        readAnswer(fromStore);
        fromStore.transferTo(OutputStream.nullOutputStream());
    }

    /** Reads the request's body to its end, unless the client waits to be asked for it. */
    void readRequest() throws IOException {
        Map<String, String> headers = request.headers();
        if (headers.containsKey("Expect")) {
            return;
        }
        if (headers.getOrDefault("Transfer-Encoding", "").equalsIgnoreCase("chunked")) {
            long size;
            do {
                size = Long.parseLong(readLine(fromClient).split(";")[0].strip(), 16);
                fromClient.skipNBytes(size);
                // After the last chunk there may be lines of a trailer before the empty one.
                while (!readLine(fromClient).isEmpty()) {
                    continue;
                }
            } while (size > 0);
        } else {
            fromClient.skipNBytes(Long.parseLong(headers.getOrDefault("Content-Length", "0")));
        }
    }

    /** Leaves the client's connection open until it is released, or closed by the client or from elsewhere. */
    void hang() throws InterruptedException {
        readClient(OutputStream.nullOutputStream());
        released.await();
    }

    /** Hangs no more. */
    void release() {
        released.countDown();
    }

    void pause(Duration duration) throws InterruptedException {
        closed.await(duration.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Ends the answer; what the client still sends is read, for a connection closed on unread bytes would be reset. */
    void finish() throws IOException, InterruptedException {
        client.shutdownOutput();
        readClient(OutputStream.nullOutputStream());
        pause(LINGER);
    }

    /** Closes the client's connection so that the client sees a reset. */
    void reset() throws IOException {
        client.setSoLinger(true, 0);
        close();
    }

    @Override
    public synchronized void close() {
        released.countDown();
        closed.countDown();
        closeQuietly(client);
        closeQuietly(store);
    }

    private static void closeQuietly(Socket socket) {
        if (socket != null) {
            try {
                socket.close();
            } catch (IOException e) {
                // It is of no use any more.
                return;
            }
        }
    }

    /** From now on, what the client sends goes there, until it is gone. Does nothing when it goes somewhere already. */
    private void readClient(OutputStream destination) {
        if (clientIsRead) {
            return;
        }
        clientIsRead = true;
        FaultyProxy.thread("client", () -> {
            try {
                pump(fromClient, destination, Long.MAX_VALUE, bytesUp);
                close();
            } catch (IOException gone) {
                close();
            }
        });
    }

    /** Sends bytes on until there are no more; those that their receiver does not want are read nevertheless. */
    private static void pump(InputStream from, OutputStream to, long limit, AtomicLong count) throws IOException {
        byte[] buffer = new byte[16384];
        long left = limit;
        boolean wanted = true;
        while (left > 0) {
            int read = from.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (read < 0) {
                return;
            }
            left -= read;
            if (wanted) {
                try {
                    to.write(buffer, 0, read);
                    count.addAndGet(read);
                } catch (IOException e) {
                    wanted = false;
                }
            }
        }
    }

    /** The head of the store's answer; if the store asks for the body first, the client is told. */
    private List<String> readAnswer(InputStream fromStore) throws IOException {
        List<String> answer = readHead(fromStore);
        while (answer.get(0).split(" ")[1].startsWith("1")) {
            client.getOutputStream().write(bytes(answer));
            answer = readHead(fromStore);
        }
        return answer;
    }

    /** The lines of a head, the first one first, without the empty one at its end. */
    private static List<String> readHead(InputStream in) throws IOException {
        List<String> lines = new ArrayList<>();
        String line = readLine(in);
        while (!line.isEmpty()) {
            lines.add(line);
            line = readLine(in);
        }
        if (lines.isEmpty()) {
            throw new EOFException("No head");
        }
        return lines;
    }

    private static String readLine(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        int next = in.read();
        while (next != '\n') {
            if (next < 0 || line.size() > HEAD_LIMIT) {
                throw new EOFException("No end of line");
            }
            line.write(next);
            next = in.read();
        }
        return line.toString(StandardCharsets.ISO_8859_1).stripTrailing();
    }

    /** Writes a head, with the connection's end announced: so each request has a connection, and passes here. */
    private static void writeHead(OutputStream out, List<String> head) throws IOException {
        List<String> lines = new ArrayList<>(head);
        lines.removeIf(line -> name(line).equalsIgnoreCase("Connection") || name(line).equalsIgnoreCase("Keep-Alive"));
        lines.add("Connection: close");
        out.write(bytes(lines));
    }

    private static byte[] bytes(List<String> head) {
        return (String.join("\r\n", head) + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1);
    }

    private static String name(String line) {
        return line.substring(0, Math.max(0, line.indexOf(':')));
    }
}
