package io.cistern.testing.stores;

import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** What happens to a request, and to its answer, on their way through a {@link FaultyProxy}. */
public final class Fault {

    interface Course {
        void run(Exchange exchange) throws IOException, InterruptedException;
    }

    /** All goes well. */
    static final Fault NONE = new Fault("none", exchange -> {
        exchange.forward();
        exchange.answer(Long.MAX_VALUE);
        exchange.finish();
    });

    /** The store never sees the request, and the client's connection is reset. */
    public static final Fault RESET = new Fault("reset", Exchange::reset);

    /** The store does what the request asks for, but its answer is lost: the client's connection is reset instead. */
    public static final Fault RESET_AFTER_STORING = new Fault("reset after storing", exchange -> {
        exchange.forward();
        exchange.loseAnswer();
        exchange.reset();
    });

    /** The store never sees the request, which is read, but there is no answer to it before it is healed. */
    public static final Fault HANG = new Fault("hang", Exchange::hang);

    private final String name;
    private final Course course;

    private Fault(String name, Course course) {
        this.name = name;
        this.course = course;
    }

    /**
     * The store never sees the request: it is read to its end and has this answer.
     *
     * @param body    XML, or JSON if it starts with a curly bracket; left out where the request is a HEAD
     * @param headers lines of the answer's head such as {@code x-ms-error-code: ServerBusy}
     */
    public static Fault status(int code, String body, String... headers) {
        return new Fault("status " + code, exchange -> {
            exchange.readRequest();
            exchange.answer(code, body, List.of(headers));
            exchange.finish();
        });
    }

    /** The answer's head is whole, its body ends after this many bytes, and the connection is closed in good order. */
    public static Fault truncate(long bytes) {
        return new Fault("truncate at " + bytes, exchange -> {
            exchange.forward();
            exchange.answer(bytes);
            exchange.finish();
        });
    }

    /** The connection is reset after the answer's head and this many bytes of its body; a client may see fewer. */
    public static Fault resetAfter(long bytes) {
        return new Fault("reset after " + bytes, exchange -> {
            exchange.forward();
            exchange.answer(bytes);
            exchange.reset();
        });
    }

    /** Nothing more comes after the answer's head and this many bytes of its body, before it is healed. */
    public static Fault hangAfter(long bytes) {
        return new Fault("hang after " + bytes, exchange -> {
            exchange.forward();
            exchange.answer(bytes);
            exchange.hang();
        });
    }

    /** The store sees the request at once, but its answer comes this much later. */
    public static Fault slow(Duration duration) {
        return new Fault("slow by " + duration, exchange -> {
            exchange.forward();
            exchange.pause(duration);
            exchange.answer(Long.MAX_VALUE);
            exchange.finish();
        });
    }

    void meet(Exchange exchange) throws IOException, InterruptedException {
        course.run(exchange);
    }

    @Override
    public String toString() {
        return name;
    }
}
