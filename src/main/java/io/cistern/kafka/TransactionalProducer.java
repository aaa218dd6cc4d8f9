package io.cistern.kafka;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
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
    /** What is sent and not known to be acknowledged. */
    private final List<Sent> pending = new ArrayList<>();
    private UnfoldingProducer producer;
    private boolean isOpen;
    private long usedNanos;

    private record Sent(String topic, Future<RecordMetadata> future) {

        private boolean isAcknowledged() {
            return future.isDone() && reason() == null;
        }

        /** Why it failed, or null; waits until it is known. */
        private Throwable reason() {
            try {
                future.get();
                return null;
            } catch (ExecutionException e) {
                return e.getCause();
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
        this.properties = new Properties();
        this.properties.putAll(properties);
        this.properties.putIfAbsent(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, timeoutMillis);
        this.properties.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, transactionalId);
    }

    /** Makes batches of at most so many bytes from now on; not within a transaction. */
    void limitBatches(int bytes) {
        if (BatchClients.limitBatches(properties, bytes) && producer != null) {
            producer.close();
            producer = null;
        }
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
        Future<RecordMetadata> sent = producer.send(message, callback);
        pending.add(new Sent(message.topic(), sent));
        return sent;
    }

    /** Has something that was sent by another producer acknowledged before the next commit; throws as {@link #send} does. */
    void await(String topic, Future<RecordMetadata> sent) {
        settle();
        pending.add(new Sent(topic, sent));
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
        UnfoldingProducer made = new UnfoldingProducer(properties);
        try {
            made.initTransactions();
        } catch (KafkaException e) {
            made.close(Duration.ZERO);
            throw e;
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
            producer.beginTransaction();
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
        } catch (KafkaException e) {
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

    /** Undoes what was sent since the last commit; does nothing if there is nothing. */
    void abort() {
        pending.clear();
        if (isOpen) {
            isOpen = false;
            try {
                producer.abortTransaction();
            } catch (KafkaException e) {
                LOG.warn("A transaction could not be aborted; its producer is replaced, which aborts it: {}", e.toString());
                producer.close(Duration.ZERO);
                producer = null;
            }
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
