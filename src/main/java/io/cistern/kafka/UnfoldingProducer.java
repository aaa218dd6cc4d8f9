package io.cistern.kafka;

import io.cistern.batch.Batch;
import io.cistern.batch.Record;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32C;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.InvalidTimestampException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * A producer that sends a {@link Batch} as the records that it holds, byte for byte and in their order; the send is done
 * when the last of them is acknowledged, and has failed when one of them has. Anything else is sent as it is.
 */
final class UnfoldingProducer extends KafkaProducer<Object, Object> {

    private static final RecordMetadata NOTHING_SENT = new RecordMetadata(new TopicPartition("", 0), -1, 0, -1, -1, -1);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private static final int USUAL_DELIVERY_MILLIS = 120_000;
    private static final int MORE_PATIENCE_MILLIS = 2000;

    private final boolean isTransactional;
    private final long patienceNanos;
    private final AtomicBoolean hasRefused = new AtomicBoolean();
    private final Codec codec;
    private final Gate.Factory gates;
    /** Sends large records for several threads; null for a producer of one thread, which sends them alone itself. */
    private final LargeRecordProducer large;

    /** How long to wait for an acknowledgement: a little longer than it takes the producer to give up by itself. */
    static long patienceMillis(Properties properties) {
        Object timeout = properties.getOrDefault(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, USUAL_DELIVERY_MILLIS);
        return Long.parseLong(timeout.toString()) + MORE_PATIENCE_MILLIS;
    }

    UnfoldingProducer(Properties properties) {
        this(properties, Gate.Factory.NONE, null);
    }

    UnfoldingProducer(Properties properties, Gate.Factory gates, LargeRecordProducer large) {
        super(properties);
        this.isTransactional = properties.containsKey(ProducerConfig.TRANSACTIONAL_ID_CONFIG);
        this.patienceNanos = Duration.ofMillis(patienceMillis(properties)).toNanos();
        this.codec = Codec.of(properties);
        this.gates = gates;
        this.large = large;
    }

    /**
     * Waits for what was sent, but not long: it fails then, and was not acknowledged. Kafka's own close would wait for ever
     * where no broker has given the producer its id yet, since no record expires before that.
     */
    @Override
    public void close() {
        if (large != null) {
            large.close();
        }
        close(CLOSE_TIMEOUT);
    }

    @Override
    public void beginTransaction() {
        super.beginTransaction();
        hasRefused.set(false);
    }

    @Override
    public Future<RecordMetadata> send(ProducerRecord<Object, Object> message, Callback callback) {
        long begun = System.nanoTime();
        if (!(message.value() instanceof Batch batch)) {
            gates.requireAvailable(message.topic());
            return super.send(message, (metadata, failure) -> {
                gates.answered(message.topic(), failure, System.nanoTime() - begun);
                if (callback != null) {
                    callback.onCompletion(metadata, failure);
                }
            });
        }
        Acknowledgements acknowledgements = new Acknowledgements(message.topic(), batch.getTopic(), callback, begun);
        int sent = 0;
        try {
            gates.requireAvailable(message.topic());
            Gate gate = gates.gate(message.topic(), batch, codec);
            acknowledgements.gate = gate;
            Iterator<Record> records = batch.drain();
            while (records.hasNext() && !acknowledgements.haveFailed()) {
                Record record = records.next();
                boolean isOrdinary = gate.isOrdinary(record);
                Codec needed = isOrdinary ? codec : gate.codec(record);
                if (needed == null) {
                    continue;
                }
                ProducerRecord<Object, Object> unfolded = unfold(acknowledgements.target, batch, record);
                sent++;
                if (isOrdinary || needed == codec && RecordSize.room(record.key(), record.value(),
                        unfolded.headers().toArray()) <= gate.maxBytes()) {
                    send(unfolded, record, acknowledgements);
                    acknowledgements.awaitRoom();
                } else {
                    acknowledgements.awaitAnswers(sent - 1);
                    if (acknowledgements.haveFailed()) {
                        // It must not come before those that are sent again.
                        sent--;
                        break;
                    }
                    sendAlone(unfolded, record, needed, acknowledgements);
                    acknowledgements.awaitAnswers(sent);
                }
            }
        } catch (RuntimeException e) {
            // A record that cannot even be read was never sent.
            acknowledgements.fail(e);
        }
        acknowledgements.onAllSent(sent);
        return acknowledgements.done;
    }

    private void send(ProducerRecord<Object, Object> unfolded, Record record, Acknowledgements acknowledgements) {
        Answer answer = new Answer(acknowledgements, record);
        try {
            super.send(unfolded, answer);
        } catch (RuntimeException e) {
            // A send that throws never calls back.
            answer.onCompletion(null, e);
        }
    }

    /** Sends a record that must not share a Kafka batch with others. */
    private void sendAlone(ProducerRecord<Object, Object> unfolded, Record record, Codec needed, Acknowledgements acknowledgements) {
        if (large == null && needed == codec) {
            send(unfolded, record, acknowledgements);
            return;
        }
        Answer answer = new Answer(acknowledgements, record);
        if (large == null) {
            answer.onCompletion(null, new OtherCodecException(Coordinates.of(record), needed));
            return;
        }
        try {
            answer.onCompletion(large.send(unfolded, needed), null);
        } catch (ExecutionException e) {
            answer.onCompletion(null, e.getCause() instanceof Exception cause ? cause : e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            answer.onCompletion(null, new InterruptException(e));
        } catch (RuntimeException e) {
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
        return TimestampedRecord.of(topic, batch.targetPartition(record), batch.targetTimestamp(record),
            record.key(), record.value(), unfold(batch.targetHeaders(record)));
    }

    private static List<Header> unfold(List<Record.Header> headers) {
        if (headers.isEmpty()) {
            return null;
        }
        Header[] copies = new Header[headers.size()];
        for (int i = 0; i < copies.length; i++) {
            copies[i] = new RecordHeader(headers.get(i).key(), headers.get(i).value());
        }
        return List.of(copies);
    }

    private static int length(byte[] bytes) {
        return bytes == null ? 0 : bytes.length;
    }

    /** Counts a batch's acknowledgements, which come on the producer's thread. */
    private final class Acknowledgements {

        private static final int NOT_ALL_SENT = 1 << 30;
        /** Of keys and values, without an answer: what is more only fills memory, and caches. */
        private static final long MOST_BYTES_ON_THE_WAY = 8 << 20;
        private static final long LOOK_AGAIN_NANOS = 200_000;

        private final String target;
        private final String topic;
        private final Callback callback;
        private final long begunNanos;
        /** Written before anything is sent. */
        private Gate gate;
        /** For the thread that sends. */
        private final CRC32C checksum = new CRC32C();
        private final CompletableFuture<RecordMetadata> done = new CompletableFuture<>();
        /** Records without an answer; until all are sent, {@link #NOT_ALL_SENT} less the answers that came. */
        private final AtomicInteger open = new AtomicInteger(NOT_ALL_SENT);
        private final AtomicReference<Exception> failure = new AtomicReference<>();
        /** For the thread that sends: of what was sent, and of what was answered when it looked last. */
        private long bytesSent;
        private long bytesKnownAnswered;
        private final AtomicLong bytesAnswered = new AtomicLong();
        /** Written before {@link #open}, and read behind it. */
        private RecordMetadata last = NOTHING_SENT;

        private Acknowledgements(String target, String topic, Callback callback, long begunNanos) {
            this.target = target;
            this.topic = topic;
            this.callback = callback;
            this.begunNanos = begunNanos;
        }

        private boolean haveFailed() {
            return failure.get() != null;
        }

        /** Waits while too much is on its way. */
        private void awaitRoom() {
            long begun = bytesSent - bytesKnownAnswered > MOST_BYTES_ON_THE_WAY ? System.nanoTime() : 0;
            while (bytesSent - bytesKnownAnswered > MOST_BYTES_ON_THE_WAY) {
                bytesKnownAnswered = bytesAnswered.get();
                if (bytesSent - bytesKnownAnswered > MOST_BYTES_ON_THE_WAY) {
                    if (haveFailed()) {
                        return;
                    }
                    park(begun);
                }
            }
        }

        /** Waits until so many records were answered, or one has failed. */
        private void awaitAnswers(int sent) {
            long begun = System.nanoTime();
            while (NOT_ALL_SENT - open.get() < sent && !haveFailed()) {
                park(begun);
            }
        }

        private void park(long begunNanos) {
            if (System.nanoTime() - begunNanos > patienceNanos) {
                throw new TimeoutException("topic " + target + " did not acknowledge in time");
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptException("Interrupted before all records were sent");
            }
            LockSupport.parkNanos(LOOK_AGAIN_NANOS);
        }

        private void fail(Exception reason) {
            // Of the others it is said only that they were in the same request.
            failure.updateAndGet(known -> known == null
                || reason instanceof RecordRefusedException && !(known instanceof RecordRefusedException) ? reason : known);
        }

        private void fail(Coordinates record, Exception reason) {
            if (reason instanceof OtherCodecException) {
                fail(reason);
                return;
            }
            if (!isTransactional && isRefused(reason) && gate.passesOver(record, reason)) {
                return;
            }
            String message = "topic " + target + " did not take the record of offset " + record.offset() + " of "
                + topic + "-" + record.partition() + ": " + reason.getMessage();
            fail(isRefused(reason) ? new RecordRefusedException(record, message, reason)
                : new KafkaException(message, reason));
        }

        private void onAllSent(int count) {
            end(open.addAndGet(count - NOT_ALL_SENT));
        }

        private void closeOne(RecordMetadata metadata) {
            if (metadata != null) {
                last = metadata;
            }
            end(open.decrementAndGet());
        }

        private void end(int left) {
            if (left > 0) {
                return;
            }
            gates.answered(target, failure.get(), System.nanoTime() - begunNanos);
            if (failure.get() == null) {
                gate.acknowledged();
            }
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

    /**
     * Waits for what becomes of a record. It does not hold the record, of which memory would be full by then, but what its
     * coordinates are made of.
     */
    private static final class Answer implements Callback {

        private final Acknowledgements acknowledgements;
        private final int partition;
        private final long offset;
        private final int checksum;
        private final int bytes;

        private Answer(Acknowledgements acknowledgements, Record record) {
            this.acknowledgements = acknowledgements;
            this.bytes = length(record.key()) + length(record.value());
            acknowledgements.bytesSent += bytes;
            this.partition = record.partition();
            this.offset = record.offset();
            this.checksum = Coordinates.checksum(record, acknowledgements.checksum);
        }

        @Override
        public void onCompletion(RecordMetadata metadata, Exception reason) {
            if (reason != null) {
                acknowledgements.fail(new Coordinates(partition, offset, checksum), reason);
            }
            acknowledgements.bytesAnswered.addAndGet(bytes);
            acknowledgements.closeOne(reason == null ? metadata : null);
        }
    }
}
