package io.cistern.kafka;

import io.cistern.batch.Batch;
import io.cistern.batch.BatchFile;
import io.cistern.batch.OpenBatches;
import io.cistern.batch.PolledBatch;
import io.cistern.batch.Rotation;
import io.cistern.batch.Source;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.NoOffsetForPartitionException;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
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
    /** The part of max.poll.interval.ms after which nothing more is begun: the rest is for what was begun last. */
    private static final int SHARE_OF_POLL_INTERVAL = 10;

    private final int id;
    private final OpenBatches openBatches;
    private final Rotation rotation;
    private final Transactions transactions;
    private final ConsumerMeters meters;
    private final Duration rest;
    private final long timeNanos;
    /** Where a partition starts that the group has no offset of: at its beginning, or at this time. */
    private final boolean startsAtEnd;
    private final long startedAt;
    private final Map<TopicPartition, Position> positions = new HashMap<>();
    /** Polled, but not handed out yet since memory is short. */
    private final Deque<PolledPartition> ready = new ArrayDeque<>();
    /** Handed out, but not asked for by Camel; it comes again with the next poll. */
    private final Map<TopicPartition, PolledPartition> notAskedFor = new HashMap<>();
    private Set<TopicPartition> handedOutLast = Set.of();
    private final QuietPartitions quiet;
    /** Whether the last poll left something unread in memory for want of room. */
    private boolean shortOfMemory;
    private boolean waiting;
    private long nextCommit;
    private long polledNanos;
    private Thread pollingThread;

    private record PolledPartition(TopicPartition partition, PolledRecords records, long startOffset, long nextOffset,
                                   long consumedAt) {
    }

    FoldingConsumer(Properties properties, int id, OpenBatches openBatches, Rotation rotation, Transactions transactions,
                    ConsumerMeters meters, Duration rest, long startedAt) {
        super(withoutReset(properties));
        this.startsAtEnd = "latest".equals(properties.get(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG));
        this.startedAt = startedAt;
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
        super.subscribe(topics, new Listener(listener));
    }

    @Override
    public void subscribe(Pattern pattern, ConsumerRebalanceListener listener) {
        super.subscribe(pattern, new Listener(listener));
    }

    @Override
    public ConsumerRecords<Object, Object> poll(Duration timeout) {
        try {
            return next(timeout);
        } catch (RuntimeException e) {
            return FailedPoll.rest(e);
        }
    }

    private ConsumerRecords<Object, Object> next(Duration timeout) {
        pollingThread = Thread.currentThread();
        openBatches.unreserve(this);
        // Of a batch that was neither acknowledged nor rewound: its offsets were not committed, nor must the rest be.
        transactions.abort();
        notAskedFor.values().forEach(ready::addFirst);
        notAskedFor.clear();
        if (System.nanoTime() - nextCommit >= 0) {
            nextCommit = System.nanoTime() + COMMIT_INTERVAL_NANOS;
            passGapsAndStarts();
            commitAcknowledged();
            meters.look(this, positions);
        }
        rewindWhatWasLeftOut();
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

        private final Map<TopicPartition, List<ConsumerRecord<Object, Object>>> handedOut;

        private HandedOut(Map<TopicPartition, List<ConsumerRecord<Object, Object>>> handedOut) {
            super(handedOut);
            this.handedOut = handedOut;
        }

        @Override
        public List<ConsumerRecord<Object, Object>> records(TopicPartition partition) {
            if (!hasTime()) {
                return List.of();
            }
            notAskedFor.remove(partition);
            List<ConsumerRecord<Object, Object>> asked = super.records(partition);
            // By the time when Camel asks for the next one nothing holds these any more: memory gets free while a poll is stored.
            handedOut.replace(partition, List.of());
            return asked;
        }
    }

    private ConsumerRecords<Object, Object> fetch(Duration timeout) {
        try {
            return super.poll(timeout);
        } catch (NoOffsetForPartitionException e) {
            seekToStart(e.partitions());
        } catch (OffsetOutOfRangeException e) {
            LOG.warn("Records are gone that were not stored yet, or a topic was created anew; what is there is stored from"
                + " its start: offsets={}", e.offsetOutOfRangePartitions());
            for (TopicPartition partition : e.partitions()) {
                storeWhatIsHeld(partition);
                if (positions.containsKey(partition)) {
                    positions.get(partition).isCutOff = true;
                }
            }
            seekToBeginning(e.partitions());
        }
        return ConsumerRecords.empty();
    }

    /**
     * Kafka's own latest would skip what came to a partition between the time when it was added to a topic and its first
     * poll, which may be minutes later: what came since this process began is not passed over.
     */
    private void seekToStart(Collection<TopicPartition> partitions) {
        if (!startsAtEnd) {
            seekToBeginning(partitions);
            return;
        }
        Map<TopicPartition, Long> times = new HashMap<>();
        partitions.forEach(partition -> times.put(partition, startedAt));
        try {
            offsetsForTimes(times, COMMITTED_TIMEOUT).forEach((partition, offset) -> {
                if (offset == null) {
                    seekToEnd(List.of(partition));
                } else {
                    seek(partition, offset.offset());
                }
            });
        } catch (TimeoutException e) {
            LOG.debug("Not known yet: where {} start", partitions, e);
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
                || ready.stream().anyMatch(polled -> polled.partition.equals(partition))) {
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
        long now = System.currentTimeMillis();
        for (TopicPartition partition : polled.partitions()) {
            List<ConsumerRecord<Object, Object>> records = polled.records(partition);
            long first = records.get(0).offset();
            Position position = positions.computeIfAbsent(partition, ignored -> new Position(first));
            if (first < position.handedOut) {
                position = startAnew(partition, first);
            } else if (position.isCutOff && position.handedOut == position.acknowledged) {
                position.cutOff(first);
            }
            // In parts, each of which fits beside others: what a poll gives may be more than may be held.
            for (PolledRecords part : PolledRecords.parts(records, rotation.maxHeldBytes() / 4)) {
                long next = part.polled().get(part.polled().size() - 1).offset() + 1;
                ready.add(new PolledPartition(partition, part, position.startOfNext(), next, now));
                position.handedOut = next;
            }
        }
    }

    /**
     * The offsets went back: the topic was deleted and created again. What is held of its former life is stored, since it
     * cannot be read again, and the positions follow the new one.
     */
    private Position startAnew(TopicPartition partition, long first) {
        LOG.warn("Offsets start anew: topic={} partition={} offset={} before={}", partition.topic(), partition.partition(),
            first, positions.get(partition).handedOut);
        storeWhatIsHeld(partition);
        Position position = new Position(first);
        positions.put(partition, position);
        return position;
    }

    private void storeWhatIsHeld(TopicPartition partition) {
        openBatches.openOf(this).stream().filter(file -> file.getTopic().equals(partition.topic())
            && file.getPartition() == partition.partition()).forEach(BatchFile::want);
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
            if (handedOut.containsKey(next.partition)) {
                // One at a time: if that one fails and is read again, what comes behind it must not be on its way already.
                continue;
            }
            long expected = openBatches.growth(this, next.partition.topic(), next.partition.partition(),
                next.records.mostBytes());
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
            if (handedOut.containsKey(next.partition)) {
                continue;
            }
            polled.remove();
            notAskedFor.put(next.partition, next);
            add(handedOut, next.partition, new PolledBatch(this, next.partition.topic(), next.partition.partition(),
                next.startOffset, next.nextOffset, next.consumedAt, next.records, next.records.polled().size()),
                next.nextOffset - 1);
        }
        openBatches.setWaiting(this, shortOfMemory);
        return handedOut;
    }

    /** Has the largest batch closed of those whose partition has nothing handed out; returns the bytes, 0 if there is none. */
    private long tickLargest(List<BatchFile> notDue, Map<TopicPartition, List<ConsumerRecord<Object, Object>>> handedOut) {
        for (BatchFile file : notDue) {
            if (!handedOut.containsKey(new TopicPartition(file.getTopic(), file.getPartition()))) {
                file.want();
                return tick(file, handedOut);
            }
        }
        return 0;
    }

    /** Has one that rests read again later, as others must not wait for it; returns its bytes, which are free now. */
    private long dropUnpublished(Map<TopicPartition, List<ConsumerRecord<Object, Object>>> handedOut) {
        for (Map.Entry<TopicPartition, Position> entry : positions.entrySet()) {
            BatchFile file = entry.getValue().unpublished;
            if (file != null && !handedOut.containsKey(entry.getKey())) {
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
            System.currentTimeMillis(), List.of(), 0), end - 1);
        return file.heldBytes();
    }

    private static void add(Map<TopicPartition, List<ConsumerRecord<Object, Object>>> handedOut,
                            TopicPartition partition, Batch batch, long offset) {
        handedOut.put(partition, List.of(
            new ConsumerRecord<>(partition.topic(), partition.partition(), Math.max(0, offset), null, batch)));
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
        return !waiting && !quiet.contains(partition) && (position == null || !position.rests && position.unpublished == null);
    }

    private void endRests() {
        long now = System.nanoTime();
        positions.forEach((partition, position) -> {
            if (position.rests && now - position.restUntilNanos >= 0) {
                if (position.isUncertain && !makeCertain(partition, position)) {
                    position.restUntilNanos = System.nanoTime() + rest.toNanos();
                    return;
                }
                position.rests = false;
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
        Position behind = new Position(Math.max(position.acknowledged, nextOffset));
        behind.stored = isStored ? Math.max(position.stored, nextOffset) : position.stored;
        if (transactions.isOpen()) {
            awaitCommit(topicPartition, position);
            position.isUncertain = true;
            transactions.commit(Map.of(topicPartition, behind.offsetAndMetadata()), groupMetadata());
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
        if (position == null || !assignment().contains(topicPartition)) {
            return;
        }
        position.unpublished = null;
        rest(topicPartition, position, position.acknowledged);
    }

    @Override
    public boolean keep(BatchFile stored) {
        TopicPartition partition = new TopicPartition(stored.getTopic(), stored.getPartition());
        Position position = positions.get(partition);
        if (position == null || position.isUncertain || !assignment().contains(partition)) {
            return false;
        }
        transactions.abort();
        position.unpublished = stored;
        rest(partition, position, stored.nextOffset());
        return true;
    }

    /** Goes on at {@code offset} when it has rested. */
    private void rest(TopicPartition partition, Position position, long offset) {
        ready.removeIf(polled -> polled.partition.equals(partition));
        position.handedOut = offset;
        position.rests = true;
        position.restUntilNanos = System.nanoTime() + rest.toNanos();
        seek(partition, offset);
        pause(List.of(partition));
        LOG.info("Storing rests: topic={} partition={} offset={} for={}", partition.topic(), partition.partition(), offset,
            rest);
    }

    /** Asks the broker what became of a commit whose answer was lost; false if it does not say. */
    private boolean makeCertain(TopicPartition partition, Position position) {
        try {
            OffsetAndMetadata committed = committed(Set.of(partition), COMMITTED_TIMEOUT).get(partition);
            if (committed != null && committed.offset() > position.acknowledged) {
                Position behind = Position.of(committed);
                position.handedOut = behind.handedOut;
                position.acknowledged = behind.acknowledged;
                position.stored = behind.stored;
                position.committed = behind.committed;
                seek(partition, behind.acknowledged);
            }
            position.isUncertain = false;
            return true;
        } catch (KafkaException e) {
            LOG.warn("The broker does not say what is committed of {}, and is asked again: {}", partition, e.toString());
            return false;
        }
    }

    /** Where new partitions start, and where their last batch ended; those of which it is not known start where Kafka says. */
    private void noteCommitted(Collection<TopicPartition> partitions) {
        if (partitions.isEmpty()) {
            return;
        }
        try {
            committed(Set.copyOf(partitions), COMMITTED_TIMEOUT).forEach((partition, committed) -> {
                if (committed != null) {
                    positions.put(partition, Position.of(committed));
                }
            });
        } catch (KafkaException e) {
            LOG.debug("Not known yet: what is committed of {}", partitions, e);
        }
    }

    /**
     * Moves over offsets at which there is no record (transaction markers, compaction), so that the lag goes to 0, and
     * notes where a new partition starts, so that a restart before its first record does not skip what comes meanwhile.
     */
    private void passGapsAndStarts() {
        for (TopicPartition partition : assignment()) {
            Position position = positions.get(partition);
            if (position != null && (position.rests || position.handedOut != position.acknowledged)) {
                continue;
            }
            try {
                long offset = position(partition, Duration.ofMillis(1));
                if (position == null) {
                    positions.put(partition, new Position(offset));
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
            if (!position.isUncertain && position.acknowledged > Math.max(position.committed, position.committing)) {
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
            if (position != null) {
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
            if (position != null && !position.isUncertain && position.acknowledged > position.committed) {
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
        for (TopicPartition partition : partitions) {
            positions.remove(partition);
            ready.removeIf(polled -> polled.partition.equals(partition));
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
        end();
        super.close();
    }

    @Override
    public void close(Duration timeout) {
        end();
        super.close(timeout);
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
            forget(partitions);
            noteCommitted(partitions);
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            meters.rebalanced(ConsumerMeters.Rebalance.REVOKED);
            commitNow(partitions);
            forget(partitions);
            camel.onPartitionsRevoked(partitions);
        }

        @Override
        public void onPartitionsLost(Collection<TopicPartition> partitions) {
            meters.rebalanced(ConsumerMeters.Rebalance.LOST);
            forget(partitions);
            camel.onPartitionsLost(partitions);
        }
    }
}
