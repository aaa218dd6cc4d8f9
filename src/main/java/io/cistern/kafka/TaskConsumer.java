package io.cistern.kafka;

import io.cistern.batch.Record;
import io.cistern.kafka.TaskDesk.Fitness;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A consumer of the tasks of reloads, whose poll gives one task that is due, or none. What is done for a task, the next
 * task of its kind and the consumer's offset are committed in one transaction, which the broker refuses if the partition
 * has gone to another consumer meanwhile; a task that was not committed is handed out again.
 *
 * <p>The tasks of a partition come in turn. One that waits for its time goes to the partition's end when another one
 * behind it is due.
 */
final class TaskConsumer extends KafkaConsumer<Object, Object> implements TaskInHand {

    private static final Logger LOG = LoggerFactory.getLogger(TaskConsumer.class);
    private static final Duration COMMITTED_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration LOOK_AGAIN = Duration.ofMillis(20);
    private static final int MOST_QUEUED = 500;

    private final String topic;
    private final TaskDesk desk;
    private final ReloadLog log;
    private final TransactionalProducers producers;
    private final Duration rest;
    private final Map<TopicPartition, Deque<Task>> queues = new LinkedHashMap<>();
    /** Assigned partitions, and what must be known of the state of reloads before their tasks can be judged; null: not asked. */
    private final Map<TopicPartition, Map<TopicPartition, Long>> unproven = new HashMap<>();
    /** Where what is committed must be asked for before anything else. */
    private final Set<TopicPartition> unsure = new HashSet<>();
    private final Consumer<TaskConsumer> onPoll;
    private AutoCloseable closedWith = () -> { };
    private Task inHand;
    /** What publishes for the task in hand. */
    private TransactionalProducer producer;
    private int batchBytes = Integer.MAX_VALUE;
    private Codec codec;
    private boolean isPrepared;
    /** That of the tasks topic. */
    private int incarnation;

    private static final class Task {
        private final ConsumerRecord<Object, Object> message;
        private final TaskDesk.Job job;
        private long due;

        private Task(ConsumerRecord<Object, Object> message, TaskDesk.Job job) {
            this.message = message;
            this.job = job;
            this.due = job.due();
        }

        private TopicPartition partition() {
            return new TopicPartition(message.topic(), message.partition());
        }

        private boolean isReady(long now) {
            return due <= now && job.fitness() == Fitness.READY;
        }
    }

    TaskConsumer(Properties properties, String topic, TaskDesk desk, ReloadLog log, TransactionalProducers producers,
                 Duration rest, Consumer<TaskConsumer> onPoll) {
        super(properties);
        this.topic = topic;
        this.desk = desk;
        this.log = log;
        this.producers = producers;
        this.producer = producers.get(batchBytes, codec);
        this.rest = rest;
        this.onPoll = onPoll;
        this.incarnation = log.tasksIncarnation();
    }

    /** Has something closed when this consumer is. */
    void closeWith(AutoCloseable other) {
        closedWith = other;
    }

    /** Chooses the producer that the topics of a job need. */
    private void chooseProducer(TaskDesk.Job job) {
        batchBytes = job.batchBytes();
        codec = job.codec();
        producer = producers.get(batchBytes, codec);
    }

    /** The most bytes of a batch of Kafka's for the task in hand. */
    int batchBytes() {
        return batchBytes;
    }

    @Override
    public Codec codec() {
        return codec == null ? producers.usualCodec() : codec;
    }

    /** What publishes in the transaction of the task in hand. */
    TransactionalProducer producer() {
        return producer;
    }

    @Override
    public void subscribe(Collection<String> topics, ConsumerRebalanceListener listener) {
        super.subscribe(topics, new Listener(listener));
    }

    @Override
    public ConsumerRecords<Object, Object> poll(Duration timeout) {
        return next(timeout);
    }

    private ConsumerRecords<Object, Object> next(Duration timeout) {
        onPoll.accept(this);
        if (inHand != null) {
            // Its route left it.
            undo();
            inHand.due = System.currentTimeMillis() + rest.toMillis();
            inHand = null;
        }
        startAgainInNewTopic();
        unsure.removeIf(this::resume);
        add(super.poll(untilNextTask(timeout)));
        Task task = pick();
        if (task == null) {
            prepare();
            return ConsumerRecords.empty();
        }
        inHand = task;
        chooseProducer(task.job);
        task.job.begin(this);
        ConsumerRecord<Object, Object> message = new ConsumerRecord<>(task.message.topic(), task.message.partition(),
            task.message.offset(), null, task.job);
        return new ConsumerRecords<>(Map.of(task.partition(), List.of(message)));
    }

    /** Reads the tasks topic from its start where it was deleted and created again: positions in the former one say nothing. */
    private void startAgainInNewTopic() {
        int incarnation = log.tasksIncarnation();
        if (incarnation != this.incarnation) {
            this.incarnation = incarnation;
            queues.clear();
            unsure.clear();
            assignment().forEach(partition -> unproven.put(partition, null));
            seekToBeginning(assignment());
            resume(paused());
        }
    }

    /** Makes use of the first time that there is nothing to do. */
    private void prepare() {
        if (!isPrepared) {
            isPrepared = true;
            producer.prepare();
            log.prepare();
        }
    }

    private Duration untilNextTask(Duration timeout) {
        long now = System.currentTimeMillis();
        long wait = timeout.toMillis();
        for (Deque<Task> queue : queues.values()) {
            for (Task task : queue) {
                wait = Math.min(wait, switch (task.job.fitness()) {
                    case READY -> Math.max(0, task.due - now);
                    case FOREIGN -> wait;
                    case NOT_YET, OBSOLETE -> LOOK_AGAIN.toMillis();
                });
            }
        }
        return Duration.ofMillis(unproven.isEmpty() && unsure.isEmpty() ? wait : Math.min(wait, LOOK_AGAIN.toMillis()));
    }

    private void add(ConsumerRecords<Object, Object> polled) {
        for (ConsumerRecord<Object, Object> message : polled) {
            Deque<Task> queue = queues.computeIfAbsent(new TopicPartition(message.topic(), message.partition()),
                partition -> new ArrayDeque<>());
            if (message.key() == null) {
                LOG.error("Record without a key skipped, not a task: topic={} offset={}", topic, message.offset());
            } else if (message.value() != null) {
                String key = new String((byte[]) message.key(), StandardCharsets.UTF_8);
                try {
                    queue.add(new Task(message, desk.read(key, (byte[]) message.value())));
                } catch (IllegalArgumentException e) {
                    LOG.error("A record of {} at offset {} is no task, and is passed over: {}", topic, message.offset(),
                        e.getMessage());
                }
            }
        }
        queues.forEach((partition, queue) -> {
            if (queue.size() >= MOST_QUEUED) {
                pause(Set.of(partition));
            } else if (paused().contains(partition) && !unsure.contains(partition)) {
                resume(Set.of(partition));
            }
        });
    }

    /** The next task, of the partition whose turn it is; null if none is due. */
    private Task pick() {
        long now = System.currentTimeMillis();
        for (TopicPartition partition : List.copyOf(queues.keySet())) {
            Deque<Task> queue = queues.get(partition);
            if (queue.isEmpty() || !isProven(partition)) {
                continue;
            }
            dropObsolete(partition, queue);
            if (queue.stream().anyMatch(task -> task.isReady(now))) {
                queues.remove(partition);
                queues.put(partition, queue);
                if (postponeUntilReady(partition, queue, now)) {
                    return queue.getFirst();
                }
            }
        }
        return null;
    }

    private boolean isProven(TopicPartition partition) {
        if (!unproven.containsKey(partition)) {
            return !unsure.contains(partition);
        }
        try {
            if (unproven.get(partition) == null) {
                Map<TopicPartition, Long> ends = log.ends();
                unproven.replaceAll((one, needed) -> needed == null ? ends : needed);
            }
        } catch (KafkaException e) {
            LOG.warn("The state of reloads cannot be asked for: {}", e.getMessage());
            return false;
        }
        if (!log.hasReached(unproven.get(partition))) {
            return false;
        }
        unproven.remove(partition);
        return true;
    }

    private void dropObsolete(TopicPartition partition, Deque<Task> queue) {
        long passed = -1;
        while (!queue.isEmpty() && queue.getFirst().job.fitness() == Fitness.OBSOLETE) {
            passed = queue.removeFirst().message.offset();
        }
        if (passed >= 0) {
            try {
                commitSync(Map.of(partition, new OffsetAndMetadata(passed + 1)), COMMITTED_TIMEOUT);
            } catch (KafkaException e) {
                // Passed over again by whoever gets it next.
                LOG.debug("Obsolete tasks could not be committed: {}", e.getMessage());
            }
        }
    }

    /** Has a ready task at the head of the queue: those before it go behind it; false if that failed. */
    private boolean postponeUntilReady(TopicPartition partition, Deque<Task> queue, long now) {
        if (queue.getFirst().isReady(now)) {
            return true;
        }
        List<Task> postponed = new ArrayList<>();
        for (Iterator<Task> tasks = queue.iterator(); tasks.hasNext();) {
            Task task = tasks.next();
            if (task.isReady(now)) {
                break;
            }
            postponed.add(task);
        }
        try {
            for (Task task : postponed) {
                if (task.job.fitness() != Fitness.OBSOLETE) {
                    producer.send(new ProducerRecord<>(topic, partition.partition(), task.message.key(),
                        task.message.value()), null);
                }
            }
            long last = postponed.get(postponed.size() - 1).message.offset();
            producer.commit(Map.of(partition, new OffsetAndMetadata(last + 1)), groupMetadata());
            queue.removeAll(postponed);
            return true;
        } catch (KafkaException e) {
            LOG.warn("Tasks could not be postponed: {}", e.getMessage());
            doubt(partition);
            return false;
        }
    }

    @Override
    public int partition() {
        return inHand.message.partition();
    }

    @Override
    public boolean isInHand(TaskDesk.Job job) {
        return inHand != null && inHand.job == job;
    }

    @Override
    public void publish(String target, Record record, List<Record.Header> headers) {
        List<Header> all = new ArrayList<>();
        headers.forEach(header -> all.add(new RecordHeader(header.key(), header.value())));
        producer.send(new ProducerRecord<>(target, null, null, record.key(), record.value(), all), null);
    }

    @Override
    public void commit(List<Entry> entries) {
        Task task = inHand;
        try {
            // Whoever follows the progress waits for what is sent and not committed: that is to be short.
            producer.flush();
            for (Entry entry : entries) {
                producer.send(new ProducerRecord<>(entry.topic(), entry.partition(),
                    entry.key().getBytes(StandardCharsets.UTF_8), entry.value()), null);
            }
            producer.flush();
        } catch (KafkaException e) {
            producer.abort();
            throw e instanceof TransactionException ? e : new TransactionException(e);
        }
        inHand = null;
        try {
            producer.commit(Map.of(task.partition(), new OffsetAndMetadata(task.message.offset() + 1)), groupMetadata());
        } catch (KafkaException e) {
            doubt(task.partition());
            throw e;
        }
        queues.get(task.partition()).removeFirst();
    }

    @Override
    public void undo() {
        producer.abort();
    }

    @Override
    public void idle(long until) {
        inHand.due = until;
        inHand = null;
    }

    /** Whether a transaction came through is not known: what is committed decides. */
    private void doubt(TopicPartition partition) {
        producer.abort();
        queues.remove(partition);
        pause(Set.of(partition));
        unsure.add(partition);
    }

    /** Goes on from what is committed; false if no broker says it. */
    private boolean resume(TopicPartition partition) {
        try {
            // Waits for transactions whose end is open.
            OffsetAndMetadata committed = committed(Set.of(partition), COMMITTED_TIMEOUT).get(partition);
            if (committed == null) {
                seekToBeginning(Set.of(partition));
            } else {
                seek(partition, committed.offset());
            }
            resume(Set.of(partition));
            return true;
        } catch (KafkaException e) {
            LOG.warn("What is committed of {} cannot be asked for: {}", partition, e.getMessage());
            return false;
        }
    }

    @Override
    public void close() {
        closeProducers();
        super.close();
    }

    @Override
    public void close(Duration timeout) {
        closeProducers();
        super.close(timeout);
    }

    private void closeProducers() {
        try {
            producers.close();
            closedWith.close();
        } catch (Exception e) {
            LOG.warn("A producer did not close: {}", e.toString());
        }
    }

    /** Nothing is in hand while a poll changes the assignment. */
    private final class Listener implements ConsumerRebalanceListener {

        private final ConsumerRebalanceListener then;

        private Listener(ConsumerRebalanceListener then) {
            this.then = then;
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            partitions.forEach(partition -> unproven.put(partition, null));
            then.onPartitionsAssigned(partitions);
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            forget(partitions);
            then.onPartitionsRevoked(partitions);
        }

        @Override
        public void onPartitionsLost(Collection<TopicPartition> partitions) {
            forget(partitions);
            then.onPartitionsLost(partitions);
        }

        private void forget(Collection<TopicPartition> partitions) {
            queues.keySet().removeAll(partitions);
            unproven.keySet().removeAll(partitions);
            unsure.removeAll(partitions);
        }
    }
}
