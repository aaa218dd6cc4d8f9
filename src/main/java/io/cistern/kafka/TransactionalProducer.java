package io.cistern.kafka;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An {@link UnfoldingProducer} that is in a transaction from the first send on, until that is committed or aborted. Made
 * when it is needed first, if it was not prepared, and anew when it is of no use any more. Not thread-safe.
 */
final class TransactionalProducer {

    private static final Logger LOG = LoggerFactory.getLogger(TransactionalProducer.class);

    /** One that had nothing to do for so long is replaced: brokers forget it, a week later unless they are set up otherwise. */
    private static final long MOST_IDLE_NANOS = Duration.ofHours(1).toNanos();

    private final Properties properties;
    private final Function<Properties, Producer<Object, Object>> clients;
    private final Gate.Factory gates;
    /** What is sent and not known to be acknowledged. */
    private final List<Sent> pending = new ArrayList<>();
    private Producer<Object, Object> producer;
    private boolean isOpen;
    private long usedNanos;

    private record Sent(String topic, Future<RecordMetadata> future, long timeoutMillis) {

        private boolean isAcknowledged() {
            return future.isDone() && reason() == null;
        }

        /**
         * Why it failed, or null; waits until it is known, but no longer than the delivery timeout. Records of a transaction
         * do not expire by themselves as long as their partition cannot be added to it, as that of a deleted topic.
         */
        private Throwable reason() {
            try {
                future.get(timeoutMillis, TimeUnit.MILLISECONDS);
                return null;
            } catch (ExecutionException e) {
                return e.getCause();
            } catch (java.util.concurrent.TimeoutException e) {
                return new TimeoutException("topic " + topic + " did not acknowledge within " + timeoutMillis + " ms");
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return e;
            }
        }
    }

    /**
     * @param properties      of the producer
     * @param transactionalId names it over all processes
     * @param timeoutMillis   what a process that died has begun holds up readers for this long at the most, unless the
     *                        properties say it
     */
    TransactionalProducer(Properties properties, String transactionalId, int timeoutMillis) {
        this(properties, transactionalId, timeoutMillis, Gate.Factory.NONE);
    }

    TransactionalProducer(Properties properties, String transactionalId, int timeoutMillis, Gate.Factory gates) {
        this(properties, transactionalId, timeoutMillis, gates, own -> new UnfoldingProducer(own, gates, null));
    }

    /** @param clients creates the Kafka producer; it is called again when the last one can no longer be used */
    TransactionalProducer(Properties properties, String transactionalId, int timeoutMillis, Gate.Factory gates,
                          Function<Properties, Producer<Object, Object>> clients) {
        this.gates = gates;
        this.clients = clients;
        this.properties = new Properties();
        this.properties.putAll(properties);
        this.properties.putIfAbsent(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, timeoutMillis);
        this.properties.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, transactionalId);
    }

    /** Whether something was sent that is not committed. */
    boolean isOpen() {
        return isOpen;
    }

    /**
     * Sends in the transaction, and begins one if there is none.
     *
     * @throws TransactionException if something that was sent before is known to have failed
     */
    Future<RecordMetadata> send(ProducerRecord<Object, Object> message, Callback callback) {
        settle();
        begin();
        Future<RecordMetadata> sent;
        try {
            sent = producer.send(message, callback);
        } catch (IllegalStateException e) {
            throw new TransactionException(e);
        }
        pending.add(new Sent(message.topic(), sent, UnfoldingProducer.patienceMillis(properties)));
        return sent;
    }

    /** Sends as {@link #send} does, and waits for the acknowledgement, but no longer than the delivery timeout. */
    RecordMetadata sendAndWait(ProducerRecord<Object, Object> message) throws ExecutionException, InterruptedException {
        long begun = System.nanoTime();
        Future<RecordMetadata> sent = send(message, null);
        Throwable reason = new Sent(message.topic(), sent, UnfoldingProducer.patienceMillis(properties)).reason();
        if (reason == null) {
            return sent.get();
        }
        if (!sent.isDone()) {
            gates.answered(message.topic(), reason, System.nanoTime() - begun);
        }
        throw new ExecutionException(reason);
    }

    /** Has something that was sent by another producer acknowledged before the next commit; throws as {@link #send} does. */
    void await(String topic, Future<RecordMetadata> sent) {
        settle();
        pending.add(new Sent(topic, sent, UnfoldingProducer.patienceMillis(properties)));
    }

    /** Leaves to be waited for what is not known yet. */
    private void settle() {
        pending.removeIf(Sent::isAcknowledged);
        if (pending.stream().anyMatch(sent -> sent.future.isDone() && sent.reason() != null)) {
            flush();
        }
    }

    /** Makes it ready, so that the first transaction need not wait for that. If it fails, that transaction tells why. */
    void prepare() {
        try {
            make();
        } catch (KafkaException e) {
            LOG.debug("Not ready yet for transactions", e);
        }
    }

    private void make() {
        if (producer != null) {
            return;
        }
        Producer<Object, Object> made = clients.apply(properties);
        try {
            made.initTransactions();
        } catch (RuntimeException e) {
            close(made, Duration.ZERO);
            throw e instanceof KafkaException ? e : new KafkaException(e);
        }
        producer = made;
        usedNanos = System.nanoTime();
    }

    private void begin() {
        if (producer != null && !isOpen && System.nanoTime() - usedNanos > MOST_IDLE_NANOS) {
            producer.close();
            producer = null;
        }
        make();
        usedNanos = System.nanoTime();
        if (!isOpen) {
            try {
                producer.beginTransaction();
            } catch (RuntimeException e) {
                discard("A transaction cannot begin", e);
                throw new TransactionException(e);
            }
            isOpen = true;
        }
    }

    /**
     * Commits what was sent, and these offsets with it.
     *
     * @param group the consumer's, as it is now; null if there are no offsets
     * @throws TransactionException if it is not committed, or if that is not known; the transaction must be aborted then
     */
    void commit(Map<TopicPartition, OffsetAndMetadata> offsets, ConsumerGroupMetadata group) {
        try {
            begin();
            flush();
            if (group != null) {
                if (group.generationId() < 0) {
                    // The broker would take it for a consumer without a group, which it does not check.
                    throw new KafkaException("the consumer is not in its group any more");
                }
                producer.sendOffsetsToTransaction(offsets, group);
            }
            producer.commitTransaction();
            isOpen = false;
        } catch (TransactionException e) {
            throw e;
        } catch (KafkaException | IllegalStateException e) {
            // A KafkaProducer reports a state that it cannot leave as an IllegalStateException.
            throw new TransactionException(e);
        }
    }

    /**
     * Waits for the acknowledgements of what was sent.
     *
     * @throws TransactionException if one of them failed; nothing is committed
     */
    void flush() {
        TransactionException failure = null;
        for (Sent sent : pending) {
            Throwable reason = sent.reason();
            // One that is refused is why all others fail.
            if (reason != null && (failure == null || reason instanceof RecordRefusedException)) {
                failure = new TransactionException(sent.topic, reason);
            }
        }
        pending.clear();
        if (failure != null) {
            throw failure;
        }
    }

    /**
     * Undoes what was sent since the last commit; does nothing if there is nothing. After a commit that timed out, Kafka's
     * producer allows nothing but the same commit again. It is replaced then: the next producer has the same transactional id,
     * and its start ends the transaction, as committed if the coordinator has decided so before, else as aborted.
     */
    void abort() {
        pending.clear();
        if (isOpen) {
            isOpen = false;
            try {
                producer.abortTransaction();
            } catch (RuntimeException e) {
                discard("Abort of a transaction failed", e);
            }
        }
    }

    private void discard(String what, RuntimeException reason) {
        LOG.warn("{}, replacing its producer, whose start ends the transaction: reason={}", what, reason.toString());
        close(producer, Duration.ZERO);
        producer = null;
        isOpen = false;
    }

    private static void close(Producer<Object, Object> producer, Duration timeout) {
        try {
            producer.close(timeout);
        } catch (KafkaException e) {
            LOG.warn("Close of a producer failed: reason={}", e.toString());
        }
    }

    /** Ends the producer, and undoes what is not committed. */
    void close() {
        abort();
        if (producer != null) {
            producer.close();
            producer = null;
        }
    }
}
