package io.cistern.reload;

import com.jayway.jsonpath.InvalidPathException;
import com.jayway.jsonpath.PathNotFoundException;
import io.cistern.Settings;
import io.cistern.batch.Batch;
import io.cistern.batch.Record;
import java.io.IOException;
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
import org.apache.camel.Variable;
import org.apache.camel.support.DefaultExchange;
import org.codehaus.groovy.control.CompilationFailedException;

/**
 * The custom selectors: predicates over a record, each a file in {@code selectors/} whose name without extension is the
 * selector's and whose extension is the language. A record is true or false by its payload (the body), with its key,
 * topic, partition, offset and timestamp as variables, and its headers as headers.
 */
public final class Selectors implements CamelContextAware {

    private static final Set<String> LANGUAGES = Set.of("jq", "jsonpath", "groovy", "simple");

    /** What a tombstone is to the languages that take no missing payload. */
    private static final Map<String, String> TOMBSTONES = Map.of("jq", "null", "jsonpath", "{}");

    private record Selector(Predicate predicate, String tombstone) {
    }

    private final Settings settings;
    private final Map<String, Selector> selectors = new HashMap<>();
    private CamelContext camelContext;

    public Selectors(Settings settings) {
        this.settings = settings;
    }

    /** Whether there is a selector of this name. */
    public boolean exists(String name) {
        return selectors.containsKey(name);
    }

    /**
     * The batch with those records for which the request's selector is true; the batch itself if none was asked for.
     *
     * @throws IllegalStateException if the selector fails on a record; the message names the record's coordinates
     */
    public Batch select(@Body ReloadBatch batch, @Variable("reload") Reload reload) {
        String name = reload.getRequest().selector();
        if (name == null) {
            return batch;
        }
        Selector selector = selectors.get(name);
        List<Record> selected = new ArrayList<>();
        for (Record record : batch) {
            try {
                if (selector.predicate.matches(exchangeOf(batch, record, selector))) {
                    selected.add(record);
                }
            } catch (Exception | AssertionError e) {
                // Its message may quote the record.
                throw new IllegalStateException("Selector " + name + " failed on the record of partition "
                    + record.partition() + " at offset " + record.offset() + ": "
                    + e.getClass().getSimpleName());
            }
        }
        return batch.withRecords(selected);
    }

    private Exchange exchangeOf(Batch batch, Record record, Selector selector) {
        Exchange exchange = new DefaultExchange(camelContext);
        exchange.getMessage().setBody(record.value() == null ? selector.tombstone : record.getPayload());
        exchange.setVariable("key", record.getKeyText());
        exchange.setVariable("topic", batch.getTopic());
        exchange.setVariable("partition", record.partition());
        exchange.setVariable("offset", record.offset());
        exchange.setVariable("timestamp", record.timestamp());
        for (Record.Header header : record.headers()) {
            // Camel's own headers steer languages and components: those of a record must not.
            if (!header.key().regionMatches(true, 0, "Camel", 0, 5)) {
                exchange.getMessage().setHeader(header.key(), header.value() == null ? null : new String(header.value(),
                    java.nio.charset.StandardCharsets.UTF_8));
            }
        }
        return exchange;
    }

    /**
     * Reads and compiles all selectors.
     *
     * @throws io.cistern.SettingsException if any cannot be read or compiled
     */
    @Override
    public void setCamelContext(CamelContext camelContext) {
        this.camelContext = camelContext;
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
            throw new io.cistern.SettingsException(problems);
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
        try {
            Predicate predicate = camelContext.resolveLanguage(language).createPredicate(Files.readString(file).strip());
            predicate.init(camelContext);
            compile(predicate);
            if (selectors.put(name, new Selector(predicate, TOMBSTONES.get(language))) != null) {
                problems.add(file + ": there is a selector " + name + " already, in another language");
            }
        } catch (IOException | RuntimeException e) {
            problems.add(file + ": no selector in " + language + ": " + e.getMessage());
        }
    }

    /** Groovy and JSONPath are compiled when they are used first: what that finds wrong of the selector itself is told. */
    private void compile(Predicate predicate) {
        Exchange exchange = new DefaultExchange(camelContext);
        exchange.getMessage().setBody("{}");
        try {
            predicate.matches(exchange);
        } catch (Exception | AssertionError e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof CompilationFailedException
                    || cause instanceof InvalidPathException && !(cause instanceof PathNotFoundException)) {
                    throw (RuntimeException) cause;
                }
            }
        }
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }
}
