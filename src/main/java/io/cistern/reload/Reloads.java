package io.cistern.reload;

import io.cistern.Settings;
import io.cistern.kafka.Entry;
import io.cistern.kafka.ReloadLog;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.Body;
import org.apache.camel.Header;
import org.apache.camel.Variable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All reloads that are known, of every replica, as their topics tell; and what callers want of them, which goes into these
 * topics. Nothing else is remembered.
 */
public final class Reloads implements ReloadLog.Reader {

    private static final Logger LOG = LoggerFactory.getLogger(Reloads.class);
    static final String REQUEST = "request";
    static final String WISH = "wish";
    private static final Duration PREVIEW_PATIENCE = Duration.ofSeconds(10);
    /** What names a lane in the key of its record. */
    private static final Pattern LANE = Pattern.compile("\\d{1,9}");

    private final Settings.Reload settings;
    private final String bucket;
    private final Requests requests;
    private final ReloadLog log;
    private final Map<String, Reload> byId = new ConcurrentHashMap<>();
    private final MissingReloads missing;
    private final UnreadCommits unread = new UnreadCommits();
    private Consumer<Reload> onChange = reload -> { };

    public Reloads(Settings settings, Requests requests, ReloadLog log) {
        this(settings, requests, log, new MissingReloads(log::mark, System::nanoTime));
    }

    Reloads(Settings settings, Requests requests, ReloadLog log, MissingReloads missing) {
        this.settings = settings.reload();
        this.bucket = settings.value("bss.bucket.type") + ":" + settings.value("bss.bucket.name");
        this.requests = requests;
        this.log = log;
        this.missing = missing;
        log.tell(this);
    }

    @Override
    public void read(String topic, String key, byte[] value, long timestamp) {
        String[] names = key.split("/", 2);
        String id = names[0];
        boolean isRequest = topic.equals(settings.requestsTopic());
        unread.read(topic, key, value);
        if (value == null) {
            if (isRequest && names.length == 2 && names[1].equals(REQUEST)) {
                byId.remove(id);
            }
            if (!isRequest && names.length == 1) {
                // The last of a deleted one, where its request was read before its progress.
                byId.computeIfPresent(id, (same, reload) -> reload.hasRequest() ? reload : null);
            }
            return;
        }
        Reload reload = byId.computeIfAbsent(id, Reload::new);
        String record = names.length == 1 ? "stage" : names[1];
        try {
            read(reload, isRequest, names.length == 1 ? null : names[1], value, timestamp);
            reload.understood(record);
        } catch (IllegalArgumentException | RequestException e) {
            leave(reload, record, e.getMessage());
        }
        if (isRequest && REQUEST.equals(record) && unread.of(id).isEmpty()) {
            // With it another replica wrote all that it knew of the reload.
            reload.setLost(false);
        }
        if (reload.hasRequest()) {
            missing.found(id);
        }
        onChange.accept(reload);
    }

    /**
     * Reads a record of a reload.
     *
     * @param name after the reload's id in the key; null if there is none
     */
    private void read(Reload reload, boolean isRequest, String name, byte[] value, long timestamp) {
        if (isRequest && REQUEST.equals(name)) {
            Task.Accepted accepted = Json.read(value, Task.Accepted.class);
            try {
                reload.accept(accepted, requests.read(accepted.asked()));
            } catch (RequestException e) {
                reload.accept(accepted, null);
                throw e;
            }
        } else if (isRequest && WISH.equals(name)) {
            reload.wish(Json.read(value, Wish.class));
        } else if (!isRequest && name == null) {
            Stage stage = Json.read(value, Stage.class);
            // An earlier one comes after a later one where replicas have restored a state topic.
            if (stage.turn >= reload.stage().turn) {
                reload.stage(stage);
            }
        } else if (!isRequest && LANE.matcher(name).matches()) {
            Lane lane = Json.read(value, Lane.class);
            Lane known = reload.lanes().get(lane.number);
            if (known == null || lane.turn >= known.turn) {
                reload.lane(lane, timestamp);
            }
        } else {
            throw new IllegalArgumentException("a kind of record that this version does not know");
        }
    }

    /** Records were committed by this process; they are read from their topics later. */
    void committed(List<Entry> entries) {
        unread.add(entries.stream().filter(entry -> entry.topic().equals(settings.requestsTopic())
            || entry.topic().equals(settings.progressTopic())).toList());
    }

    /** Leaves a reload alone that this version does not understand, and says so once. */
    private static void leave(Reload reload, String record, String reason) {
        if (reload.notUnderstood(record, reason)) {
            LOG.warn("Reload not understood, left to replicas of a newer version: id={} record={} reason={}",
                Asked.printable(reload.getId()), Asked.printable(record), reason);
        }
    }

    @Override
    public void lost(Set<String> topics) {
        byId.values().forEach(reload -> reload.setLost(true));
    }

    /** The state of reloads that was lost, and tasks for those that are not over: the same task twice is done once. */
    @Override
    public List<Entry> restored() {
        StateRestorer restorer = new StateRestorer(settings, log.tasksPartitions());
        List<Entry> entries = new ArrayList<>();
        known().filter(reload -> reload.isUnderstood() && reload.isLost()).forEach(reload -> {
            unread.of(reload.getId()).forEach(entry -> read(entry.topic(), entry.key(), entry.value(), System.currentTimeMillis()));
            entries.addAll(restorer.entries(reload));
            LOG.warn("Reload restored: id={} phase={}", reload.getId(), reload.phase());
        });
        return entries;
    }

    /** Has something told of each reload that there is news of, on the thread that reads them. */
    void onChange(Consumer<Reload> told) {
        onChange = told;
    }

    /** How many reloads are in a phase that is no end. */
    long inPhase(String phase) {
        return known().map(Reload::state).filter(state -> state.isRunning() && state.phase().equals(phase)).count();
    }

    /** The reload of an id; null as long as nothing is known of its request. */
    Reload find(String id) {
        Reload reload = byId.get(id);
        return reload == null || reload.accepted() == null ? null : reload;
    }

    /**
     * Checks that a reload is of this process's bucket.
     *
     * @throws IllegalStateException if it is of another one
     */
    void requireBucket(Reload reload) {
        if (!bucket.equals(reload.accepted().bucket())) {
            throw new IllegalStateException("The reload is of bucket " + reload.accepted().bucket() + ", and a replica of its"
                + " group works on bucket " + bucket + ": each needs a " + Settings.name("bss.reload.group-id") + " of its own");
        }
    }

    /** Whether a reload of which there is no record will never have one again: it was deleted. */
    boolean isDeleted(String id) {
        Reload reload = byId.get(id);
        return (reload == null || !reload.hasRequest() && reload.isUnderstood()) && missing.isDeleted(id);
    }

    /** Whether there are records of a reload that this process does not understand: it leaves the reload to other replicas. */
    boolean isLeftToOthers(String id) {
        Reload reload = byId.get(id);
        return reload != null && !reload.isUnderstood();
    }

    /** Whether this process understands a request, which may have come with a task. */
    boolean isUnderstood(Task.Accepted accepted) {
        try {
            requests.read(accepted.asked());
            return true;
        } catch (RequestException e) {
            return false;
        }
    }

    /** A reload of which only the request is known. */
    Reload read(String id, Task.Accepted accepted) {
        Reload reload = new Reload(id);
        reload.accept(accepted, requests.read(accepted.asked()));
        return reload;
    }

    /**
     * Takes a request on: it is known to all replicas when this returns.
     *
     * @param call by which it came, which is told the reload's id; null if it did not come over HTTP
     * @throws RequestException                       if the same topic is being reloaded into the same target, or too many
     *                                                reloads are not over
     * @throws org.apache.kafka.common.KafkaException if it could not be written down
     */
    public Reload accept(@Body ReloadRequest request, @Variable("call") Call call) {
        log.start();
        log.awaitUpToDate();
        refuseIfRunning(request);
        String id = UUID.randomUUID().toString();
        Task.Accepted accepted = new Task.Accepted(request.asAsked(), System.currentTimeMillis(),
            call == null ? "http" : call.startedBy(), bucket);
        log.write(accepted(id, accepted));
        LOG.info("Reload accepted: id={} topic={} file={} target={}", id, request.topic(), request.fileName(),
            request.target());
        if (call != null) {
            call.madeReload(id);
        }
        log.awaitUpToDate();
        return required(id);
    }

    private void refuseIfRunning(ReloadRequest request) {
        refuseIfTooMany();
        for (Reload reload : known().filter(Reload::isRunning).toList()) {
            ReloadState other = reload.state();
            boolean isDryRun = other.request() != null && other.request().dryRun();
            // A request that is not understood is compared as it came.
            String topic = other.request() == null ? other.topic() : other.request().topic();
            if (!request.force() && !request.dryRun() && !isDryRun && request.topic() != null
                && request.topic().equals(topic) && Objects.equals(request.fileName(), other.asked("fileName"))
                && request.target().equals(other.asked("reIngestionTopic"))) {
                throw new RequestException(409, "already-running", "Reload " + reload.getId() + " of topic " + request.topic()
                    + " into " + request.target() + " is not over; force: true starts another one", reload.getId());
            }
        }
    }

    private void refuseIfTooMany() {
        long running = known().filter(Reload::isRunning).count();
        if (running >= settings.maxRunning()) {
            throw new RequestException(503, "too-many-reloads", running + " reloads run or wait already; try again later");
        }
    }

    /**
     * Takes on what a schedule asks for: the same id from many replicas is one reload.
     *
     * @throws RequestException                       if it is not right, or too many reloads are not over
     * @throws org.apache.kafka.common.KafkaException if it could not be written down
     */
    public void acceptScheduled(@Body Schedule.Due due) {
        requests.read(due.request());
        log.start();
        log.awaitUpToDate();
        if (find(due.id()) == null) {
            refuseIfTooMany();
            // Another replica may say it at the same moment: it says the same.
            log.write(accepted(due.id(), new Task.Accepted(due.request(), due.tick(), "timer", bucket)));
        }
    }

    /** A request, and the task to lead it. */
    private List<Entry> accepted(String id, Task.Accepted accepted) {
        return List.of(new Entry(settings.requestsTopic(), null, id + '/' + REQUEST, Json.write(accepted)),
            lead(id, 1, accepted));
    }

    private Entry lead(String id, long turn, Task.Accepted accepted) {
        Task task = new Task(id, turn, 0, null, accepted);
        return new Entry(settings.tasksTopic(), Task.partition(id, -1, log.tasksPartitions()), task.key(), Json.write(task));
    }

    /**
     * What the status call answers about a reload.
     *
     * @throws RequestException if there is none of this id
     */
    public Map<String, Object> describe(@Header("requestId") String id) {
        return required(id).describe();
    }

    /** All that is known of a reload; throws as {@link #describe} does. */
    public Map<String, Object> detail(@Header("requestId") String id) {
        return required(id).detail();
    }

    private Reload required(String id) {
        Reload reload = find(id);
        if (reload == null || !log.hasCaughtUp()) {
            // A replica that has just started may have read of a reload that it was asked for, and not yet how far it is.
            log.start();
            log.awaitUpToDate();
            reload = find(id);
        }
        if (reload == null && isLeftToOthers(id)) {
            throw newerVersion(byId.get(id));
        }
        if (reload == null) {
            throw new RequestException(404, "unknown-request", "requestId: there is no reload of this id");
        }
        return reload;
    }

    private static RequestException newerVersion(Reload reload) {
        return new RequestException(503, "newer-version", "This replica does not understand reload " + reload.getId()
            + " and leaves it to replicas of a newer version; try again, or ask one of those", reload.getId());
    }

    private static void requireUnderstood(Reload reload) {
        if (!reload.isUnderstood()) {
            throw newerVersion(reload);
        }
    }

    /** The ingestion topic; null where a file was asked for whose name does not tell it. */
    private static String topic(Reload reload) {
        ReloadState state = reload.state();
        return state.request() == null ? state.topic() : state.request().topic();
    }

    private Stream<Reload> known() {
        return byId.values().stream().filter(reload -> reload.accepted() != null);
    }

    /**
     * The reloads, those that were asked for last first.
     *
     * @param status what {@code status} or {@code phase} of an answer is; null for all
     * @param topic  the ingestion topic; null for all
     * @param limit  most in an answer; null for 50
     * @param offset how many to leave out first; null for 0
     * @throws RequestException if one of them is not right
     */
    public Map<String, Object> list(@Header("status") Object status, @Header("topic") Object topic,
                                    @Header("limit") Object limit, @Header("offset") Object offset) {
        if (status != null && !Reload.PHASES.contains(status) && !status.equals(Reload.Status.START.name())) {
            throw new RequestException(400, "invalid-field", "status: expected a status of a reload");
        }
        if (topic != null && !(topic instanceof String)) {
            throw new RequestException(400, "invalid-field", "topic: expected one topic");
        }
        long most = number("limit", limit, 50, 1000);
        long from = number("offset", offset, 0, Integer.MAX_VALUE);
        log.start();
        log.awaitUpToDate();
        List<Reload> found = known()
            .filter(reload -> status == null || hasStatus(reload.state(), status))
            .filter(reload -> topic == null || topic.equals(topic(reload)))
            .sorted(Comparator.comparingLong((Reload reload) -> reload.accepted().acceptedAt()).reversed()
                .thenComparing(Reload::getId)).toList();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("total", found.size());
        answer.put("reloads", found.stream().skip(from).limit(most).map(Reload::describe).toList());
        return answer;
    }

    private static boolean hasStatus(ReloadState state, Object status) {
        return status.equals(state.status().name()) || status.equals(state.phase());
    }

    private static long number(String field, Object value, long otherwise, long most) {
        if (value == null) {
            return otherwise;
        }
        try {
            long number = Long.parseLong(value.toString());
            if (number >= 0 && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // as one that is out of range
        }
        throw new RequestException(400, "invalid-field", field + ": expected a number from 0 to " + most);
    }

    /**
     * Stops the reloads of an ingestion topic that are not over.
     *
     * @throws RequestException if there is none
     */
    public Map<String, Object> stopAll(@Body String topic) {
        log.start();
        log.awaitUpToDate();
        List<Reload> running = known().filter(reload -> reload.isRunning() && topic.equals(topic(reload)))
            .sorted(Comparator.comparingLong(reload -> reload.accepted().acceptedAt())).toList();
        if (running.isEmpty()) {
            throw new RequestException(404, "no-reload", "topic: no reload of topic " + topic + " is running");
        }
        running.forEach(Reloads::requireUnderstood);
        running.forEach(reload -> wish(reload, Wish.Kind.STOP));
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("message", "Reingestion stopping");
        answer.put("requestIds", running.stream().map(Reload::getId).toList());
        return answer;
    }

    /** Stops a reload; throws as {@link #describe} does, and if it is over. */
    public Map<String, Object> stop(@Header("requestId") String id) {
        return wish(running(id), Wish.Kind.STOP, "Reingestion stopping");
    }

    /** Has a reload wait; throws as {@link #stop} does. */
    public Map<String, Object> pause(@Header("requestId") String id) {
        return wish(running(id), Wish.Kind.PAUSE, "Reingestion pausing");
    }

    /**
     * Has a reload go on that waits, was stopped or has failed.
     *
     * @throws RequestException if there is none of this id, or if it is complete
     */
    public Map<String, Object> resume(@Header("requestId") String id) {
        Reload reload = latest(id);
        ReloadState now = reload.state();
        if (now.status() == Reload.Status.COMPLETE) {
            throw new RequestException(409, "is-over", "The reload is complete");
        }
        if (!now.isRunning()) {
            refuseIfRunning(now.request());
            long turn = now.stage().turn + 1;
            log.write(List.of(wished(reload, new Wish(Wish.Kind.RUN, now.wish().speed(), turn)), lead(id, turn, null)));
            log.awaitUpToDate();
            return answer(id, "Reingestion resuming");
        }
        return wish(reload, Wish.Kind.RUN, "Reingestion resuming");
    }

    /**
     * Changes how fast a reload may be.
     *
     * @param body a JSON object with recordsPerSecond and bytesPerSecond, or pace; what it does not name is without limit
     * @throws RequestException if it is not right, there is no such reload, or it is over
     */
    public Map<String, Object> setSpeed(@Header("requestId") String id, @Body String body) {
        ReloadRequest.Speed speed = requests.speed(body);
        Reload reload = running(id);
        Wish before = reload.wish();
        log.write(List.of(wished(reload, new Wish(before.kind(), speed.since(reload.beat()), before.turn()))));
        log.awaitUpToDate();
        return answer(id, "Speed changed");
    }

    /**
     * Forgets a reload that is over.
     *
     * @throws RequestException if there is none of this id, or if it is not over
     */
    public Map<String, Object> delete(@Header("requestId") String id) {
        Reload reload = latest(id);
        if (reload.isRunning()) {
            throw new RequestException(409, "is-running", "The reload is not over: stop it first");
        }
        forget(reload);
        log.awaitUpToDate();
        return answer(id, "Reingestion deleted");
    }

    private void forget(Reload reload) {
        String id = reload.getId();
        List<Entry> entries = new ArrayList<>();
        reload.lanes().keySet().forEach(lane -> entries.add(new Entry(settings.progressTopic(), null, id + '/' + lane, null)));
        entries.add(new Entry(settings.progressTopic(), null, id, null));
        entries.add(new Entry(settings.requestsTopic(), null, id + '/' + WISH, null));
        entries.add(new Entry(settings.requestsTopic(), null, id + '/' + REQUEST, null));
        log.write(entries);
    }

    /** Forgets reloads that ended long ago. */
    public void forgetOld() {
        long before = System.currentTimeMillis() - settings.retention().toMillis();
        known().filter(reload -> reload.isUnderstood() && endedBefore(reload.state(), before)).toList().forEach(this::forget);
    }

    private static boolean endedBefore(ReloadState state, long time) {
        return !state.isRunning() && state.stage().endedAt != null && state.stage().endedAt < time;
    }

    /** A reload that is to be changed, with all that was written of it by now. */
    private Reload latest(String id) {
        log.start();
        log.awaitUpToDate();
        Reload reload = required(id);
        requireUnderstood(reload);
        return reload;
    }

    private Reload running(String id) {
        Reload reload = latest(id);
        Reload.Status status = reload.getStatus();
        if (status != Reload.Status.START) {
            throw new RequestException(409, "is-over", "The reload is over: its status is " + status);
        }
        return reload;
    }

    private void wish(Reload reload, Wish.Kind kind) {
        Wish before = reload.wish();
        log.write(List.of(wished(reload, new Wish(kind, before.speed(), before.turn()))));
    }

    private Map<String, Object> wish(Reload reload, Wish.Kind kind, String message) {
        wish(reload, kind);
        log.awaitUpToDate();
        return answer(reload.getId(), message);
    }

    private Entry wished(Reload reload, Wish wish) {
        return new Entry(settings.requestsTopic(), null, reload.getId() + '/' + WISH, Json.write(wish));
    }

    private static Map<String, Object> answer(String id, String message) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("message", message);
        answer.put("requestId", id);
        return answer;
    }

    /**
     * What a reload that was just accepted is answered with: that it has started; or, for one that only tells what it would
     * do and that is over soon, what it tells.
     */
    public Map<String, Object> accepted(@Body Reload reload) throws InterruptedException {
        long deadline = System.nanoTime() + PREVIEW_PATIENCE.toNanos();
        while (reload.getRequest().dryRun() && System.nanoTime() < deadline) {
            ReloadReport now = required(reload.getId()).report();
            if (!now.state().isRunning()) {
                return now.detail();
            }
            Thread.sleep(50);
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("requestId", reload.getId());
        answer.put("message", "Reingestion started");
        return answer;
    }

    /** The HTTP status of such an answer: there is nothing more to come of one that tells. */
    public int statusOf(@Body Map<String, Object> answer) {
        return answer.containsKey("preview") ? 200 : 202;
    }
}
