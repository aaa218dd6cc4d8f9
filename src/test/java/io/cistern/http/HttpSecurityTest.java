package io.cistern.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import io.cistern.reload.SteeringLog;
import io.cistern.testing.BatchFiles;
import io.cistern.testing.JsonSchema;
import io.cistern.testing.KeyStores;
import io.cistern.testing.RunningCistern;
import io.cistern.testing.RunningCistern.Answer;
import io.cistern.testing.TestKafka;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.springframework.security.crypto.bcrypt.BCryptPasswordEncoder;

/** Who may call the HTTP interface, over TLS: keys, passwords and tokens, roles, what is open, and what is logged of it. */
class HttpSecurityTest {

    private static final String OPERATOR_KEY = "0123456789abcdef-operator";
    private static final String VIEWER_KEY = "0123456789abcdef-viewer";
    private static final String PASSWORD = "correct horse";
    private static final Instant FIRST = Instant.parse("2022-11-14T13:26:37.728Z");
    /** A call that changes something, of a reload that there is not. */
    private static final String PAUSE = "/reingestion/1/pause";

    @TempDir
    private static Path folder;
    private static RunningCistern cistern;
    private static HttpClient client;
    private static HttpServer provider;
    private static String issuer;
    private static RSAKey key;
    private static RSAKey otherKey;
    private static JsonNode document;

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    @BeforeAll
    static void startWithAllKindsOfCredentials() throws Exception {
        key = new RSAKeyGenerator(2048).keyID("one").generate();
        otherKey = new RSAKeyGenerator(2048).keyID("one").generate();
        provider = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        issuer = "http://localhost:" + provider.getAddress().getPort() + "/realm";
        serve("/realm/.well-known/openid-configuration", "{\"issuer\": \"" + issuer + "\", \"jwks_uri\": \"" + issuer
            + "/keys\", \"subject_types_supported\": [\"public\"]}");
        serve("/realm/keys", new JWKSet(key.toPublicJWK()).toString());
        provider.start();
        Path keys = KeyStores.make(folder);
        client = HttpClient.newBuilder().sslContext(KeyStores.trusting(keys)).build();
        BatchFiles.write(Files.createDirectories(folder.resolve("bucket")), "orders",
            BatchFiles.name(FIRST, "orders", 0, 0), List.of(BatchFiles.line(0, 0, FIRST, "k", "v")));
        Map<String, String> settings = new HashMap<>(Map.of("BSS_ROLES", "reloader", "BUCKET_TYPE", "file",
            "BUCKET_NAME", folder.resolve("bucket").toString(), "KAFKA_BROKERS", TestKafka.broker().bootstrapServers(),
            "server.ssl.key-store", keys.toString(), "server.ssl.key-store-password", KeyStores.PASSWORD));
        settings.putAll(Map.of("BSS_HTTP_AUTHENTICATION", "required", "BSS_HTTP_METRICS", "viewer",
            "BSS_HTTP_API_KEYS", "ops:operator:" + OPERATOR_KEY + ",dash:viewer:" + HttpSecurityTest.hash(VIEWER_KEY),
            "BSS_HTTP_USERS", "ann:viewer:{noop}" + PASSWORD + ", bob:operator:{bcrypt}"
                + new BCryptPasswordEncoder(4).encode(PASSWORD),
            "BSS_HTTP_OAUTH2_ISSUER_URI", issuer, "BSS_HTTP_OAUTH2_AUDIENCE", "cistern",
            "BSS_HTTP_OAUTH2_NAME_CLAIM", "preferred_username", "BSS_HTTP_OAUTH2_ROLES_CLAIM", "access.roles",
            "BSS_HTTP_OAUTH2_OPERATOR_ROLE", "archive-operator"));
        cistern = RunningCistern.start(settings);
        document = new ObjectMapper(new YAMLFactory()).readTree(Path.of("src/main/resources/static/openapi.yaml").toFile());
    }

    private static String hash(String key) throws Exception {
        return "sha256:" + HexFormat.of().formatHex(
            MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8)));
    }

    private static void serve(String path, String json) {
        provider.createContext(path, exchange -> {
            byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
    }

    @AfterAll
    static void stop() {
        cistern.close();
        provider.stop(0);
    }

    @BeforeEach
    void listen() {
        log.start();
        ((Logger) LoggerFactory.getLogger(SteeringLog.NAME)).addAppender(log);
    }

    @AfterEach
    void listenNoMore() {
        ((Logger) LoggerFactory.getLogger(SteeringLog.NAME)).detachAppender(log);
    }

    @Test
    void aCallWithoutCredentialsIsRefusedWhateverItIs() {
        for (String path : List.of("/reingestion", "/reingestion/1", "/status/folders", "/status/orders/count",
            "/status/orders/coverage", "/status-service/1", "/nothing", "/", "/actuator", "/actuator/env",
            "/actuator/health%2F..%2F..%2Fstatus%2Ffolders", "/reingestion;x=/actuator/health")) {
            refused(call("GET", path, null), 401, path);
        }
        for (String path : List.of("/reingestion/topic", "/reingestion/file", "/reingestion/stop-reingestion", PAUSE,
            "/reingestion/1/resume", "/reingestion/1/stop", "/reingestion/1/speed", "/actuator/health", "/openapi.yaml")) {
            refused(call("POST", path, "{}"), 401, path);
        }
        refused(call("DELETE", "/reingestion/1", null), 401, "DELETE");
        assertThat(call("GET", "/reingestion", null).response().headers().allValues("WWW-Authenticate"))
            .containsExactly("Basic realm=\"cistern\", charset=\"UTF-8\"", "Bearer realm=\"cistern\"",
                "ApiKey realm=\"cistern\", header=\"X-API-Key\"");
        // Path parameters and dots lead nowhere else: Tomcat or the firewall refuses what is not plain.
        for (String path : List.of("/actuator/health/../../reingestion", "/openapi.yaml/../reingestion", "//reingestion",
            "/actuator/health/..;/env", "/actuator/health/%2e%2e/%2e%2e/reingestion")) {
            assertThat(call("GET", path, null).status()).as(path).isIn(400, 401, 404);
        }
    }

    @Test
    void everyKindOfCredentialsIsTakenAndHasItsRole() {
        for (String[] viewer : List.of(apiKey(VIEWER_KEY), basic("ann", PASSWORD), bearer(claims("viewer")))) {
            assertThat(call("GET", "/reingestion", null, viewer).status()).as(viewer[1]).isEqualTo(200);
            assertThat(call("GET", "/status/folders", null, viewer).body()).hasToString("[\"orders\"]");
            Answer refusal = call("POST", PAUSE, null, viewer);
            refused(refusal, 403, viewer[1]);
            refused(call("DELETE", "/reingestion/1", null, viewer), 403, viewer[1]);
        }
        for (String[] operator : List.of(apiKey(OPERATOR_KEY), basic("bob", PASSWORD), bearer(claims("archive-operator")),
            bearer(claims("viewer", "archive-operator")))) {
            assertThat(call("GET", "/reingestion", null, operator).status()).as(operator[1]).isEqualTo(200);
            assertThat(call("POST", PAUSE, null, operator).body().path("code").asText()).as(operator[1])
                .isEqualTo("unknown-request");
        }
        // A good token of somebody who is neither
        refused(call("GET", "/reingestion", null, bearer(claims("operator"))), 403, "another role");
        refused(call("GET", "/reingestion", null, bearer(claims())), 403, "no role");
    }

    @Test
    void wrongCredentialsAreRefusedAlsoWhereNoneAreNeeded() throws Exception {
        for (String wrong : List.of("", " ", OPERATOR_KEY + "x", OPERATOR_KEY.substring(1), OPERATOR_KEY.toUpperCase(),
            hash(VIEWER_KEY), "ops", "ops:operator:" + OPERATOR_KEY)) {
            refused(call("GET", "/reingestion", null, apiKey(wrong)), 401, wrong);
            refused(call("GET", "/actuator/health", null, apiKey(wrong)), 401, wrong);
        }
        for (String[] wrong : List.of(basic("ann", PASSWORD + "x"), basic("ann", ""), basic("ann", "{noop}" + PASSWORD),
            basic("nobody", PASSWORD), basic("Ann", PASSWORD), basic("BOB", PASSWORD), basic("ops", OPERATOR_KEY), new String[] {"Authorization", "Basic ?"})) {
            refused(call("GET", "/reingestion", null, wrong), 401, wrong[1]);
        }
        Date past = Date.from(Instant.now().minusSeconds(3600));
        for (Map.Entry<String, Consumer<JWTClaimsSet.Builder>> wrong : Map.<String, Consumer<JWTClaimsSet.Builder>>of(
            "expired", claims -> claims.expirationTime(past),
            "for ever", claims -> claims.expirationTime(null),
            "not yet", claims -> claims.notBeforeTime(Date.from(Instant.now().plusSeconds(3600))),
            "issuer", claims -> claims.issuer(issuer + "2"),
            "no issuer", claims -> claims.issuer(null),
            "audience", claims -> claims.audience("another-service"),
            "no audience", claims -> claims.audience((String) null)).entrySet()) {
            JWTClaimsSet.Builder claims = new JWTClaimsSet.Builder(claims("archive-operator"));
            wrong.getValue().accept(claims);
            refused(call("GET", "/reingestion", null, bearer(claims.build())), 401, wrong.getKey());
        }
        JWTClaimsSet right = claims("archive-operator");
        SignedJWT byHash = new SignedJWT(new JWSHeader.Builder(JWSAlgorithm.HS256).keyID("one").build(), right);
        byHash.sign(new MACSigner(key.toPublicJWK().toRSAPublicKey().getEncoded()));
        for (String token : List.of(signed(right, otherKey), new PlainJWT(right).serialize(), byHash.serialize(), "", "x.y.z",
            signed(right, key).replaceFirst("\\..*\\.", "." + Base64.getUrlEncoder().withoutPadding()
                .encodeToString("{\"sub\":\"x\"}".getBytes(StandardCharsets.UTF_8)) + "."))) {
            refused(call("GET", "/reingestion", null, "Authorization", "Bearer " + token), 401, token);
        }
    }

    @Test
    void probesAndTheDocumentAreOpenAndSayNoMoreThanTheyMust() {
        await().until(() -> call("GET", "/actuator/health", null).status() == 200);
        assertThat(call("GET", "/actuator/health", null).body()).hasToString(
            "{\"status\":\"UP\",\"groups\":[\"liveness\",\"readiness\",\"startup\"]}");
        assertThat(call("GET", "/actuator/health/readiness", null).body()).hasToString("{\"status\":\"UP\"}");
        assertThat(call("GET", "/actuator/health", null, apiKey(VIEWER_KEY)).body().has("components")).isTrue();
        assertThat(call("GET", "/openapi.yaml", null).status()).isEqualTo(200);
        assertThat(call("GET", "/swagger-ui/index.html", null).status()).isEqualTo(200);
    }

    @Test
    void metricsAreForViewersIfThatIsSet() {
        refused(call("GET", "/actuator/prometheus", null), 401, "metrics");
        assertThat(call("GET", "/actuator/prometheus", null, apiKey(VIEWER_KEY)).response().body())
            .contains("jvm_memory_used_bytes");
    }

    @Test
    void whatElseActuatorHasIsNotThereEvenForAnOperator() {
        for (String endpoint : List.of("env", "env/KAFKA_PASSWORD", "beans", "heapdump", "shutdown", "loggers", "configprops",
            "threaddump", "mappings", "conditions", "scheduledtasks", "metrics", "camel", "camelroutes", "jolokia")) {
            refused(call("GET", "/actuator/" + endpoint, null, apiKey(OPERATOR_KEY)), 404, endpoint);
            refused(call("POST", "/actuator/" + endpoint, "{}", apiKey(OPERATOR_KEY)), 404, endpoint);
        }
        assertThat(call("GET", "/actuator/info", null).status()).isEqualTo(401);
    }

    @Test
    void whatIsNotTlsIsNotServed() throws Exception {
        HttpResponse<String> plain = HttpClient.newHttpClient().send(HttpRequest.newBuilder(
            URI.create("http://localhost:" + cistern.port() + "/actuator/health")).build(),
            HttpResponse.BodyHandlers.ofString());
        assertThat(plain.statusCode()).isEqualTo(400);
        assertThat(call("GET", "/actuator/health", null).response().headers().map()).containsKeys("strict-transport-security",
            "x-content-type-options", "x-frame-options");
    }

    @Test
    void whoAskedForWhatIsLoggedAndToldOfTheReload() {
        String target = TestKafka.topic("audited", 1);
        String started = call("POST", "/reingestion/topic", "{\"topic\": \"orders\", \"reIngestionTopic\": \"" + target
            + "\", \"headers\": {\"a\": \"a content\"}, \"force\": true}", bearer(claims("archive-operator"))).body()
            .get("requestId").asText();
        call("POST", "/reingestion/" + started + "/speed", "{\"recordsPerSecond\": 5}", apiKey(OPERATOR_KEY));
        call("GET", "/reingestion/" + started, null, apiKey(OPERATOR_KEY));

        assertThat(call("GET", "/reingestion/" + started, null, apiKey(VIEWER_KEY)).body().get("startedBy").asText())
            .isEqualTo("http:carol");
        await().until(() -> log.list.size() == 2);
        assertThat(lines().get(0)).isEqualTo("Called: call=reload-topic by=carol role=operator from=127.0.0.1 id=" + started
            + " topic=orders reIngestionTopic=" + target + " force=true status=202");
        assertThat(lines().get(1)).startsWith("Called: call=set-speed by=ops role=operator from=127.0.0.1 id=" + started
            + " recordsPerSecond=5 status=");
        await().until(() -> TestKafka.records(target).size() == 1);
    }

    @Test
    void whatIsRefusedIsLoggedWithoutSecretsAndOnALineOfItsOwn() {
        call("POST", "/reingestion/file", "{\"fileName\": \"x\\nCalled: call=stop by=\\\"eve\\\" \\u2028\", \"topic\": [1]}",
            apiKey(OPERATOR_KEY));
        call("POST", "/reingestion/topic", "{ no JSON", apiKey(OPERATOR_KEY));
        call("POST", "/reingestion/a%0Ab/pause", null, apiKey(OPERATOR_KEY));
        call("POST", PAUSE, null, basic("ann", PASSWORD));
        call("POST", PAUSE, null, apiKey("a secret that is not right"));
        call("GET", "/reingestion", null);

        await().until(() -> log.list.size() == 5);
        assertThat(lines()).containsExactly(
            "Called: call=reload-file by=ops role=operator from=127.0.0.1"
                + " fileName=\"x?Called: call=stop by='eve' ?\" status=400",
            "Called: call=reload-topic by=ops role=operator from=127.0.0.1 status=400",
            "Called: call=pause-reload by=ops role=operator from=127.0.0.1 id=a%0Ab status=404",
            "Refused: call=\"POST /reingestion/1/pause\" by=ann role=viewer from=127.0.0.1 status=403",
            "Refused: call=\"POST /reingestion/1/pause\" from=127.0.0.1 status=401");
    }

    @Test
    void neverLogsCredentialsWithControlCharacters() throws Exception {
        ListAppender<ILoggingEvent> all = new ListAppender<>();
        Logger root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
        List<Logger> loggers = List.of((Logger) LoggerFactory.getLogger("org.apache"),
            (Logger) LoggerFactory.getLogger("org.springframework"));
        all.start();
        root.addAppender(all);
        loggers.forEach(logger -> logger.setLevel(Level.INFO));
        try {
            for (String control : List.of("\u0001", "\t", "\u0085", "\u007f", "\u0000")) {
                String secret = OPERATOR_KEY + control + "more";
                for (String header : List.of("X-API-Key: " + secret, "Authorization: Bearer " + secret, "Authorization: Basic " + secret,
                    "Authorization: " + secret, "Cookie: a=" + secret, "X-API-Key" + control + ": " + OPERATOR_KEY,
                    "X-API-Key: " + VIEWER_KEY + "\r\nX-Other: " + secret)) {
                    String answer = raw("GET /reingestion HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\nConnection: close\r\n\r\n");
                    assertThat(answer).as(header).startsWith("HTTP/1.1 ").doesNotContain(OPERATOR_KEY);
                    assertThat(answer.substring(9, 12)).as(header).isIn(header.contains("X-Other") ? List.of("200", "400") : List.of("400", "401"));
                }
                raw("GET /reingestion?a=" + secret + "&%zz=" + OPERATOR_KEY + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            }
            raw("GET /reingestion?%zz=" + OPERATOR_KEY + " HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + VIEWER_KEY
                + "\r\nConnection: close\r\n\r\n");
        } finally {
            root.detachAppender(all);
            loggers.forEach(logger -> logger.setLevel(null));
        }
        List<String> logged = List.copyOf(all.list).stream().map(event -> event.getFormattedMessage()
            + (event.getThrowableProxy() == null ? "" : ThrowableProxyUtil.asString(event.getThrowableProxy()))).toList();
        assertThat(logged).noneMatch(line -> line.contains(OPERATOR_KEY) || line.contains(VIEWER_KEY));
    }

    /** Sends the bytes of a text over TLS, and returns all that comes back. */
    private static String raw(String request) throws IOException {
        try (Socket socket = client.sslContext().getSocketFactory().createSocket("localhost", cistern.port())) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        }
    }

    @Test
    void theDocumentHasTheRefusals() {
        JsonSchema schema = new JsonSchema(document, true);
        HttpInterfaceTest.operations(document).forEach((id, operation) -> {
            HttpInterfaceTest.assertDocumented(document, schema, operation, call("GET", "/reingestion", null));
            HttpInterfaceTest.assertDocumented(document, schema, operation, call("POST", PAUSE, null, apiKey(VIEWER_KEY)));
        });
    }

    private List<String> lines() {
        return log.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    private static void refused(Answer answer, int status, String what) {
        assertThat(answer.status()).as(what).isEqualTo(status);
        assertThat(answer.body()).as(what).isNotNull();
        assertThat(answer.body().properties()).as(what).extracting(Map.Entry::getKey)
            .containsExactlyInAnyOrder("message", "code");
    }

    private static String[] apiKey(String value) {
        return new String[] {"X-API-Key", value};
    }

    private static String[] basic(String user, String password) {
        return new String[] {"Authorization", "Basic " + Base64.getEncoder().encodeToString(
            (user + ":" + password).getBytes(StandardCharsets.UTF_8))};
    }

    private static String[] bearer(JWTClaimsSet claims) {
        return new String[] {"Authorization", "Bearer " + signed(claims, key)};
    }

    private static JWTClaimsSet claims(String... roles) {
        return new JWTClaimsSet.Builder().issuer(issuer).audience(List.of("other", "cistern")).subject("1234")
            .claim("preferred_username", "carol").claim("access", Map.of("roles", List.of(roles)))
            .expirationTime(Date.from(Instant.now().plusSeconds(300))).build();
    }

    private static String signed(JWTClaimsSet claims, RSAKey by) {
        try {
            SignedJWT token = new SignedJWT(new JWSHeader.Builder(JWSAlgorithm.RS256).keyID("one").build(), claims);
            token.sign(new RSASSASigner(by));
            return token.serialize();
        } catch (com.nimbusds.jose.JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Calls it with these headers, names and values. */
    private static Answer call(String method, String path, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("https://localhost:" + cistern.port() + path))
            .timeout(Duration.ofSeconds(30)).header("Content-Type", "application/json")
            .method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        try {
            HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
            boolean isJson = response.headers().firstValue("Content-Type").orElse("").contains("json");
            return new Answer(response.statusCode(), isJson ? new ObjectMapper().readTree(response.body()) : null, response);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
