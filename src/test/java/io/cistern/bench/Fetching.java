package io.cistern.bench;

import java.util.function.DoubleSupplier;

/**
 * Watches from the broker's side what a program fetches of a topic: the first byte that goes out is the begin of its work. The
 * same for every program, without a word of its own.
 */
final class Fetching {

    private static final long SOON = 150;
    /** Between two questions to the program, which cost it CPU. */
    private static final long ASKED_EACH = 300;
    private static final long AT_REST = 1000;

    private final Broker broker;
    private final String topic;
    private final Program program;
    private final long before;
    private long began;

    /**
     * A watch that begins now.
     *
     * @param topic  null for all topics
     * @param before what {@link Broker#fetched} said when the program was not started yet
     */
    Fetching(Broker broker, String topic, Program program, long before) {
        this.broker = broker;
        this.topic = topic;
        this.program = program;
        this.before = before;
    }

    /** Waits for the begin and gives its time. */
    long awaitBegin() {
        while (began == 0) {
            if (broker.fetched(topic) > before) {
                began = System.currentTimeMillis();
            } else if (!program.isAlive()) {
                throw new IllegalStateException("It ended before it fetched anything of " + topic);
            }
            pause();
        }
        return began;
    }

    /**
     * Waits until nothing more is fetched, nor done with what was fetched.
     *
     * @param done grows with the work that is done; asked for now and then while fetching pauses
     * @return when it was so
     */
    long awaitEnd(DoubleSupplier done) {
        long changed = System.currentTimeMillis();
        long fetched = -1;
        double doneBefore = -1;
        long asked = 0;
        while (true) {
            long now = System.currentTimeMillis();
            long fetchedNow = broker.fetched(topic);
            if (fetchedNow != fetched) {
                fetched = fetchedNow;
                changed = now;
            } else if (now - changed > SOON && now - asked > ASKED_EACH) {
                asked = now;
                double doneNow = done.getAsDouble();
                if (doneNow != doneBefore) {
                    changed = doneBefore < 0 ? changed : now;
                    doneBefore = doneNow;
                }
            }
            if (now - changed > AT_REST) {
                return changed;
            }
            if (!program.isAlive()) {
                throw new IllegalStateException("It ended while it fetched " + topic);
            }
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
