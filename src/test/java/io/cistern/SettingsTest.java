package io.cistern;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.testing.ApplicationYaml;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** application.yaml with environment variables over it, as the settings that Java reads, and what it finds wrong. */
class SettingsTest {

    private static final String MAPPING = "bss.topics-config.data-topics-mapping";
    private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{([A-Z0-9_]+):(.*)}");

    @Test
    void whatIsMissingIsToldAllAtOnceByKeyAndEnvironmentVariable() {
        assertThat(settings(Map.of()).problems()).containsExactlyInAnyOrder(
            "camel.component.kafka.brokers (environment KAFKA_BROKERS): is required",
            "kafka.group-id (environment KAFKA_GROUP_ID): is required",
            "bss.bucket.type (environment BUCKET_TYPE): is required",
            "bss.bucket.name (environment BUCKET_NAME): is required",
            "bss.events-topic (environment BSS_EVENTS_TOPIC): is required",
            "bss.http.authentication (environment BSS_HTTP_AUTHENTICATION): callers must say who they are, and none is known:"
                + " set bss.http.api-keys (environment BSS_HTTP_API_KEYS), bss.http.users (environment BSS_HTTP_USERS) or"
                + " bss.http.oauth2.issuer-uri (environment BSS_HTTP_OAUTH2_ISSUER_URI); or none here, if the network alone"
                + " keeps others away",
            "bss.topics-config.data-topics-mapping (environment BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_INGESTION): is required"
                + " for the storer: at least one ingestion topic");
    }

    @Test
    void aRoleNeedsNoneOfTheOthersSettings() {
        Map<String, String> reloader = Map.of("BSS_ROLES", "reloader", "KAFKA_BROKERS", "b:1", "BUCKET_TYPE", "file",
            "BUCKET_NAME", "b", "BSS_HTTP_API_KEYS", "ops:operator:0123456789abcdef");
        assertThat(settings(reloader).problems()).isEmpty();
        assertThat(settings(reloader).roles()).containsExactly(Settings.Role.RELOADER);
        // A storer has no calls: probes and metrics need no credentials.
        assertThat(settings(right("BSS_ROLES", " Storer ", "BSS_HTTP_AUTHENTICATION", "required")).problems()).isEmpty();
        assertThat(settings(right("BSS_ROLES", " Storer ")).roles()).containsExactly(Settings.Role.STORER);
    }

    @Test
    void whatIsNotSetHasTheDefaultsOfTheFile() {
        Settings settings = settings(right());
        assertThat(settings.problems()).isEmpty();
        assertThat(settings.roles()).containsExactlyInAnyOrder(Settings.Role.values());
        assertThat(settings.storer().maxBytesPerFile()).isEqualTo(8 << 20);
        assertThat(settings.storer().maxCacheSize()).isEqualTo(64 << 20);
        assertThat(settings.storer().cacheUploadTimeout()).isEqualTo(Duration.ofSeconds(30));
        assertThat(settings.storer().postIngestion()).isTrue();
        assertThat(settings.reload().selectors()).isNull();
        assertThat(settings.startTimeout()).isEqualTo(Duration.ofSeconds(15));
        assertThat(settings.folder("orders")).isEqualTo("orders");
    }

    @Test
    void settingsOfABucketMustFitEachOther() {
        assertThat(settings(right("S3_SSE", "true", "S3_KMS_KEY_ID", "alias/archive")).problems()).singleElement().asString()
            .startsWith("bss.bucket.s3-kms-key-id (environment S3_KMS_KEY_ID): is of no use with bss.bucket.s3-sse");
        assertThat(settings(right("BUCKET_TYPE", "google", "GOOGLE_APPLICATION_CREDENTIALS", "/no/such.json")).problems())
            .singleElement().asString().startsWith("bss.bucket.google-credentials (environment"
                + " GOOGLE_APPLICATION_CREDENTIALS): is no file that can be read");
        for (String account : List.of("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_CONNECTION_STRING")) {
            assertThat(settings(right("BUCKET_TYPE", "azure", account, "x")).problems()).isEmpty();
        }
        assertThat(settings(right("BUCKET_TYPE", "azure", "BUCKET_ENDPOINT", "http://127.0.0.1:10000/account")).problems())
            .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 1", "1B, 1", "512KB, 524288", "512 kb, 524288", "8MB, 8388608", "8m, 8388608", "8MiB, 8388608",
        "1GB, 1073741824", "' 2K ', 2048"})
    void aSizeIsANumberWithAUnit(String text, long bytes) {
        Settings settings = settings(right("BSS_MAX_BYTES_PER_FILE", text, "BSS_MAX_CACHE_SIZE", "2GB"));
        assertThat(settings.problems()).isEmpty();
        assertThat(settings.storer().maxBytesPerFile()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @CsvSource({"500ms, 500", "30s, 30000", "5m, 300000", "1h, 3600000", "1m30s, 90000"})
    void aDurationIsANumberWithAUnit(String text, long millis) {
        Settings settings = settings(right("BSS_CACHE_UPLOAD_TIMEOUT", text));
        assertThat(settings.problems()).isEmpty();
        assertThat(settings.storer().cacheUploadTimeout()).isEqualTo(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "BSS_ROLES | writer | bss.roles",
        "BSS_CACHE_UPLOAD_TIMEOUT | 30 | bss.cache-upload-timeout",
        "BSS_ROLES | storer,,reloader | bss.roles",
        "BSS_MAX_BYTES_PER_FILE | 8TB | bss.max-bytes-per-file",
        "BSS_MAX_BYTES_PER_FILE | -1 | bss.max-bytes-per-file",
        "BSS_MAX_BYTES_PER_FILE | 8.5MB | bss.max-bytes-per-file",
        "BSS_MAX_BYTES_PER_FILE | 999999999999999GB | bss.max-bytes-per-file",
        "BSS_MAX_BYTES_PER_FILE | 65MB | bss.max-bytes-per-file",
        "BSS_MAX_RECORDS_PER_FILE | many | bss.max-records-per-file",
        "BSS_MAX_RECORDS_PER_FILE | -1 | bss.max-records-per-file",
        "BSS_MAX_CACHE_SIZE | 1 | bss.max-cache-size",
        "BSS_CACHE_UPLOAD_TIMEOUT | 0 | bss.cache-upload-timeout",
        "BSS_CACHE_UPLOAD_TIMEOUT | soon | bss.cache-upload-timeout",
        "BSS_CACHE_UPLOAD_TIMEOUT | -5s | bss.cache-upload-timeout",
        "BSS_CACHE_UPLOAD_TIMEOUT | 5 parsecs | bss.cache-upload-timeout",
        "BSS_COMPRESSION | lz4 | bss.compression",
        "BSS_ENABLE_POST_INGESTION | yes | bss.enable-post-ingestion",
        "BSS_RELOADED_RECORDS | SKIP | bss.reloaded-records",
        "BSS_POST_INGESTION_REFUSED | drop | bss.post-ingestion-refused",
        "BSS_RETRIES | 3.5 | bss.retries",
        "BSS_RETRIES | 101 | bss.retries",
        "BSS_RETRY_DELAY | 0 | bss.retry-delay",
        "BSS_RETRY_DELAY_MAX | x | bss.retry-delay-max",
        "BSS_RETRY_DELAY | 1h | bss.retry-delay",
        "BSS_REST_AFTER_FAILURE | x | bss.rest-after-failure",
        "BSS_REINGESTION_ALLOWED_TOPICS | a(b | bss.reingestion.allowed-topics",
        "BSS_REINGESTION_ALLOWED_TOPICS | '' | bss.reingestion.allowed-topics",
        "BSS_REINGESTION_ALLOW_INGESTION_TOPICS | maybe | bss.reingestion.allow-ingestion-topics",
        "BSS_HTTP_AUTHENTICATION | off | bss.http.authentication",
        "BSS_HTTP_METRICS | closed | bss.http.metrics",
        "BSS_HTTP_API_KEYS | 0123456789abcdef | bss.http.api-keys",
        "BSS_HTTP_API_KEYS | ops:admin:0123456789abcdef | bss.http.api-keys",
        "BSS_HTTP_API_KEYS | :operator:0123456789abcdef | bss.http.api-keys",
        "BSS_HTTP_API_KEYS | ops:operator:0123456789abcde | bss.http.api-keys",
        "BSS_HTTP_API_KEYS | ops:operator:0123456789abcdef, | bss.http.api-keys",
        "BSS_HTTP_API_KEYS | ops:operator:sha256:0123456789abcdef | bss.http.api-keys",
        "BSS_HTTP_USERS | ann:viewer:long enough but plain | bss.http.users",
        "BSS_HTTP_USERS | ann:viewer:{noop}short | bss.http.users",
        "BSS_HTTP_USERS | ann:viewer:{bcrypt}long enough it is | bss.http.users",
        "BSS_HTTP_USERS | ann:viewer:{noop}long enough!,ann:operator:{noop}long enough! | bss.http.users",
        "BSS_HTTP_OAUTH2_ISSUER_URI | https:// | bss.http.oauth2.issuer-uri",
        "BSS_HTTP_OAUTH2_JWK_SET_URI | file:///keys.json | bss.http.oauth2.jwk-set-uri",
        "BSS_HTTP_OAUTH2_ISSUER_URI | https://id.example.com | bss.http.oauth2.audience",
        "BSS_RELOAD_CONCURRENCY | 0 | bss.reload.concurrency",
        "BSS_RELOAD_MAX_RUNNING | 0 | bss.reload.max-running",
        "BSS_RELOAD_COMMIT_INTERVAL | 11s | bss.reload.commit-interval",
        "BSS_RELOAD_TASKS_PARTITIONS | 0 | bss.reload.tasks-partitions",
        "BSS_RELOAD_TASKS_TOPIC | a/b | bss.reload.tasks-topic",
        "BSS_RELOAD_EVENTS_TOPIC | cistern.reload.tasks | bss.reload.events-topic",
        "BSS_RELOAD_GROUP_ID | '' | bss.reload.group-id",
        "BSS_RELOAD_BATCH_RECORDS | 0 | bss.reload.batch-records",
        "BSS_RELOAD_BATCH_BYTES | 0 | bss.reload.batch-bytes",
        "BSS_RELOAD_RETENTION | 1s | bss.reload.retention",
        "BSS_RELOAD_SCHEDULE_ZONE | Rome | bss.reload.schedule.zone",
        "BSS_RELOAD_SCHEDULE_REQUEST | {} x | bss.reload.schedule.request",
        "BSS_RELOAD_UNKNOWN_FIELDS | drop | bss.reload.unknown-fields",
        "BSS_RELOAD_DEAD_LETTER_TOPIC | a/b | bss.reload.dead-letter-topic",
        "CONFIGURATIONS_PATH | /there/is/no/such/folder | bss.configurations-path",
        "BUCKET_NAME | a'b | bss.bucket.name",
        "BUCKET_NAME | a$b | bss.bucket.name",
        "BUCKET_ENDPOINT | ftp://host | bss.bucket.endpoint",
        "BUCKET_ENDPOINT | host:9000 | bss.bucket.endpoint",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT | collector:4318 | bss.tracing-endpoint",
        "BUCKET_ENDPOINT | https://user@host | bss.bucket.endpoint",
        "BUCKET_STORAGE_CLASS | a' + 'b | bss.bucket.storage-class",
        "BUCKET_TIMEOUT | 0 | bss.bucket.timeout",
        "BUCKET_RETRIES | -1 | bss.bucket.retries",
        "BUCKET_PART_SIZE | 4MB | bss.bucket.part-size",
        "BUCKET_PART_SIZE | 2GB | bss.bucket.part-size",
        "S3_KEY_ID | id | bss.bucket.s3-key",
        "S3_KEY | key | bss.bucket.s3-key-id",
        "S3_PATH_STYLE | maybe | bss.bucket.s3-path-style",
        "S3_CREATE_ONLY | perhaps | bss.bucket.s3-create-only",
        "S3_CHECKSUMS | md5 | bss.bucket.s3-checksums",
        "S3_SSE | aes | bss.bucket.s3-sse",
        "BUCKET_TYPE | azure | bss.bucket.azure-account",
        "AZURE_STORAGE_KEY | key | bss.bucket.azure-account",
        "KAFKA_SECURITY_PROTOCOL | SASL | camel.component.kafka.security-protocol",
        "KAFKA_SECURITY_PROTOCOL | TLS | camel.component.kafka.security-protocol",
        "KAFKA_DEQUEUE_STRATEGY | newest | kafka.dequeue-strategy",
        "KAFKA_GROUP_PROTOCOL | eager | kafka.group-protocol",
        "KAFKA_PARTITION_ASSIGNOR | CooperativeSticky | kafka.partition-assignor",
        "BSS_EXACTLY_ONCE | once | bss.exactly-once",
        "KAFKA_MAX_POLL_RECORDS | 0 | kafka.max-poll-records",
        "KAFKA_MAX_POLL_MS | 1s | kafka.max-poll-ms",
        "KAFKA_MAX_POLL_INTERVAL | 100ms | kafka.max-poll-interval",
        // A store that hangs must not cost the group: three attempts, with a quarter of five minutes or of less for them
        "BUCKET_TIMEOUT | 24s | bss.bucket.timeout",
        "BUCKET_RETRIES | 5 | bss.bucket.timeout",
        "KAFKA_MAX_POLL_INTERVAL | 3m | bss.bucket.timeout",
        "KAFKA_CONSUMERS | 0 | kafka.consumers",
        "KAFKA_START_TIMEOUT | never | kafka.start-timeout",
        "KAFKA_USERNAME | alice | kafka.password",
        "BUCKET_TYPE | ../../etc | bss.bucket.type",
        "BUCKET_TYPE | S3 | bss.bucket.type",
        "KAFKA_BROKERS | ' ' | camel.component.kafka.brokers"})
    void aValueThatCannotBeIsToldByKeyAndEnvironmentVariable(String variable, String value, String key) {
        assertThat(settings(right(variable, value)).problems()).singleElement().asString()
            .startsWith(key + " (environment " + variableOf(key) + "): ");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "0 0 3 * * | | {T} | cron: no cron expression",
        "0 0 3 * * MON#9 | | {T} | cron: no cron expression",
        "0 0 3 * * * | | {T} | cron: no cron expression",
        " | 500ms | {T} | period: expected a duration like 30s or 500ms, at least 1000ms",
        "0 0 3 * * ? | 1h | {T} | period: is set, and so is bss.reload.schedule.cron",
        "0 0 3 * * ? | | | request: is required",
        " | 1h | | request: is required",
        " | 1h | topic=orders | request: expected a JSON object",
        " | 1h | [{T}] | request: expected a JSON object",
        " | 1h | null | request: expected a JSON object",
        " | 1h | `{T, ''topic'': ''x''}` | request: expected a JSON object: `Duplicate",
        " | 1h | {''reIngestionTopic'': ''again''} | request: topic is required",
        " | 1h | `{''topic'': 3, ''reIngestionTopic'': ''again''}` | request: topic: expected a string",
        " | 1h | `{''topic'': ''orders'', ''reIngestionTopic'': ''a b''}` | request: reIngestionTopic: expected the name of a Kafka topic",
        " | 1h | `{T, ''startDate'': ''yesterday''}` | request: startDate: expected a time like",
        " | 1h | `{T, ''stopDate'': ''now-9000y''}` | request: stopDate: `now-9000y` is not within",
        " | 1h | `{T, ''stopDate'': 7}` | request: stopDate: expected a text",
        " | 1h | `{T, ''startDate'': ''now'', ''stopDate'': ''now-1d''}` | request: startDate is after stopDate",
        " | 1h | `{T, ''stopDaet'': ''now''}` | request: Unknown field stopDaet: expected",
        " | 1h | `{T, ''onError'': ''dead-letter''}` | request: onError: dead-letter needs the setting bss.reload.dead-letter-topic",
        " | 1h | {''topic'': ''orders'', ''reIngestionTopic'': ''__consumer_offsets''} | request: reIngestionTopic: topic __consumer_offsets is one of Kafka's own",
        " | 1h | {''topic'': ''orders'', ''reIngestionTopic'': ''orders''} | request: reIngestionTopic: topic orders is an ingestion topic",
        " | 1h | `{T, ''startDate'': null}` | request: startDate: null is not a value",
        " | 1h | `{T, ''recordsPerSecond'': 0}` | request: recordsPerSecond: expected"})
    void aScheduleThatCannotBeIsTold(String cron, String period, String request, String problem) {
        String json = request == null ? "" : request.replace("{T}", "{T, 'force': true}").replace("''", "'")
            .replace("T,", "'topic': 'orders', 'reIngestionTopic': 'again',").replace('\'', '"');
        List<String> problems = settings(right("BSS_RELOAD_SCHEDULE_CRON", cron == null ? "" : cron,
            "BSS_RELOAD_SCHEDULE_PERIOD", period == null ? "" : period, "BSS_RELOAD_SCHEDULE_REQUEST", json)).problems();
        assertThat(problems).singleElement().asString()
            .startsWith("bss.reload.schedule." + problem.substring(0, problem.indexOf(':')) + " (environment ")
            .contains(problem.substring(problem.indexOf(':')).replace('`', '"'));
    }

    @Test
    void aScheduleIsReadWithItsZoneAndRequest() {
        Settings none = settings(right());
        assertThat(none.isScheduledByCron() || none.isScheduledByPeriod()).isFalse();
        Settings settings = settings(right("BSS_RELOAD_SCHEDULE_CRON", "0 0/5 3-6 ? * MON-FRI", "BSS_RELOAD_SCHEDULE_ZONE",
            "Europe/Rome", "BSS_RELOAD_SCHEDULE_REQUEST",
            "{\"topic\":\"orders\",\"reIngestionTopic\":\"again\",\"startDate\":\"now-1d/d\",\"keys\":[\"1\",null]}"));
        assertThat(settings.problems()).isEmpty();
        assertThat(settings.isScheduledByCron()).isTrue();
        assertThat(settings.isScheduledByPeriod()).isFalse();
        assertThat(settings.schedule().zone()).isEqualTo(ZoneId.of("Europe/Rome"));
        assertThat(settings.schedule().request()).isEqualTo(Map.of("topic", "orders", "reIngestionTopic", "again",
            "startDate", "now-1d/d", "keys", Arrays.asList("1", null)));
        Settings byPeriod = settings(right("BSS_RELOAD_SCHEDULE_PERIOD", "1h30m", "BSS_RELOAD_SCHEDULE_REQUEST",
            "{\"topic\":\"orders\",\"reIngestionTopic\":\"again\"}"));
        assertThat(byPeriod.problems()).isEmpty();
        assertThat(byPeriod.isScheduledByPeriod()).isTrue();
        assertThat(byPeriod.schedule().period()).isEqualTo(Duration.ofMinutes(90));
    }

    @Test
    void howLongARequestMayTakeIsComparedForAStorerOnly() {
        assertThat(settings(right("BUCKET_TIMEOUT", "23s")).problems()).isEmpty();
        assertThat(settings(right("BUCKET_TIMEOUT", "1m", "BSS_ROLES", "reloader")).problems()).isEmpty();
        assertThat(settings(right("BUCKET_TIMEOUT", "1m", "KAFKA_MAX_POLL_INTERVAL", "15m")).problems()).isEmpty();
    }

    @Test
    void credentialsOfCallersAreReadAndNeverShown() {
        Settings settings = settings(right("BSS_HTTP_AUTHENTICATION", "required", "BSS_HTTP_API_KEYS",
            "ops:operator:0123456789abcdef, ops:OPERATOR:a:b:c:0123456789, job:viewer:sha256:" + "ab".repeat(32),
            "BSS_HTTP_USERS", "ann@example.com:viewer:{bcrypt}$2y$10$" + "x".repeat(53) + ",bob:operator:{noop}long enough!"));
        assertThat(settings.problems()).isEmpty();
        assertThat(settings.http().isRequired()).isTrue();
        assertThat(settings.http().apiKeys()).extracting(HttpAccess.Credential::secret)
            .containsExactly("0123456789abcdef", "a:b:c:0123456789", "sha256:" + "ab".repeat(32));
        assertThat(settings.http()).hasToString("HttpAccess[isRequired=true, areMetricsOpen=true, apiKeys=[ops:OPERATOR,"
            + " ops:OPERATOR, job:VIEWER], users=[ann@example.com:VIEWER, bob:OPERATOR], tokens=null]");
        assertThat(settings.withoutSecrets("0123456789abcdef and long enough!")).isEqualTo("*** and ***");
        assertThat(settings(right("BSS_HTTP_API_KEYS", "hunter2hunter2hunter2", "BSS_HTTP_USERS", "a:viewer:hunter2"))
            .problems()).hasSize(2).allSatisfy(problem -> assertThat(problem).doesNotContain("hunter2"));
    }

    @Test
    void aStorerNeedsCredentialsForMetricsOnlyIfTheyAreNotOpen() {
        assertThat(settings(right("BSS_ROLES", "storer", "BSS_HTTP_AUTHENTICATION", "required", "BSS_HTTP_METRICS", "viewer"))
            .problems()).singleElement().asString().startsWith("bss.http.authentication (environment BSS_HTTP_AUTHENTICATION)");
    }

    @Test
    void aPasswordWithoutANameIsAskedForAndNeverShown() {
        assertThat(settings(right("KAFKA_PASSWORD", "hunter2")).problems()).singleElement().asString()
            .startsWith("kafka.username (environment KAFKA_USERNAME)").doesNotContain("hunter2");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "ingestion-pattern=o.*, ingestion=orders | [0].ingestion: expected either a topic here or a pattern",
        "bucket-folder=orders | [0].ingestion: expected either a topic here or a pattern",
        "ingestion-pattern=o(.* | [0].ingestion-pattern: no regular expression",
        "ingestion-pattern=o.*, bucket-folder=all | [0].bucket-folder: not with a pattern",
        "ingestion=or/ders | [0].ingestion: no topic's name: \"or/ders\"",
        "ingestion=orders, bucket-folder=/orders | [0].bucket-folder: expected names",
        "ingestion=orders, bucket-folder=orders/ | [0].bucket-folder: expected names",
        "ingestion=orders, bucket-folder=../orders | [0].bucket-folder: expected names",
        "ingestion=orders, bucket-folder=.cistern | [0].bucket-folder: expected names",
        "ingestion=orders, former-folders[0]=/old | [0].former-folders: expected names",
        "ingestion=orders, former-folders[0]=.cistern | [0].former-folders: expected names",
        "ingestion=orders, former-folders[0]=orders | [0].former-folders: \"orders\" is the topic's folder now",
        "ingestion=orders, bucket-folder=new, former-folders[0]=new | [0].former-folders: \"new\" is the topic's folder now",
        "ingestion=orders, former-folders[0]=a, former-folders[1]=a | [0].former-folders: \"a\" is there twice",
        "ingestion-pattern=o.*, former-folders[0]=old | [0].former-folders: not with a pattern",
        "former-folders[0]=old | [0].ingestion: expected either a topic here or a pattern",
        "ingestion=orders, post-ingestion[0]=po st | [0].post-ingestion[0]: no topic's name: \"po st\"",
        "ingestion=orders, post-ingestion=post;post2 | [0].post-ingestion: no topic's name: \"post;post2\""})
    void anEntryThatCannotBeIsToldByItsPlace(String entry, String problem) {
        Map<String, String> all = right();
        all.remove(MAPPING + "[0].ingestion");
        for (String field : entry.split(", ")) {
            all.put(MAPPING + "[0]." + field.substring(0, field.indexOf('=')), field.substring(field.indexOf('=') + 1));
        }
        assertThat(settings(all).problems()).anySatisfy(found -> assertThat(withoutVariable(found)).startsWith(MAPPING)
            .contains(problem)).allSatisfy(found -> assertThat(found).contains("[0]", " (environment BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_"));
    }

    @Test
    void twoTopicsOfOneFolderAndOneTopicTwiceAreRefused() {
        assertThat(settings(right(MAPPING + "[1].ingestion", "other", MAPPING + "[1].bucket-folder", "orders")).problems())
            .containsExactly(MAPPING + "[1].bucket-folder (environment"
                + " BSS_TOPICSCONFIG_DATATOPICSMAPPING_1_BUCKETFOLDER): \"orders\" is the folder of orders already");
        assertThat(settings(right(MAPPING + "[1].ingestion", "orders")).problems())
            .containsExactly(MAPPING
                + "[1].ingestion (environment BSS_TOPICSCONFIG_DATATOPICSMAPPING_1_INGESTION): orders is there twice");
        assertThat(settings(right(MAPPING + "[1].ingestion", "orders", MAPPING + "[1].bucket-folder", "elsewhere"))
            .problems()).containsExactly(MAPPING
                + "[1].ingestion (environment BSS_TOPICSCONFIG_DATATOPICSMAPPING_1_INGESTION): orders is there twice");
    }

    @Test
    void aFolderThatATopicOfAPatternWouldHaveTooIsRefused() {
        Map<String, String> all = right(MAPPING + "[0].bucket-folder", "audit.eu", MAPPING + "[1].ingestion-pattern", "audit\\..*");
        assertThat(settings(all).problems()).containsExactly(MAPPING + ": the bucket-folder audit.eu of orders is that of a topic"
            + " of its name too, which the pattern audit\\..* covers");
        // Not so if that topic has another folder
        all.putAll(Map.of(MAPPING + "[2].ingestion", "audit.eu", MAPPING + "[2].bucket-folder", "audit/eu"));
        assertThat(settings(all).problems()).isEmpty();
        assertThat(settings(right(MAPPING + "[0].bucket-folder", "orders", MAPPING + "[1].ingestion-pattern", "ord.*"))
            .problems()).isEmpty();
    }

    @Test
    void storersAndReloadersAreNotInOneGroup() {
        assertThat(settings(right("BSS_RELOAD_GROUP_ID", "group")).problems()).singleElement().asString()
            .startsWith("bss.reload.group-id (environment BSS_RELOAD_GROUP_ID): is kafka.group-id (environment KAFKA_GROUP_ID) too");
    }

    @Test
    void anEntryBehindAGapIsNotPassedOver() {
        assertThat(settings(right(MAPPING + "[2].ingestion", "customers")).problems()).singleElement().asString()
            .startsWith(MAPPING);
    }

    @Test
    void loopsAreRefused() {
        assertThat(settings(right("BSS_EVENTS_TOPIC", "orders")).problems()).singleElement().asString()
            .startsWith("bss.events-topic (environment BSS_EVENTS_TOPIC): is an ingestion topic too");
        assertThat(settings(right(MAPPING + "[1].ingestion-pattern", "ev.*")).problems()).singleElement().asString()
            .startsWith("bss.events-topic (environment BSS_EVENTS_TOPIC): is an ingestion topic too (ev.*)");
        for (String post : List.of("orders", "all.post")) {
            Map<String, String> loop = right(MAPPING + "[0].post-ingestion[0]", "fine", MAPPING + "[0].post-ingestion[1]",
                post, MAPPING + "[1].ingestion-pattern", "all\\..*");
            assertThat(settings(loop).problems()).singleElement().asString().startsWith(MAPPING)
                .contains("the post-ingestion topic " + post + " is an ingestion topic too");
            loop.put("BSS_ENABLE_POST_INGESTION", "false");
            assertThat(settings(loop).problems()).isEmpty();
        }
    }

    @Test
    void reloadsPublishToTopicsThatAreAllowedAndNeverToThoseOfTheService() {
        Map<String, String> all = right("BSS_RELOAD_EVENTS_TOPIC", "reload.events", "BSS_RELOAD_DEAD_LETTER_TOPIC", "dead",
            MAPPING + "[0].post-ingestion[0]", "post", MAPPING + "[1].ingestion-pattern", "audit\\..*");
        Settings settings = settings(all);
        assertThat(settings.problems()).isEmpty();
        for (String allowed : List.of("again", "post", "orders.again", "auditing", "_x")) {
            assertThat(settings.whyNoTarget(allowed)).as(allowed).isNull();
        }
        List<String> never = List.of("events", "reload.events", "dead", "cistern.reload.requests", "cistern.reload.progress",
            "cistern.reload.tasks", "cistern.reload.plans", "__consumer_offsets", "__transaction_state");
        for (String topic : never) {
            assertThat(settings.whyNoTarget(topic)).as(topic).isNotNull().doesNotContain("bss.reingestion");
        }
        for (String ingestion : List.of("orders", "audit.eu")) {
            assertThat(settings.whyNoTarget(ingestion)).as(ingestion).contains("bss.reingestion.allow-ingestion-topics");
        }

        all.put("BSS_REINGESTION_ALLOW_INGESTION_TOPICS", "true");
        all.put("BSS_REINGESTION_ALLOWED_TOPICS", "orders|.*\\.again|events|__.*");
        settings = settings(all);
        assertThat(settings.whyNoTarget("orders")).isNull();
        assertThat(settings.whyNoTarget("orders.again")).isNull();
        for (String other : List.of("audit.eu", "orders.again.not", "post")) {
            assertThat(settings.whyNoTarget(other)).as(other).contains("BSS_REINGESTION_ALLOWED_TOPICS");
        }
        for (String topic : never) {
            assertThat(settings.whyNoTarget(topic)).as(topic).isNotNull();
        }
    }

    @Test
    void aTopicsOwnEntryGoesBeforeAPatternThatItMatches() {
        Settings settings = settings(right(MAPPING + "[0].ingestion-pattern", "orders.*", MAPPING + "[0].ingestion", "",
            MAPPING + "[0].post-ingestion", "all.post, more.post",
            MAPPING + "[1].ingestion", "orders.new", MAPPING + "[1].bucket-folder", "new"));
        assertThat(settings.problems()).isEmpty();
        assertThat(settings.destination("orders.old").folder()).isEqualTo("orders.old");
        assertThat(settings.destination("orders.old").postIngestion()).containsExactly("all.post", "more.post");
        assertThat(settings.destination("orders.new").folder()).isEqualTo("new");
        assertThat(settings.destination("orders.new").postIngestion()).isEmpty();
        assertThat(settings.folder("unmapped")).isEqualTo("unmapped");
    }

    @Test
    void selectorsLieInAFolderOfTheConfigurationsPath() {
        assertThat(settings(right("CONFIGURATIONS_PATH", "target")).reload().selectors())
            .isEqualTo(Path.of("target", "selectors"));
    }

    /** The variable that a message names is the one that feeds the key. */
    @Test
    void messagesNameTheEnvironmentVariablesOfTheFile() {
        Map<String, String> ofFile = new TreeMap<>();
        Map<String, String> ofMessages = new TreeMap<>();
        for (String key : ApplicationYaml.keys()) {
            String variable = variableOf(key);
            if (variable != null && (key.startsWith("bss.") || key.startsWith("kafka.") || key.startsWith("camel.component."))) {
                ofFile.put(key, key + " (environment " + variable + ")");
                ofMessages.put(key, Settings.name(key));
            }
        }
        assertThat(ofFile).hasSizeGreaterThan(30);
        assertThat(ofMessages).isEqualTo(ofFile);
    }

    @Test
    void thePagesOnSecurityNameVariablesThatThereAre() throws IOException {
        String file = Files.readString(Path.of("application.yaml"));
        for (String page : List.of("docs/security.md", "docs/threat-model.md")) {
            Matcher variable = Pattern.compile("\\b(BSS|KAFKA|BUCKET)_[A-Z0-9_]+").matcher(Files.readString(Path.of(page)));
            int count = 0;
            for (; variable.find(); count++) {
                assertThat(file).as(page).contains("${" + variable.group() + ":");
            }
            assertThat(count).isPositive();
        }
    }

    @Test
    void secretsAreBlottedOutOfTextsOfOthers() {
        Settings settings = settings(right("KAFKA_PASSWORD", "hunter2", "S3_KEY", "hunter2/and+more", "AZURE_STORAGE_KEY",
            "QUJD==", "AZURE_STORAGE_SAS_TOKEN", "?sv=2024&sp=rl&sig=a%2Bb%3D", "AZURE_STORAGE_CONNECTION_STRING",
            "AccountName=me;AccountKey=REVG==;"));
        assertThat(settings.withoutSecrets("password \"hunter2\", key hunter2/and+more; QUJD== and hunter2"))
            .isEqualTo("password \"***\", key ***; *** and ***");
        assertThat(settings.withoutSecrets("GET https://me.blob/b?sv=2024&sp=rl&sig=a%2Bb%3D&comp=list: 403"))
            .isEqualTo("GET https://me.blob/b?sv=2024&sp=rl&sig=***&comp=list: 403");
        // Also those that are none of the settings, or look another way than there
        assertThat(settings.withoutSecrets("https://me.blob/b?SIG=a+b=&sp=rl \"sig=xyz\" sig=xyz"))
            .isEqualTo("https://me.blob/b?SIG=***&sp=rl \"sig=***\" sig=***");
        assertThat(settings.withoutSecrets("AccountName=me;AccountKey=REVG==;EndpointSuffix=x"))
            .isEqualTo("AccountName=me;AccountKey=***;EndpointSuffix=x");
        assertThat(settings.withoutSecrets("BlobEndpoint=x;SharedAccessSignature=sv=1&sig=xyz"))
            .doesNotContain("sv=1").doesNotContain("xyz");
    }

    @Test
    void withoutSecretsThereIsNothingToBlotOut() {
        String text = "bucket put a/b.txt: no permission: s3:PutObject is needed";
        assertThat(settings(right()).withoutSecrets(text)).isEqualTo(text);
        assertThat(settings(right()).withoutSecrets("")).isEmpty();
    }

    private static String variableOf(String key) {
        Matcher matcher = PLACEHOLDER.matcher(String.valueOf(ApplicationYaml.written(key)));
        return matcher.matches() ? matcher.group(1) : null;
    }

    @Test
    void eachProblemNamesItsKeyAndItsVariable() {
        assertThat(settings(right(MAPPING + "[1].ingestion-pattern", "o(.*", "BSS_MAX_BYTES_PER_FILE", "many",
            "BSS_MAX_CACHE_SIZE", "few")).problems()).satisfiesExactlyInAnyOrder(
            found -> assertThat(found).startsWith("bss.max-bytes-per-file (environment BSS_MAX_BYTES_PER_FILE): expected a size"),
            found -> assertThat(found).startsWith("bss.max-cache-size (environment BSS_MAX_CACHE_SIZE): expected a size"),
            found -> assertThat(found).startsWith(MAPPING + "[1].ingestion-pattern (environment"
                + " BSS_TOPICSCONFIG_DATATOPICSMAPPING_1_INGESTIONPATTERN): no regular expression: "));
        assertThat(Settings.name(MAPPING + "[3].post-ingestion[2]")).isEqualTo(MAPPING + "[3].post-ingestion[2] (environment"
            + " BSS_TOPICSCONFIG_DATATOPICSMAPPING_3_POSTINGESTION_2)");
    }

    private static String withoutVariable(String problem) {
        return problem.replaceAll(" \\(environment [A-Z0-9_]+\\)", "");
    }

    private static Settings settings(Map<String, String> settings) {
        return new Settings(ApplicationYaml.lookup(settings));
    }

    /** Settings of which nothing is wrong, with these over them, name by name. */
    private static Map<String, String> right(String... more) {
        Map<String, String> settings = new HashMap<>(Map.of("KAFKA_BROKERS", "localhost:9092", "KAFKA_GROUP_ID", "group",
            "BUCKET_TYPE", "file", "BUCKET_NAME", "bucket", "BSS_EVENTS_TOPIC", "events", MAPPING + "[0].ingestion", "orders",
            "BSS_HTTP_AUTHENTICATION", "none"));
        for (int i = 0; i < more.length; i += 2) {
            settings.put(more[i], more[i + 1]);
        }
        return settings;
    }
}
