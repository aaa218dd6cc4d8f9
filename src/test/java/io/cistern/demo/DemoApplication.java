package io.cistern.demo;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import io.cistern.CisternApplication;
import io.cistern.broker.EmbeddedKafka;
import org.springframework.boot.ApplicationArguments;
import org.springframework.boot.DefaultApplicationArguments;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.util.FileSystemUtils;

/**
 * Cistern with everything around it in one process: a broker, a shop that publishes, a bucket in {@code target/demo}.
 * Without options it runs until it is stopped, to be tried by hand; with {@code --demo=once} it stores, reloads,
 * compares and ends with code 0, or 1 if anything differs. Any other option goes to Cistern. It is for trying and
 * testing, and keeps nothing: each start clears what the one before left.
 *
 * <ul>
 *   <li>{@code --demo.rate=200}: records a second, while it runs until it is stopped
 *   <li>{@code --demo.records=200000}: records of {@code --demo=once}
 *   <li>{@code --demo.timeout=5m}: how long {@code --demo=once} may take
 * </ul>
 */
public final class DemoApplication {

    private static final Path FOLDER = Path.of("target", "demo").toAbsolutePath();

    private final ApplicationArguments options;
    private final Path bucket = FOLDER.resolve("bucket");
    private final EmbeddedKafka kafka;

    private DemoApplication(String[] args) throws IOException {
        options = new DefaultApplicationArguments(args);
        FileSystemUtils.deleteRecursively(FOLDER);
        Files.createDirectories(bucket);
        kafka = new EmbeddedKafka(0, FOLDER.resolve("kafka"));
    }

    public static void main(String[] args) {
        int code = 1;
        try {
            code = new DemoApplication(args).run();
        } catch (IllegalStateException e) {
            System.out.println("The demo ends: " + e.getMessage());
        } catch (Exception e) {
            e.printStackTrace();
        }
        // Threads of the broker would keep the process; what closes it and Cistern are shutdown hooks.
        System.exit(code);
    }

    private int run() throws Exception {
        boolean once = option("demo", "").equals("once");
        // Handlers run when Cistern is down, the last one added first.
        SpringApplication.getShutdownHandlers().add(kafka::close);
        kafka.start();
        Shop.createTopics(kafka);
        if (once) {
            return new DemoRound(kafka, bucket, this::startCistern, Long.parseLong(option("demo.records", "200000")),
                    DurationStyle.detectAndParse(option("demo.timeout", "5m"))).run();
        }
        runUntilStopped(Integer.parseInt(option("demo.rate", "200")));
        return 0;
    }

    private void runUntilStopped(int rate) throws Exception {
        Instant start = Instant.now();
        CisternHttp http = startCistern(Map.of("BSS_CACHE_UPLOAD_TIMEOUT", "5s"));
        Feed feed = new Feed(kafka.bootstrapServers(), ChangeStream.live(1));
        SpringApplication.getShutdownHandlers().add(feed::close);
        feed.start(rate);
        DemoGuide guide = new DemoGuide(kafka, bucket, http.base(), start);
        guide.printWhatRuns(rate);
        guide.awaitFirstFile(Duration.ofMinutes(1));
        guide.printWhatToTry();
        while (true) {
            Thread.sleep(10_000);
            guide.printProgress(feed.published());
        }
    }

    /**
     * Starts Cistern and returns when it is up.
     *
     * @param defaults settings of this run by the names of environment variables, which the environment overrides
     */
    private CisternHttp startCistern(Map<String, Object> defaults) throws Exception {
        Map<String, Object> all = new HashMap<>(defaults);
        all.putIfAbsent("KAFKA_DEQUEUE_STRATEGY", "earliest");
        all.putIfAbsent("HTTP_PORT", isFree(3000) ? "3000" : "0");
        all.putIfAbsent("LOG_LEVEL", "WARN");
        all.putIfAbsent("BSS_HTTP_AUTHENTICATION", "none");
        all.put("logging.level.io.cistern", "${LOG_LEVEL}");
        ConfigurableApplicationContext cistern;
        try {
            cistern = CisternApplication.start(all, arguments());
        } catch (RuntimeException logged) {
            throw new IllegalStateException("Cistern did not start: " + logged.getMessage(), logged);
        }
        CisternHttp http = new CisternHttp(
                cistern.getEnvironment().getRequiredProperty("local.server.port", Integer.class));
        http.awaitUp(Instant.now().plusSeconds(60));
        return http;
    }

    /**
     * The options of the command line, and what the demo stands on: given as options too, since neither a variable of
     * the environment nor the empty list of topics in application.yaml may take its place.
     */
    private String[] arguments() {
        Map<String, String> own = new LinkedHashMap<>();
        own.put("KAFKA_BROKERS", kafka.bootstrapServers());
        own.put("KAFKA_GROUP_ID", Shop.GROUP);
        own.put("BUCKET_TYPE", "file");
        own.put("BUCKET_NAME", bucket.toString());
        own.put("BSS_EVENTS_TOPIC", Shop.EVENTS);
        for (int i = 0; i < Shop.TOPICS.size(); i++) {
            Shop.Topic topic = Shop.TOPICS.get(i);
            String mapping = "bss.topics-config.data-topics-mapping[" + i + "].";
            own.put(mapping + "ingestion", topic.ingestion());
            own.put(mapping + "bucket-folder", topic.folder());
            if (topic.ingestion().equals(ChangeStream.ORDERS)) {
                own.put(mapping + "post-ingestion[0]", Shop.POST);
            }
        }
        List<String> arguments = new ArrayList<>(List.of(options.getSourceArgs()));
        own.forEach((name, value) -> arguments.add("--" + name + "=" + value));
        return arguments.toArray(String[]::new);
    }

    private String option(String name, String otherwise) {
        List<String> values = options.getOptionValues(name);
        return values == null || values.isEmpty() ? otherwise : values.get(0);
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port)) {
            return socket.isBound();
        } catch (IOException taken) {
            return false;
        }
    }
}
