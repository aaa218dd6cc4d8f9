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
import org.apache.kafka.common.protocol.ApiKeys;

/**
 * Stands before a broker that does not answer requests of one kind, nor any behind them on the same connection. A request
 * is its size in four bytes, and begins with two that say of which kind it is
 * (<a href="https://kafka.apache.org/protocol#protocol_messages">Kafka's protocol</a>).
 */
public final class KafkaRelay implements AutoCloseable {

    private final int port = Ports.free();
    private final ServerSocket listener = new ServerSocket();
    private final Set<Closeable> open = ConcurrentHashMap.newKeySet();
    private final int target;
    private final ApiKeys unanswered;

    private KafkaRelay(int target, ApiKeys unanswered) throws IOException {
        this.target = target;
        this.unanswered = unanswered;
        listener.bind(new InetSocketAddress(Ports.HOST, port));
        thread(this::listen);
    }

    /** Takes connections at once; the broker tells its clients to come here, from its start on. */
    public static KafkaRelay before(EmbeddedKafka broker, ApiKeys unanswered) throws IOException {
        KafkaRelay relay = new KafkaRelay(broker.port(), unanswered);
        broker.set("advertised.listeners", "PLAINTEXT://" + Ports.HOST + ":" + relay.port);
        return relay;
    }

    private void listen() throws IOException {
        while (true) {
            Socket client = listener.accept();
            Socket broker = new Socket(Ports.HOST, target);
            open.add(client);
            open.add(broker);
            thread(() -> {
                try (client; broker) {
                    sendOn(new DataInputStream(client.getInputStream()), new DataOutputStream(broker.getOutputStream()));
                }
            });
            thread(() -> {
                try (client; broker) {
                    broker.getInputStream().transferTo(client.getOutputStream());
                }
            });
        }
    }

    private void sendOn(DataInputStream from, DataOutputStream to) throws IOException {
        while (true) {
            byte[] request = new byte[from.readInt()];
            from.readFully(request);
            if (ByteBuffer.wrap(request).getShort() == unanswered.id) {
                from.transferTo(OutputStream.nullOutputStream());
                return;
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
