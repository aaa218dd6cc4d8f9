package io.cistern.demo;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * What happens in a shop, as records: orders, customers and payments that appear, change and are deleted, with the
 * oddities of real topics (tombstones, null keys, empty and binary values, repeated, null and binary headers, late
 * timestamps, a large record now and then). The same seed and start give the same records. It publishes nothing, and
 * it is not thread-safe.
 */
public final class ChangeStream {

    public static final String ORDERS = "orders.ingestion";
    public static final String CUSTOMERS = "customers.ingestion";
    public static final String PAYMENTS = "payments.ingestion";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MOST_ALIVE = 2_000;

    private static final List<String> NAMES = List.of("Zoë Müller", "José Ñúñez", "Łukasz Żółć", "李小龙", "Ольга Иванова",
            "Siobhán O'Brien", "عمر الفاروق", "Anna \"Nina\" Rossi", "さくら 田中", "Jean-Luc Lefèvre");
    private static final List<String> STREETS = List.of("Via Garibaldi", "Große Straße", "Calle de Alcalá", "Hauptstr.",
            "Rue de l'Église", "Vörösmarty út", "O'Connell Street");
    private static final List<String> CITIES = List.of("Milano", "Zürich", "Málaga", "Łódź", "Tromsø", "København",
            "Αθήνα");
    private static final List<String> TITLES = List.of("Espresso cups, set of 6", "27\" monitor", "Läufer 80 × 200 cm",
            "Crème brûlée torch", "C:\\> sticker", "USB‑C cable", "Tee 緑茶 100 g");
    private static final List<String> NOTES = List.of("Please ring twice.", "Leave it at \"Da Gino\" next door",
            "first line\nsecond line\twith a tab", "🎁 gift wrap, grüße 💐", "path C:\\tmp\\new", "{\"not\": \"an object\"}",
            "a zero \u0000 and a line separator \u2028 too", "");
    private static final List<String> STATUSES = List.of("CREATED", "PAID", "PACKED", "SHIPPED", "DELIVERED", "RETURNED");
    private static final List<String> METHODS = List.of("card", "bank transfer", "voucher", "cash on delivery");

    private final Random random;
    private final InstantSource clock;
    private final Live<Order> orders = new Live<>(ORDERS, this::newOrder, this::change,
            order -> "{\"orderId\":\"" + order.orderId() + "\"}");
    private final Live<Customer> customers = new Live<>(CUSTOMERS, this::newCustomer, this::change, Customer::customerId);
    private final Live<Payment> payments = new Live<>(PAYMENTS, this::newPayment, this::change,
            payment -> "\"" + payment.paymentId() + "\"");
    private long ids;

    private ChangeStream(long seed, Function<Random, InstantSource> clock) {
        this.random = new Random(seed);
        this.clock = clock.apply(random);
    }

    /** Changes that happen now. */
    public static ChangeStream live(long seed) {
        return new ChangeStream(seed, random -> InstantSource.system());
    }

    /** Changes that happened from the given time on, a few milliseconds after each other. */
    public static ChangeStream startingAt(Instant start, long seed) {
        long[] millis = {start.toEpochMilli()};
        return new ChangeStream(seed, random -> () -> Instant.ofEpochMilli(millis[0] += random.nextInt(5)));
    }

    /** The next change, without a partition: its key, if it has one, decides. */
    public ProducerRecord<byte[], byte[]> next() {
        int dice = random.nextInt(10);
        return dice < 5 ? orders.next() : dice < 7 ? customers.next() : payments.next();
    }

    private ProducerRecord<byte[], byte[]> toRecord(String topic, String key, Object entity) {
        boolean binary = entity != null && oneIn(100);
        byte[] value = entity == null ? null : oneIn(300) ? new byte[0] : binary ? receipt() : json(entity);
        long timestamp = clock.millis() - (oneIn(50) ? random.nextInt(2_000) : 0);
        return new ProducerRecord<>(topic, null, timestamp, oneIn(200) ? null : key.getBytes(UTF_8), value,
                headers(topic, binary));
    }

    private Headers headers(String topic, boolean binary) {
        Headers headers = new RecordHeaders();
        headers.add("trace-id", HexFormat.of().toHexDigits(random.nextLong()).getBytes(UTF_8));
        headers.add("content-type", (binary ? "application/octet-stream" : "application/json").getBytes(UTF_8));
        if (oneIn(10)) {
            headers.add("via", "gateway-1".getBytes(UTF_8)).add("via", "gateway-2".getBytes(UTF_8));
        }
        headers.add("source", ("shop/" + topic).getBytes(UTF_8));
        if (oneIn(20)) {
            headers.add("tenant", null);
        }
        if (oneIn(20)) {
            headers.add("signature", bytes(16));
        }
        if (oneIn(50)) {
            headers.add("via", new byte[0]).add("größe", "größer als 100 m²".getBytes(UTF_8));
        }
        if (oneIn(100)) {
            // Names that Camel keeps for itself are ordinary names in Kafka.
            headers.add("CamelFileName", "../../invoice.pdf".getBytes(UTF_8));
        }
        return headers;
    }

    private Order newOrder() {
        List<Line> lines = IntStream.range(0, oneIn(2_000) ? 400 : 1 + random.nextInt(4))
                .mapToObj(i -> new Line("sku-" + random.nextInt(10_000), any(TITLES), 1 + random.nextInt(3), price()))
                .toList();
        BigDecimal total = lines.stream().map(line -> line.unitPrice().multiply(BigDecimal.valueOf(line.quantity())))
                .reduce(BigDecimal.ZERO, BigDecimal::add);
        return new Order(id("o"), customers.anyKey(), STATUSES.get(0), lines, total, "EUR", any(NOTES), now());
    }

    private Order change(Order order) {
        int status = STATUSES.indexOf(order.status());
        return new Order(order.orderId(), order.customerId(), STATUSES.get(Math.min(status + 1, STATUSES.size() - 1)),
                order.lines(), order.total(), order.currency(), order.note(), now());
    }

    private Customer newCustomer() {
        String id = id("c");
        return new Customer(id, any(NAMES), id + "@example.org", address(), oneIn(2), now());
    }

    private Customer change(Customer customer) {
        return new Customer(customer.customerId(), customer.name(), customer.email(), address(), oneIn(2), now());
    }

    private Address address() {
        return new Address(any(STREETS) + " " + (1 + random.nextInt(200)), any(CITIES));
    }

    private Payment newPayment() {
        return new Payment(id("p"), orders.anyKey(), any(METHODS), price(), "EUR", "AUTHORISED", now());
    }

    private Payment change(Payment payment) {
        return new Payment(payment.paymentId(), payment.order(), payment.method(), payment.amount(), payment.currency(),
                oneIn(10) ? "REFUSED" : "CAPTURED", now());
    }

    private String id(String prefix) {
        return prefix + "-" + ++ids;
    }

    private String now() {
        return clock.instant().toString();
    }

    private BigDecimal price() {
        return BigDecimal.valueOf(100 + random.nextInt(50_000), 2);
    }

    /** What a card terminal sends: bytes that are no text in any encoding. */
    private byte[] receipt() {
        byte[] receipt = bytes(40 + random.nextInt(200));
        receipt[0] = (byte) 0xff;
        return receipt;
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private boolean oneIn(int n) {
        return random.nextInt(n) == 0;
    }

    private <T> T any(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private static byte[] json(Object entity) {
        try {
            return JSON.writeValueAsBytes(entity);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Cannot write " + entity.getClass(), e);
        }
    }

    record Order(String orderId, String customerId, String status, List<Line> lines, BigDecimal total, String currency,
            String note, String updatedAt) { }

    record Line(String sku, String title, int quantity, BigDecimal unitPrice) { }

    record Customer(String customerId, String name, String email, Address address, boolean newsletter,
            String updatedAt) { }

    record Address(String street, String city) { }

    record Payment(String paymentId, String order, String method, BigDecimal amount, String currency, String status,
            String updatedAt) { }

    /** The entities of one topic that are alive: each change makes one, changes one or deletes one. */
    private final class Live<T> {

        private final String topic;
        private final Supplier<T> make;
        private final UnaryOperator<T> change;
        private final Function<T, String> key;
        private final List<T> alive = new ArrayList<>();

        Live(String topic, Supplier<T> make, UnaryOperator<T> change, Function<T, String> key) {
            this.topic = topic;
            this.make = make;
            this.change = change;
            this.key = key;
        }

        ProducerRecord<byte[], byte[]> next() {
            if (alive.isEmpty() || alive.size() < MOST_ALIVE && oneIn(3)) {
                T made = make.get();
                alive.add(made);
                return toRecord(topic, key.apply(made), made);
            }
            int at = random.nextInt(alive.size());
            if (oneIn(8)) {
                return toRecord(topic, key.apply(alive.remove(at)), null);
            }
            T changed = change.apply(alive.get(at));
            alive.set(at, changed);
            return toRecord(topic, key.apply(changed), changed);
        }

        /** The key of one of them, or null if there is none. */
        String anyKey() {
            return alive.isEmpty() ? null : key.apply(any(alive));
        }
    }
}
