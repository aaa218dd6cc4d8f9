package io.cistern.kafka;

import io.cistern.batch.Batch;
import io.cistern.batch.Record;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * A producer that sends a {@link Batch} as the records that it holds, byte for byte and in their order; the send is done
 * when the last of them is acknowledged, and has failed when one of them has. Anything else is sent as it is.
 */
final class UnfoldingProducer extends KafkaProducer<Object, Object> {

    private final boolean isTransactional;
    private final AtomicBoolean hasRefused = new AtomicBoolean();

    UnfoldingProducer(Properties properties) {
        super(properties);
        isTransactional = properties.containsKey(ProducerConfig.TRANSACTIONAL_ID_CONFIG);
    }

    @Override
    public void beginTransaction() {
        super.beginTransaction();
        hasRefused.set(false);
    }

    @Override
    public Future<RecordMetadata> send(ProducerRecord<Object, Object> message, Callback callback) {
        if (!(message.value() instanceof Batch batch)) {
            return super.send(message, callback);
        }
        Acknowledgements acknowledgements = new Acknowledgements(batch, callback);
        try {
            for (Record record : batch) {
                if (acknowledgements.haveFailed()) {
                    break;
                }
                send(message.topic(), batch, record, acknowledgements);
            }
        } catch (RuntimeException e) {
            // A record that cannot even be read was never sent.
            acknowledgements.fail(e);
        }
        acknowledgements.onAllSent();
        return acknowledgements.done;
    }

    private void send(String topic, Batch batch, Record record, Acknowledgements acknowledgements) {
        Callback answer = acknowledgements.expect(topic, record);
        try {
            super.send(unfold(topic, batch, record), answer);
        } catch (RuntimeException e) {
            // A send that throws never calls back.
            answer.onCompletion(null, e);
        }
    }

    /**
     * Whether the same record would fare no better another time. In a transaction this is told of the first one only: it
     * fails the transaction, and all records that wait in it are answered with the same reason.
     */
    private boolean isRefused(Exception reason) {
        return (reason instanceof RecordTooLargeException || reason instanceof InvalidRecordException
            || reason instanceof InvalidTimestampException || reason instanceof SerializationException)
            && !(isTransactional && hasRefused.getAndSet(true));
    }

    private static ProducerRecord<Object, Object> unfold(String topic, Batch batch, Record record) {
        List<Record.Header> headers = batch.targetHeaders(record);
        Header[] copies = new Header[headers.size()];
        for (int i = 0; i < copies.length; i++) {
            copies[i] = new RecordHeader(headers.get(i).key(), headers.get(i).value());
        }
        return new ProducerRecord<>(topic, batch.targetPartition(record), batch.targetTimestamp(record),
            record.key(), record.value(), List.of(copies));
    }

    /** Counts a batch's acknowledgements, which come on the producer's thread. */
    private final class Acknowledgements {

        private final Batch batch;
        private final Callback callback;
        private final CompletableFuture<RecordMetadata> done = new CompletableFuture<>();
        /** Records without an answer, and one more while there are some to be sent. */
        private final AtomicInteger open = new AtomicInteger(1);
        private final AtomicInteger published = new AtomicInteger();
        private final AtomicReference<Exception> failure = new AtomicReference<>();
        private volatile RecordMetadata last;

        private Acknowledgements(Batch batch, Callback callback) {
            this.batch = batch;
            this.callback = callback;
        }

        private boolean haveFailed() {
            return failure.get() != null;
        }

        private void fail(Exception reason) {
            // Of the others it is said only that they were in the same request.
            failure.updateAndGet(known -> known == null
                || reason instanceof RecordRefusedException && !(known instanceof RecordRefusedException) ? reason : known);
        }

        /** The callback of one more record, which is named where it is refused. */
        private Callback expect(String target, Record record) {
            open.incrementAndGet();
            return (metadata, reason) -> {
                if (reason == null) {
                    published.incrementAndGet();
                    last = metadata;
                } else {
                    String message = "topic " + target + " did not take the record of offset " + record.offset() + " of "
                        + batch.getTopic() + "-" + record.partition() + ": " + reason.getMessage();
                    fail(isRefused(reason) ? new RecordRefusedException(record, message, reason)
                        : new KafkaException(message, reason));
                }
                closeOne();
            };
        }

        private void onAllSent() {
            closeOne();
        }

        private void closeOne() {
            if (open.decrementAndGet() > 0) {
                return;
            }
            batch.published(published.get());
            if (callback != null) {
                callback.onCompletion(last, failure.get());
            }
            if (failure.get() == null) {
                done.complete(last);
            } else {
                done.completeExceptionally(failure.get());
            }
        }
    }
}
