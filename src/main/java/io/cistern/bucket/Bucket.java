package io.cistern.bucket;

import io.cistern.Meters;
import io.cistern.Settings;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.camel.Body;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.Variable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bucket as routes and Java see it. The work is done by the {@code direct:bucket-*} endpoints that the backend's YAML
 * file defines; which store is behind them is not known here. What holds for all of them is here: requests are measured,
 * reads that break off go on, a put whose answer was lost counts as done, and failures say why.
 */
public final class Bucket implements CamelContextAware {

    private static final Logger LOG = LoggerFactory.getLogger(Bucket.class);
    private static final String PROBE = FileFacts.FOLDER + "/.probe";
    private static final int COMPARED_AT_ONCE = 64 * 1024;

    private static final String FAILURE = "failure";
    /** The bounds of the histogram of requests. */
    private static final Duration[] LATENCIES = IntStream.of(5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 15_000, 60_000)
        .mapToObj(Duration::ofMillis).toArray(Duration[]::new);

    private enum Operation {
        PUT("direct:bucket-put"), GET("direct:bucket-get"), LIST("direct:bucket-list");

        private final String endpoint;
        private final String word = name().toLowerCase(Locale.ROOT);

        Operation(String endpoint) {
            this.endpoint = endpoint;
        }
    }

    private final Settings settings;
    private final LastPut lastPut = new LastPut(System::nanoTime);
    private final WriteCheck writeCheck = new WriteCheck(lastPut, this::writeProbe, System::nanoTime);
    private CamelContext camelContext;
    private ProducerTemplate template;
    private MeterRegistry meters;

    public Bucket(Settings settings) {
        this.settings = settings;
    }

    /** Whether readers of its batch files ignore fields that they do not know, rather than refuse them. */
    public boolean ignoresUnknownFields() {
        return settings.ignoresUnknownFields();
    }

    /**
     * The names of the files directly in a folder, in the order of their characters, without those that start with a dot.
     * They are read page by page, as they are asked for; an iterator throws {@link UncheckedIOException} when the store
     * does not answer.
     *
     * @param after a name behind which it starts, or null for all
     */
    public Iterator<String> list(String folder, String after) {
        return new Listing(page -> page(folder, after, page),
            name -> isShown(name) && (after == null || name.compareTo(after) > 0));
    }

    /** A page of what is directly in a folder, folders with a slash behind their names. */
    @SuppressWarnings("unchecked")
    Listing.Page page(String folder, String after, Object page) {
        Map<String, Object> variables = new HashMap<>();
        variables.put("folder", folder);
        variables.put("after", after);
        variables.put("page", page);
        try {
            Exchange answer = call(Operation.LIST, folder.isEmpty() ? "/" : folder, null, variables);
            return new Listing.Page(answer.getMessage().getBody(List.class), answer.getVariable("page"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * The folders that hold files, with slashes between their names, in order.
     *
     * @throws UncheckedIOException if the store does not answer
     */
    public List<String> folders() {
        List<String> found = new ArrayList<>();
        addFolders("", found);
        Collections.sort(found);
        return found;
    }

    private void addFolders(String folder, List<String> found) {
        List<String> inner = new ArrayList<>();
        boolean holdsFiles = false;
        for (Iterator<String> names = new Listing(page -> page(folder, null, page), name -> true); names.hasNext();) {
            String name = names.next();
            if (name.endsWith("/")) {
                inner.add(name.substring(0, name.length() - 1));
            } else {
                holdsFiles |= isShown(name);
            }
        }
        if (holdsFiles && !folder.isEmpty()) {
            found.add(folder);
        }
        inner.stream().filter(Bucket::isShown)
            .forEach(name -> addFolders(folder.isEmpty() ? name : folder + '/' + name, found));
        if (folder.isEmpty()) {
            // A topic's name may start with a dot; of other such folders none holds batch files.
            inner.stream().filter(name -> name.startsWith(".") && Settings.isFolder(name) && holdsBatchFiles(name))
                .forEach(found::add);
        }
    }

    private boolean holdsBatchFiles(String folder) {
        Iterator<String> names = list(folder, null);
        return names.hasNext() && BatchFileName.parse(names.next(), null) != null;
    }

    private static boolean isShown(String name) {
        return !name.isEmpty() && !name.startsWith(".") && !name.endsWith("/");
    }

    /**
     * The bytes of a file, to be closed. Its end comes when the whole file has been read; a read that breaks off and cannot
     * go on throws {@link BucketException}.
     *
     * @throws NoSuchFileException if there is none
     * @throws BucketException     if the store does not give it
     */
    public InputStream get(String path) throws IOException {
        return open(path);
    }

    private ResumingInputStream open(String path) throws IOException {
        Settings.Bucket limits = settings.bucket();
        return new ResumingInputStream(path, new Download(path), limits.retries(), limits.retryDelay(),
            limits.retryDelayMax());
    }

    /**
     * Whether there is a file of this path.
     *
     * @throws BucketException if the store does not say
     */
    public boolean exists(String path) throws IOException {
        try (InputStream ignored = open(path)) {
            return true;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /**
     * Writes a file, which must not be there yet, whole or not at all. Where it is there with the same bytes, an earlier
     * attempt has written it and its answer was lost: that is as good.
     *
     * @throws FileAlreadyExistsException if there is another file of this path
     * @throws BucketException            if the store does not take it
     */
    public void put(@Variable("path") String path, @Body Content content) throws IOException {
        if (!create(path, content)) {
            if (!holds(path, content)) {
                throw new FileAlreadyExistsException(path);
            }
            LOG.info("Stored by an attempt whose answer was lost: file={}", path);
        }
    }

    /**
     * Writes a file, whole or not at all, unless there is one of this path.
     *
     * @return false if there is one, whatever is in it
     * @throws BucketException if the store does not take the file
     */
    boolean create(String path, Content content) throws IOException {
        try {
            tryPut(path, content);
            bytes(Operation.PUT).increment(content.getLength());
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        }
    }

    /** Puts a file, and notes whether the store takes files. */
    private void tryPut(String path, Content content) throws IOException {
        try {
            call(Operation.PUT, path, content.getInputStream(), Map.of("path", path, "length", content.getLength()));
        } catch (FileAlreadyExistsException e) {
            lastPut.succeeded(content.getLength());
            throw e;
        } catch (IOException e) {
            lastPut.failed(e, content.getLength());
            throw e;
        }
        lastPut.succeeded(content.getLength());
    }

    private void writeProbe(String path, Content content) throws IOException {
        try {
            tryPut(path, content);
        } catch (FileAlreadyExistsException e) {
            LOG.trace("The store would have taken it: an earlier check has written it");
        }
    }

    /**
     * Checks whether the store takes files, by what became of the last one; by writing a small one where nothing was put for a
     * while.
     *
     * @throws IOException if not; {@link BucketException#reason} says why
     */
    void checkWrites() throws IOException {
        writeCheck.check();
    }

    /** Writes a file without bytes, whose name says everything; as {@link #put}. */
    public void putEmpty(@Variable("path") String path) throws IOException {
        put(path, Content.EMPTY);
    }

    private boolean holds(String path, Content content) throws IOException {
        try (ResumingInputStream there = open(path); InputStream own = content.getInputStream()) {
            if (there.size() != content.getLength()) {
                return false;
            }
            byte[] expected;
            do {
                expected = own.readNBytes(COMPARED_AT_ONCE);
                if (!Arrays.equals(expected, there.readNBytes(COMPARED_AT_ONCE))) {
                    return false;
                }
            } while (expected.length > 0);
            return true;
        } catch (NoSuchFileException e) {
            throw new BucketException("put", path, "the store says that it is there, and then that it is not", e);
        }
    }

    /**
     * Asks the store whether the bucket can be used, by using it.
     *
     * @param write also by writing a file, which stays
     * @throws IOException if not; {@link BucketException#reason} says why
     */
    public void check(boolean write) throws IOException {
        try {
            page("", null, null);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        exists(PROBE);
        if (write) {
            try {
                call(Operation.PUT, PROBE, Content.EMPTY.getInputStream(), Map.of("path", PROBE, "length", 0L));
            } catch (FileAlreadyExistsException e) {
                LOG.trace("An earlier check has written it: the store would have taken it");
            }
        }
    }

    private Exchange call(Operation operation, String path, Object body, Map<String, Object> variables) throws IOException {
        Timer.Sample sample = Timer.start(meters);
        Exchange answer = template.request(operation.endpoint, exchange -> {
            exchange.getMessage().setBody(body);
            variables.forEach(exchange::setVariable);
        });
        IOException failure = answer.getException() == null ? null : explain(operation, path, answer.getException());
        sample.stop(requests(operation, outcome(failure)));
        if (failure != null) {
            throw failure;
        }
        return answer;
    }

    private static String outcome(IOException failure) {
        return failure == null ? "success" : failure instanceof NoSuchFileException ? "missing"
            : failure instanceof FileAlreadyExistsException ? "exists" : FAILURE;
    }

    /** The failure of a check that read other bytes than it wrote, with the backend's advice. */
    IOException altered(String path, AlteredContentException difference) {
        return explain(Operation.GET, path, difference);
    }

    /** Has the backend say what one of its exceptions means. */
    private IOException explain(Operation operation, String path, Exception failure) {
        List<Throwable> causes = new ArrayList<>();
        for (Throwable cause = failure; cause != null && !causes.contains(cause); cause = cause.getCause()) {
            causes.add(cause);
        }
        Throwable innermost = causes.get(causes.size() - 1);
        Exchange answer = template.request("direct:bucket-failure", exchange -> {
            exchange.getMessage().setBody(causes);
            exchange.setVariable("operation", operation.word);
        });
        if (answer.getException() != null) {
            LOG.warn("The backend's direct:bucket-failure failed itself", answer.getException());
        }
        Object meaning = answer.getMessage().getBody();
        if (operation == Operation.GET && meaning instanceof NoSuchFileException) {
            return new NoSuchFileException(path);
        }
        if (operation == Operation.PUT && meaning instanceof FileAlreadyExistsException) {
            return new FileAlreadyExistsException(path);
        }
        String words = BucketException.describe(innermost);
        return new BucketException(operation.word, path,
            settings.withoutSecrets(meaning instanceof CharSequence ? meaning + " (" + words + ")" : words), failure);
    }

    private Timer requests(Operation operation, String outcome) {
        return Timer.builder("cistern.bucket.requests").description("Requests to the bucket")
            .serviceLevelObjectives(LATENCIES).tag("operation", operation.word).tag("outcome", outcome).register(meters);
    }

    private Counter bytes(Operation operation) {
        return Counter.builder("cistern.bucket.bytes").description("Bytes to and from the bucket").baseUnit("bytes")
            .tag("operation", operation.word).register(meters);
    }

    @Override
    public void setCamelContext(CamelContext camelContext) {
        this.camelContext = camelContext;
        this.template = camelContext.createProducerTemplate();
        this.meters = Meters.of(camelContext);
        for (Operation operation : Operation.values()) {
            // So that the first failure is seen as a rise.
            requests(operation, FAILURE);
        }
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }

    /** Requests for a file, from a byte on. */
    private final class Download implements ResumingInputStream.Source {

        private final String path;

        private Download(String path) {
            this.path = path;
        }

        @Override
        public ResumingInputStream.Part open(long from) throws IOException {
            Exchange answer = call(Operation.GET, path, null, Map.of("path", path, "from", from));
            Long size = answer.getVariable("size", Long.class);
            InputStream bytes = answer.getMessage().getBody(InputStream.class);
            if (size == null || bytes == null) {
                throw new BucketException("get", path, "the backend left no " + (bytes == null ? "stream" : "size"), null);
            }
            return new ResumingInputStream.Part(new Counted(bytes), size);
        }

        @Override
        public String reason(Exception failure) {
            return BucketException.reason(explain(Operation.GET, path, failure));
        }
    }

    /** Counts the bytes that come. */
    private final class Counted extends FilterInputStream {

        private final Counter counter = bytes(Operation.GET);

        private Counted(InputStream in) {
            super(in);
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int count = in.read(bytes, offset, length);
            counter.increment(Math.max(0, count));
            return count;
        }
    }
}
