package io.cistern;

import io.cistern.bucket.Bucket;
import io.cistern.bucket.BucketException;
import io.cistern.bucket.BucketProbe;
import io.cistern.kafka.Topics;
import io.cistern.reload.OtherFolders;
import io.cistern.reload.ReloadRequest;
import io.cistern.reload.RequestException;
import io.cistern.reload.Selectors;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.camel.CamelContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds everything that is wrong before the routes start: settings, broker, topics, bucket. The bucket is asked by the
 * backend's own routes, in a Camel context of their own.
 */
public final class StartupCheck {

    private static final Logger LOG = LoggerFactory.getLogger(StartupCheck.class);
    private static final Duration BUCKET_TIMEOUT = Duration.ofSeconds(60);

    private final CamelContext context;
    private final String routesFolder;

    /**
     * @param context      has the settings as properties, and the {@code kafka} component; it need not be started
     * @param routesFolder where the routes are, {@code file:path} or {@code classpath:path}
     */
    public StartupCheck(CamelContext context, String routesFolder) {
        this.context = context;
        this.routesFolder = routesFolder;
    }

    /**
     * Checks everything.
     *
     * @throws SettingsException with all that is wrong
     */
    public void run() {
        Function<String, String> lookup = Settings.lookup(context);
        Settings settings = new Settings(lookup);
        List<String> problems = new ArrayList<>(settings.problems());
        if (settings.http().warning() != null) {
            LOG.warn(settings.http().warning());
        }
        Topics topics = new Topics(settings);
        topics.setCamelContext(context);
        problems.addAll(topics.problems());
        problems.addAll(bucketProblems(settings, lookup, routesFolder, settings.roles().contains(Settings.Role.STORER),
            LOG::warn));
        problems.addAll(selectorProblems(context, settings));
        if (!problems.isEmpty()) {
            throw new SettingsException(problems);
        }
    }

    /** A store that does not answer is a problem too: it is asked on a thread of its own. */
    private static List<String> inTime(Settings settings, Callable<List<String>> check) {
        FutureTask<List<String>> answer = new FutureTask<>(check);
        Thread thread = new Thread(answer, "bucket-check");
        thread.setDaemon(true);
        thread.setContextClassLoader(Thread.currentThread().getContextClassLoader());
        thread.start();
        try {
            return answer.get(BUCKET_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            return List.of(Settings.name("bss.bucket.name") + ": the bucket " + settings.value("bss.bucket.name")
                + " did not answer within " + BUCKET_TIMEOUT.toSeconds() + "s");
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** What is wrong with the selectors, a sentence each. */
    static List<String> selectorProblems(CamelContext context, Settings settings) {
        try {
            Selectors selectors = new Selectors(settings);
            selectors.setCamelContext(context);
            if (settings.schedule().isSet() && settings.problems().isEmpty()) {
                selectors.check(ReloadRequest.ofTopic(settings.schedule().requestAt(Instant.now()), settings::folder));
            }
            return List.of();
        } catch (SettingsException e) {
            return e.problems();
        } catch (RequestException e) {
            return List.of(Settings.name("bss.reload.schedule.request") + ": " + e.getMessage());
        }
    }

    /**
     * What is wrong with the bucket, a sentence each; nothing if its settings are wrong already.
     *
     * @param warnings gets what keeps nothing from starting, a sentence each
     */
    static List<String> bucketProblems(Settings settings, Function<String, String> lookup, String routesFolder, boolean write,
                                       Consumer<String> warnings) {
        return settings.problems().stream().anyMatch(problem -> problem.startsWith("bss.bucket.")) ? List.of()
            : inTime(settings, () -> askBucket(settings, lookup, routesFolder, write, warnings));
    }

    private static List<String> askBucket(Settings settings, Function<String, String> lookup, String routesFolder,
                                          boolean write, Consumer<String> warnings) {
        try (Backend backend = new Backend(settings, lookup, routesFolder)) {
            backend.bucket().check(write);
            if (write) {
                new BucketProbe(backend.bucket(), settings).verify();
            }
            if (settings.problems().isEmpty()) {
                warnOfFolders(settings, backend.bucket(), warnings);
            }
            return List.of();
        } catch (SettingsException e) {
            return e.problems();
        } catch (Exception e) {
            return List.of(Settings.name("bss.bucket.name") + ": the bucket cannot be used: "
                + settings.withoutSecrets(BucketException.reason(e)));
        }
    }

    private static void warnOfFolders(Settings settings, Bucket bucket, Consumer<String> warnings) {
        String key = "bss.topics-config.data-topics-mapping: ";
        try {
            new OtherFolders(bucket, settings).ofMappedTopics().forEach((topic, folders) -> warnings.accept(key
                + "files of topic " + topic + " are also in " + String.join(", ", folders) + ", and its folder is "
                + settings.folder(topic) + ": they are not reloaded unless former-folders of its entry names them"));
            settings.mappings().forEach(mapping -> mapping.formerFolders().stream()
                .filter(folder -> !bucket.list(folder, null).hasNext()).forEach(folder -> warnings.accept(key
                    + "the former folder " + folder + " of topic " + mapping.topic() + " holds no files")));
        } catch (UncheckedIOException e) {
            LOG.debug("The folders of the bucket are not known", e);
        }
    }
}
