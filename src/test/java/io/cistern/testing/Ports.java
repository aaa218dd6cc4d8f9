package io.cistern.testing;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;

/** Free ports of this machine. */
public final class Ports {

    public static final String HOST = "127.0.0.1";

    private Ports() {
    }

    /**
     * A port below the range from which systems give ports to outgoing connections: nobody is given it by chance while
     * its owner is down for a while.
     */
    public static int free() {
        while (true) {
            int candidate = ThreadLocalRandom.current().nextInt(20_000, 32_000);
            try (ServerSocket socket = new ServerSocket()) {
                socket.bind(new InetSocketAddress(HOST, candidate));
                return candidate;
            } catch (IOException taken) {
                continue;
            }
        }
    }
}
