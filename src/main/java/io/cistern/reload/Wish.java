package io.cistern.reload;

/**
 * What is wanted of a reload since it was asked for.
 *
 * @param kind  that it goes on, waits or ends
 * @param speed how fast it may be; null as it was asked for
 * @param turn  the turn of who leads by which it goes on after its end; 0 if it has not ended
 */
record Wish(Kind kind, ReloadRequest.Speed speed, long turn) {

    enum Kind { RUN, PAUSE, STOP }

    static final Wish NONE = new Wish(Kind.RUN, null, 0);
}
