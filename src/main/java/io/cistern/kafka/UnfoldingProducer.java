package io.cistern.kafka;

import io.cistern.batch.Batch;
import io.cistern.batch.Record;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * A producer that sends a {@link Batch} as the records that it holds, byte for byte and in their order; the send is done
 * when the last of them is acknowledged, and has failed when one of them has. Anything else is sent as it is.
 */
final class UnfoldingProducer extends KafkaProducer<Object, Object> {

    UnfoldingProducer(Properties properties) {
        super(properties);
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
        Callback answer = acknowledgements.expect(topic, record.partition(), record.offset());
        try {
            super.send(unfold(topic, batch, record), answer);
        } catch (RuntimeException e) {
            // A send that throws never calls back.
            answer.onCompletion(null, e);
        }
    }

    private static ProducerRecord<Object, Object> unfold(String topic, Batch batch, Record record) {
        List<Record.Header> headers = record.headers();
        Header[] copies = new Header[headers.size()];
        for (int i = 0; i < copies.length; i++) {
            copies[i] = new RecordHeader(headers.get(i).key(), headers.get(i).value());
        }
        return new ProducerRecord<>(topic, batch.targetPartition(record), batch.targetTimestamp(record),
            record.key(), record.value(), List.of(copies));
    }

    /** Counts a batch's acknowledgements, which come on the producer's thread. */
    private static final class Acknowledgements {

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
            failure.compareAndSet(null, reason);
        }

        /** The callback of one more record, which is named where it is refused. */
        private Callback expect(String target, int partition, long offset) {
            open.incrementAndGet();
            return (metadata, reason) -> {
                if (reason == null) {
                    published.incrementAndGet();
                    last = metadata;
                } else {
                    fail(new KafkaException("topic " + target + " did not take the record of offset " + offset + " of "
                        + batch.getTopic() + "-" + partition + ": " + reason.getMessage(), reason));
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
