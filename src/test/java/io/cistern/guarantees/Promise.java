package io.cistern.guarantees;

/** What no change may break; each has a test class of its own here. */
enum Promise {
    STORED_BEFORE_COMMITTED("P1"),
    ORDER("P2"),
    FIDELITY("P3"),
    NO_FILE_OVERWRITTEN("P4"),
    RELOADED_ONCE("P5"),
    BOUNDED_MEMORY("P6"),
    LAG_GOES_TO_ZERO("P7"),
    HARMS_NOTHING_ELSE("P8");

    private final String id;

    Promise(String id) {
        this.id = id;
    }

    @Override
    public String toString() {
        return id + " " + name().toLowerCase().replace('_', ' ');
    }
}
