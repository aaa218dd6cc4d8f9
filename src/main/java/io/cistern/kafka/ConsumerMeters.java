package io.cistern.kafka;

import io.cistern.Meters;
import io.cistern.Settings;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;

/**
 * The metrics of the storer's consumers: how far behind each partition is, for how long, commits and rebalances. What is
 * stored counts, not what was fetched. The consumer's thread asks the broker for nothing that it does not know anyway, and
 * does nothing for single records; {@link LogEndOffsets} adds where partitions end. The partitions of this process only have metrics: those of others leave no trace.
 */
public final class ConsumerMeters implements CamelContextAware {

    /** A consumer knows the end of a partition by its first answer; before that it would have to ask. */
    private static final long FIRST_ANSWER_NANOS = Duration.ofSeconds(2).toNanos();

    private static final long LOG_AGAIN_NANOS = Duration.ofMinutes(1).toNanos();

    private final Settings.Storer settings;
    private final Map<String, Topic> topics = new ConcurrentHashMap<>();
    /** Partitions whose records cannot be read, with the time when that was logged. */
    private final Map<TopicPartition, Long> unreadable = new ConcurrentHashMap<>();
    private CamelContext camelContext;
    private MeterRegistry meters;

    public ConsumerMeters(Settings settings) {
        this.settings = settings.storer();
    }

    /** The partitions of a topic that this process has, and the gauge of their oldest record. */
    private static final class Topic {
        private final Map<Integer, Behind> partitions = new ConcurrentHashMap<>();
        private Meter age;

        private double oldestSeconds() {
            long now = System.nanoTime();
            return partitions.values().stream().mapToLong(behind -> behind.ageNanos(now)).max().orElse(0) / 1e9;
        }
    }

    /** How far behind a partition is; written on its consumer's thread. */
    private static final class Behind {
        private final long assignedNanos = System.nanoTime();
        private long acknowledged = -1;
        private volatile long records;
        /** Since when the record is known that is stored next; null if all are stored. */
        private volatile Long sinceNanos;
        /** As the broker said last, or -1; written by the thread that asks it. */
        private volatile long logStart = -1;
        private volatile long logEnd = -1;
        private volatile boolean hasPosition;
        private Meter lag;

        private long ageNanos(long now) {
            Long since = sinceNanos;
            return since == null ? 0 : now - since;
        }

        private void note(long unstored, long acknowledgedTo, long now) {
            if (unstored == 0) {
                sinceNanos = null;
            } else if (sinceNanos == null || acknowledgedTo != acknowledged) {
                sinceNanos = now;
            }
            acknowledged = acknowledgedTo;
            records = unstored;
        }
    }

    /** Looks at where the partitions of a consumer are, on its thread, some times a second. */
    void look(Consumer<?, ?> consumer, Map<TopicPartition, Position> positions) {
        long now = System.nanoTime();
        for (TopicPartition partition : consumer.assignment()) {
            Behind behind = topic(partition.topic()).partitions.computeIfAbsent(partition.partition(), id -> new Behind());
            if (behind.lag == null && now - behind.assignedNanos < FIRST_ANSWER_NANOS) {
                continue;
            }
            Position position = positions.get(partition);
            behind.hasPosition = position != null;
            long unstored = unstored(consumer.currentLag(partition), position, behind);
            if (unstored >= 0) {
                behind.note(unstored, position == null ? -1 : position.acknowledged, now);
                if (behind.lag == null) {
                    behind.lag = Meters.register(meters, Gauge.builder("cistern.lag", behind, one -> one.records)
                        .description("Records of a partition that are not stored").baseUnit("records")
                        .tag("topic", partition.topic()).tag("partition", String.valueOf(partition.partition())));
                }
            }
        }
    }

    /**
     * Records that are not stored; negative if that is not known. What the consumer knows is newer, and ends at the last stable
     * offset; what the broker was asked for ends where the partition does.
     */
    private static long unstored(OptionalLong unread, Position position, Behind behind) {
        long unstored = -1;
        if (unread.isPresent()) {
            unstored = unread.getAsLong() + (position == null ? 0 : position.handedOut - position.acknowledged);
        }
        long from = position == null ? behind.logStart : position.acknowledged;
        return behind.logEnd >= 0 && from >= 0 ? Math.max(unstored, behind.logEnd - from) : unstored;
    }

    /** The partitions of this process. */
    List<TopicPartition> partitions() {
        return partitions(behind -> true);
    }

    /** Those of which no offset is known, as of a topic that cannot be read. */
    List<TopicPartition> partitionsWithoutPosition() {
        return partitions(behind -> !behind.hasPosition);
    }

    private List<TopicPartition> partitions(Predicate<Behind> filter) {
        List<TopicPartition> partitions = new ArrayList<>();
        topics.forEach((name, topic) -> topic.partitions.forEach((id, behind) -> {
            if (filter.test(behind)) {
                partitions.add(new TopicPartition(name, id));
            }
        }));
        return partitions;
    }

    /** Where partitions start and end, on the broker, what is not committed included; what is missing is not known. */
    void known(Map<TopicPartition, Long> starts, Map<TopicPartition, Long> ends) {
        topics.forEach((name, topic) -> topic.partitions.forEach((id, behind) -> {
            TopicPartition partition = new TopicPartition(name, id);
            behind.logStart = starts.getOrDefault(partition, -1L);
            behind.logEnd = ends.getOrDefault(partition, behind.logEnd);
        }));
    }

    private Topic topic(String name) {
        return topics.computeIfAbsent(name, ignored -> {
            Topic topic = new Topic();
            topic.age = Meters.register(meters, Gauge.builder("cistern.unstored.age", topic, Topic::oldestSeconds)
                .description("For how long the oldest record that is not stored is known").baseUnit("seconds")
                .tag("topic", name));
            return topic;
        });
    }

    /** Partitions are no longer this process's. */
    void forget(Collection<TopicPartition> partitions) {
        for (TopicPartition partition : partitions) {
            unreadable.remove(partition);
            topics.computeIfPresent(partition.topic(), (name, topic) -> {
                Behind behind = topic.partitions.remove(partition.partition());
                if (behind != null && behind.lag != null) {
                    meters.remove(behind.lag);
                }
                if (topic.partitions.isEmpty()) {
                    meters.remove(topic.age);
                    return null;
                }
                return topic;
            });
        }
    }

    /**
     * The records of a partition cannot be read.
     *
     * @return whether that is to be logged: it is new, or was logged a minute ago
     */
    boolean noteUnreadable(TopicPartition partition) {
        long now = System.nanoTime();
        Long logged = unreadable.putIfAbsent(partition, now);
        if (logged != null && now - logged >= LOG_AGAIN_NANOS) {
            unreadable.put(partition, now);
        }
        return logged == null || now - logged >= LOG_AGAIN_NANOS;
    }

    /** The records of a partition can be read again. */
    void noteReadable(TopicPartition partition) {
        unreadable.remove(partition);
    }

    /** Offsets were committed, or not. */
    void committed(boolean isSuccess) {
        meters.counter("cistern.commits", "outcome", isSuccess ? "success" : "failure").increment();
    }

    /** A rebalance gave partitions to a consumer, perhaps none, or took some away. */
    void rebalanced(Rebalance event) {
        meters.counter("cistern.rebalances", "event", event.name().toLowerCase(Locale.ROOT)).increment();
    }

    /** What a rebalance does to a consumer. */
    enum Rebalance { ASSIGNED, REVOKED, LOST }

    @Override
    public void setCamelContext(CamelContext context) {
        camelContext = context;
        meters = Meters.of(context);
        for (String outcome : new String[] {"success", "failure"}) {
            meters.counter("cistern.commits", "outcome", outcome);
        }
        for (Rebalance event : Rebalance.values()) {
            meters.counter("cistern.rebalances", "event", event.name().toLowerCase(Locale.ROOT));
        }
        Meters.register(meters, Gauge.builder("cistern.unreadable.partitions", unreadable, Map::size).baseUnit("partitions")
            .description("Partitions that are paused since their records cannot be read"));
        Meters.register(meters, Gauge.builder("cistern.held.limit", settings::maxCacheSize).baseUnit("bytes")
            .description("Bytes that may be held in memory for batch files"));
        Meters.register(meters, Gauge.builder("cistern.unstored.age.limit",
            () -> settings.cacheUploadTimeout().toMillis() / 1000.0).baseUnit("seconds")
            .description("After how long what is held is stored at the latest"));
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }
}
