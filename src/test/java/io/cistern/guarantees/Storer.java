package io.cistern.guarantees;

import io.cistern.testing.Ports;

/**
 * A storer's process as an orchestrator runs it: while it is wanted it is started again when it has ended. It also
 * looks at what the process says of its memory.
 */
final class Storer {

    private static final String HELD = "cistern_held_bytes";

    private final String name;
    private final int port = Ports.free();
    private final Child process;
    private final Evidence evidence;
    private boolean wanted;
    private boolean frozen;
    /** Whether this start of it has come so far as to store. */
    private volatile boolean ready;

    Storer(String name, Cluster cluster, Evidence evidence) {
        this.name = name;
        this.evidence = evidence;
        this.process = cluster.role(name, port);
    }

    Child process() {
        return process;
    }

    synchronized boolean isReady() {
        return ready && !frozen && process.isAlive();
    }

    synchronized boolean isWanted() {
        return wanted;
    }

    /** It shall run from now on. */
    synchronized void want() {
        wanted = true;
    }

    /** It ends at once, and is not started again before it is wanted. */
    synchronized void kill() {
        wanted = false;
        ready = false;
        frozen = false;
        process.kill();
    }

    /** It ends in good order, killed if it has not come to store yet, and is not started again before it is wanted. */
    void stop() {
        synchronized (this) {
            if (!isReady()) {
                kill();
                return;
            }
            wanted = false;
            ready = false;
        }
        evidence.checked(Promise.LAG_GOES_TO_ZERO, 1);
        if (!process.stop(Cluster.STOP_TIMEOUT.plusSeconds(10))) {
            evidence.broken(Promise.LAG_GOES_TO_ZERO, name + " did not stop within " + Cluster.STOP_TIMEOUT
                + " and the ten seconds beyond: see " + process.folder());
        }
    }

    synchronized void freeze() {
        if (process.isAlive()) {
            frozen = true;
            process.freeze();
        }
    }

    synchronized void thaw() {
        if (frozen) {
            process.thaw();
            frozen = false;
        }
    }

    /** Starts it if it should run and does not; asks it for its memory. To be called about every second. */
    void look() {
        synchronized (this) {
            if (!wanted || frozen) {
                return;
            }
            if (!process.isAlive()) {
                if (ready) {
                    evidence.broken(Promise.BOUNDED_MEMORY, name + " ended by itself with code " + process.exitCode()
                        + ": see " + process.folder());
                }
                ready = false;
                process.start();
                return;
            }
        }
        if (!ready && Cluster.isReady(port)) {
            synchronized (this) {
                ready = wanted && process.isAlive();
            }
        }
        String metrics = ready ? Cluster.get(port, "/actuator/prometheus") : null;
        if (metrics != null) {
            metrics.lines().filter(line -> line.startsWith(HELD)).forEach(this::held);
        }
    }

    private void held(String line) {
        double bytes = Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
        evidence.checked(Promise.BOUNDED_MEMORY, 1);
        if (bytes > Cluster.MAX_CACHE_SIZE) {
            evidence.broken(Promise.BOUNDED_MEMORY, name + " holds " + (long) bytes + " bytes");
        }
    }

    /** At the end of a round: whether memory ever ran out. */
    void checkOutput() {
        if (process.output().contains("OutOfMemoryError")) {
            evidence.broken(Promise.BOUNDED_MEMORY, name + " ran out of memory: see " + process.folder());
        }
    }
}
