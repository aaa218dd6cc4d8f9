package io.cistern.reload;

/** A call that is to change something, from its beginning to its answer: what the log of calls tells of it. */
public final class Call {

    private final Caller caller;
    private final String operation;
    private final String body;
    private volatile String reload;

    /**
     * @param operation the route's id
     * @param reload    the id of the reload that is meant, or null
     * @param body      as it came, or null
     */
    Call(Caller caller, String operation, String reload, String body) {
        this.caller = caller;
        this.operation = operation;
        this.reload = reload;
        this.body = body;
    }

    Caller caller() {
        return caller;
    }

    String operation() {
        return operation;
    }

    String body() {
        return body;
    }

    String reload() {
        return reload;
    }

    /** Says which reload has come of it. */
    void madeReload(String id) {
        reload = id;
    }

    /** What a reload tells of who asked for it. */
    String startedBy() {
        return caller.name() == null ? "http" : "http:" + caller.name();
    }
}
