package io.cistern;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.cistern.broker.EmbeddedKafka;
import io.cistern.testing.BucketFiles;
import io.cistern.testing.KeyStores;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.StartupProblems;
import io.cistern.testing.TestKafka;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/**
 * A broker that is reached by SASL over TLS: records are stored and reloaded, with each mechanism; and what a user may not do
 * there is told by {@code --check}.
 */
class SaslTest {

    private static final String LISTENER = "listener.name.secured.";
    private static final String MODULES = "org.apache.kafka.common.security.";
    private static final String USER = "cistern";
    /** Has what must be quoted. */
    private static final String PASSWORD = "pass \"word\\ =;";

    @TempDir
    private static Path folder;
    private static Path keys;
    private static EmbeddedKafka kafka;
    private static HttpServer provider;
    private static RSAKey key;

    @BeforeAll
    static void startABroker() throws Exception {
        keys = KeyStores.make(folder);
        key = new RSAKeyGenerator(2048).keyID("one").generate();
        provider = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        provider.createContext("/keys", exchange -> answer(exchange, 200, new JWKSet(key.toPublicJWK()).toString()));
        provider.createContext("/token", SaslTest::answerWithAToken);
        provider.start();
        String quoted = PASSWORD.replace("\\", "\\\\").replace("\"", "\\\"");
        kafka = new EmbeddedKafka().secure()
            .set(LISTENER + "ssl.keystore.location", keys.toString())
            .set(LISTENER + "ssl.keystore.password", KeyStores.PASSWORD)
            .set(LISTENER + "ssl.keystore.type", "PKCS12")
            .set(LISTENER + "sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,OAUTHBEARER")
            .set(LISTENER + "plain.sasl.jaas.config", MODULES + "plain.PlainLoginModule required user_" + USER + "=\"" + quoted
                + "\" user_limited=\"limited\";")
            .set("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer")
            // A member that could not leave its group is forgotten soon.
            .set("group.consumer.min.session.timeout.ms", "5000")
            .set("group.consumer.session.timeout.ms", "6000")
            .set("group.consumer.min.heartbeat.interval.ms", "500")
            .set("group.consumer.heartbeat.interval.ms", "1000")
            .set("super.users", "User:ANONYMOUS;User:" + USER)
            .set(LISTENER + "scram-sha-256.sasl.jaas.config", MODULES + "scram.ScramLoginModule required;")
            .set(LISTENER + "oauthbearer.sasl.jaas.config", MODULES + "oauthbearer.OAuthBearerLoginModule required;")
            .set(LISTENER + "oauthbearer.sasl.server.callback.handler.class",
                MODULES + "oauthbearer.OAuthBearerValidatorCallbackHandler")
            .set("sasl.oauthbearer.jwks.endpoint.url", provider("/keys"))
            .set("sasl.oauthbearer.expected.audience", "kafka")
            .start();
        try (var admin = kafka.admin()) {
            admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(USER,
                new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), PASSWORD))).all().get();
        }
    }

    private static String provider(String path) {
        return "http://localhost:" + provider.getAddress().getPort() + path;
    }

    /** As an identity provider does for a client's id and secret. */
    private static void answerWithAToken(HttpExchange exchange) throws IOException {
        String expected = "Basic " + Base64.getEncoder().encodeToString((USER + ":" + PASSWORD).getBytes(UTF_8));
        if (!expected.equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
            answer(exchange, 401, "{\"error\": \"invalid_client\"}");
            return;
        }
        try {
            SignedJWT token = new SignedJWT(new JWSHeader.Builder(JWSAlgorithm.RS256).keyID("one").build(),
                new JWTClaimsSet.Builder().subject(USER).audience("kafka").issueTime(new Date())
                    .expirationTime(Date.from(Instant.now().plusSeconds(600))).build());
            token.sign(new RSASSASigner(key));
            answer(exchange, 200, "{\"access_token\": \"" + token.serialize() + "\", \"token_type\": \"Bearer\"}");
        } catch (com.nimbusds.jose.JOSEException e) {
            throw new IOException(e);
        }
    }

    private static void answer(HttpExchange exchange, int status, String json) throws IOException {
        byte[] bytes = json.getBytes(UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @AfterAll
    static void stop() {
        kafka.close();
        provider.stop(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"PLAIN", "SCRAM-SHA-256", "OAUTHBEARER"})
    void recordsAreStoredPassedOnAndReloaded(String mechanism) throws Exception {
        // Given
        String name = mechanism.toLowerCase();
        for (String topic : List.of("orders", "post", "again", "events")) {
            kafka.createTopic(topic + "." + name, 2);
        }
        Path bucket = Files.createDirectory(folder.resolve(name));
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()), new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < 20; i++) {
                producer.send(new ProducerRecord<>("orders." + name, i % 2, "k" + i, "v" + i));
            }
        }

        // When
        try (RunningCistern cistern = RunningCistern.start(settings(mechanism, bucket, PASSWORD))) {
            await().until(() -> TestKafka.lag(kafka, "group." + name, "orders." + name) == 0);
            JsonNode status = cistern.reload("/reingestion/topic", "{\"topic\": \"orders." + name
                + "\", \"reIngestionTopic\": \"again." + name + "\", \"partitioning\": \"preserve\"}");

            // Then
            assertThat(status.get("status").asText()).as(status.toString()).isEqualTo("COMPLETE");
            assertThat(BucketFiles.allLines(bucket, "orders." + name)).hasSize(20);
            List<String> published = contents("orders." + name);
            assertThat(contents("again." + name)).isEqualTo(published);
            assertThat(TestKafka.records(kafka, "post." + name, "read_committed")).extracting(TestKafka::contents)
                .containsExactlyInAnyOrderElementsOf(published.stream().map(record -> record.substring(2)).toList());
            assertThat(cistern.call("GET", "/actuator/health/readiness", null).status()).isEqualTo(200);
        }
    }

    @Test
    void theCheckNamesTheSettingsOfARefusedMechanismAndPassword() {
        assertThat(brokerFailure(settings("SCRAM-SHA-512", folder, PASSWORD)))
            .contains("SCRAM-SHA-512", "kafka.sasl-mechanism (environment KAFKA_SASL_MECHANISM)");
        assertThat(brokerFailure(settings("PLAIN", folder, "hunter2")))
            .contains("kafka.password (environment KAFKA_PASSWORD)").doesNotContain("hunter2");
    }

    private static String brokerFailure(Map<String, String> settings) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream stdout = System.out;
        try {
            CheckCommand.run(new HashMap<>(settings), new String[] {"--check"}, new PrintStream(out), System.err);
        } finally {
            System.setOut(stdout);
        }
        return out.toString(UTF_8).lines().filter(line -> line.startsWith("wrong    broker")).findFirst().orElseThrow();
    }

    @Test
    void whatAUserMayNotDoIsToldByTheCheck() throws Exception {
        for (String topic : List.of("orders", "post", "events")) {
            kafka.createTopic(topic + ".limited", 1);
        }
        try (var admin = kafka.admin()) {
            admin.createAcls(List.of(allowed(ResourceType.TOPIC, "orders.limited", AclOperation.READ),
                allowed(ResourceType.TOPIC, "events.limited", AclOperation.DESCRIBE))).all().get();
        }
        Map<String, Object> settings = new HashMap<>(settings("PLAIN", folder, "limited"));
        settings.putAll(Map.of("KAFKA_USERNAME", "limited", "BSS_ROLES", "storer", "BSS_EVENTS_TOPIC", "events.limited",
            "bss.topics-config.data-topics-mapping[0].ingestion", "orders.limited",
            "bss.topics-config.data-topics-mapping[0].post-ingestion[0]", "post.limited"));

        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream stdout = System.out;
        int code = CheckCommand.run(settings, new String[] {"--check", "--format=json"}, new PrintStream(out), System.err);
        System.setOut(stdout);

        assertThat(code).isEqualTo(1);
        List<String> found = new ArrayList<>();
        new ObjectMapper().readTree(out.toByteArray()).get("findings").forEach(finding -> {
            if (List.of("broker", "topic", "group").contains(finding.get("what").asText())) {
                found.add(finding.get("which").asText() + " " + finding.get("outcome").asText() + ": " + finding.get("found").asText());
            }
        });
        assertThat(found).hasSize(5);
        assertThat(found.get(0)).startsWith(kafka.securedServers() + " (SASL_SSL, PLAIN as limited) right: 1 node of cluster ");
        assertThat(found.subList(1, 4)).containsExactly(
            "orders.limited (ingestion) right: 1 partition",
            "post.limited (post-ingestion) wrong: Topic authorization failed.",
            "events.limited (events of files) wrong: 1 partition; not permitted: Write");
        assertThat(found.get(4)).startsWith("group.plain (storer) wrong: ").contains("authoriz");
    }

    @Test
    void whenAPermissionIsTakenAwayAndGivenAgainEverythingIsStored() throws Exception {
        // Given
        kafka.createTopic("orders.taken", 1);
        kafka.createTopic("orders.left", 1);
        kafka.createTopic("events.taken", 1);
        AclBinding reading = allowed(ResourceType.TOPIC, "orders.taken", AclOperation.READ);
        Path bucket = Files.createDirectory(folder.resolve("taken"));
        Map<String, String> settings = settings("PLAIN", bucket, "limited");
        settings.remove("bss.topics-config.data-topics-mapping[0].post-ingestion[0]");
        settings.putAll(Map.of("KAFKA_USERNAME", "limited", "BSS_ROLES", "storer", "KAFKA_GROUP_ID", "group.taken",
            "BSS_EVENTS_TOPIC", "events.taken", "bss.topics-config.data-topics-mapping[0].ingestion", "orders.taken",
            "bss.topics-config.data-topics-mapping[1].ingestion", "orders.left"));
        try (var admin = kafka.admin(); KafkaProducer<String, String> producer = new KafkaProducer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()), new StringSerializer(), new StringSerializer())) {
            admin.createAcls(List.of(reading, allowed(ResourceType.TOPIC, "orders.taken", AclOperation.DESCRIBE),
                allowed(ResourceType.TOPIC, "orders.left", AclOperation.READ),
                allowed(ResourceType.TOPIC, "events.taken", AclOperation.WRITE),
                allowed(ResourceType.GROUP, "group.taken", AclOperation.READ))).all().get();
            try (RunningCistern cistern = RunningCistern.start(settings)) {
                producer.send(new ProducerRecord<>("orders.taken", "before", "v")).get();
                await().until(() -> BucketFiles.allLines(bucket, "orders.taken").size() == 1);

                // When, as soon as the broker refuses what it let through while it did not know
                MeterRegistry meters = cistern.context().getBean(MeterRegistry.class);
                admin.deleteAcls(List.of(reading.toFilter())).all().get();
                await().until(() -> meters.get("cistern.unreadable.partitions").gauge().value() == 1);
                for (int i = 0; i < 10; i++) {
                    producer.send(new ProducerRecord<>("orders.taken", "meanwhile " + i, "v")).get();
                    producer.send(new ProducerRecord<>("orders.left", "meanwhile " + i, "v")).get();
                    int published = i + 1;
                    // Then the other topic is stored
                    await().until(() -> BucketFiles.allLines(bucket, "orders.left").size() == published);
                }
                assertThat(BucketFiles.allLines(bucket, "orders.taken")).hasSize(1);
                await().until(() -> meters.find("cistern.lag").tag("topic", "orders.taken").gauges().stream()
                    .mapToDouble(gauge -> gauge.value()).sum() == 10);
                assertThat(meters.get("cistern.unstored.age").tag("topic", "orders.taken").gauge().value()).isPositive();
                admin.createAcls(List.of(reading)).all().get();

                // And then the topic itself
                await().until(() -> TestKafka.lag(kafka, "group.taken", "orders.taken") == 0);
                await().until(() -> meters.get("cistern.unreadable.partitions").gauge().value() == 0);
            }
        }
        assertThat(BucketFiles.allLines(bucket, "orders.taken")).extracting(line -> line.get("offset").asLong())
            .containsExactly(0L, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L);
    }

    @ParameterizedTest
    @ValueSource(strings = {"classic", "consumer"})
    void storesAgainWhenThePermissionOnTheGroupComesBack(String protocol) throws Exception {
        // Given
        String topic = "orders.group." + protocol;
        String group = "group.taken." + protocol;
        kafka.createTopic(topic, 2);
        kafka.createTopic("events.group." + protocol, 1);
        AclBinding joining = allowed(ResourceType.GROUP, group, AclOperation.READ);
        Path bucket = Files.createDirectory(folder.resolve("group-" + protocol));
        Map<String, String> settings = settings("PLAIN", bucket, "limited");
        settings.remove("bss.topics-config.data-topics-mapping[0].post-ingestion[0]");
        settings.putAll(Map.of("KAFKA_USERNAME", "limited", "BSS_ROLES", "storer", "KAFKA_GROUP_ID", group,
            "KAFKA_GROUP_PROTOCOL", protocol, "BSS_EVENTS_TOPIC", "events.group." + protocol,
            "camel.component.kafka.session-timeout-ms", "6000",
            "bss.topics-config.data-topics-mapping[0].ingestion", topic));
        try (var admin = kafka.admin(); KafkaProducer<String, String> producer = new KafkaProducer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()), new StringSerializer(), new StringSerializer())) {
            admin.createAcls(List.of(joining, allowed(ResourceType.TOPIC, topic, AclOperation.READ),
                allowed(ResourceType.TOPIC, "events.group." + protocol, AclOperation.WRITE))).all().get();
            try (RunningCistern cistern = RunningCistern.start(settings)) {
                producer.send(new ProducerRecord<>(topic, 0, "before", "v")).get();
                await().until(() -> BucketFiles.allLines(bucket, topic).size() == 1);
                ListAppender<ILoggingEvent> log = new ListAppender<>();
                log.start();
                ((Logger) LoggerFactory.getLogger("io.cistern.kafka.ReplaceableConsumer")).addAppender(log);

                // When the permission is gone until a poll has failed for want of it
                admin.deleteAcls(List.of(joining.toFilter())).all().get();
                await().until(() -> List.copyOf(log.list).stream()
                    .anyMatch(event -> event.getFormattedMessage().contains("GroupAuthorizationException")));
                for (int i = 0; i < 10; i++) {
                    producer.send(new ProducerRecord<>(topic, i % 2, "meanwhile " + i, "v")).get();
                }
                admin.createAcls(List.of(joining)).all().get();

                // Then
                await().until(() -> TestKafka.lag(kafka, group, topic) == 0);
            }
        }
        assertThat(BucketFiles.allLines(bucket, topic)).extracting(line -> line.get("key").asText()).contains("before")
            .containsAll(List.of("meanwhile 0", "meanwhile 1", "meanwhile 8", "meanwhile 9"));
    }

    private static AclBinding allowed(ResourceType type, String name, AclOperation operation) {
        return new AclBinding(new ResourcePattern(type, name, PatternType.LITERAL),
            new AccessControlEntry("User:limited", "*", operation, AclPermissionType.ALLOW));
    }

    @Test
    void aWrongPasswordAndACertificateThatIsNotTrustedAreToldWithoutTheSecret() {
        for (String mechanism : List.of("PLAIN", "SCRAM-SHA-256", "OAUTHBEARER")) {
            assertThat(problems(settings(mechanism, folder, "wrong-password"))).as(mechanism).singleElement().asString()
                .startsWith("camel.component.kafka.brokers (environment KAFKA_BROKERS): " + kafka.securedServers()
                    + " cannot be used: ").doesNotContain("wrong-password");
        }
        Map<String, String> settings = settings("PLAIN", folder, PASSWORD);
        settings.keySet().removeIf(key -> key.contains("ssl.truststore"));
        assertThat(problems(settings)).singleElement().asString().contains("SSL handshake failed");
    }

    private static List<String> problems(Map<String, String> settings) {
        return StartupProblems.of(settings);
    }

    private static List<String> contents(String topic) {
        return TestKafka.records(kafka, topic, "read_committed").stream()
            .map(record -> record.partition() + " " + TestKafka.contents(record)).toList();
    }

    private static Map<String, String> settings(String mechanism, Path bucket, String password) {
        String name = mechanism.toLowerCase();
        Map<String, String> settings = new HashMap<>(Map.of("KAFKA_BROKERS", kafka.securedServers(),
            "KAFKA_SECURITY_PROTOCOL", "SSL", "KAFKA_USERNAME", USER, "KAFKA_PASSWORD", password,
            "KAFKA_SASL_MECHANISM", mechanism, "KAFKA_GROUP_ID", "group." + name, "KAFKA_START_TIMEOUT", "10s",
            "BUCKET_TYPE", "file", "BUCKET_NAME", bucket.toString(), "BSS_EVENTS_TOPIC", "events." + name));
        settings.putAll(Map.of("BSS_CACHE_UPLOAD_TIMEOUT", "300ms", "BSS_HTTP_AUTHENTICATION", "none",
            "BSS_EXACTLY_ONCE", String.valueOf(mechanism.equals("OAUTHBEARER")),
            "bss.topics-config.data-topics-mapping[0].ingestion", "orders." + name,
            "bss.topics-config.data-topics-mapping[0].post-ingestion[0]", "post." + name,
            "camel.component.kafka.additional-properties[ssl.truststore.location]", keys.toString(),
            "camel.component.kafka.additional-properties[ssl.truststore.password]", KeyStores.PASSWORD));
        if (mechanism.equals("OAUTHBEARER")) {
            settings.put("KAFKA_TOKEN_ENDPOINT", provider("/token"));
        }
        return settings;
    }
}
