package io.cistern;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cistern.batch.BatchFile;
import io.cistern.batch.Compression;
import io.cistern.bucket.FileFacts;
import io.cistern.reload.RelativeDate;
import io.cistern.reload.ReloadRequest;
import io.cistern.reload.RequestException;
import io.cistern.settings.BrokerAddresses;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.util.TimeUtils;
import org.quartz.CronExpression;

/**
 * The settings of {@code application.yaml} that Java needs, read and checked once. What only a route needs stays a
 * placeholder there.
 */
public final class Settings implements CamelContextAware {

    /** What a process does. */
    public enum Role { STORER, RELOADER }

    /** What becomes of records that a reload has published: stored, left out, or stored with a field that says so. */
    public enum Reloaded { STORE, SKIP, TAG }

    /** What becomes of a stored record whose post-ingestion topic does not take it: it gets no copy, or its batch is held. */
    public enum RefusedCopies { SKIP, HOLD }

    /**
     * How batches become files.
     *
     * @param maxBytesPerFile    bytes; 0: one file per poll
     * @param maxRecordsPerFile  0: no limit
     * @param cacheUploadTimeout greatest age of what is held
     * @param maxCacheSize       bytes that may be held over all partitions together
     * @param restAfterFailure   how long a partition rests when storing failed
     * @param exactlyOnce        whether event, post-ingestion records and offsets are committed in one transaction
     * @param reloaded           what becomes of records that a reload has published
     * @param refusedCopies      what becomes of records that a post-ingestion topic does not take
     */
    public record Storer(long maxBytesPerFile, long maxRecordsPerFile, Duration cacheUploadTimeout, long maxCacheSize,
                         Compression compression, Duration restAfterFailure, boolean postIngestion,
                         boolean exactlyOnce, Reloaded reloaded, RefusedCopies refusedCopies, String eventsTopic) {
    }

    /**
     * How reloads run.
     *
     * @param concurrency      tasks of reloads that this process works on at the same time
     * @param maxRunning       reloads that may run or wait over all processes
     * @param commitInterval   how long a turn at a task takes, and what it publishes is not committed
     * @param restAfterFailure how long a task rests that failed through no fault of its own
     * @param batchRecords     most records of a batch
     * @param batchBytes       bytes of keys and values after which a batch is full
     * @param retention        how long ended reloads are remembered
     * @param groupId          the consumer group of all that work on reloads
     * @param requestsTopic    compacted: what was asked for, and what is wanted since
     * @param progressTopic    compacted: how far reloads are
     * @param tasksTopic       compacted: what is to be done next
     * @param plansTopic       which files reloads read
     * @param tasksPartitions  of the tasks topic, if it is made
     * @param eventsTopic      topic of the events of reloads, or empty
     * @param deadLetterTopic  topic of what cannot be reloaded, or empty
     * @param selectors        the folder of the selectors, or null
     */
    public record Reload(int concurrency, int maxRunning, Duration commitInterval, Duration restAfterFailure,
                         int batchRecords, long batchBytes, Duration retention, String groupId, String requestsTopic,
                         String progressTopic, String tasksTopic, String plansTopic, int tasksPartitions,
                         String eventsTopic, String deadLetterTopic, Path selectors) {

        /** The topics that hold what is known of reloads. */
        public Set<String> stateTopics() {
            return Set.of(requestsTopic, progressTopic, tasksTopic, plansTopic);
        }
    }

    /**
     * Which reload is made by itself, and when.
     *
     * @param cron    a cron expression of Quartz, or null
     * @param period  the time between two reloads, which start at multiples of it since the epoch, or null
     * @param zone    the time zone of the cron expression, and of days in relative dates
     * @param request the fields of the request, as in the HTTP body; dates may be relative
     */
    public record Schedule(String cron, Duration period, ZoneId zone, Map<String, Object> request) {

        private static final List<String> DATES = List.of("startDate", "stopDate", "stopDateExclusive");

        /** Whether a reload is made by itself at all. */
        public boolean isSet() {
            return cron != null || period != null;
        }

        /** The request with the times that its dates are at a tick. */
        public Map<String, Object> requestAt(Instant tick) {
            Map<String, Object> at = new LinkedHashMap<>(request);
            for (String field : DATES) {
                at.computeIfPresent(field, (name, date) -> RelativeDate.parse((String) date, zone).at(tick).toString());
            }
            return at;
        }
    }

    /**
     * How the bucket is asked.
     *
     * @param timeout       how long a request may take, or a download be silent
     * @param retries       how often a request is sent again that failed in a way that may pass
     * @param retryDelay    before the first of these
     * @param retryDelayMax what it grows to at the most
     * @param partSize      bytes; larger files go up in parts of this size
     */
    public record Bucket(Duration timeout, int retries, Duration retryDelay, Duration retryDelayMax, long partSize) {
    }

    /**
     * An entry of {@code bss.topics-config.data-topics-mapping}.
     *
     * @param topic         the ingestion topic, or null
     * @param pattern       the pattern of ingestion topics, or null
     * @param folder        the folder of its files, or null for the topic's name
     * @param postIngestion topics that get the records once they are stored
     * @param formerFolders further folders that hold files of the topic; nothing is written into them
     */
    public record Mapping(String topic, Pattern pattern, String folder, List<String> postIngestion,
                          List<String> formerFolders) {

        boolean covers(String name) {
            return topic != null ? topic.equals(name) : pattern.matcher(name).matches();
        }
    }

    private static final ObjectMapper JSON = new ObjectMapper()
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
    private static final String MAPPING = "bss.topics-config.data-topics-mapping";
    private static final String SCHEDULED_REQUEST = "bss.reload.schedule.request";
    /** Folders of the service itself, and those in {@link FileFacts#FOLDER} that are not the facts of a folder. */
    private static final Set<String> RESERVED_FOLDERS = Set.of(FileFacts.FOLDER, ".wide", ".listed", ".probe", ".probe-write");
    private static final Pattern TOPIC_NAME = Pattern.compile("[a-zA-Z0-9._-]{1,249}");
    private static final String ADDRESS = "(https?://[^/?#@]+(/[^?#@]*)?)?";
    private static final Pattern DURATION = Pattern.compile("(\\d{1,9}(ms|s|m|h|d)\\s*)+");
    private static final Pattern SIZE = Pattern.compile("(\\d{1,15})\\s*([KMG]?)I?B?");

    /** The environment variables of the keys, for messages. */
    private static final Map<String, String> VARIABLES = Map.ofEntries(
        Map.entry("bss.roles", "BSS_ROLES"),
        Map.entry("bss.max-bytes-per-file", "BSS_MAX_BYTES_PER_FILE"),
        Map.entry("bss.max-records-per-file", "BSS_MAX_RECORDS_PER_FILE"),
        Map.entry("bss.cache-upload-timeout", "BSS_CACHE_UPLOAD_TIMEOUT"),
        Map.entry("bss.max-cache-size", "BSS_MAX_CACHE_SIZE"),
        Map.entry("bss.compression", "BSS_COMPRESSION"),
        Map.entry("bss.events-topic", "BSS_EVENTS_TOPIC"),
        Map.entry("bss.enable-post-ingestion", "BSS_ENABLE_POST_INGESTION"),
        Map.entry("bss.exactly-once", "BSS_EXACTLY_ONCE"),
        Map.entry("bss.reloaded-records", "BSS_RELOADED_RECORDS"),
        Map.entry("bss.post-ingestion-refused", "BSS_POST_INGESTION_REFUSED"),
        Map.entry("bss.retries", "BSS_RETRIES"),
        Map.entry("bss.retry-delay", "BSS_RETRY_DELAY"),
        Map.entry("bss.retry-delay-max", "BSS_RETRY_DELAY_MAX"),
        Map.entry("bss.rest-after-failure", "BSS_REST_AFTER_FAILURE"),
        Map.entry("bss.bucket.type", "BUCKET_TYPE"),
        Map.entry("bss.bucket.name", "BUCKET_NAME"),
        Map.entry("bss.bucket.endpoint", "BUCKET_ENDPOINT"),
        Map.entry("bss.bucket.region", "BUCKET_REGION"),
        Map.entry("bss.bucket.storage-class", "BUCKET_STORAGE_CLASS"),
        Map.entry("bss.bucket.timeout", "BUCKET_TIMEOUT"),
        Map.entry("bss.bucket.retries", "BUCKET_RETRIES"),
        Map.entry("bss.bucket.part-size", "BUCKET_PART_SIZE"),
        Map.entry("bss.bucket.s3-key-id", "S3_KEY_ID"),
        Map.entry("bss.bucket.s3-key", "S3_KEY"),
        Map.entry("bss.bucket.s3-path-style", "S3_PATH_STYLE"),
        Map.entry("bss.bucket.s3-create-only", "S3_CREATE_ONLY"),
        Map.entry("bss.bucket.s3-checksums", "S3_CHECKSUMS"),
        Map.entry("bss.bucket.s3-sse", "S3_SSE"),
        Map.entry("bss.bucket.s3-kms-key-id", "S3_KMS_KEY_ID"),
        Map.entry("bss.bucket.s3-owner", "S3_BUCKET_OWNER"),
        Map.entry("bss.bucket.s3-tags", "S3_TAGS"),
        Map.entry("bss.bucket.azure-account", "AZURE_STORAGE_ACCOUNT"),
        Map.entry("bss.bucket.azure-key", "AZURE_STORAGE_KEY"),
        Map.entry("bss.bucket.azure-sas-token", "AZURE_STORAGE_SAS_TOKEN"),
        Map.entry("bss.bucket.azure-connection-string", "AZURE_STORAGE_CONNECTION_STRING"),
        Map.entry("bss.bucket.google-credentials", "GOOGLE_APPLICATION_CREDENTIALS"),
        Map.entry("bss.reingestion.allowed-topics", "BSS_REINGESTION_ALLOWED_TOPICS"),
        Map.entry("bss.reingestion.allow-ingestion-topics", "BSS_REINGESTION_ALLOW_INGESTION_TOPICS"),
        Map.entry("bss.http.authentication", "BSS_HTTP_AUTHENTICATION"),
        Map.entry("bss.http.metrics", "BSS_HTTP_METRICS"),
        Map.entry("bss.http.api-keys", "BSS_HTTP_API_KEYS"),
        Map.entry("bss.http.users", "BSS_HTTP_USERS"),
        Map.entry("bss.http.oauth2.issuer-uri", "BSS_HTTP_OAUTH2_ISSUER_URI"),
        Map.entry("bss.http.oauth2.jwk-set-uri", "BSS_HTTP_OAUTH2_JWK_SET_URI"),
        Map.entry("bss.http.oauth2.audience", "BSS_HTTP_OAUTH2_AUDIENCE"),
        Map.entry("bss.http.oauth2.name-claim", "BSS_HTTP_OAUTH2_NAME_CLAIM"),
        Map.entry("bss.http.oauth2.roles-claim", "BSS_HTTP_OAUTH2_ROLES_CLAIM"),
        Map.entry("bss.http.oauth2.viewer-role", "BSS_HTTP_OAUTH2_VIEWER_ROLE"),
        Map.entry("bss.http.oauth2.operator-role", "BSS_HTTP_OAUTH2_OPERATOR_ROLE"),
        Map.entry("bss.reload.concurrency", "BSS_RELOAD_CONCURRENCY"),
        Map.entry("bss.reload.max-running", "BSS_RELOAD_MAX_RUNNING"),
        Map.entry("bss.reload.commit-interval", "BSS_RELOAD_COMMIT_INTERVAL"),
        Map.entry("bss.reload.group-id", "BSS_RELOAD_GROUP_ID"),
        Map.entry("bss.reload.requests-topic", "BSS_RELOAD_REQUESTS_TOPIC"),
        Map.entry("bss.reload.progress-topic", "BSS_RELOAD_PROGRESS_TOPIC"),
        Map.entry("bss.reload.tasks-topic", "BSS_RELOAD_TASKS_TOPIC"),
        Map.entry("bss.reload.plans-topic", "BSS_RELOAD_PLANS_TOPIC"),
        Map.entry("bss.reload.tasks-partitions", "BSS_RELOAD_TASKS_PARTITIONS"),
        Map.entry("bss.reload.events-topic", "BSS_RELOAD_EVENTS_TOPIC"),
        Map.entry("bss.reload.dead-letter-topic", "BSS_RELOAD_DEAD_LETTER_TOPIC"),
        Map.entry("bss.reload.unknown-fields", "BSS_RELOAD_UNKNOWN_FIELDS"),
        Map.entry("bss.reload.batch-records", "BSS_RELOAD_BATCH_RECORDS"),
        Map.entry("bss.reload.batch-bytes", "BSS_RELOAD_BATCH_BYTES"),
        Map.entry("bss.reload.retention", "BSS_RELOAD_RETENTION"),
        Map.entry("bss.reload.schedule.cron", "BSS_RELOAD_SCHEDULE_CRON"),
        Map.entry("bss.reload.schedule.period", "BSS_RELOAD_SCHEDULE_PERIOD"),
        Map.entry("bss.reload.schedule.zone", "BSS_RELOAD_SCHEDULE_ZONE"),
        Map.entry("bss.reload.schedule.request", "BSS_RELOAD_SCHEDULE_REQUEST"),
        Map.entry("bss.configurations-path", "CONFIGURATIONS_PATH"),
        Map.entry("bss.tracing-endpoint", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        Map.entry("kafka.group-id", "KAFKA_GROUP_ID"),
        Map.entry("kafka.client-id", "KAFKA_CLIENT_ID"),
        Map.entry("kafka.username", "KAFKA_USERNAME"),
        Map.entry("kafka.password", "KAFKA_PASSWORD"),
        Map.entry("kafka.sasl-mechanism", "KAFKA_SASL_MECHANISM"),
        Map.entry("kafka.token-endpoint", "KAFKA_TOKEN_ENDPOINT"),
        Map.entry("kafka.dequeue-strategy", "KAFKA_DEQUEUE_STRATEGY"),
        Map.entry("kafka.group-protocol", "KAFKA_GROUP_PROTOCOL"),
        Map.entry("kafka.partition-assignor", "KAFKA_PARTITION_ASSIGNOR"),
        Map.entry("kafka.max-poll-records", "KAFKA_MAX_POLL_RECORDS"),
        Map.entry("kafka.max-poll-ms", "KAFKA_MAX_POLL_MS"),
        Map.entry("kafka.max-poll-interval", "KAFKA_MAX_POLL_INTERVAL"),
        Map.entry("kafka.consumers", "KAFKA_CONSUMERS"),
        Map.entry("kafka.max-request-size", "KAFKA_MAX_REQUEST_SIZE"),
        Map.entry("kafka.start-timeout", "KAFKA_START_TIMEOUT"),
        Map.entry("server.port", "HTTP_PORT"),
        Map.entry("camel.component.kafka.brokers", "KAFKA_BROKERS"),
        Map.entry("camel.component.kafka.security-protocol", "KAFKA_SECURITY_PROTOCOL"));

    private static final List<String> SECRETS = List.of("kafka.password", "bss.bucket.s3-key", "bss.bucket.azure-key",
        "bss.bucket.azure-sas-token", "bss.bucket.azure-connection-string");

    private Function<String, String> lookup;
    private final List<String> problems = new ArrayList<>();
    private CamelContext camelContext;
    private Set<Role> roles;
    private Storer storer;
    private Reload reload;
    private Schedule schedule;
    private Bucket bucket;
    private List<Mapping> mappings;
    private HttpAccess http;
    private Pattern allowedTargets;
    private boolean ingestionTopicsAreTargets;
    private Duration startTimeout;
    private Duration maxPollInterval;
    private Duration retryDelay;
    private Duration retryDelayMax;

    /** Read from the properties of the Camel context that is set next. */
    public Settings() {
    }

    /** Reads all settings; {@code lookup} gives a key's value, or null. What is wrong is in {@link #problems}. */
    public Settings(Function<String, String> lookup) {
        read(lookup);
    }

    /**
     * Reads all settings from the context's properties, unless they were read already.
     *
     * @throws SettingsException if any is wrong
     */
    @Override
    public void setCamelContext(CamelContext context) {
        this.camelContext = context;
        if (lookup != null) {
            return;
        }
        read(lookup(context));
        if (!problems.isEmpty()) {
            throw new SettingsException(problems);
        }
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }

    /** What gives the values of a context's properties, or null. */
    static Function<String, String> lookup(CamelContext context) {
        // In JSON, }} is no end of a placeholder.
        return key -> context.getPropertiesComponent()
            .resolveProperty(key.equals(SCHEDULED_REQUEST) ? "{{" + key + "}}?nested=false" : key).orElse(null);
    }

    private void read(Function<String, String> values) {
        lookup = values;
        roles = readRoles();
        boolean stores = roles.contains(Role.STORER);
        storer = new Storer(
            size("bss.max-bytes-per-file", 0),
            number("bss.max-records-per-file", 0, Long.MAX_VALUE),
            duration("bss.cache-upload-timeout", 1),
            size("bss.max-cache-size", 1024),
            compression(),
            duration("bss.rest-after-failure", 0),
            bool("bss.enable-post-ingestion"),
            bool("bss.exactly-once"),
            reloaded(),
            refusedCopies(),
            text("bss.events-topic"));
        if (stores && areRight("bss.max-bytes-per-file", "bss.max-cache-size")
            && storer.maxBytesPerFile > storer.maxCacheSize) {
            problem("bss.max-bytes-per-file", "is larger than " + name("bss.max-cache-size")
                + ", so that no file could ever become that large");
        }
        number("bss.retries", 0, 100);
        retryDelay = duration("bss.retry-delay", 1);
        retryDelayMax = duration("bss.retry-delay-max", 1);
        if (areRight("bss.retry-delay", "bss.retry-delay-max") && retryDelay.compareTo(retryDelayMax) > 0) {
            problem("bss.retry-delay", "is longer than " + name("bss.retry-delay-max"));
        }
        String selectors = text("bss.configurations-path");
        boolean reloads = roles.contains(Role.RELOADER);
        reload = new Reload(
            (int) number("bss.reload.concurrency", 1, 1000),
            (int) number("bss.reload.max-running", 1, 1_000_000),
            duration("bss.reload.commit-interval", 0),
            storer.restAfterFailure,
            (int) number("bss.reload.batch-records", 1, 1_000_000),
            size("bss.reload.batch-bytes", 1),
            duration("bss.reload.retention", 60_000),
            text("bss.reload.group-id"),
            text("bss.reload.requests-topic"),
            text("bss.reload.progress-topic"),
            text("bss.reload.tasks-topic"),
            text("bss.reload.plans-topic"),
            (int) number("bss.reload.tasks-partitions", 1, 10_000),
            text("bss.reload.events-topic"),
            text("bss.reload.dead-letter-topic"),
            selectors.isEmpty() ? null : Path.of(selectors).resolve("selectors"));
        oneOf("bss.reload.unknown-fields", "refuse", "ignore");
        checkReloadTopics(reloads);
        if (!selectors.isEmpty() && !Files.isDirectory(Path.of(selectors))) {
            problem("bss.configurations-path", "is no folder: " + selectors);
        }
        schedule = readSchedule();
        mappings = readMappings();
        readKafka(stores);
        readBucket();
        readHttp(reloads);
        readTargets();
        if (stores) {
            required("bss.events-topic", true);
            if (mappings.isEmpty() && !mappingExists(0)) {
                problems.add(MAPPING + " (environment BSS_TOPICSCONFIG_DATATOPICSMAPPING_0_INGESTION): is required for"
                    + " the storer: at least one ingestion topic");
            }
            checkLoops();
            checkFolders();
            checkPollInterval();
        }
    }

    /**
     * Storing a file takes up to three requests (an entry of a wide one, the file, its facts), behind a tenth of the
     * interval for what came before it: were one of them longer than a quarter, a store that hangs could cost the group.
     */
    private void checkPollInterval() {
        if (!areRight("bss.bucket.timeout", "bss.bucket.retries", "bss.retry-delay-max", "kafka.max-poll-interval")) {
            return;
        }
        Duration longest = bucket.timeout.multipliedBy(bucket.retries + 1L).plus(retryDelayMax.multipliedBy(bucket.retries));
        if (longest.compareTo(maxPollInterval.dividedBy(4)) > 0) {
            problem("bss.bucket.timeout", "is too long: with " + name("bss.bucket.retries") + " a request may take "
                + longest.toSeconds() + "s, and a quarter of " + name("kafka.max-poll-interval") + " is "
                + maxPollInterval.dividedBy(4).toSeconds() + "s");
        }
    }

    /** A reloader that nobody can call is a mistake, and so is one that everybody can call without that being said. */
    private void readHttp(boolean reloads) {
        int before = problems.size();
        http = HttpAccess.read(this::text, this::problem);
        if (problems.size() == before && http.isRequired() && !http.hasCredentials() && (reloads || !http.areMetricsOpen())) {
            problem("bss.http.authentication", "callers must say who they are, and none is known: set "
                + name("bss.http.api-keys") + ", " + name("bss.http.users") + " or " + name("bss.http.oauth2.issuer-uri")
                + "; or none here, if the network alone keeps others away");
        }
    }

    private void readTargets() {
        ingestionTopicsAreTargets = bool("bss.reingestion.allow-ingestion-topics");
        try {
            allowedTargets = Pattern.compile(text("bss.reingestion.allowed-topics"));
        } catch (PatternSyntaxException e) {
            problem("bss.reingestion.allowed-topics", "no regular expression: " + e.getDescription());
            allowedTargets = Pattern.compile("");
        }
        required("bss.reingestion.allowed-topics", true);
        if (schedule.isSet() && schedule.request.get("reIngestionTopic") instanceof String target && isTopicName(target)
            && whyNoTarget(target) != null) {
            problem(SCHEDULED_REQUEST, "reIngestionTopic: topic " + target + " " + whyNoTarget(target));
        }
    }

    /** Why no reload may publish to a topic, in words behind its name; null if reloads may. */
    public String whyNoTarget(String topic) {
        if (topic.startsWith("__")) {
            return "is one of Kafka's own";
        }
        if (reload.stateTopics().contains(topic)) {
            return "holds the state of reloads";
        }
        if (topic.equals(storer.eventsTopic) || topic.equals(reload.eventsTopic)) {
            return "is one of events";
        }
        if (topic.equals(reload.deadLetterTopic)) {
            return "is the one of dead letters";
        }
        if (!allowedTargets.matcher(topic).matches()) {
            return "is none of those that " + name("bss.reingestion.allowed-topics") + " names";
        }
        if (!ingestionTopicsAreTargets && mapping(topic) != null) {
            return "is an ingestion topic, so that what is reloaded would be stored again: if that is meant, set "
                + name("bss.reingestion.allow-ingestion-topics") + " to true";
        }
        return null;
    }

    private Schedule readSchedule() {
        String cron = text("bss.reload.schedule.cron");
        Duration period = null;
        if (!cron.isEmpty()) {
            try {
                CronExpression.validateExpression(cron);
            } catch (ParseException e) {
                problem("bss.reload.schedule.cron", "no cron expression of Quartz, which has seconds in front, like"
                    + " 0 0 3 * * ?: " + quoted(cron) + ": " + quoted(e.getMessage()));
            }
        }
        if (!text("bss.reload.schedule.period").isEmpty()) {
            period = duration("bss.reload.schedule.period", 1000);
            if (!cron.isEmpty()) {
                problem("bss.reload.schedule.period", "is set, and so is " + name("bss.reload.schedule.cron")
                    + ": expected one of them");
            }
        }
        ZoneId zone = ZoneOffset.UTC;
        try {
            zone = ZoneId.of(text("bss.reload.schedule.zone"));
        } catch (DateTimeException e) {
            problem("bss.reload.schedule.zone", "expected a time zone like UTC or Europe/Rome, not "
                + quoted(text("bss.reload.schedule.zone")));
        }
        return new Schedule(cron.isEmpty() ? null : cron, period, zone, readScheduledRequest(zone,
            !cron.isEmpty() || period != null));
    }

    private Map<String, Object> readScheduledRequest(ZoneId zone, boolean isRequired) {
        String key = SCHEDULED_REQUEST;
        required(key, isRequired);
        if (text(key).isEmpty()) {
            return Map.of();
        }
        Map<String, Object> request;
        try {
            request = JSON.readValue(text(key), new TypeReference<LinkedHashMap<String, Object>>() {
            });
        } catch (JsonProcessingException e) {
            problem(key, "expected a JSON object: " + quoted(e.getOriginalMessage()));
            return Map.of();
        }
        if (request == null) {
            problem(key, "expected a JSON object");
            return Map.of();
        }
        checkScheduledRequest(request, zone);
        return request;
    }

    private void checkScheduledRequest(Map<String, Object> request, ZoneId zone) {
        boolean areDates = true;
        for (String field : Schedule.DATES) {
            Object date = request.get(field);
            try {
                if (date != null && !(date instanceof String)) {
                    throw new IllegalArgumentException("expected a text");
                } else if (date != null) {
                    RelativeDate.parse((String) date, zone).at(Instant.now());
                }
            } catch (IllegalArgumentException e) {
                problem(SCHEDULED_REQUEST, field + ": " + e.getMessage());
                areDates = false;
            }
        }
        if (areDates) {
            try {
                ReloadRequest asked = ReloadRequest.ofTopic(new Schedule(null, null, zone, request).requestAt(Instant.now()),
                    Function.identity());
                ReloadRequest.refuseNull(request);
                if (asked.onError() == ReloadRequest.OnError.DEAD_LETTER && text("bss.reload.dead-letter-topic").isEmpty()) {
                    problem(SCHEDULED_REQUEST, "onError: dead-letter needs the setting " + name("bss.reload.dead-letter-topic"));
                }
            } catch (RequestException e) {
                problem(SCHEDULED_REQUEST, e.getMessage());
            }
        }
    }

    private void checkReloadTopics(boolean reloads) {
        required("bss.reload.group-id", reloads);
        if (!text("bss.reload.group-id").isEmpty() && text("bss.reload.group-id").equals(text("kafka.group-id"))) {
            problem("bss.reload.group-id", "is " + name("kafka.group-id") + " too: storers and reloaders read different topics, and"
                + " would take each other's partitions away");
        }
        Map<String, String> used = new HashMap<>();
        for (String key : List.of("bss.reload.requests-topic", "bss.reload.progress-topic", "bss.reload.tasks-topic",
            "bss.reload.plans-topic", "bss.reload.events-topic", "bss.reload.dead-letter-topic")) {
            boolean isOptional = key.endsWith("events-topic") || key.endsWith("letter-topic");
            if (!isOptional || !text(key).isEmpty()) {
                if (!isTopicName(text(key))) {
                    problem(key, "no topic's name: " + quoted(text(key)));
                } else if (used.put(text(key), key) != null) {
                    problem(key, "is the topic of another setting of bss.reload too: " + quoted(text(key)));
                }
            }
        }
        if (areRight("bss.reload.commit-interval") && reload.commitInterval.compareTo(Duration.ofSeconds(10)) > 0) {
            problem("bss.reload.commit-interval", "expected 10s at the most: a transaction must end in time");
        }
    }

    private void readBucket() {
        required("bss.bucket.type", true);
        if (!text("bss.bucket.type").matches("[a-z0-9-]*")) {
            problem("bss.bucket.type", "expected the name of a file in routes/buckets, without .camel.yaml");
        }
        required("bss.bucket.name", true);
        if (!text("bss.bucket.name").matches("[^'\"${}\\p{Cntrl}]*")) {
            problem("bss.bucket.name", "expected no quotes, $, { or } in it");
        }
        bucket = new Bucket(duration("bss.bucket.timeout", 1), (int) number("bss.bucket.retries", 0, 100), retryDelay,
            retryDelayMax, size("bss.bucket.part-size", 5 << 20));
        if (bucket.partSize > Integer.MAX_VALUE) {
            problem("bss.bucket.part-size", "expected less than 2GB");
        }
        if (!text("bss.tracing-endpoint").matches(ADDRESS)) {
            problem("bss.tracing-endpoint", "expected an address like http://host:4318/v1/traces");
        }
        if (!text("bss.bucket.endpoint").matches(ADDRESS)) {
            problem("bss.bucket.endpoint", "expected an address like https://host:port");
        }
        if (!text("bss.bucket.storage-class").matches("[\\w-]*")) {
            problem("bss.bucket.storage-class", "expected a name of letters, digits, _ and -");
        }
        together("bss.bucket.s3-key-id", "bss.bucket.s3-key", "key id and key belong together");
        oneOf("bss.bucket.s3-path-style", "true", "false", "auto");
        bool("bss.bucket.s3-create-only");
        oneOf("bss.bucket.s3-checksums", "crc32", "when-required");
        if (bool("bss.bucket.s3-sse") && !text("bss.bucket.s3-kms-key-id").isEmpty()) {
            problem("bss.bucket.s3-kms-key-id", "is of no use with " + name("bss.bucket.s3-sse")
                + ", which encrypts with the store's own keys");
        }
        String type = text("bss.bucket.type");
        if (type.equals("azure") && (text("bss.bucket.azure-account") + text("bss.bucket.endpoint")
            + text("bss.bucket.azure-connection-string")).isEmpty()) {
            problem("bss.bucket.azure-account", "is required, or " + name("bss.bucket.azure-connection-string"));
        }
        if (!text("bss.bucket.azure-key").isEmpty() && text("bss.bucket.azure-account").isEmpty()) {
            problem("bss.bucket.azure-account", "is missing: account and key belong together");
        }
        String credentials = text("bss.bucket.google-credentials");
        if (type.equals("google") && !credentials.isEmpty() && !Files.isReadable(Path.of(credentials))) {
            problem("bss.bucket.google-credentials", "is no file that can be read: " + quoted(credentials));
        }
    }

    private void readKafka(boolean stores) {
        required("camel.component.kafka.brokers", true);
        String wrongBrokers = BrokerAddresses.problem(text("camel.component.kafka.brokers"));
        if (wrongBrokers != null) {
            problem("camel.component.kafka.brokers", wrongBrokers);
        }
        required("kafka.group-id", stores);
        number("kafka.max-poll-records", 1, Integer.MAX_VALUE);
        number("kafka.max-poll-ms", 1, 60_000);
        maxPollInterval = duration("kafka.max-poll-interval", 1000);
        number("kafka.consumers", 1, 1000);
        number("kafka.max-request-size", 1024, Integer.MAX_VALUE);
        startTimeout = duration("kafka.start-timeout", 1);
        oneOf("kafka.dequeue-strategy", "earliest", "latest");
        oneOf("kafka.group-protocol", "classic", "consumer");
        for (String assignor : text("kafka.partition-assignor").split(",")) {
            try {
                Class.forName(assignor.trim(), false, Settings.class.getClassLoader());
            } catch (ClassNotFoundException e) {
                problem("kafka.partition-assignor", "there is no class " + quoted(assignor.trim()));
            }
        }
        oneOf("camel.component.kafka.security-protocol", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL");
        together("kafka.username", "kafka.password", "name and password belong together");
        required("kafka.token-endpoint", text("kafka.sasl-mechanism").equals("OAUTHBEARER") && !text("kafka.username").isEmpty());
    }

    private Set<Role> readRoles() {
        Set<Role> found = EnumSet.noneOf(Role.class);
        for (String name : text("bss.roles").split(",")) {
            try {
                found.add(Role.valueOf(name.trim().toUpperCase(Locale.ROOT)));
            } catch (IllegalArgumentException e) {
                problem("bss.roles", "expected storer, reloader or both with a comma between, not " + quoted(name));
            }
        }
        return found;
    }

    private List<Mapping> readMappings() {
        List<Mapping> found = new ArrayList<>();
        Map<String, String> folders = new HashMap<>();
        int i = 0;
        for (; mappingExists(i); i++) {
            String entry = MAPPING + "[" + i + "].";
            String topic = text(entry + "ingestion");
            String pattern = text(entry + "ingestion-pattern");
            String folder = text(entry + "bucket-folder");
            List<String> postIngestion = new ArrayList<>();
            for (int j = 0; !text(entry + "post-ingestion[" + j + "]").isEmpty(); j++) {
                postIngestion.add(topicName(entry + "post-ingestion[" + j + "]"));
            }
            if (postIngestion.isEmpty() && !text(entry + "post-ingestion").isEmpty()) {
                for (String name : text(entry + "post-ingestion").split(",")) {
                    if (!isTopicName(name.trim())) {
                        problem(entry + "post-ingestion", "no topic's name: " + quoted(name.trim()));
                    }
                    postIngestion.add(name.trim());
                }
            }
            List<String> formerFolders = readFormerFolders(entry, folder.isEmpty() ? topic : folder);
            Pattern compiled = null;
            if (topic.isEmpty() == pattern.isEmpty()) {
                problem(entry + "ingestion", "expected either a topic here or a pattern as ingestion-pattern");
                continue;
            }
            if (topic.isEmpty()) {
                try {
                    compiled = Pattern.compile(pattern);
                } catch (PatternSyntaxException e) {
                    problem(entry + "ingestion-pattern", "no regular expression: " + e.getDescription());
                    continue;
                }
                if (!folder.isEmpty()) {
                    problem(entry + "bucket-folder", "not with a pattern: each topic has a folder of its own name");
                }
                if (!formerFolders.isEmpty()) {
                    problem(entry + "former-folders", "not with a pattern: a topic with former folders needs an entry of its"
                        + " own");
                }
            } else {
                topicName(entry + "ingestion");
                String used = !folder.isEmpty() ? folder : RESERVED_FOLDERS.contains(topic) ? topic + '~' : topic;
                if (!isFolder(used)) {
                    problem(entry + "bucket-folder", "expected names with slashes between, none starting with a"
                        + " dot, not " + quoted(used));
                }
                String other = folders.put(used, topic);
                if (found.stream().anyMatch(mapping -> topic.equals(mapping.topic))) {
                    problem(entry + "ingestion", topic + " is there twice");
                } else if (other != null) {
                    problem(entry + "bucket-folder", quoted(used) + " is the folder of " + other + " already");
                }
            }
            found.add(new Mapping(topic.isEmpty() ? null : topic, compiled, folder.isEmpty() ? null : folder,
                List.copyOf(postIngestion), formerFolders));
        }
        for (int behind = i + 1; behind < i + 100; behind++) {
            if (mappingExists(behind)) {
                problems.add(MAPPING + "[" + i + "]: is missing, but there is a [" + behind + "]");
                break;
            }
        }
        return List.copyOf(found);
    }

    /** One for each index, or a list with commas between. */
    private List<String> readFormerFolders(String entry, String current) {
        List<String> found = new ArrayList<>();
        for (int i = 0; !text(entry + "former-folders[" + i + "]").isEmpty(); i++) {
            found.add(text(entry + "former-folders[" + i + "]"));
        }
        if (found.isEmpty() && !text(entry + "former-folders").isEmpty()) {
            Stream.of(text(entry + "former-folders").split(",", -1)).map(String::trim).forEach(found::add);
        }
        for (String folder : found) {
            if (!isFolder(folder)) {
                problem(entry + "former-folders", "expected names with slashes between, none starting with a dot, not "
                    + quoted(folder));
            } else if (folder.equals(current)) {
                problem(entry + "former-folders", quoted(folder) + " is the topic's folder now");
            } else if (Collections.frequency(found, folder) > 1) {
                problem(entry + "former-folders", quoted(folder) + " is there twice");
            }
        }
        return List.copyOf(found);
    }

    private boolean mappingExists(int i) {
        String entry = MAPPING + "[" + i + "].";
        return !(text(entry + "ingestion") + text(entry + "ingestion-pattern") + text(entry + "bucket-folder")
            + text(entry + "post-ingestion[0]") + text(entry + "former-folders[0]")).isEmpty();
    }

    /** A topic that is written and read would be stored again for ever. */
    private void checkLoops() {
        for (Mapping mapping : mappings) {
            String covering = mapping.topic != null ? mapping.topic : mapping.pattern.pattern();
            if (!storer.eventsTopic.isEmpty() && mapping.covers(storer.eventsTopic)) {
                problem("bss.events-topic", "is an ingestion topic too (" + covering + "): its events would be stored,"
                    + " each with an event of its own");
            }
            for (Mapping other : mappings) {
                for (String post : storer.postIngestion ? other.postIngestion : List.<String>of()) {
                    if (mapping.covers(post)) {
                        problems.add(MAPPING + ": the post-ingestion topic " + post + " is an ingestion topic too ("
                            + covering + "): its records would go round for ever");
                    }
                }
            }
        }
    }

    /** A topic that a pattern covers has a folder of its own name, which must be no other's. */
    private void checkFolders() {
        for (Mapping mapping : mappings) {
            for (Mapping other : mappings) {
                if (mapping.folder != null && other.pattern != null && other.covers(mapping.folder)
                    && !mapping.folder.equals(mapping.topic)
                    && mappings.stream().noneMatch(own -> mapping.folder.equals(own.topic))) {
                    problems.add(MAPPING + ": the bucket-folder " + mapping.folder + " of " + mapping.topic
                        + " is that of a topic of its name too, which the pattern " + other.pattern + " covers");
                }
            }
        }
    }

    /**
     * Whether {@code path} can be a folder of batch files: names with slashes between, none starting with a dot, except for the
     * first one where it is the folder of a topic of such a name.
     */
    public static boolean isFolder(String path) {
        String[] names = path.split("/", -1);
        for (int i = 0; i < names.length; i++) {
            if (names[i].isEmpty() || names[i].startsWith(".") && (i > 0 || !isFolderOfTopic(names[i]))
                || names[i].contains("\\") || names[i].chars().anyMatch(Character::isISOControl)) {
                return false;
            }
        }
        return true;
    }

    /** Whether a name is that of the folder which a topic has without a {@code bucket-folder}. */
    private static boolean isFolderOfTopic(String name) {
        return isTopicName(name) && !RESERVED_FOLDERS.contains(name) || RESERVED_FOLDERS.stream().anyMatch(reserved ->
            name.equals(reserved + '~'));
    }

    /** Whether unknown fields in the lines of batch files are ignored, rather than refused. */
    public boolean ignoresUnknownFields() {
        return text("bss.reload.unknown-fields").equals("ignore");
    }

    /** Whether {@code name} can be a topic's name, by Kafka's rules. */
    public static boolean isTopicName(String name) {
        return TOPIC_NAME.matcher(name).matches() && !name.equals(".") && !name.equals("..");
    }

    private String topicName(String key) {
        if (!isTopicName(text(key))) {
            problem(key, "no topic's name: " + quoted(text(key)));
        }
        return text(key);
    }

    private Compression compression() {
        try {
            return Compression.ofSetting(text("bss.compression"));
        } catch (IllegalArgumentException e) {
            problem("bss.compression", "expected none, gzip or zstd, not " + quoted(text("bss.compression")));
            return Compression.NONE;
        }
    }

    private Reloaded reloaded() {
        for (Reloaded reloaded : Reloaded.values()) {
            if (reloaded.name().toLowerCase(Locale.ROOT).equals(text("bss.reloaded-records"))) {
                return reloaded;
            }
        }
        oneOf("bss.reloaded-records", "store", "skip", "tag");
        return Reloaded.STORE;
    }

    private RefusedCopies refusedCopies() {
        for (RefusedCopies refused : RefusedCopies.values()) {
            if (refused.name().toLowerCase(Locale.ROOT).equals(text("bss.post-ingestion-refused"))) {
                return refused;
            }
        }
        oneOf("bss.post-ingestion-refused", "skip", "hold");
        return RefusedCopies.SKIP;
    }

    private void required(String key, boolean isRequired) {
        if (isRequired && text(key).isEmpty()) {
            problem(key, "is required");
        }
    }

    private void together(String one, String other, String why) {
        if (text(one).isEmpty() != text(other).isEmpty()) {
            problem(text(one).isEmpty() ? one : other, "is missing: " + why);
        }
    }

    private void oneOf(String key, String... values) {
        if (!List.of(values).contains(text(key))) {
            problem(key, "expected " + String.join(" or ", values) + ", not " + quoted(text(key)));
        }
    }

    private boolean bool(String key) {
        oneOf(key, "true", "false");
        return text(key).equals("true");
    }

    private long number(String key, long least, long greatest) {
        try {
            long number = Long.parseLong(text(key));
            if (number >= least && number <= greatest) {
                return number;
            }
        } catch (NumberFormatException e) {
            // reported below, as one that is out of range
        }
        problem(key, "expected a whole number from " + least + (greatest == Long.MAX_VALUE ? "" : " to " + greatest)
            + ", not " + quoted(text(key)));
        return least;
    }

    private long size(String key, long least) {
        var matcher = SIZE.matcher(text(key).toUpperCase(Locale.ROOT));
        if (matcher.matches()) {
            int shift = " KMG".indexOf(matcher.group(2).isEmpty() ? " " : matcher.group(2)) * 10;
            long size = Long.parseLong(matcher.group(1));
            if (size <= Long.MAX_VALUE >> shift && size << shift >= least) {
                return size << shift;
            }
        }
        problem(key, "expected a size like 8MB or 512KB" + (least > 0 ? ", at least " + least + " bytes" : "")
            + ", not " + quoted(text(key)));
        return least;
    }

    private Duration duration(String key, long leastMillis) {
        if (DURATION.matcher(text(key)).matches()) {
            long millis = TimeUtils.toMilliSeconds(text(key));
            if (millis >= leastMillis) {
                return Duration.ofMillis(millis);
            }
        }
        problem(key, "expected a duration like 30s or 500ms" + (leastMillis > 0 ? ", at least " + leastMillis + "ms" : "")
            + ", not " + quoted(text(key)));
        return Duration.ofMillis(leastMillis);
    }

    private String text(String key) {
        String value = lookup.apply(key);
        return value == null ? "" : value.trim();
    }

    /** Whether nothing is wrong with these settings by themselves, so that they can be compared. */
    private boolean areRight(String... keys) {
        return Arrays.stream(keys).noneMatch(key ->
            problems.stream().anyMatch(problem -> problem.startsWith(name(key) + ":")));
    }

    private void problem(String key, String what) {
        problems.add(name(key) + ": " + what);
    }

    /** A key with its environment variable, as messages name it. */
    public static String name(String key) {
        String variable = key.startsWith(MAPPING + "[")
            ? key.replaceAll("[\\[.]", "_").replaceAll("[]-]", "").toUpperCase(Locale.ROOT) : VARIABLES.get(key);
        return variable == null ? key : key + " (environment " + variable + ")";
    }

    private static String quoted(String text) {
        return '"' + text.replaceAll("\\p{Cntrl}", "?") + '"';
    }

    /** What is wrong, a sentence each; empty if all is right. */
    public List<String> problems() {
        return List.copyOf(problems);
    }

    public Set<Role> roles() {
        return roles;
    }

    public Storer storer() {
        return storer;
    }

    public Reload reload() {
        return reload;
    }

    public Schedule schedule() {
        return schedule;
    }

    /** Whether there is a schedule by cron, for the route that is there only then. */
    public boolean isScheduledByCron() {
        return schedule.cron != null;
    }

    /** Whether there is a schedule by period, for the route that is there only then. */
    public boolean isScheduledByPeriod() {
        return schedule.period != null;
    }

    /** Who may call the HTTP interface. */
    public HttpAccess http() {
        return http;
    }

    public Bucket bucket() {
        return bucket;
    }

    /** Whether files are encrypted with a KMS key. */
    public boolean isKmsUsed() {
        return !text("bss.bucket.s3-kms-key-id").isEmpty();
    }

    /** {@link Bucket#partSize} for components, which take plain numbers only. */
    public long getPartSizeBytes() {
        return bucket.partSize;
    }

    public List<Mapping> mappings() {
        return mappings;
    }

    /** How long a start-up check waits for the broker. */
    public Duration startTimeout() {
        return startTimeout;
    }

    /** The interval between polls for the consumer, which takes milliseconds only. */
    public long getMaxPollIntervalMillis() {
        return maxPollInterval.toMillis();
    }

    /** What client ids start with: the setting and a dash, or nothing. */
    public String getClientIdPrefix() {
        return text("kafka.client-id").isEmpty() ? "" : text("kafka.client-id") + "-";
    }

    /** The delay before a failed step is tried again, for redelivery policies, which take milliseconds only. */
    public long getRetryDelayMillis() {
        return retryDelay.toMillis();
    }

    /** What that delay grows to at the most. */
    public long getRetryDelayMaxMillis() {
        return retryDelayMax.toMillis();
    }

    /** A setting as it is written; empty if it is not set. */
    public String value(String key) {
        return text(key);
    }

    /** A text of others, an exception's for example, with the secrets among these settings blotted out. */
    public String withoutSecrets(String text) {
        String clean = text.replaceAll("(?i)(sig=|AccountKey=|SharedAccessSignature=)[^&;\\s\"']+", "$1***");
        // The longest one first: another may be its beginning.
        for (String secret : Stream.concat(SECRETS.stream().map(this::text), http.secrets()).filter(secret -> !secret.isEmpty())
            .sorted(Comparator.comparing(String::length).reversed()).toList()) {
            clean = clean.replace(secret, "***");
        }
        return clean;
    }

    /** The folder of an ingestion topic's batch files: the mapping's, else the topic's name. */
    public String folder(String topic) {
        Mapping mapping = mapping(topic);
        return mapping != null && mapping.folder != null ? mapping.folder
            // No topic has a name that ends like this.
            : RESERVED_FOLDERS.contains(topic) ? topic + '~' : topic;
    }

    /** Further folders that hold files of an ingestion topic; none unless the mapping names them. */
    public List<String> formerFolders(String topic) {
        Mapping mapping = mapping(topic);
        return mapping == null ? List.of() : mapping.formerFolders;
    }

    /** The ingestion topics that have a folder as a former one. */
    public List<String> formerTopicsOf(String folder) {
        return mappings.stream().filter(mapping -> mapping.formerFolders.contains(folder)).map(Mapping::topic).toList();
    }

    /** Whether a folder is that of an ingestion topic of the mapping. */
    public boolean isMapped(String folder) {
        return mappings.stream().anyMatch(mapping -> folder.equals(mapping.folder)
            || mapping.folder == null && mapping.covers(folder));
    }

    /** Whether a topic is an ingestion topic of the mapping. */
    public boolean isIngestionTopic(String topic) {
        return mapping(topic) != null;
    }

    /** The ingestion topics whose files lie in a folder, as far as the settings tell; first the one of the folder's name. */
    public List<String> topicsOf(String folder) {
        List<String> topics = new ArrayList<>();
        String byName = folder.endsWith("~") ? folder.substring(0, folder.length() - 1) : folder;
        if (isTopicName(byName) && folder(byName).equals(folder)) {
            topics.add(byName);
        }
        mappings.stream().filter(mapping -> folder.equals(mapping.folder)).forEach(mapping -> topics.add(mapping.topic));
        return topics;
    }

    /** Where the records of an ingestion topic go. */
    public BatchFile.Destination destination(String topic) {
        Mapping mapping = mapping(topic);
        return new BatchFile.Destination(folder(topic),
            mapping == null || !storer.postIngestion ? List.of() : mapping.postIngestion);
    }

    /** A topic's own entry goes before a pattern that it matches; null if there is none. */
    private Mapping mapping(String topic) {
        Mapping byPattern = null;
        for (Mapping mapping : mappings) {
            if (topic.equals(mapping.topic)) {
                return mapping;
            }
            if (byPattern == null && mapping.topic == null && mapping.covers(topic)) {
                byPattern = mapping;
            }
        }
        return byPattern;
    }
}
