package io.cistern.guarantees;

import io.cistern.guarantees.Journal.Topic;
import io.cistern.testing.stores.Fault;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.errors.TopicExistsException;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/**
 * Makes faults in an order and at times that follow from the seed, with two hands at once: one for the storers, one for
 * all that they depend on. Each hand goes through all its kinds of faults before it makes one again.
 */
final class Chaos {

    /** Makes a fault and mends it, in a length of its own; false if it could not be made this time. */
    private interface Deed {
        boolean run(Random random) throws InterruptedException, ExecutionException, TimeoutException;
    }

    private static final int MOST_PARTITIONS = 5;
    private static final Duration LAG_TIMEOUT = Duration.ofSeconds(45);

    private final Cluster cluster;
    private final Load load;
    private final Watcher watcher;
    private final Evidence evidence;
    private final Setup setup;
    private final CountDownLatch ended = new CountDownLatch(1);
    private final List<Thread> hands = new ArrayList<>();
    private volatile Exception failure;

    Chaos(Cluster cluster, Load load, Watcher watcher, Evidence evidence, Setup setup) {
        this.cluster = cluster;
        this.load = load;
        this.watcher = watcher;
        this.evidence = evidence;
        this.setup = setup;
    }

    void start() {
        hand("storers", setup.seed() + 1, Map.of(
            "kill -9 of a storer", this::killOne,
            "kill -9 of all storers", this::killAll,
            "graceful stop of a storer", this::stopOne,
            "another number of storers", this::scale,
            "storer frozen past its session", this::freezeOne));
        hand("surroundings", setup.seed() + 2, Map.of(
            "broker restarted", this::restartBroker,
            "store down", random -> store(random, null),
            "store answers 503", random -> store(random, Fault.status(503, cluster.errorBody(503))),
            "store answers 500", random -> store(random, Fault.status(500, cluster.errorBody(500))),
            "store resets connections", random -> store(random, Fault.RESET),
            "store's answers are lost", random -> store(random, Fault.RESET_AFTER_STORING),
            "store hangs", random -> store(random, Fault.HANG),
            "partitions added", this::grow,
            "topic deleted and created again", this::recreate));
    }

    private void hand(String name, long handSeed, Map<String, Deed> deeds) {
        Thread thread = new Thread(() -> {
            Random random = new Random(handSeed);
            List<String> kinds = setup.order(deeds.keySet());
            Deque<String> deck = new ArrayDeque<>(kinds);
            try {
                while (!pause(1000 + random.nextInt(2000))) {
                    if (deck.isEmpty()) {
                        Collections.shuffle(kinds, random);
                        deck.addAll(kinds);
                    }
                    String kind = deck.remove();
                    // A seed of its own: how much chance a deed takes may depend on the time.
                    Random own = new Random(random.nextLong());
                    Round.say("fault: " + kind);
                    if (deeds.get(kind).run(own)) {
                        evidence.fault(kind);
                    }
                    awaitOne();
                }
            } catch (Exception e) {
                failure = e;
            }
        }, "chaos-" + name);
        thread.start();
        hands.add(thread);
    }

    /**
     * Mends everything; returns when the last fault is over.
     *
     * @throws IllegalStateException if a fault could not be made
     */
    void end() throws InterruptedException {
        ended.countDown();
        for (Thread thread : hands) {
            thread.join();
        }
        if (failure != null) {
            throw new IllegalStateException("A fault could not be made or mended", failure);
        }
    }

    /** Whether the end came meanwhile. */
    private boolean pause(long millis) throws InterruptedException {
        return ended.await(millis, TimeUnit.MILLISECONDS);
    }

    private Storer any(Random random) {
        List<Storer> wanted = cluster.storers().stream().filter(Storer::isWanted).toList();
        return wanted.get(random.nextInt(wanted.size()));
    }

    private boolean killOne(Random random) throws InterruptedException {
        Storer storer = any(random);
        storer.kill();
        pause(random.nextInt(2000));
        storer.want();
        return true;
    }

    private boolean killAll(Random random) throws InterruptedException {
        List<Storer> killed = cluster.storers().stream().filter(Storer::isWanted).toList();
        killed.forEach(Storer::kill);
        pause(random.nextInt(1000));
        killed.forEach(Storer::want);
        return true;
    }

    private boolean stopOne(Random random) throws InterruptedException {
        Storer storer = any(random);
        storer.stop();
        pause(random.nextInt(2000));
        storer.want();
        return true;
    }

    private boolean scale(Random random) throws InterruptedException {
        int before = (int) cluster.storers().stream().filter(Storer::isWanted).count();
        int to = 1 + (before + random.nextInt(Cluster.STORERS - 1)) % Cluster.STORERS;
        for (int i = 0; i < Cluster.STORERS; i++) {
            Storer storer = cluster.storers().get(i);
            if (i < to) {
                storer.want();
            } else {
                storer.stop();
            }
        }
        return true;
    }

    private boolean freezeOne(Random random) throws InterruptedException {
        Storer storer = any(random);
        storer.freeze();
        pause(Cluster.SESSION_TIMEOUT.toMillis() + 1000 + random.nextInt(2000));
        storer.thaw();
        return true;
    }

    /** Waits until somebody stores: faults are of no use before. */
    private void awaitOne() {
        Awaitility.await().pollInterval(Duration.ofMillis(200)).until(() ->
            ended.getCount() == 0 || cluster.storers().stream().anyMatch(Storer::isReady));
    }

    private boolean restartBroker(Random random) throws InterruptedException {
        cluster.stopBroker();
        pause(random.nextInt(3000));
        cluster.startBroker();
        return true;
    }

    /** @param fault null: it is not there at all */
    private boolean store(Random random, Fault fault) throws InterruptedException {
        if (fault == null) {
            cluster.proxy().down();
        } else {
            cluster.proxy().fail(request -> true, fault, Integer.MAX_VALUE);
        }
        pause(1000 + random.nextInt(4000));
        cluster.proxy().up();
        cluster.proxy().heal();
        return true;
    }

    private boolean grow(Random random) throws InterruptedException, ExecutionException, TimeoutException {
        int to = load.partitions(Load.GROWING) + 1 + random.nextInt(2);
        if (to > MOST_PARTITIONS) {
            return false;
        }
        cluster.admin().createPartitions(Map.of(Load.GROWING.name(), NewPartitions.increaseTo(to))).all()
            .get(60, TimeUnit.SECONDS);
        cluster.awaitLeaders(Load.GROWING.name(), to);
        load.grown(Load.GROWING, to);
        return true;
    }

    /** What nobody has stored is gone with a deleted topic: that is waited for, if other faults let it end. */
    private boolean recreate(Random random) {
        Topic topic = Load.REBORN;
        load.pauseReborn();
        try {
            Awaitility.await().atMost(LAG_TIMEOUT).pollInterval(Duration.ofMillis(200))
                .until(() -> watcher.lag(List.of(topic)) == 0 && watcher.look());
            watcher.settle(topic);
            watcher.recreate(topic, () -> deleteAndCreate(topic));
            return true;
        } catch (ConditionTimeoutException notStored) {
            return false;
        } finally {
            load.resumeReborn();
        }
    }

    private void deleteAndCreate(Topic topic) {
        try {
            cluster.admin().deleteTopics(List.of(topic.name())).all().get(60, TimeUnit.SECONDS);
            // The broker forgets the group's offsets of it, in its own time.
            Awaitility.await().pollInterval(Duration.ofMillis(50)).until(() ->
                cluster.admin().listConsumerGroupOffsets(Cluster.GROUP).partitionsToOffsetAndMetadata().get().keySet()
                    .stream().noneMatch(partition -> partition.topic().equals(topic.name())));
            Awaitility.await().pollInterval(Duration.ofMillis(50)).until(() -> {
                try {
                    cluster.admin().createTopics(List.of(new NewTopic(topic.name(), load.partitions(topic), (short) 1)))
                        .all().get();
                    return true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof TopicExistsException) {
                        return false;
                    }
                    throw e;
                }
            });
            cluster.awaitLeaders(topic.name(), load.partitions(topic));
        } catch (ExecutionException | TimeoutException | ConditionTimeoutException e) {
            throw new IllegalStateException("Cannot create " + topic.name() + " again", e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
