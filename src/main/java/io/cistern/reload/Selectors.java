package io.cistern.reload;

import com.jayway.jsonpath.PathNotFoundException;
import io.cistern.Settings;
import io.cistern.SettingsException;
import io.cistern.batch.Batch;
import io.cistern.batch.Record;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.camel.Body;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.Exchange;
import org.apache.camel.Predicate;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.Variable;
import org.apache.camel.support.DefaultExchange;
import org.apache.camel.support.LRUCacheFactory;

/**
 * The selectors: predicates over a record. Named ones are files in {@code selectors/} whose name without extension is the
 * selector's and whose extension is the language; others come with a request. A record is true or false by its payload (the
 * body), with its key, topic, partition, offset and timestamp as variables, and its headers as headers.
 */
public final class Selectors implements CamelContextAware {

    /** Those that a request may bring along, since they cannot run code. */
    static final Set<String> INLINE_LANGUAGES = Set.of("jq", "jsonpath");
    private static final Set<String> LANGUAGES = Set.of("jq", "jsonpath", "groovy", "simple");
    private static final int COMPILED_OF_REQUESTS = 100;

    /** What a tombstone is to the languages that take no missing payload. */
    private static final Map<String, String> TOMBSTONES = Map.of("jq", "null", "jsonpath", "{}");

    private record Compiled(Predicate predicate, String tombstone) {
    }

    private final Settings settings;
    private final Map<String, Compiled> named = new HashMap<>();
    private final Map<ReloadRequest.Selector, Compiled> ofRequests = LRUCacheFactory.newLRUCache(COMPILED_OF_REQUESTS);
    private CamelContext camelContext;
    private SelectorCompiler compiler;

    public Selectors(Settings settings) {
        this.settings = settings;
    }

    /**
     * Checks that there is the selector of a request, and that one which came with it can be compiled.
     *
     * @throws RequestException if not
     */
    public void check(ReloadRequest request) {
        ReloadRequest.Selector selector = request.selector();
        if (selector == null) {
            return;
        }
        if (selector.name() == null) {
            try {
                compiled(selector);
            } catch (RuntimeException | StackOverflowError e) {
                throw Asked.bad("invalid-selector", "selector.expression: no " + selector.language() + ": "
                    + SelectorCompiler.problem(selector.expression(), e));
            }
        } else if (!named.containsKey(selector.name())) {
            throw new RequestException(404, "unknown-selector", "customSelectorName: there is no such selector");
        }
    }

    /**
     * The batch with those records for which the request's selector is true; the batch itself if none was asked for. Those
     * that it fails on are a {@link ReloadBatch#mishap}.
     */
    public Batch select(@Body ReloadBatch batch, @Variable("reload") Reload reload) {
        ReloadRequest request = reload.getRequest();
        if (request.selector() == null) {
            return batch;
        }
        List<Record> selected = new ArrayList<>();
        for (Record record : batch) {
            try {
                if (matches(batch.getTopic(), record, request)) {
                    selected.add(record);
                }
            } catch (SelectorException e) {
                batch.mishap(record, e.getMessage());
            }
        }
        return batch.withRecords(selected);
    }

    /**
     * Whether a request's selector is true for a record; always if it has none.
     *
     * @param topic the record's topic, or null if that is not known
     * @throws SelectorException if the selector fails on it
     */
    public boolean matches(String topic, Record record, ReloadRequest request) {
        ReloadRequest.Selector selector = request.selector();
        if (selector == null) {
            return true;
        }
        Compiled compiled = compiled(selector);
        try {
            return compiled.predicate.matches(exchangeOf(topic, record, compiled));
        } catch (Exception | AssertionError | StackOverflowError e) {
            Throwable cause = e;
            while (cause instanceof RuntimeCamelException && cause.getCause() != null) {
                cause = cause.getCause();
            }
            if (cause instanceof PathNotFoundException) {
                return false;
            }
            // Its message may quote the record.
            throw new SelectorException("Selector" + (selector.name() == null ? "" : " " + selector.name())
                + " failed on the record of " + (topic == null ? "" : "topic " + topic + ", ")
                + "partition " + record.partition() + " at offset " + record.offset() + ": " + cause.getClass().getSimpleName());
        }
    }

    private Compiled compiled(ReloadRequest.Selector selector) {
        if (selector.name() != null) {
            Compiled found = named.get(selector.name());
            if (found == null) {
                // The request was checked by a process with other selectors.
                throw new IllegalStateException("customSelectorName: there is no selector " + selector.name() + " here");
            }
            return found;
        }
        Compiled compiled = ofRequests.get(selector);
        if (compiled == null) {
            compiled = new Compiled(compiler.ofRequest(selector.language(), selector.expression()),
                TOMBSTONES.get(selector.language()));
            ofRequests.put(selector, compiled);
        }
        return compiled;
    }

    private Exchange exchangeOf(String topic, Record record, Compiled selector) {
        Exchange exchange = new DefaultExchange(camelContext);
        exchange.getMessage().setBody(record.value() == null ? selector.tombstone : record.getPayload());
        exchange.setVariable("key", record.getKeyText());
        exchange.setVariable("topic", topic);
        exchange.setVariable("partition", record.partition());
        exchange.setVariable("offset", record.offset());
        exchange.setVariable("timestamp", record.timestamp());
        for (Record.Header header : record.headers()) {
            // Camel's own headers steer languages and components: those of a record must not.
            if (!header.key().regionMatches(true, 0, "Camel", 0, 5)) {
                exchange.getMessage().setHeader(header.key(), header.value() == null ? null
                    : new String(header.value(), StandardCharsets.UTF_8));
            }
        }
        return exchange;
    }

    /**
     * Reads and compiles all named selectors.
     *
     * @throws SettingsException if any cannot be read or compiled
     */
    @Override
    public void setCamelContext(CamelContext camelContext) {
        this.camelContext = camelContext;
        compiler = new SelectorCompiler(camelContext);
        Path folder = settings.reload().selectors();
        if (!settings.roles().contains(Settings.Role.RELOADER) || folder == null || !Files.isDirectory(folder)) {
            return;
        }
        List<String> problems = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            files.filter(Files::isRegularFile).filter(file -> !file.getFileName().toString().startsWith("."))
                .sorted().forEach(file -> load(file, problems));
        } catch (IOException e) {
            problems.add(Settings.name("bss.configurations-path") + ": " + folder + " cannot be read: " + e.getMessage());
        }
        if (!problems.isEmpty()) {
            throw new SettingsException(problems);
        }
    }

    private void load(Path file, List<String> problems) {
        String fileName = file.getFileName().toString();
        int dot = fileName.lastIndexOf('.');
        String language = fileName.substring(dot + 1);
        if (dot < 1 || !LANGUAGES.contains(language)) {
            problems.add(file + ": expected a selector's name with the extension .jq, .jsonpath, .groovy or .simple");
            return;
        }
        String name = fileName.substring(0, dot);
        String text = "";
        try {
            // Lines are counted from the file's first one, so that only what is behind the text is stripped, if the
            // language lets us.
            String whole = Files.readString(file);
            text = language.equals("jq") || language.equals("groovy") ? whole.stripTrailing() : whole.strip();
            Predicate predicate = compiler.ofFile(language, text);
            if (named.put(name, new Compiled(predicate, TOMBSTONES.get(language))) != null) {
                problems.add(file + ": there is a selector " + name + " already, in another language");
            }
        } catch (IOException e) {
            problems.add(file + ": cannot be read: " + e.getMessage());
        } catch (RuntimeException e) {
            problems.add(file + ": no selector in " + language + ": " + SelectorCompiler.problem(text, e));
        }
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }
}
