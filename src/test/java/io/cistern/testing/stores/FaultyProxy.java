package io.cistern.testing.stores;

import io.cistern.testing.Ports;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;

/**
 * Stands before a store on this machine and makes faults happen on the wire. Every request has a connection of its own,
 * and the store sees the Host that the client named, as signatures want it.
 */
public final class FaultyProxy implements AutoCloseable {

    /**
     * The head of a request.
     *
     * @param target  path and query as they are sent
     * @param headers found by their names in any case
     */
    public record Request(String method, String target, Map<String, String> headers) {
    }

    private static final class Rule {
        private final Predicate<Request> which;
        private final Fault fault;
        private int times;

        private Rule(Predicate<Request> which, Fault fault, int times) {
            this.which = which;
            this.fault = fault;
            this.times = times;
        }
    }

    private final URI target;
    private final int port = Ports.free();
    private final List<Rule> rules = new ArrayList<>();
    private final List<Request> requests = new ArrayList<>();
    private final Set<Exchange> open = ConcurrentHashMap.newKeySet();
    private final Set<Exchange> faulty = ConcurrentHashMap.newKeySet();
    private final AtomicLong bytesUp = new AtomicLong();
    private final AtomicLong bytesDown = new AtomicLong();
    private ServerSocket listener;

    /** Takes requests at once. */
    public FaultyProxy(URI target) {
        this.target = target;
        up();
    }

    /** The target's address with this proxy's host and port. */
    public URI address() {
        return URI.create("http://" + Ports.HOST + ":" + port + target.getRawPath());
    }

    /** The next requests of this kind meet a fault; of several rules the first one that fits and is left counts. */
    public synchronized void fail(Predicate<Request> which, Fault fault, int times) {
        rules.add(new Rule(which, fault, times));
    }

    /** No faults any more; connections that hang are closed. */
    public synchronized void heal() {
        rules.clear();
        faulty.forEach(Exchange::release);
    }

    /** All requests so far, in the order of their coming, whatever became of them. */
    public synchronized List<Request> requests() {
        return List.copyOf(requests);
    }

    /** How many bytes of requests' bodies went to the store. */
    public long bytesUp() {
        return bytesUp.get();
    }

    /** How many bytes of answers' bodies came from the store. */
    public long bytesDown() {
        return bytesDown.get();
    }

    /** Connections are refused, and those that are open are closed. Does nothing when it is down. */
    public synchronized void down() {
        if (listener != null) {
            try {
                listener.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            listener = null;
            open.forEach(Exchange::close);
        }
    }

    /** Takes requests again, on the same port. Does nothing when it is up. */
    public synchronized void up() {
        if (listener == null) {
            try {
                ServerSocket opened = new ServerSocket();
                opened.setReuseAddress(true);
                opened.bind(new InetSocketAddress(Ports.HOST, port));
                listener = opened;
                thread("listener", () -> listen(opened));
            } catch (IOException e) {
                throw new UncheckedIOException("Cannot listen on port " + port, e);
            }
        }
    }

    @Override
    public void close() {
        down();
    }

    static void thread(String name, Runnable task) {
        Thread thread = new Thread(task, "faulty-proxy-" + name);
        thread.setDaemon(true);
        thread.start();
    }

    private void listen(ServerSocket opened) {
        try {
            while (true) {
                accept(opened, opened.accept());
            }
        } catch (IOException down) {
            return;
        }
    }

    private synchronized void accept(ServerSocket opened, Socket client) throws IOException {
        if (opened.isClosed()) {
            client.close();
            return;
        }
        Exchange exchange = new Exchange(client, target, bytesUp, bytesDown);
        open.add(exchange);
        thread("exchange", () -> serve(exchange));
    }

    private void serve(Exchange exchange) {
        try (exchange) {
            Request request = exchange.request();
            Fault fault = faultOf(request, exchange);
            fault.meet(exchange);
        } catch (IOException clientOrStoreIsGone) {
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(exchange);
            faulty.remove(exchange);
        }
    }

    private synchronized Fault faultOf(Request request, Exchange exchange) {
        requests.add(request);
        for (Rule rule : rules) {
            if (rule.times > 0 && rule.which.test(request)) {
                rule.times -= rule.times == Integer.MAX_VALUE ? 0 : 1;
                faulty.add(exchange);
                return rule.fault;
            }
        }
        return Fault.NONE;
    }
}
