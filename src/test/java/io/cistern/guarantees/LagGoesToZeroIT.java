package io.cistern.guarantees;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** P7: what is held is stored soon, on quiet topics too; a stop is bounded. */
@Tag(Rounds.TAG)
class LagGoesToZeroIT {

    @Test
    void storesEverythingSoonAndStopsInTime() {
        Rounds.assertKept(Promise.LAG_GOES_TO_ZERO);
    }
}
