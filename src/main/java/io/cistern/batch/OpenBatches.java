package io.cistern.batch;

import io.cistern.Meters;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Exchange;
import org.apache.camel.spi.OptimisticLockingAggregationRepository;

/**
 * The batches that the aggregate step holds, and how much memory they take over all consumers of the process. A key
 * belongs to one consumer and so to one thread; that is why no lock is needed, and what "optimistic locking" stands for:
 * there is never a conflict. What is open is deliberately not kept over a restart: Kafka still has it.
 */
public final class OpenBatches implements OptimisticLockingAggregationRepository, CamelContextAware {

    private final Map<String, Exchange> exchanges = new ConcurrentHashMap<>();
    /** Open ones, and those that are being stored: what takes memory. */
    private final Map<String, BatchFile> held = new ConcurrentHashMap<>();
    private final Map<String, Long> heldBytesByKey = new ConcurrentHashMap<>();
    private final AtomicLong heldBytes = new AtomicLong();
    /** Bytes that batches on their way into a file may come to take, by consumer. */
    private final Map<Integer, Long> reserved = new HashMap<>();
    private final Set<Integer> waiting = ConcurrentHashMap.newKeySet();
    private final Chunks chunks = new Chunks();
    private volatile boolean draining;
    private CamelContext camelContext;

    /** Bytes held by all consumers together. */
    public long heldBytes() {
        return heldBytes.get();
    }

    /** What batch files are made of. */
    Chunks chunks() {
        return chunks;
    }

    /** Whether nothing is held. */
    public boolean isEmpty() {
        return held.isEmpty();
    }

    /** From now on nothing more is to be consumed, and all that is open is due. */
    public void drain() {
        draining = true;
    }

    public boolean isDraining() {
        return draining;
    }

    /**
     * Reserves room for a batch that is handed out.
     *
     * @param bytes what it may come to take
     * @param freed what the consumer's batches that are stored before it will give free
     * @param limit what may be held over all consumers; a batch that is larger is let through when nothing else is held
     * @return whether there was room
     */
    public synchronized boolean reserve(Source source, long bytes, long freed, long limit) {
        long taken = heldBytes.get() - freed + reserved.values().stream().mapToLong(Long::longValue).sum();
        if (taken > 0 && taken + bytes > limit) {
            return false;
        }
        reserved.merge(source.id(), bytes, Long::sum);
        return true;
    }

    /** Gives all reservations of a consumer back, since what they were for is in files now, or nowhere. */
    public synchronized void unreserve(Source source) {
        reserved.remove(source.id());
    }

    /** Says that a consumer cannot go on before others give memory free, or that it can again. */
    public void setWaiting(Source source, boolean waits) {
        if (waits) {
            waiting.add(source.id());
        } else {
            waiting.remove(source.id());
        }
    }

    /** Whether another consumer than {@code source} waits for memory. */
    public boolean othersWait(Source source) {
        return waiting.stream().anyMatch(id -> id != source.id());
    }

    /** The batches of a consumer that are open, the largest first. */
    public List<BatchFile> openOf(Source source) {
        return exchanges.values().stream().flatMap(exchange -> exchange.getMessage().getBody() instanceof BatchFile file
                && file.source().id() == source.id() ? Stream.of(file) : Stream.empty())
            .sorted(Comparator.comparingLong(BatchFile::heldBytes).reversed()).toList();
    }

    /** Bytes that a partition comes to hold more, at the most, when this many bytes of text are appended to its batch. */
    public long growth(Source source, String topic, int partition, long bytes) {
        BatchFile open = find(source, topic, partition);
        return open != null ? open.growth(bytes) : BatchFileWriter.growthOfNew(bytes);
    }

    /** Whether there is an open batch of a partition. */
    public boolean isOpen(Source source, String topic, int partition) {
        return exchanges.containsKey(PolledBatch.keyOf(source, topic, partition));
    }

    /** The open batch of a partition, or null. */
    public BatchFile find(Source source, String topic, int partition) {
        Exchange open = exchanges.get(PolledBatch.keyOf(source, topic, partition));
        return open != null && open.getMessage().getBody() instanceof BatchFile file ? file : null;
    }

    /** Forgets what is held of a partition; its consumer must not acknowledge it any more. */
    public void drop(Source source, String topic, int partition) {
        String key = PolledBatch.keyOf(source, topic, partition);
        exchanges.remove(key);
        BatchFile file = held.remove(key);
        if (file != null) {
            account(key, 0);
        }
    }

    /** Counts what {@code file} holds now. */
    void hold(BatchFile file) {
        held.put(file.getKey(), file);
        account(file.getKey(), file.heldBytes());
    }

    /** Counts {@code file} no more. */
    void release(BatchFile file) {
        if (held.remove(file.getKey(), file)) {
            account(file.getKey(), 0);
        }
    }

    private void account(String key, long bytes) {
        Long before = bytes == 0 ? heldBytesByKey.remove(key) : heldBytesByKey.put(key, bytes);
        heldBytes.addAndGet(bytes - (before == null ? 0 : before));
    }

    @Override
    public Exchange add(CamelContext context, String key, Exchange oldExchange, Exchange newExchange) {
        return exchanges.put(key, newExchange);
    }

    @Override
    public Exchange add(CamelContext context, String key, Exchange exchange) {
        return exchanges.put(key, exchange);
    }

    @Override
    public Exchange get(CamelContext context, String key) {
        return exchanges.get(key);
    }

    @Override
    public void remove(CamelContext context, String key, Exchange exchange) {
        exchanges.remove(key);
    }

    @Override
    public void confirm(CamelContext context, String exchangeId) {
        // Nothing is kept for a recovery: a batch that is not acknowledged is read again from Kafka.
    }

    @Override
    public Set<String> getKeys() {
        return Set.copyOf(exchanges.keySet());
    }

    @Override
    public void setCamelContext(CamelContext context) {
        camelContext = context;
        MeterRegistry meters = Meters.of(context);
        Meters.register(meters, Gauge.builder("cistern.held.bytes", heldBytes, AtomicLong::get).baseUnit("bytes")
            .description("Bytes of records held in memory for batch files"));
        Meters.register(meters, Gauge.builder("cistern.held.waiting", waiting, Set::size).baseUnit("consumers")
            .description("Consumers that wait for memory to be free"));
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }
}
