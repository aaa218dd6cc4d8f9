package io.cistern.kafka;

import io.cistern.batch.Batch;
import io.cistern.batch.BatchFile;
import io.cistern.batch.OpenBatches;
import io.cistern.batch.PolledBatch;
import io.cistern.batch.Rotation;
import io.cistern.batch.Source;
import java.time.Duration;
import java.util.AbstractSequentialList;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.ListIterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Properties;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.LogTruncationException;
import org.apache.kafka.clients.consumer.NoOffsetForPartitionException;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A consumer whose poll folds the records of a partition into one record, the value of which is a {@link PolledBatch}:
 * so Camel makes one exchange for a batch. It also hands out ticks for batches that are due on quiet partitions, keeps
 * within the memory that may be held, and commits what was acknowledged, all on the thread that polls.
 *
 * <p>Whatever a partition held when it is revoked or lost is dropped and read again by its next owner; what was
 * acknowledged is committed first, unless the partition was lost. Where a batch was published in a transaction, its
 * acknowledgement commits that, and the offsets with it; see {@link Transactions}.
 */
final class FoldingConsumer extends KafkaConsumer<Object, Object> implements Source {

    private static final Logger LOG = LoggerFactory.getLogger(FoldingConsumer.class);
    private static final long COMMIT_INTERVAL_NANOS = Duration.ofMillis(200).toNanos();
    private static final Duration COMMIT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration COMMITTED_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration WAIT_FOR_ROOM = Duration.ofMillis(20);
    /** What cannot be verified of an assigned partition is asked for again after this. */
    private static final long VERIFY_AGAIN_NANOS = Duration.ofSeconds(1).toNanos();
    /** A partition whose records cannot be decoded is tried again after this. */
    private static final Duration REST_OF_UNREADABLE = Duration.ofMinutes(1);
    /** It can be read if no poll has failed for so long after that. */
    private static final long READABLE_NANOS = Duration.ofSeconds(10).toNanos();
    /** The part of max.poll.interval.ms after which nothing more is begun: the rest is for what was begun last. */
    private static final int SHARE_OF_POLL_INTERVAL = 10;

    private final int id;
    private final OpenBatches openBatches;
    private final Rotation rotation;
    private final Transactions transactions;
    private final ConsumerMeters meters;
    private final Duration rest;
    private final long timeNanos;
    /** Commits where the group starts; null if it starts at the beginning. */
    private final StartOffsets startOffsets;
    private final String group;
    private final Topics topics;
    private final TopicIdTracker topicIds;
    private Predicate<String> isSubscribed = topic -> false;
    private final Map<TopicPartition, Position> positions = new HashMap<>();
    /** Assigned, but paused since it is not known yet what is committed of them, or for which topic incarnation. */
    private final Set<TopicPartition> unverified = new HashSet<>();
    private long nextVerification = System.nanoTime();
    /** Whether partitions were held back when the assignment changed. */
    private boolean wasIsolating;
    /** Polled, but not handed out yet since memory is short. */
    private final Deque<PolledPartition> ready = new ArrayDeque<>();
    /** Handed out, but not asked for by Camel yet, in whole or in part; it comes again with the next poll. */
    private final Map<TopicPartition, PolledPartition> notAskedFor = new HashMap<>();
    private Set<TopicPartition> handedOutLast = Set.of();
    private final QuietPartitions quiet;
    private final PollFailureIsolation isolation = new PollFailureIsolation(System::nanoTime);
    /** To be fetched from the broker again, at these offsets, in place of what the client holds of them. */
    private final Map<TopicPartition, Long> refetched = new HashMap<>();
    /** Whether the last poll left something unread in memory for want of room. */
    private boolean shortOfMemory;
    private boolean waiting;
    private long nextCommit;
    private long polledNanos;
    private Thread pollingThread;

    FoldingConsumer(Properties properties, int id, OpenBatches openBatches, Rotation rotation, Transactions transactions,
                    ConsumerMeters meters, Duration rest, Topics topics, StartOffsets startOffsets) {
        this(properties, id, openBatches, rotation, transactions, meters, rest, topics, startOffsets, new MetadataUpdates());
    }

    private FoldingConsumer(Properties properties, int id, OpenBatches openBatches, Rotation rotation,
                            Transactions transactions, ConsumerMeters meters, Duration rest, Topics topics,
                            StartOffsets startOffsets, MetadataUpdates metadataUpdates) {
        super(withoutReset(properties), metadataUpdates, metadataUpdates);
        this.startOffsets = "latest".equals(properties.get(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG)) ? startOffsets : null;
        this.group = properties.getProperty(ConsumerConfig.GROUP_ID_CONFIG);
        this.topics = topics;
        this.topicIds = new TopicIdTracker(topics::ids, metadataUpdates::count, System::nanoTime);
        this.id = id;
        this.openBatches = openBatches;
        this.rotation = rotation;
        this.transactions = transactions;
        this.meters = meters;
        this.rest = rest;
        this.timeNanos = Duration.ofMillis(Long.parseLong(String.valueOf(
            properties.get(ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG)))).toNanos() / SHARE_OF_POLL_INTERVAL;
        this.quiet = new QuietPartitions(this, Integer.parseInt(String.valueOf(
            properties.get(ConsumerConfig.MAX_POLL_RECORDS_CONFIG))), System::nanoTime);
    }

    /** Kafka's own reset would apply to offsets that are gone too, and skip what is still there of a topic. */
    private static Properties withoutReset(Properties properties) {
        Properties changed = new Properties();
        changed.putAll(properties);
        changed.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
        return changed;
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public void subscribe(Collection<String> topics, ConsumerRebalanceListener listener) {
        isSubscribed = Set.copyOf(topics)::contains;
        super.subscribe(topics, new Listener(listener));
    }

    @Override
    public void subscribe(Pattern pattern, ConsumerRebalanceListener listener) {
        isSubscribed = pattern.asMatchPredicate();
        super.subscribe(pattern, new Listener(listener));
    }

    @Override
    public ConsumerRecords<Object, Object> poll(Duration timeout) {
        return next(timeout);
    }

    private ConsumerRecords<Object, Object> next(Duration timeout) {
        pollingThread = Thread.currentThread();
        openBatches.unreserve(this);
        // Of a batch that was neither acknowledged nor rewound: its offsets were not committed, nor must the rest be.
        transactions.abort();
        notAskedFor.values().forEach(ready::addFirst);
        notAskedFor.clear();
        if (startOffsets != null) {
            startOffsets.initialize(group, isSubscribed);
        }
        verifyAssigned();
        if (System.nanoTime() - nextCommit >= 0) {
            nextCommit = System.nanoTime() + COMMIT_INTERVAL_NANOS;
            passGapsAndStarts();
            noteReadable();
            commitAcknowledged();
            meters.look(this, positions);
        }
        if (wasIsolating) {
            wasIsolating = false;
            pauseWhatMayNotBeRead();
        }
        rewindWhatWasLeftOut();
        restartDone();
        endRests();
        if (openBatches.isDraining()) {
            ready.clear();
            pause(assignment());
            fetch(WAIT_FOR_ROOM);
        } else if (ready.isEmpty()) {
            endWaiting();
            long begun = System.nanoTime();
            ConsumerRecords<Object, Object> polled = fetch(untilSomethingIsDue(timeout));
            long took = System.nanoTime() - begun;
            take(polled);
            if (quiet.look(polled, took)) {
                resumeWhatMayBeRead();
            }
        } else {
            startWaiting();
            take(fetch(shortOfMemory ? WAIT_FOR_ROOM : Duration.ZERO));
        }
        HandedOut handedOut = new HandedOut(handOut());
        handedOutLast = handedOut.partitions();
        polledNanos = System.nanoTime();
        return handedOut;
    }

    @Override
    public boolean hasTime() {
        return System.nanoTime() - polledNanos < timeNanos;
    }

    /**
     * What Camel asks for partition by partition, and has stored before it asks for the next one. It gets nothing more once
     * the time is up: a store that hangs for each of a thousand partitions must not keep this consumer from its next poll.
     */
    private final class HandedOut extends ConsumerRecords<Object, Object> {

        private HandedOut(Map<TopicPartition, List<ConsumerRecord<Object, Object>>> handedOut) {
            super(handedOut);
        }

        @Override
        public List<ConsumerRecord<Object, Object>> records(TopicPartition partition) {
            if (!hasTime()) {
                return List.of();
            }
            return notAskedFor.containsKey(partition) ? new Pieces(partition) : super.records(partition);
        }
    }

    /**
     * The polled records of a partition as batches, each made when Camel asks for it: of as many records as the open batch
     * file takes before it is due. What Camel does not ask for, since time is up or storing failed, stays in {@link
     * #notAskedFor}, or is read again.
     */
    private final class Pieces extends AbstractSequentialList<ConsumerRecord<Object, Object>> {

        private final TopicPartition partition;
        private boolean begun;

        private Pieces(TopicPartition partition) {
            this.partition = partition;
        }

        @Override
        public int size() {
            return notAskedFor.containsKey(partition) ? 1 : 0;
        }

        @Override
        public ListIterator<ConsumerRecord<Object, Object>> listIterator(int index) {
            throw new UnsupportedOperationException("Batches are made one after the other");
        }

        @Override
        public Iterator<ConsumerRecord<Object, Object>> iterator() {
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return notAskedFor.containsKey(partition) && (!begun || hasTime());
                }

                @Override
                public ConsumerRecord<Object, Object> next() {
                    begun = true;
                    PolledPartition polled = notAskedFor.remove(partition);
                    if (polled == null) {
                        throw new NoSuchElementException();
                    }
                    BatchFile open = openBatches.find(FoldingConsumer.this, partition.topic(), partition.partition());
                    int count = polled.records().fitting(rotation.recordsLeft(open), rotation.bytesLeft(open));
                    if (count < polled.records().polled().size()) {
                        notAskedFor.put(partition, polled.tail(count));
                    }
                    return batch(polled.head(count));
                }
            };
        }
    }

    private ConsumerRecords<Object, Object> fetch(Duration timeout) {
        try {
            ConsumerRecords<Object, Object> polled = pollAndRefetch(timeout);
            if (isolation.succeeded()) {
                pauseWhatMayNotBeRead();
            }
            return polled;
        } catch (NoOffsetForPartitionException e) {
            // Where a new group starts is committed before it joins: whatever is in these partitions arrived later.
            seekToBeginning(e.partitions());
        } catch (LogTruncationException e) {
            topicIds.invalidate();
            Set<String> recreated = recreated(e.partitions());
            for (TopicPartition partition : e.partitions()) {
                OffsetAndMetadata divergent = e.divergentOffsets().get(partition);
                restart(partition, recreated.contains(partition.topic()) || divergent == null
                    ? PartitionRestart.BEGINNING : divergent.offset(), "Kafka's log was truncated");
            }
        } catch (OffsetOutOfRangeException e) {
            topicIds.invalidate();
            for (TopicPartition partition : e.partitions()) {
                restart(partition, PartitionRestart.BEGINNING, "the offset is out of range");
            }
        } catch (TopicAuthorizationException e) {
            boolean isHandled = false;
            for (TopicPartition partition : List.copyOf(assignment())) {
                if (e.unauthorizedTopics().contains(partition.topic())) {
                    isHandled |= unverified.contains(partition) || restUnreadable(partition, rest, e);
                }
            }
            if (!isHandled) {
                throw e;
            }
        } catch (KafkaException | LinkageError e) {
            // A damaged record batch has no exception of its own; a codec whose native library does not load is an error.
            Set<TopicPartition> fetchable = new HashSet<>(assignment());
            fetchable.removeAll(paused());
            if (e.getClass() != KafkaException.class && !(e instanceof LinkageError) || fetchable.isEmpty()) {
                throw e;
            }
            TopicPartition unreadable = isolation.failed(fetchable);
            if (unreadable != null) {
                restUnreadable(unreadable, REST_OF_UNREADABLE, e);
            }
            pauseWhatMayNotBeRead();
        }
        return ConsumerRecords.empty();
    }

    /** Polls, and drops what the client holds of partitions that are to be fetched again. */
    private ConsumerRecords<Object, Object> pollAndRefetch(Duration timeout) {
        if (refetched.isEmpty()) {
            return super.poll(timeout);
        }
        try {
            Map<TopicPartition, List<ConsumerRecord<Object, Object>>> kept = new HashMap<>();
            ConsumerRecords<Object, Object> polled = super.poll(Duration.ZERO);
            polled.partitions().stream().filter(partition -> !refetched.containsKey(partition))
                .forEach(partition -> kept.put(partition, polled.records(partition)));
            return new ConsumerRecords<>(kept);
        } finally {
            refetched.forEach(this::seek);
            refetched.clear();
        }
    }

    /**
     * Has the client drop what it holds of a partition: it does so at the next poll, as that is of another offset.
     *
     * @return false if the broker does not even say where the partition is
     */
    private boolean refetch(TopicPartition partition) {
        try {
            long offset = position(partition, COMMITTED_TIMEOUT);
            refetched.put(partition, offset);
            seek(partition, offset + 1);
            return true;
        } catch (WakeupException | InterruptException e) {
            throw e;
        } catch (KafkaException e) {
            LOG.debug("No position of {}", partition, e);
            return false;
        }
    }

    /**
     * Pauses a partition whose records the client does not give, or which may not be read.
     *
     * @return false if it is not even known where it starts
     */
    private boolean restUnreadable(TopicPartition partition, Duration restOfPartition, Throwable cause) {
        Position position = positions.get(partition);
        if (position == null) {
            try {
                position = new Position(position(partition, COMMITTED_TIMEOUT), topicIds.idOf(partition.topic()));
                positions.put(partition, position);
            } catch (TimeoutException | NoOffsetForPartitionException e) {
                LOG.debug("No position yet of {}", partition);
                return false;
            }
        }
        reportUnreadable(partition, position.handedOut, restOfPartition, cause);
        position.isUnreadable = true;
        position.rests = true;
        position.restUntilNanos = System.nanoTime() + restOfPartition.toNanos();
        pause(List.of(partition));
        return true;
    }

    private void reportUnreadable(TopicPartition partition, Object offset, Duration backoff, Throwable cause) {
        if (meters.noteUnreadable(partition)) {
            LOG.error("Partition cannot be read, paused: topic={} partition={} offset={} backoff={} reason={}", partition.topic(),
                partition.partition(), offset, backoff, cause.toString());
        }
    }

    /** A partition that was fetched again without a failure for some time can be read. */
    private void noteReadable() {
        long now = System.nanoTime();
        positions.forEach((partition, position) -> {
            if (position.isUnreadable && !position.rests && !isolation.isActive() && now - position.restUntilNanos > READABLE_NANOS) {
                position.isUnreadable = false;
                meters.noteReadable(partition);
                LOG.info("Partition can be read again: topic={} partition={} offset={}", partition.topic(), partition.partition(),
                    position.handedOut);
            }
        });
    }

    private void pauseWhatMayNotBeRead() {
        pause(assignment().stream().filter(partition -> !mayBeRead(partition, positions.get(partition))).toList());
        resumeWhatMayBeRead();
    }

    /**
     * Finds topics that were deleted and created again, and restarts all of their partitions at the beginning.
     *
     * @return the topics
     */
    private Set<String> recreated(Collection<TopicPartition> polled) {
        Set<String> topics = new HashSet<>();
        polled.forEach(partition -> topics.add(partition.topic()));
        if (!topicIds.isDue(topics)) {
            return Set.of();
        }
        // All topics of the consumer: a check counts for all of them.
        assignment().forEach(partition -> topics.add(partition.topic()));
        Set<String> recreated = topicIds.recreated(topics);
        if (!recreated.isEmpty()) {
            for (TopicPartition partition : assignment()) {
                if (recreated.contains(partition.topic())) {
                    restart(partition, PartitionRestart.BEGINNING, "the topic was deleted and created again");
                }
            }
        }
        return recreated;
    }

    /**
     * Has a partition start again at another offset as soon as everything that is held of it is stored: it cannot be read
     * again, and its offsets have nothing to do with those that follow.
     */
    private void restart(TopicPartition partition, long offset, String reason) {
        Position position = positions.get(partition);
        LOG.warn("Partition restarts: topic={} partition={} offset={} nextOffset={} topicId={} reason={}", partition.topic(),
            partition.partition(), offset == PartitionRestart.BEGINNING ? "beginning" : offset,
            position == null ? "unknown" : position.handedOut, topicIds.idOf(partition.topic()), reason);
        if (position == null) {
            seekTo(partition, offset);
            return;
        }
        position.restart = new PartitionRestart(offset);
        pause(List.of(partition));
        restartDone(partition, position);
    }

    private void restartDone() {
        for (Map.Entry<TopicPartition, Position> entry : List.copyOf(positions.entrySet())) {
            if (entry.getValue().restart != null) {
                restartDone(entry.getKey(), entry.getValue());
            }
        }
    }

    /** Starts a partition again if nothing is held of it. */
    private void restartDone(TopicPartition partition, Position position) {
        BatchFile open = openBatches.find(this, partition.topic(), partition.partition());
        if (open != null) {
            open.want(Rotation.Reason.RESTART);
        }
        if (open != null || position.handedOut != position.acknowledged || position.unpublished != null) {
            return;
        }
        if (!assignment().contains(partition)) {
            forget(List.of(partition));
            return;
        }
        positions.remove(partition);
        meters.noteReadable(partition);
        seekTo(partition, position.restart.offset());
        if (mayBeRead(partition, null)) {
            resume(List.of(partition));
        }
    }

    /**
     * Of partitions that are revoked, those whose topic was deleted. What is held of them cannot be read again by anybody: it
     * stays here until it is stored.
     */
    private Set<TopicPartition> keepDeleted(Collection<TopicPartition> revoked) {
        Map<TopicPartition, Position> unfinished = new HashMap<>();
        for (TopicPartition partition : revoked) {
            Position position = positions.get(partition);
            if (position != null && position.topicId != null
                && (position.handedOut != position.acknowledged || position.acknowledged > position.committed)) {
                unfinished.put(partition, position);
            }
        }
        if (unfinished.isEmpty()) {
            return Set.of();
        }
        try {
            Map<String, String> ids = new HashMap<>();
            unfinished.forEach((partition, position) -> ids.put(partition.topic(), position.topicId));
            Set<String> deleted = topics.deleted(ids);
            unfinished.keySet().removeIf(partition -> !deleted.contains(partition.topic()));
        } catch (KafkaException e) {
            LOG.warn("Records of deleted topics, if there are any, are not stored: reason={}", e.toString());
            return Set.of();
        }
        unfinished.forEach((partition, position) -> {
            LOG.warn("Topic was deleted, storing what is held of it: topic={} partition={} topicId={} nextOffset={}",
                partition.topic(), partition.partition(), position.topicId, position.handedOut);
            position.restart = new PartitionRestart(PartitionRestart.BEGINNING);
            refetched.remove(partition);
        });
        return unfinished.keySet();
    }

    private void seekTo(TopicPartition partition, long offset) {
        if (offset == PartitionRestart.BEGINNING) {
            seekToBeginning(List.of(partition));
        } else {
            seek(partition, offset);
        }
    }

    /**
     * What was handed out is acknowledged, or in an open batch, or read again by now. Anything else was left out by a step
     * of the storer's route, or by the handling of its failure, and is read again too.
     */
    private void rewindWhatWasLeftOut() {
        for (TopicPartition partition : handedOutLast) {
            Position position = positions.get(partition);
            if (position == null || position.rests || position.unpublished != null
                || position.handedOut == position.acknowledged
                || openBatches.isOpen(this, partition.topic(), partition.partition())
                || ready.stream().anyMatch(polled -> polled.partition().equals(partition))) {
                continue;
            }
            LOG.error("Records reached no batch file, and are read again: topic={} partition={} offset={}: a step of the"
                + " storer's route left them out; see keepRecords for filters", partition.topic(), partition.partition(),
                position.acknowledged);
            rewind(partition.topic(), partition.partition());
        }
        handedOutLast = Set.of();
    }

    private void take(ConsumerRecords<Object, Object> polled) {
        if (polled.isEmpty()) {
            return;
        }
        Set<String> recreated;
        try {
            recreated = recreated(polled.partitions());
        } catch (KafkaException e) {
            // It is not known which topic incarnation the records belong to: they are polled again.
            polled.partitions().forEach(partition -> seek(partition, polled.records(partition).get(0).offset()));
            throw e;
        }
        long now = System.currentTimeMillis();
        for (TopicPartition partition : polled.partitions()) {
            if (recreated.contains(partition.topic())) {
                continue;
            }
            List<ConsumerRecord<Object, Object>> records = polled.records(partition);
            long first = records.get(0).offset();
            Position position = positions.computeIfAbsent(partition,
                ignored -> new Position(first, topicIds.idOf(partition.topic())));
            if (position.restart != null) {
                continue;
            }
            if (first < position.handedOut) {
                // A broker without topic ids does not tell more of a topic that was created again.
                restart(partition, PartitionRestart.BEGINNING, "the offsets went back");
                continue;
            }
            // In parts, each of which fits beside others: what a poll gives may be more than may be held.
            for (PolledRecords part : PolledRecords.parts(records, rotation.maxHeldBytes() / 4)) {
                long next = part.offset(part.polled().size() - 1) + 1;
                ready.add(new PolledPartition(partition, part, position.startOfNext(), next, now, position.topicId));
                position.handedOut = next;
            }
        }
    }

    /**
     * What fits into memory, behind ticks for what is due. While something does not fit, the largest batches of this
     * consumer are closed; if that is not enough, the others are asked to close theirs, and consumption waits.
     */
    private Map<TopicPartition, List<ConsumerRecord<Object, Object>>> handOut() {
        Map<TopicPartition, List<ConsumerRecord<Object, Object>>> handedOut = new LinkedHashMap<>();
        List<BatchFile> open = openBatches.openOf(this);
        List<BatchFile> due = rotation.due(open);
        List<BatchFile> notDue = new ArrayList<>(open);
        notDue.removeAll(due);
        positions.forEach((partition, position) -> {
            if (position.unpublished != null && !position.rests) {
                add(handedOut, partition, position.unpublished, position.unpublished.nextOffset() - 1);
            }
        });
        long freed = 0;
        for (BatchFile file : due) {
            freed += tick(file, handedOut);
        }
        if (openBatches.othersWait(this) && due.isEmpty()) {
            freed += tickLargest(notDue, handedOut);
        }
        shortOfMemory = false;
        for (Iterator<PolledPartition> polled = ready.iterator(); polled.hasNext();) {
            PolledPartition next = polled.next();
            if (handedOut.containsKey(next.partition())) {
                // One at a time: if that one fails and is read again, what comes behind it must not be on its way already.
                continue;
            }
            long expected = openBatches.growth(this, next.partition().topic(), next.partition().partition(),
                next.records().mostBytes());
            boolean fits = openBatches.reserve(this, expected, freed, rotation.maxHeldBytes());
            for (long more = 1; !fits && more > 0;) {
                more = tickLargest(notDue, handedOut);
                freed += more;
                more = more > 0 ? more : dropUnpublished(handedOut);
                fits = openBatches.reserve(this, expected, freed, rotation.maxHeldBytes());
            }
            if (!fits) {
                shortOfMemory = true;
                break;
            }
            if (handedOut.containsKey(next.partition())) {
                continue;
            }
            polled.remove();
            notAskedFor.put(next.partition(), next);
            // Stands for its pieces, and holds no records.
            add(handedOut, next.partition(), null, next.nextOffset() - 1);
        }
        openBatches.setWaiting(this, shortOfMemory);
        return handedOut;
    }

    /** Has the largest batch closed of those whose partition has nothing handed out; returns the bytes, 0 if there is none. */
    private long tickLargest(List<BatchFile> notDue, Map<TopicPartition, List<ConsumerRecord<Object, Object>>> handedOut) {
        for (BatchFile file : notDue) {
            if (!handedOut.containsKey(new TopicPartition(file.getTopic(), file.getPartition()))) {
                file.want(Rotation.Reason.MEMORY);
                return tick(file, handedOut);
            }
        }
        return 0;
    }

    private ConsumerRecord<Object, Object> batch(PolledPartition polled) {
        TopicPartition partition = polled.partition();
        return record(partition, new PolledBatch(this, partition.topic(), partition.partition(), polled.startOffset(),
            polled.nextOffset(), polled.consumedAt(), polled.topicId(), polled.records(), polled.records().polled().size()),
            polled.nextOffset() - 1);
    }

    /** Has one that rests read again later, as others must not wait for it; returns its bytes, which are free now. */
    private long dropUnpublished(Map<TopicPartition, List<ConsumerRecord<Object, Object>>> handedOut) {
        for (Map.Entry<TopicPartition, Position> entry : positions.entrySet()) {
            BatchFile file = entry.getValue().unpublished;
            if (file != null && entry.getValue().restart == null && !handedOut.containsKey(entry.getKey())) {
                long bytes = file.heldBytes();
                rewind(file.getTopic(), file.getPartition());
                return bytes;
            }
        }
        return 0;
    }

    /** Hands out an empty batch for an open one, which is closed by it; returns the bytes that it will give free. */
    private long tick(BatchFile file, Map<TopicPartition, List<ConsumerRecord<Object, Object>>> handedOut) {
        TopicPartition partition = new TopicPartition(file.getTopic(), file.getPartition());
        long end = file.nextOffset();
        add(handedOut, partition, new PolledBatch(this, file.getTopic(), file.getPartition(), end, end,
            System.currentTimeMillis(), file.getTopicId(), List.of(), 0), end - 1);
        return file.heldBytes();
    }

    private static void add(Map<TopicPartition, List<ConsumerRecord<Object, Object>>> handedOut,
                            TopicPartition partition, Batch batch, long offset) {
        handedOut.put(partition, List.of(record(partition, batch, offset)));
    }

    private static ConsumerRecord<Object, Object> record(TopicPartition partition, Batch batch, long offset) {
        return new ConsumerRecord<>(partition.topic(), partition.partition(), Math.max(0, offset), null, batch);
    }

    private Duration untilSomethingIsDue(Duration timeout) {
        long nanos = timeout.toNanos();
        for (BatchFile file : openBatches.openOf(this)) {
            nanos = Math.min(nanos, rotation.nanosLeft(file));
        }
        for (Position position : positions.values()) {
            if (position.rests) {
                nanos = Math.min(nanos, position.restUntilNanos - System.nanoTime());
            }
        }
        return Duration.ofNanos(Math.max(1_000_000, nanos));
    }

    private void startWaiting() {
        waiting = true;
        pause(assignment());
    }

    private void endWaiting() {
        if (waiting) {
            waiting = false;
            resumeWhatMayBeRead();
        }
    }

    private void resumeWhatMayBeRead() {
        resume(assignment().stream().filter(partition -> mayBeRead(partition, positions.get(partition))).toList());
    }

    private boolean mayBeRead(TopicPartition partition, Position position) {
        return !waiting && !quiet.contains(partition) && !unverified.contains(partition)
            && !isolation.isHeldBack(partition)
            && (position == null || !position.rests && position.unpublished == null && position.restart == null);
    }

    private void endRests() {
        long now = System.nanoTime();
        positions.forEach((partition, position) -> {
            if (position.rests && now - position.restUntilNanos >= 0) {
                if (position.isUncertain && !makeCertain(partition, position)) {
                    position.restUntilNanos = System.nanoTime() + rest.toNanos();
                    return;
                }
                if (position.isUnreadable && position.restart == null && !refetch(partition)) {
                    position.restUntilNanos = System.nanoTime() + rest.toNanos();
                    return;
                }
                position.rests = false;
                ready.addAll(position.heldBack);
                position.heldBack.clear();
                if (mayBeRead(partition, position)) {
                    resume(List.of(partition));
                }
            }
        });
    }

    @Override
    public void acknowledge(String topic, int partition, long startOffset, long nextOffset, boolean isStored) {
        if (Thread.currentThread() != pollingThread) {
            throw new IllegalStateException("A batch left the thread of its consumer: a step of the storer's route hands"
                + " it to another one");
        }
        TopicPartition topicPartition = new TopicPartition(topic, partition);
        Position position = positions.get(topicPartition);
        if (position == null) {
            return;
        }
        if (startOffset > position.acknowledged) {
            throw new IllegalStateException("Offset " + nextOffset + " of " + topic + "-" + partition
                + " cannot be acknowledged: what starts at offset " + position.acknowledged + " is not stored."
                + " A step of the storer's route must not leave out whole batches; see keepRecords for filters.");
        }
        Position behind = new Position(Math.max(position.acknowledged, nextOffset), position.topicId);
        behind.stored = isStored ? Math.max(position.stored, nextOffset) : position.stored;
        if (transactions.isOpen()) {
            awaitCommit(topicPartition, position);
            position.isUncertain = true;
            // A partition that starts again has no use for the offset, nor a topic that was deleted.
            transactions.commit(position.restart != null ? Map.of() : Map.of(topicPartition, behind.offsetAndMetadata()),
                groupMetadata());
            position.isUncertain = false;
            position.committed = behind.acknowledged;
        }
        position.acknowledged = behind.acknowledged;
        position.stored = behind.stored;
        if (position.unpublished != null) {
            position.unpublished = null;
            if (mayBeRead(topicPartition, position)) {
                resume(List.of(topicPartition));
            }
        }
    }

    /** A commit that is on its way could take the place of the transaction's, which has another one. */
    private void awaitCommit(TopicPartition partition, Position position) {
        if (position.committing != -1) {
            commitNow(List.of(partition));
            if (position.committing != -1) {
                throw new KafkaException("The broker does not say whether it has committed offset " + position.committing
                    + " of " + partition);
            }
        }
    }

    @Override
    public void rewind(String topic, int partition) {
        TopicPartition topicPartition = new TopicPartition(topic, partition);
        transactions.abort();
        openBatches.drop(this, topic, partition);
        Position position = positions.get(topicPartition);
        if (position == null || position.restart == null && !assignment().contains(topicPartition)) {
            return;
        }
        position.unpublished = null;
        if (position.restart != null) {
            LOG.error("Records that Kafka does not have any more could not be stored: topic={} partition={} fromOffset={}"
                + " nextOffset={}", topic, partition, position.acknowledged, position.handedOut);
        }
        rest(topicPartition, position, position.acknowledged);
    }

    @Override
    public boolean keep(BatchFile file) {
        TopicPartition partition = new TopicPartition(file.getTopic(), file.getPartition());
        Position position = positions.get(partition);
        if (position == null || position.isUncertain && position.restart == null) {
            return false;
        }
        boolean isNeeded = position.restart != null ? file.getRotatedBy() != null
            : file.isStored() && assignment().contains(partition);
        if (!isNeeded) {
            return false;
        }
        transactions.abort();
        position.unpublished = file;
        if (position.restart != null) {
            // It is not read again after the rest.
            holdBack(partition, position);
        }
        rest(partition, position, file.nextOffset());
        position.heldBack.forEach(polled -> position.handedOut = polled.nextOffset());
        return true;
    }

    /** Keeps what was polled of a partition until its rest ends. */
    private void holdBack(TopicPartition partition, Position position) {
        if (notAskedFor.containsKey(partition)) {
            position.heldBack.add(notAskedFor.get(partition));
        }
        ready.stream().filter(polled -> polled.partition().equals(partition)).forEach(position.heldBack::add);
    }

    /** Goes on at {@code offset} when it has rested. */
    private void rest(TopicPartition partition, Position position, long offset) {
        ready.removeIf(polled -> polled.partition().equals(partition));
        notAskedFor.remove(partition);
        position.handedOut = offset;
        position.rests = true;
        position.restUntilNanos = System.nanoTime() + rest.toNanos();
        if (position.restart == null) {
            seek(partition, offset);
            pause(List.of(partition));
        }
        LOG.info("Storing rests: topic={} partition={} offset={} for={}", partition.topic(), partition.partition(), offset,
            rest);
    }

    /** Asks the broker what became of a commit whose answer was lost; false if it does not say. */
    private boolean makeCertain(TopicPartition partition, Position position) {
        try {
            OffsetAndMetadata committed = committed(Set.of(partition), COMMITTED_TIMEOUT).get(partition);
            Position behind = committed == null ? null : Position.of(committed, position.topicId);
            if (behind != null && behind.acknowledged > position.acknowledged) {
                position.handedOut = behind.handedOut;
                position.acknowledged = behind.acknowledged;
                position.stored = behind.stored;
                position.committed = behind.committed;
                if (assignment().contains(partition)) {
                    seek(partition, behind.acknowledged);
                }
            }
            position.isUncertain = false;
            return true;
        } catch (KafkaException e) {
            LOG.warn("The broker does not say what is committed of {}, and is asked again: {}", partition, e.toString());
            return false;
        }
    }

    /**
     * Loads what is committed of newly assigned partitions. What was committed for a former incarnation of a topic is of no
     * use: its partitions start at their beginning.
     *
     * @throws KafkaException if the broker does not answer; the partitions stay paused, and the next poll tries again
     */
    private void verifyAssigned() {
        if (unverified.isEmpty() || System.nanoTime() - nextVerification < 0) {
            return;
        }
        Set<TopicPartition> partitions = new HashSet<>(unverified);
        // What is held of the former incarnation is stored first.
        partitions.removeIf(partition -> positions.containsKey(partition) && positions.get(partition).restart != null);
        if (partitions.isEmpty()) {
            return;
        }
        recreated(partitions);
        committedOf(partitions).forEach((partition, committed) -> {
            if (committed == null) {
                return;
            }
            String topicId = topicIds.idOf(partition.topic());
            if (topicId == null && Position.hasTopicId(committed)) {
                // The broker that was asked does not know the topic yet.
                partitions.remove(partition);
                topicIds.invalidate();
                nextVerification = System.nanoTime() + VERIFY_AGAIN_NANOS;
                return;
            }
            Position position = Position.of(committed, topicId);
            if (position == null) {
                LOG.warn("Partition starts at its beginning, since the topic was deleted and created again: topic={}"
                    + " partition={} committedOffset={} topicId={}", partition.topic(), partition.partition(),
                    committed.offset(), topicId);
                seekToBeginning(List.of(partition));
            } else {
                positions.put(partition, position);
                seek(partition, position.acknowledged);
            }
        });
        unverified.removeAll(partitions);
        partitions.forEach(meters::noteReadable);
        resume(partitions.stream().filter(partition -> mayBeRead(partition, positions.get(partition))).toList());
    }

    /** What is committed of partitions; those of topics that may not be read are taken from the set, and stay unverified. */
    private Map<TopicPartition, OffsetAndMetadata> committedOf(Set<TopicPartition> partitions) {
        try {
            return committed(partitions, COMMITTED_TIMEOUT);
        } catch (TopicAuthorizationException e) {
            nextVerification = System.nanoTime() + VERIFY_AGAIN_NANOS;
            partitions.stream().filter(partition -> e.unauthorizedTopics().contains(partition.topic()))
                .forEach(partition -> reportUnreadable(partition, "unknown", Duration.ofNanos(VERIFY_AGAIN_NANOS), e));
            partitions.removeIf(partition -> e.unauthorizedTopics().contains(partition.topic()));
            return partitions.isEmpty() ? Map.of() : committed(partitions, COMMITTED_TIMEOUT);
        }
    }

    /**
     * Moves over offsets at which there is no record (transaction markers, compaction), so that the lag goes to 0, and
     * notes where a new partition starts, so that a restart before its first record does not skip what comes meanwhile.
     */
    private void passGapsAndStarts() {
        for (TopicPartition partition : assignment()) {
            Position position = positions.get(partition);
            if (unverified.contains(partition) || refetched.containsKey(partition)
                || position != null && (position.rests || position.restart != null || position.handedOut != position.acknowledged)) {
                continue;
            }
            try {
                long offset = position(partition, Duration.ofMillis(1));
                if (position == null) {
                    positions.put(partition, new Position(offset, topicIds.idOf(partition.topic())));
                } else if (offset > position.acknowledged) {
                    position.handedOut = offset;
                    position.acknowledged = offset;
                }
            } catch (TimeoutException | NoOffsetForPartitionException e) {
                // The position is not known yet: it is at a later poll.
                LOG.debug("No position yet of {}", partition);
            }
        }
    }

    private void commitAcknowledged() {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        positions.forEach((partition, position) -> {
            if (!position.isUncertain && position.restart == null
                && position.acknowledged > Math.max(position.committed, position.committing)) {
                position.committing = position.acknowledged;
                offsets.put(partition, position.offsetAndMetadata());
            }
        });
        if (!offsets.isEmpty()) {
            commitAsync(offsets, this::committed);
        }
    }

    private void committed(Map<TopicPartition, OffsetAndMetadata> offsets, Exception failure) {
        meters.committed(failure == null);
        if (failure != null) {
            LOG.warn("Offsets could not be committed, which is tried again: {}", failure.toString());
        }
        offsets.forEach((partition, offset) -> {
            Position position = positions.get(partition);
            // Else the partition started again meanwhile, or a later offset is on its way.
            if (position != null && position.committing == offset.offset()) {
                position.committing = -1;
                if (failure == null) {
                    position.committed = Math.max(position.committed, offset.offset());
                }
            }
        });
    }

    /** Commits what is acknowledged of these partitions before they go; what cannot be committed is stored once more. */
    private void commitNow(Collection<TopicPartition> partitions) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (TopicPartition partition : partitions) {
            Position position = positions.get(partition);
            if (position != null && !position.isUncertain && position.restart == null
                && position.acknowledged > position.committed) {
                position.committing = position.acknowledged;
                offsets.put(partition, position.offsetAndMetadata());
            }
        }
        if (offsets.isEmpty()) {
            return;
        }
        try {
            try {
                commitSync(offsets, COMMIT_TIMEOUT);
            } catch (WakeupException e) {
                // A stop that Camel asked for while no call was waiting: it ends this call, and only this one.
                commitSync(offsets, COMMIT_TIMEOUT);
            }
            committed(offsets, null);
        } catch (KafkaException e) {
            meters.committed(false);
            LOG.warn("Offsets could not be committed, so that records will be stored twice: partitions={} reason={}",
                offsets.keySet(), e.toString());
        }
    }

    private void forget(Collection<TopicPartition> partitions) {
        meters.forget(partitions);
        quiet.forget(partitions);
        wasIsolating |= isolation.reset();
        refetched.keySet().removeAll(partitions);
        unverified.removeAll(partitions);
        for (TopicPartition partition : partitions) {
            positions.remove(partition);
            notAskedFor.remove(partition);
            ready.removeIf(polled -> polled.partition().equals(partition));
            openBatches.drop(this, partition.topic(), partition.partition());
        }
    }

    private void end() {
        openBatches.unreserve(this);
        transactions.close();
        commitNow(List.copyOf(positions.keySet()));
        forget(List.copyOf(positions.keySet()));
        openBatches.setWaiting(this, false);
    }

    @Override
    public void unsubscribe() {
        end();
        super.unsubscribe();
    }

    @Override
    public void close() {
        try {
            end();
        } finally {
            super.close();
        }
    }

    @Override
    public void close(Duration timeout) {
        try {
            end();
        } finally {
            super.close(timeout);
        }
    }

    /** Runs inside of poll, and so never while a batch is being stored. */
    private final class Listener implements ConsumerRebalanceListener {

        private final ConsumerRebalanceListener camel;

        private Listener(ConsumerRebalanceListener camel) {
            this.camel = camel;
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            meters.rebalanced(ConsumerMeters.Rebalance.ASSIGNED);
            camel.onPartitionsAssigned(partitions);
            forget(partitions.stream().filter(partition -> !isOfDeletedTopic(partition)).toList());
            unverified.addAll(partitions);
            pause(partitions);
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            meters.rebalanced(ConsumerMeters.Rebalance.REVOKED);
            release(partitions);
            camel.onPartitionsRevoked(partitions);
        }

        private void release(Collection<TopicPartition> partitions) {
            Set<TopicPartition> kept = keepDeleted(partitions);
            List<TopicPartition> released = partitions.stream().filter(partition -> !kept.contains(partition)).toList();
            commitNow(released);
            forget(released);
        }

        private boolean isOfDeletedTopic(TopicPartition partition) {
            return positions.containsKey(partition) && positions.get(partition).restart != null;
        }

        @Override
        public void onPartitionsLost(Collection<TopicPartition> partitions) {
            meters.rebalanced(ConsumerMeters.Rebalance.LOST);
            Set<TopicPartition> kept = keepDeleted(partitions);
            forget(partitions.stream().filter(partition -> !kept.contains(partition)).toList());
            camel.onPartitionsLost(partitions);
        }
    }
}
