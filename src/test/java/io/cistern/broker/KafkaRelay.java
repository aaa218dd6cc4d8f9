package io.cistern.broker;

import io.cistern.testing.Ports;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.common.protocol.ApiKeys;

/**
 * Stands before a broker that does not answer requests of one kind, nor any behind them on the same connection, until
 * {@link #answer}. Either the request never arrives at the broker, or its answer is lost. A request
 * is its size in four bytes, and begins with two that say of which kind it is
 * (<a href="https://kafka.apache.org/protocol#protocol_messages">Kafka's protocol</a>).
 */
public final class KafkaRelay implements AutoCloseable {

    private final int port = Ports.free();
    private final ServerSocket listener = new ServerSocket();
    private final Set<Closeable> open = ConcurrentHashMap.newKeySet();
    private final int target;
    private final ApiKeys unanswered;
    private final Lost lost;
    private volatile boolean answers;

    /** What is lost: the request, or its answer. */
    public enum Lost { REQUEST, ANSWER }

    private KafkaRelay(int target, ApiKeys unanswered, Lost lost) throws IOException {
        this.target = target;
        this.unanswered = unanswered;
        this.lost = lost;
        listener.bind(new InetSocketAddress(Ports.HOST, port));
        thread(this::listen);
    }

    /** Takes connections at once; the broker tells its clients to come here, from its start on. */
    public static KafkaRelay before(EmbeddedKafka broker, ApiKeys unanswered) throws IOException {
        return before(broker, unanswered, Lost.REQUEST);
    }

    public static KafkaRelay before(EmbeddedKafka broker, ApiKeys unanswered, Lost lost) throws IOException {
        KafkaRelay relay = new KafkaRelay(broker.port(), unanswered, lost);
        broker.set("advertised.listeners", "PLAINTEXT://" + Ports.HOST + ":" + relay.port);
        return relay;
    }

    public String bootstrapServers() {
        return Ports.HOST + ":" + port;
    }

    /** Lets all requests and answers through from now on, on connections on which none was lost. */
    public void answer() {
        answers = true;
    }

    private void listen() throws IOException {
        while (true) {
            Socket client = listener.accept();
            Socket broker = new Socket(Ports.HOST, target);
            open.add(client);
            open.add(broker);
            AtomicBoolean isSilent = new AtomicBoolean();
            thread(() -> {
                try (client; broker) {
                    sendOn(new DataInputStream(client.getInputStream()), new DataOutputStream(broker.getOutputStream()), isSilent);
                }
            });
            thread(() -> {
                try (client; broker) {
                    byte[] bytes = new byte[8192];
                    for (int read = broker.getInputStream().read(bytes); read >= 0; read = broker.getInputStream().read(bytes)) {
                        if (!isSilent.get()) {
                            client.getOutputStream().write(bytes, 0, read);
                        }
                    }
                }
            });
        }
    }

    private void sendOn(DataInputStream from, DataOutputStream to, AtomicBoolean isSilent) throws IOException {
        while (true) {
            byte[] request = new byte[from.readInt()];
            from.readFully(request);
            if (!answers && ByteBuffer.wrap(request).getShort() == unanswered.id) {
                if (lost == Lost.REQUEST) {
                    from.transferTo(OutputStream.nullOutputStream());
                    return;
                }
                isSilent.set(true);
            }
            to.writeInt(request.length);
            to.write(request);
            to.flush();
        }
    }

    private interface Task {
        void run() throws IOException;
    }

    private static void thread(Task task) {
        Thread thread = new Thread(() -> {
            try {
                task.run();
            } catch (IOException closed) {
                return;
            }
        }, "kafka-relay");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Closeable each : open) {
            each.close();
        }
    }
}
