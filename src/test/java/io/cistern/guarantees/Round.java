package io.cistern.guarantees;

import io.cistern.guarantees.Journal.Topic;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalTime;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.NewTopic;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.springframework.util.FileSystemUtils;

/**
 * A round: load and faults for a time, then peace, in which all must be stored, announced and passed on, and in the end
 * come back by reloads.
 */
final class Round {

    /** In peace, what may pass on top of the upload timeout until nothing is left: sessions, rebalances, rests. */
    private static final Duration LAG_SLACK = Duration.ofSeconds(45);
    /** Until an open transaction of a process that was killed is aborted by the broker. */
    private static final Duration TRANSACTIONS = Duration.ofSeconds(70);
    private static final Duration START_TIMEOUT = Duration.ofSeconds(90);

    private final Setup setup;
    private final Path folder;
    private final Evidence evidence;
    private final Journal journal = new Journal();

    Round(Setup setup) {
        this.setup = setup;
        this.folder = Path.of("target", "guarantees", "round-" + setup.seed()).toAbsolutePath();
        this.evidence = new Evidence(String.valueOf(setup.seed()));
    }

    /**
     * Runs it. The logs of its processes stay in {@code target/guarantees}, the broker's data if anything is broken.
     *
     * @throws IllegalStateException if nothing can be said of the product, since the round itself failed
     */
    Evidence run() throws Exception {
        System.out.println("---- round " + setup);
        FileSystemUtils.deleteRecursively(folder);
        Files.createDirectories(folder);
        try (Cluster cluster = new Cluster(setup, folder, Load.TOPICS, evidence)) {
            run(cluster);
        }
        if (evidence.isClean()) {
            FileSystemUtils.deleteRecursively(folder.resolve("broker/data"));
        }
        return evidence;
    }

    private void run(Cluster cluster) throws Exception {
        Map<String, Integer> out = new HashMap<>(Map.of(Cluster.EVENTS, 1));
        Load.TOPICS.forEach(topic ->
            topic.postIngestion().forEach(post -> out.put(post, post.startsWith("audit") ? 1 : 3)));
        Load load = new Load(cluster.brokers(), journal, setup.seed());
        createTopics(cluster, load, out);
        cluster.warmUp();
        Checker checker = new Checker(journal, evidence, setup.exactlyOnce(), Load.TOPICS);
        Loop keeper = new Loop(() -> cluster.storers().forEach(Storer::look));
        try (Watcher watcher = new Watcher(cluster, journal, load, checker, out, setup.seed() + 3)) {
            cluster.storers().subList(0, 2).forEach(Storer::want);
            load.start();
            Awaitility.await().atMost(START_TIMEOUT).until(() -> cluster.storers().stream().anyMatch(Storer::isReady));
            say("faults");
            Loop watching = new Loop(watcher::look);
            Chaos chaos = new Chaos(cluster, load, watcher, evidence, setup);
            chaos.start();
            TimeUnit.SECONDS.sleep(setup.seconds());
            chaos.end();
            cluster.storers().get(0).want();
            load.end();
            say("peace");
            cluster.startReloader();
            Awaitility.await().atMost(START_TIMEOUT).until(() ->
                cluster.storers().stream().allMatch(storer -> storer.isReady() == storer.isWanted()));
            awaitNoLag(watcher);
            watching.end();
            Load.TOPICS.forEach(watcher::settle);
            say("stop");
            cluster.storers().parallelStream().forEach(Storer::stop);
            keeper.end();
            cluster.storers().forEach(Storer::checkOutput);
            say("check");
            watcher.readOutAll(TRANSACTIONS);
            checker.end();
            say("reload");
            new Reloads(cluster, watcher, checker, evidence).run();
            watcher.readAllAgain();
        }
        System.out.println(evidence.table("round " + setup));
    }

    static void say(String what) {
        System.out.println("      " + LocalTime.now().truncatedTo(ChronoUnit.MILLIS) + " " + what);
    }

    private void createTopics(Cluster cluster, Load load, Map<String, Integer> out) throws Exception {
        Map<String, Integer> all = new HashMap<>(out);
        all.putAll(Reloads.topics());
        Load.TOPICS.forEach(topic -> all.put(topic.name(), load.partitions(topic)));
        cluster.admin().createTopics(all.entrySet().stream().map(topic ->
            new NewTopic(topic.getKey(), topic.getValue(), (short) 1).configs(topic.getKey().equals(Load.STAMPED.name())
                ? Map.of("message.timestamp.type", "LogAppendTime") : Map.of())).toList()).all().get();
        all.forEach(cluster::awaitLeaders);
    }

    private void awaitNoLag(Watcher watcher) {
        long start = System.nanoTime();
        Duration atMost = Cluster.UPLOAD_TIMEOUT.plus(LAG_SLACK);
        List<Topic> topics = Load.TOPICS;
        evidence.checked(Promise.LAG_GOES_TO_ZERO, topics.size());
        try {
            Awaitility.await().atMost(atMost).pollInterval(Duration.ofMillis(200))
                .until(() -> watcher.lag(topics) == 0);
            say("lag is 0 after " + (System.nanoTime() - start) / 1_000_000 + " ms");
        } catch (ConditionTimeoutException e) {
            topics.forEach(topic -> {
                long lag = watcher.lag(List.of(topic));
                if (lag != 0) {
                    evidence.broken(Promise.LAG_GOES_TO_ZERO, topic.name() + " has a lag of " + lag + " after "
                        + atMost);
                }
            });
        }
    }

    /** A task that is done again and again until it is ended. */
    private static final class Loop implements Runnable {

        private final Runnable task;
        private final CountDownLatch ended = new CountDownLatch(1);
        private final Thread thread = new Thread(this);
        private volatile Throwable failure;

        private Loop(Runnable task) {
            this.task = task;
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        public void run() {
            try {
                do {
                    task.run();
                } while (!ended.await(1, TimeUnit.SECONDS));
            } catch (Throwable e) {
                failure = e;
            }
        }

        /** Returns when the task is done for the last time; throws what ended it before. */
        private void end() throws InterruptedException {
            ended.countDown();
            thread.join();
            if (failure != null) {
                throw new IllegalStateException("Something was not looked at any more", failure);
            }
        }
    }
}
