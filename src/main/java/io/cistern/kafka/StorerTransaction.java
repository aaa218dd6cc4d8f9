package io.cistern.kafka;

import io.cistern.batch.Batch;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * The transaction of a storer's thread: what goes with one batch file. A record that fails it (the topic does not take it,
 * or takes it only with another codec) does not fail it for ever: the transaction is aborted, and the same messages are sent
 * in another one, without that record or with that codec. Not thread-safe.
 */
final class StorerTransaction {

    private final TransactionalProducers producers;
    private final RefusedCopies refusedCopies;
    private final int batchBytes;
    /** What was sent since the last commit. */
    private final List<ProducerRecord<Object, Object>> messages = new ArrayList<>();
    private final Set<Codec> codecs = EnumSet.noneOf(Codec.class);
    private TransactionalProducer producer;

    /** @param batchBytes what the topics take of a batch */
    StorerTransaction(TransactionalProducers producers, RefusedCopies refusedCopies, int batchBytes) {
        this.producers = producers;
        this.refusedCopies = refusedCopies;
        this.batchBytes = batchBytes;
    }

    /** Sends in the transaction, begins one if there is none, and waits for the acknowledgement. */
    RecordMetadata send(ProducerRecord<Object, Object> message) throws ExecutionException, InterruptedException {
        if (!isOpen()) {
            messages.clear();
            codecs.clear();
            producer = producers.get(batchBytes, null);
            codecs.add(producers.usualCodec());
        }
        messages.add(message);
        RecordMetadata last = null;
        for (int next = messages.size() - 1; next < messages.size(); next++) {
            try {
                last = producer.sendAndWait(messages.get(next));
            } catch (ExecutionException e) {
                if (!isRepaired(messages.get(next), e.getCause())) {
                    throw e;
                }
                next = -1;
            }
        }
        return last;
    }

    /** Aborts a transaction that a single record has failed, and prepares the next one; false if it is not that. */
    private boolean isRepaired(ProducerRecord<Object, Object> message, Throwable failure) {
        if (failure instanceof OtherCodecException other && message.value() instanceof Batch batch) {
            producer.abort();
            if (codecs.add(other.codec())) {
                producer = producers.get(batchBytes, other.codec());
                return true;
            }
            // Two records of a file need different codecs, and a transaction has one.
            return leaveOut(message.topic(), batch, other.record(), other.getMessage());
        }
        if (failure instanceof RecordRefusedException refused && refused.getCause() != null
                && message.value() instanceof Batch batch) {
            producer.abort();
            return leaveOut(message.topic(), batch, refused.record(), refused.getCause().getMessage());
        }
        return false;
    }

    private boolean leaveOut(String target, Batch batch, Coordinates record, String reason) {
        return refusedCopies.areLeftOut() && refusedCopies.refusedByBroker(target, batch, record, reason);
    }

    boolean isOpen() {
        return producer != null && producer.isOpen();
    }

    /** As {@link TransactionalProducer#commit} does. */
    void commit(Map<TopicPartition, OffsetAndMetadata> offsets, ConsumerGroupMetadata group) {
        producer.commit(offsets, group);
        for (ProducerRecord<Object, Object> message : messages) {
            if (message.value() instanceof Batch batch) {
                refusedCopies.forget(message.topic(), batch);
            }
        }
        messages.clear();
    }

    void abort() {
        if (isOpen()) {
            producer.abort();
        }
        messages.clear();
    }

    void close() {
        producers.close();
        messages.clear();
    }
}
