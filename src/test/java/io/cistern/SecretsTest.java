package io.cistern;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.cistern.testing.RunningCistern;
import io.cistern.testing.TestKafka;
import io.cistern.testing.stores.AzuriteStore;
import io.cistern.testing.stores.Fault;
import io.cistern.testing.stores.FaultyProxy;
import io.cistern.testing.stores.TestStore;
import io.cistern.testing.stores.TestStores;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URLDecoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Predicate;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;

/** Secrets are in no log and in no answer, whatever fails: a start that is refused, storing, reloading. */
class SecretsTest {

    private static final String EVENTS = TestKafka.topic("secrets.events", 1);
    private static final Predicate<FaultyProxy.Request> WRITE = request -> !request.method().equals("GET");

    private final String bucket = "secrets-" + UUID.randomUUID();
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();

    @Test
    void theKeyOfS3() throws Exception {
        TestStore store = TestStores.s3();
        store.createBucket(bucket);
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint())) {
            Map<String, String> right = store.settings(bucket, proxy.address());
            Map<String, String> wrong = with(right, "S3_KEY", "a/wrong+secret=of.s3");
            assertThat(refusal(wrong)).contains("S3_KEY does not belong to S3_KEY_ID");
            run(store, proxy, right);
            assertHidden(right.get("S3_KEY"), wrong.get("S3_KEY"));
        }
    }

    @Test
    void theKeyOfAzure() throws Exception {
        AzuriteStore store = azure();
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint())) {
            Map<String, String> right = store.settings(bucket, proxy.address());
            Map<String, String> wrong = store.wrongCredentials(bucket, proxy.address());
            assertThat(refusal(wrong)).contains("AZURE_STORAGE_KEY");
            Map<String, String> broken = with(right, "AZURE_STORAGE_KEY", "no base64, but a secret!");
            assertThat(refusal(broken)).contains("AZURE_STORAGE_KEY");
            run(store, proxy, right);
            assertHidden(right.get("AZURE_STORAGE_KEY"), wrong.get("AZURE_STORAGE_KEY"), broken.get("AZURE_STORAGE_KEY"));
        }
    }

    @Test
    void theConnectionStringOfAzure() throws Exception {
        AzuriteStore store = azure();
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint())) {
            Map<String, String> right = Map.of("BUCKET_TYPE", "azure", "BUCKET_NAME", bucket,
                "AZURE_STORAGE_CONNECTION_STRING", store.connectionString(proxy.address()));
            String key = right.get("AZURE_STORAGE_CONNECTION_STRING").replaceFirst(".*AccountKey=([^;]*).*", "$1");
            String wrong = "WRONG" + key.substring(5);
            assertThat(refusal(with(right, "AZURE_STORAGE_CONNECTION_STRING",
                store.connectionString(proxy.address()).replace(key, wrong)))).contains("AZURE_STORAGE_CONNECTION_STRING");
            assertThat(refusal(with(right, "AZURE_STORAGE_CONNECTION_STRING", "AccountKey=" + wrong)))
                .contains("connection string");
            run(store, proxy, right);
            assertHidden(key, wrong);
        }
    }

    @Test
    void theTokenOfAzure() throws Exception {
        AzuriteStore store = azure();
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint())) {
            Map<String, String> right = with(store.settings(bucket, proxy.address()), "AZURE_STORAGE_KEY", "",
                "AZURE_STORAGE_SAS_TOKEN", store.sasToken(bucket, "racwl"));
            String signature = right.get("AZURE_STORAGE_SAS_TOKEN").replaceFirst(".*sig=([^&]*).*", "$1");
            String wrong = "WRONG" + signature.substring(5);
            assertThat(refusal(with(right, "AZURE_STORAGE_SAS_TOKEN",
                right.get("AZURE_STORAGE_SAS_TOKEN").replace(signature, wrong)))).contains("AZURE_STORAGE_SAS_TOKEN");
            // Where the address is wrong, clients like to tell it as a whole
            for (String endpoint : List.of("http://no-such-host.invalid", "https" + proxy.address().toString().substring(4))) {
                assertThat(refusal(with(right, "BUCKET_ENDPOINT", endpoint))).contains("BUCKET_ENDPOINT");
            }
            run(store, proxy, right);
            assertHidden(signature, URLDecoder.decode(signature, UTF_8), wrong, URLDecoder.decode(wrong, UTF_8));
        }
    }

    @Test
    void theServiceAccountOfGoogle() throws Exception {
        TestStore store = TestStores.google();
        store.createBucket(bucket);
        try (FaultyProxy proxy = new FaultyProxy(store.endpoint())) {
            Map<String, String> right = store.settings(bucket, proxy.address());
            Map<String, String> wrong = store.wrongCredentials(bucket, proxy.address());
            assertThat(refusal(wrong)).contains("GOOGLE_APPLICATION_CREDENTIALS");
            run(store, proxy, right);
            List<String> secrets = new ArrayList<>(List.of("BEGIN PRIVATE KEY", "Bearer ya29.", "ya29.c."));
            for (Map<String, String> each : List.of(right, wrong)) {
                String account = Files.readString(Path.of(each.get("GOOGLE_APPLICATION_CREDENTIALS")));
                String key = account.replaceFirst("(?s).*\"private_key\": *\"([^\"]*)\".*", "$1");
                List<String> lines = List.of(key.split("\\\\n"));
                assertThat(lines).hasSizeGreaterThan(10);
                secrets.addAll(lines.subList(1, lines.size() - 1));
            }
            assertHidden(secrets.toArray(String[]::new));
        }
    }

    @Test
    void thePasswordOfKafka() {
        TestStore store = TestStores.file();
        store.createBucket(bucket);
        Map<String, String> settings = with(store.settings(bucket, null), "KAFKA_USERNAME", "alice",
            "KAFKA_PASSWORD", "a \"secret\" of\\Kafka", "KAFKA_START_TIMEOUT", "1s");
        for (String mechanism : List.of("PLAIN", "SCRAM-SHA-256", "NONSENSE")) {
            assertThat(refusal(with(settings, "KAFKA_SASL_MECHANISM", mechanism))).contains("KAFKA_BROKERS");
        }
        assertHidden("a \"secret\" of\\Kafka", "of\\Kafka", "of\\\\Kafka");
    }

    /** What is said of settings with which it cannot start. */
    private String refusal(Map<String, String> settings) {
        List<String> problems = new ArrayList<>();
        captured(() -> assertThatThrownBy(() -> RunningCistern.start(all(settings, "none")).close())
            .isInstanceOfSatisfying(SettingsException.class, e -> problems.addAll(e.problems())));
        assertThat(problems).isNotEmpty();
        assertThat(output.toString(UTF_8)).as("the log").contains("Cistern cannot start as it is set up");
        return String.join("\n", problems);
    }

    /** Stores and reloads while the store fails now and then, and asks for all there is to ask for. */
    private void run(TestStore store, FaultyProxy proxy, Map<String, String> settings) {
        String topic = TestKafka.topic("secrets", 1);
        String target = TestKafka.topic("secrets.again", 1);
        String reload = "{\"topic\": \"" + topic + "\", \"reIngestionTopic\": \"" + target + "\"}";
        captured(() -> {
            try (RunningCistern cistern = RunningCistern.start(all(settings, topic));
                KafkaProducer<byte[], byte[]> producer = TestKafka.producer()) {
                proxy.fail(WRITE, Fault.status(403, store.errorBody(403)), 3);
                proxy.fail(WRITE, Fault.status(500, store.errorBody(500)), 3);
                proxy.fail(WRITE, Fault.RESET, 1);
                producer.send(new ProducerRecord<>(topic, "k".getBytes(UTF_8), "v".getBytes(UTF_8)));
                await().until(() ->
                    store.keys(bucket).stream().anyMatch(key -> key.startsWith(topic + "/")));
                for (int status : new int[] {403, 500}) {
                    proxy.heal();
                    String file = "{\"fileName\": \"" + store.keys(bucket).stream().filter(key -> key.startsWith(topic + "/"))
                        .findFirst().orElseThrow() + "\", \"reIngestionTopic\": \"" + target + "\"}";
                    proxy.fail(request -> true, Fault.status(status, store.errorBody(status)), Integer.MAX_VALUE);
                    ask(cistern, "POST", "/reingestion/file", file);
                    ask(cistern, "POST", "/reingestion/topic", reload);
                    ask(cistern, "GET", "/status/folders", null);
                    ask(cistern, "GET", "/actuator/health", null);
                    ask(cistern, "GET", "/actuator/health/readiness", null);
                }
                proxy.heal();
                assertThat(cistern.reload("/reingestion/topic", reload).get("status").asText()).isEqualTo("COMPLETE");
                String id = ask(cistern, "POST", "/reingestion/topic", reload).body().get("requestId").asText();
                for (String path : List.of("/actuator", "/actuator/health", "/actuator/info", "/actuator/prometheus",
                    "/openapi.yaml", "/status-service/" + id, "/status/" + topic + "/count")) {
                    assertThat(ask(cistern, "GET", path, null).status()).as(path).isIn(200, 503);
                }
                for (String path : List.of("/actuator/env", "/actuator/configprops", "/actuator/beans", "/actuator/loggers",
                    "/actuator/heapdump", "/actuator/httpexchanges")) {
                    assertThat(ask(cistern, "GET", path, null).status()).as(path).isEqualTo(404);
                }
                cistern.awaitEnd(id);
            }
        });
        assertThat(output.toString(UTF_8)).as("the log").contains("bucket put " + topic, "bucket list");
    }

    /** An answer counts as output. */
    private RunningCistern.Answer ask(RunningCistern cistern, String method, String path, String body) {
        RunningCistern.Answer answer = cistern.call(method, path, body);
        output.writeBytes((answer.response().headers() + "\n" + answer.response().body() + "\n").getBytes(UTF_8));
        return answer;
    }

    private void assertHidden(String... secrets) {
        String text = output.toString(UTF_8);
        assertThat(text.length()).isGreaterThan(1000);
        for (String secret : secrets) {
            assertThat(secret.length()).isGreaterThan(5);
            int at = text.indexOf(secret);
            assertThat(at < 0 ? "" : text.substring(Math.max(0, at - 300), Math.min(text.length(), at + 300))).isEmpty();
        }
    }

    private void captured(Runnable task) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        PrintStream both = new PrintStream(output, true, UTF_8);
        System.setOut(both);
        System.setErr(both);
        try {
            task.run();
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    private AzuriteStore azure() {
        TestStores.azure().createBucket(bucket);
        return TestStores.azure();
    }

    private static Map<String, String> with(Map<String, String> settings, String... more) {
        Map<String, String> all = new HashMap<>(settings);
        for (int i = 0; i < more.length; i += 2) {
            all.put(more[i], more[i + 1]);
        }
        return all;
    }

    /** These settings of a bucket, with all others that a start needs; it says all that it has to say of its own. */
    private static Map<String, String> all(Map<String, String> bucket, String topic) {
        Map<String, String> settings = new HashMap<>(Map.of("KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "KAFKA_GROUP_ID", "secrets-" + UUID.randomUUID(), "BSS_CACHE_UPLOAD_TIMEOUT", "100ms",
            "BSS_RETRIES", "1", "BSS_RETRY_DELAY", "10ms", "BSS_RETRY_DELAY_MAX", "20ms",
            "BSS_REST_AFTER_FAILURE", "100ms", "BUCKET_TIMEOUT", "2s", "BUCKET_RETRIES", "0"));
        settings.putAll(Map.of("BSS_EVENTS_TOPIC", EVENTS, "LOG_LEVEL", "INFO", "logging.level.io.cistern", "TRACE",
            "bss.topics-config.data-topics-mapping[0].ingestion-pattern", topic.replace(".", "\\.")));
        settings.putAll(bucket);
        return settings;
    }
}
