package io.cistern.reload;

import io.cistern.batch.BadLineException;
import io.cistern.batch.Timestamps;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A reload: what was asked, and how far it is. Asked by many threads, moved on by the one that runs it. */
public final class Reload {

    private static final Logger LOG = LoggerFactory.getLogger(Reload.class);

    /** The statuses of the contract; START from the answer on until the end. */
    public enum Status { START, COMPLETE, STOPPED, ERROR }

    private final String id = UUID.randomUUID().toString();
    private final ReloadRequest request;
    private final long acceptedAt = System.currentTimeMillis();
    private final AtomicLong published = new AtomicLong();
    private final AtomicLong read = new AtomicLong();
    private final AtomicInteger filesDone = new AtomicInteger();
    private volatile Plan plan;
    private volatile boolean stopRequested;
    private volatile Status status = Status.START;
    private volatile long endedAt;
    private volatile String message;
    private volatile String badFile;
    private volatile long badLine;

    Reload(ReloadRequest request) {
        this.request = request;
    }

    /** Names it, a UUID. */
    public String getId() {
        return id;
    }

    public ReloadRequest getRequest() {
        return request;
    }

    public Status getStatus() {
        return status;
    }

    /** Whether it is to end before it is through. */
    public boolean isStopRequested() {
        return stopRequested;
    }

    void requestStop() {
        stopRequested = true;
    }

    boolean isRunning() {
        return status == Status.START;
    }

    void planned(Plan made) {
        plan = made;
    }

    void recordRead() {
        read.incrementAndGet();
    }

    void fileDone() {
        filesDone.incrementAndGet();
    }

    void published(int count) {
        published.addAndGet(count);
    }

    /** It is through, or ended since a stop was asked for. */
    public void end() {
        end(stopRequested ? Status.STOPPED : Status.COMPLETE, null);
    }

    /** It ended with a failure. */
    public void fail(Throwable reason) {
        stopRequested = true;
        Throwable cause = reason;
        for (Throwable next = reason; next != null; next = next.getCause()) {
            if (next instanceof BadLineException bad) {
                cause = bad;
                badFile = bad.file();
                badLine = bad.line();
            }
        }
        String text = cause.getMessage();
        end(Status.ERROR, text == null ? cause.getClass().getSimpleName() : text);
    }

    private synchronized void end(Status how, String why) {
        if (status != Status.START) {
            return;
        }
        message = why;
        endedAt = System.currentTimeMillis();
        status = how;
        LOG.info("Reload ended: id={} status={} published={} files={} seconds={}{}", id, how, published.get(),
            filesDone.get(), (endedAt - acceptedAt) / 1000.0, why == null ? "" : " reason=" + why);
    }

    /** What the status call answers: the contract's fields first. */
    public Map<String, Object> describe() {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("requestId", id);
        answer.put("request", request.asAsked());
        answer.put("lineIndex", published.get());
        answer.put("status", status.name());
        answer.put("recordsRead", read.get());
        Plan made = plan;
        if (made != null) {
            answer.put("filesTotal", made.files());
            answer.put("filesDone", filesDone.get());
            answer.put("filesPassedOver", made.passedOver());
            if (made.foreign() > 0) {
                answer.put("filesNotOfTheTopic", made.foreign());
            }
        }
        answer.put("acceptedAt", Timestamps.format(acceptedAt));
        if (status != Status.START) {
            answer.put("endedAt", Timestamps.format(endedAt));
        }
        if (message != null) {
            answer.put("message", message);
        }
        if (badFile != null) {
            answer.put("file", badFile);
            answer.put("line", badLine);
        }
        return answer;
    }
}
