package io.cistern.bucket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.cistern.testing.stores.AzuriteStore;
import io.cistern.testing.stores.Fault;
import io.cistern.testing.stores.FaultyProxy;
import io.cistern.testing.stores.FaultyProxy.Request;
import io.cistern.testing.stores.GoogleStore;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every fault on the wire at every request of every operation of every backend, once and for as long as it lasts: what
 * passes is not noticed, what lasts is told in time, and a file is whole or not there.
 */
class BucketFaultsTest {

    private static final int RETRIES = 2;
    private static final Duration TIMEOUT = Duration.ofMillis(1500);
    private static final Duration DELAY_MAX = Duration.ofMillis(50);
    /** All attempts of one request. */
    private static final Duration REQUEST = TIMEOUT.plus(DELAY_MAX).multipliedBy(RETRIES + 1);
    /** What this machine may take for the work itself, while other cells run. */
    private static final Duration WORK = Duration.ofSeconds(5);
    /** A cell that hangs is ended then, and says where. */
    private static final Duration CELL = Duration.ofSeconds(60);
    /** Cells of a backend that run at a time: most of them do nothing but wait. */
    private static final int LANES = 4;

    /** How often Azure's client itself asks for the rest of an answer that breaks off. */
    private static final int AZURE_RESUMES = 5;

    private static final int SMALL = 20_000;
    private static final int LARGE = 3_000_000;
    private static final byte[] IN_PARTS = BucketContract.bytes(6 << 20);
    private static final List<String> NAMES = List.of("a.txt", "b.txt", "c.txt", "d.txt", "e.txt");

    private static final ExecutorService THREADS = Executors.newCachedThreadPool();
    private static final List<Lane> OPENED = new ArrayList<>();

    /** What is done with the bucket. */
    private enum Operation {
        PUT(BucketContract.bytes(SMALL)), PUT_IN_PARTS(IN_PARTS), GET(BucketContract.bytes(SMALL)),
        GET_LARGE(BucketContract.bytes(LARGE)), LIST(new byte[0]);

        private final byte[] bytes;

        Operation(byte[] bytes) {
            this.bytes = bytes;
        }

        private boolean isPut() {
            return this == PUT || this == PUT_IN_PARTS;
        }

        private boolean isGet() {
            return this == GET || this == GET_LARGE;
        }
    }

    /**
     * A request of an operation.
     *
     * @param body how many bytes of an answer are no more than about half of its body; 0 if there is none
     */
    private record Step(String name, Operation operation, Predicate<Request> which, long body) {
    }

    /**
     * What happens to a request.
     *
     * @param isRepeated whether clients send such a request again
     * @param isDone     whether the store does what the request asks for
     */
    private record Trouble(String name, Fault fault, boolean isRepeated, boolean isDone) {
    }

    /** A bucket behind a proxy of its own. */
    private record Lane(TestStore store, String name, FaultyProxy proxy, TestBucket opened) {
    }

    private static Predicate<Request> request(String method, String target) {
        Pattern pattern = Pattern.compile(target);
        return request -> request.method().equals(method) && pattern.matcher(request.target()).find();
    }

    private static Predicate<Request> range(String method, String range) {
        return request -> request.method().equals(method)
            && request.headers().getOrDefault("Content-Range", "").matches(range);
    }

    private static List<Step> steps(String type) {
        return switch (type) {
            case "s3" -> List.of(
                new Step("put", Operation.PUT, request("PUT", ""), 0),
                new Step("put in parts, at its start", Operation.PUT_IN_PARTS, request("POST", "[?&]uploads"), 100),
                new Step("put in parts, at a part", Operation.PUT_IN_PARTS, request("PUT", "partNumber=1"), 0),
                new Step("put in parts, at its completion", Operation.PUT_IN_PARTS, request("POST", "uploadId="), 100),
                new Step("get", Operation.GET, request("GET", ""), SMALL / 2),
                new Step("get of a large file", Operation.GET_LARGE, request("GET", ""), LARGE / 2),
                new Step("list", Operation.LIST, request("GET", ""), 300));
            case "azure" -> List.of(
                new Step("put", Operation.PUT, request("PUT", ""), 0),
                new Step("put in parts, at a part", Operation.PUT_IN_PARTS, request("PUT", "comp=block&"), 0),
                new Step("put in parts, at its completion", Operation.PUT_IN_PARTS, request("PUT", "comp=blocklist"), 0),
                new Step("get", Operation.GET, request("GET", ""), SMALL / 2),
                new Step("get of a large file", Operation.GET_LARGE, request("GET", ""), LARGE / 2),
                new Step("list", Operation.LIST, request("GET", ""), 300));
            default -> List.of(
                new Step("put", Operation.PUT, request("POST", "uploadType=multipart"), 100),
                new Step("put in parts, at its start", Operation.PUT_IN_PARTS, request("POST", "uploadType=resumable"), 0),
                new Step("put in parts, at a part", Operation.PUT_IN_PARTS, range("PUT", "bytes 0-.*"), 0),
                new Step("put in parts, at its completion", Operation.PUT_IN_PARTS, range("PUT", "bytes 5242880-.*"), 100),
                new Step("get, at the question for its size", Operation.GET,
                    request("GET", "").and(request("GET", "alt=media").negate()), 30),
                new Step("get", Operation.GET, request("GET", "alt=media"), SMALL / 2),
                new Step("get of a large file", Operation.GET_LARGE, request("GET", "alt=media"), LARGE / 2),
                new Step("list", Operation.LIST, request("GET", ""), 100));
        };
    }

    private static List<Trouble> troubles(TestStore store, Step step) {
        List<Trouble> troubles = new ArrayList<>();
        for (int status : new int[] {500, 503, 429, 403}) {
            troubles.add(new Trouble("status " + status, status(store, status), status != 403, false));
        }
        troubles.add(new Trouble("reset before the answer", Fault.RESET, true, false));
        troubles.add(new Trouble("no answer", Fault.HANG, true, false));
        if (step.operation.isPut()) {
            troubles.add(new Trouble("stored, but the answer lost", Fault.RESET_AFTER_STORING, true, true));
            troubles.add(new Trouble("stored, but the answer too late", Fault.slow(TIMEOUT.multipliedBy(2)),
                true, true));
        }
        if (step.body > 0) {
            troubles.add(new Trouble("end behind the answer's head", Fault.truncate(0), true, true));
            troubles.add(new Trouble("end in the body", Fault.truncate(step.body), true, true));
            troubles.add(new Trouble("reset behind the answer's head", Fault.resetAfter(0), true, true));
            troubles.add(new Trouble("reset in the body", Fault.resetAfter(step.body), true, true));
            troubles.add(new Trouble("silence behind the answer's head", Fault.hangAfter(0), true, true));
            troubles.add(new Trouble("silence in the body", Fault.hangAfter(step.body), true, true));
        }
        return troubles;
    }

    private static Fault status(TestStore store, int status) {
        String body = store.errorBody(status);
        Matcher code = Pattern.compile("<Code>(.*)</Code>").matcher(body);
        // Azure's clients read the code from there only.
        return code.find() ? Fault.status(status, body, "x-ms-error-code: " + code.group(1)) : Fault.status(status, body);
    }

    @TestFactory
    Stream<DynamicContainer> cells() {
        return Stream.of(
            backend("s3", null, TestStores::s3),
            backend("azure", AzuriteStore.whyNot(), TestStores::azure),
            backend("google", GoogleStore.whyNot(), TestStores::google));
    }

    private static DynamicContainer backend(String type, String whyNot, Supplier<? extends TestStore> stores) {
        if (whyNot != null) {
            return dynamicContainer(type, List.of(dynamicTest(type + ": its store " + whyNot,
                () -> Assumptions.abort("The store of these tests " + whyNot))));
        }
        TestStore store = stores.get();
        String bucket = "faults-" + UUID.randomUUID();
        store.createBucket(bucket);
        for (String name : NAMES) {
            store.write(bucket, "listed/" + name, new byte[] {1});
        }
        store.write(bucket, "got/GET.txt", Operation.GET.bytes);
        store.write(bucket, "got/GET_LARGE.txt", Operation.GET_LARGE.bytes);
        BlockingQueue<Lane> lanes = new LinkedBlockingQueue<>();
        for (int i = 0; i < LANES; i++) {
            lanes.add(open(store, bucket));
        }
        List<DynamicNode> tests = new ArrayList<>();
        for (Step step : steps(type)) {
            for (Trouble trouble : troubles(store, step)) {
                String name = type + ": " + step.name + ", " + trouble.name;
                tests.add(cell(name + ", once", lanes, lane -> once(lane, step, trouble)));
                tests.add(cell(name + ", always", lanes, lane -> always(lane, step, trouble)));
            }
        }
        return dynamicContainer(type, tests);
    }

    private static Lane open(TestStore store, String bucket) {
        FaultyProxy proxy = new FaultyProxy(store.endpoint());
        Map<String, String> settings = new HashMap<>(store.settings(bucket, proxy.address()));
        settings.putAll(Map.of("BUCKET_PART_SIZE", "5MB", "BUCKET_TIMEOUT", TIMEOUT.toMillis() + "ms",
            "BUCKET_RETRIES", "" + RETRIES, "BSS_RETRY_DELAY", "10ms",
            "BSS_RETRY_DELAY_MAX", DELAY_MAX.toMillis() + "ms"));
        Lane lane = new Lane(store, bucket, proxy, new TestBucket(settings));
        OPENED.add(lane);
        return lane;
    }

    private interface Cell {
        void run(Lane lane) throws Exception;
    }

    /** Starts at once, beside others; the test waits for its end. */
    private static DynamicTest cell(String name, BlockingQueue<Lane> lanes, Cell cell) {
        Future<Void> end = THREADS.submit(() -> {
            Lane lane = lanes.take();
            try {
                assertTimeoutPreemptively(CELL, () -> cell.run(lane));
                return null;
            } finally {
                lane.proxy.heal();
                lanes.add(lane);
            }
        });
        return dynamicTest(name, () -> {
            try {
                end.get();
            } catch (ExecutionException e) {
                throw new AssertionError(name + ": " + e.getCause(), e.getCause());
            }
        });
    }

    @AfterAll
    static void close() {
        THREADS.shutdownNow();
        for (Lane lane : OPENED) {
            lane.opened.close();
            lane.proxy.close();
        }
        OPENED.clear();
    }

    private static void once(Lane lane, Step step, Trouble trouble) throws Exception {
        String path = path(step.operation);
        lane.proxy.fail(step.which, trouble.fault, 1);
        if (trouble.isRepeated) {
            checkDone(lane, step.operation, path);
        } else {
            checkFails(lane, step, trouble, path);
            checkDone(lane, step.operation, path);
        }
        giveBack(lane, step.operation, path);
    }

    private static void always(Lane lane, Step step, Trouble trouble) throws Exception {
        String path = path(step.operation);
        lane.proxy.fail(step.which, trouble.fault, Integer.MAX_VALUE);
        checkFails(lane, step, trouble, path);
        lane.proxy.heal();
        checkDone(lane, step.operation, path);
        giveBack(lane, step.operation, path);
    }

    /** The stores hold all files in memory. */
    private static void giveBack(Lane lane, Operation operation, String path) {
        if (operation.isPut()) {
            lane.store.write(lane.name, path, new byte[0]);
        }
    }

    private static String path(Operation operation) {
        return operation == Operation.LIST ? "listed"
            : operation.isGet() ? "got/" + operation + ".txt" : UUID.randomUUID() + "/a.txt";
    }

    /** The operation does what it should, and nothing else. */
    private static void checkDone(Lane lane, Operation operation, String path) throws IOException {
        if (operation.isPut()) {
            long start = System.nanoTime();
            try {
                lane.opened.bucket().put(path, BucketContract.content(operation.bytes));
            } catch (BucketException e) {
                if (System.nanoTime() - start < TIMEOUT.toNanos()) {
                    throw e;
                }
                // This machine was so busy that a request took too long: it may have been done all the same, which no client
                // sees who asks for the same again. Who stores tries all of it once more.
                lane.opened.bucket().put(path, BucketContract.content(operation.bytes));
            }
            checkStored(lane, operation, path);
            assertThat(keys(lane, path)).containsExactly(path);
        } else if (operation.isGet()) {
            checkSame(read(lane, path), operation.bytes);
        } else {
            assertThat(BucketContract.all(lane.opened.bucket().list(path, null))).isEqualTo(NAMES);
        }
    }

    /** The operation says that it failed, in time, and has done all of it or nothing; a get that gets on may be done. */
    private static void checkFails(Lane lane, Step step, Trouble trouble, String path) {
        Operation operation = step.operation;
        long start = System.nanoTime();
        List<Object> result = new ArrayList<>();
        Throwable failure = Assertions.catchThrowable(() -> {
            if (operation.isPut()) {
                lane.opened.bucket().put(path, BucketContract.content(operation.bytes));
            } else if (operation.isGet()) {
                result.add(read(lane, path));
            } else {
                result.add(BucketContract.all(lane.opened.bucket().list(path, null)));
            }
        });
        Duration taken = Duration.ofNanos(System.nanoTime() - start);
        if (failure == null && operation.isGet()) {
            checkSame((byte[]) result.get(0), operation.bytes);
        } else if (failure == null && operation.isPut() && trouble.isDone) {
            // A later attempt was told that the file is there.
            awaitStored(lane, operation, path);
        } else {
            assertThat(failure).as("result " + result).isNotNull();
            Throwable told = failure instanceof UncheckedIOException ? failure.getCause() : failure;
            assertThat(told).isInstanceOf(BucketException.class).hasMessageContaining(path);
            assertThat(BucketException.reason(told)).isNotBlank();
        }
        if (operation.isPut() && !keys(lane, path).isEmpty()) {
            awaitStored(lane, operation, path);
        }
        assertThat(taken).isLessThan(bound(lane, operation));
    }

    /** A get that breaks off asks again as often as a request is sent again, with a request that is sent again. */
    private static Duration bound(Lane lane, Operation operation) {
        int requests = !operation.isGet() ? 1
            : (RETRIES + 1) * (lane.store.type().equals("azure") ? AZURE_RESUMES + 1 : 1);
        // What fails in the middle of a put in parts is cleaned up, or looked at, with one more request.
        return REQUEST.multipliedBy(operation == Operation.PUT_IN_PARTS ? 2 : requests).plus(WORK);
    }

    private static byte[] read(Lane lane, String path) throws IOException {
        try (InputStream in = lane.opened.bucket().get(path)) {
            return in.readAllBytes();
        }
    }

    /** A store that the client has given up waiting for may still be writing the same bytes once more. */
    private static void awaitStored(Lane lane, Operation operation, String path) {
        await().atMost(REQUEST).untilAsserted(() -> checkStored(lane, operation, path));
    }

    private static void checkStored(Lane lane, Operation operation, String path) {
        checkSame(lane.store.read(lane.name, path), operation.bytes);
    }

    /** As isEqualTo, which would print megabytes. */
    private static void checkSame(byte[] actual, byte[] expected) {
        assertThat(actual).isNotNull();
        assertThat(Arrays.mismatch(actual, expected)).as("first byte that differs of %d, where %d were expected",
            actual.length, expected.length).isEqualTo(-1);
    }

    private static List<String> keys(Lane lane, String path) {
        String folder = path.substring(0, path.indexOf('/') + 1);
        return lane.store.keys(lane.name).stream().filter(key -> key.startsWith(folder)).toList();
    }
}
