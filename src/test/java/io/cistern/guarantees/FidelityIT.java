package io.cistern.guarantees;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** P3: what comes out equals what went in, byte for byte. */
@Tag(Rounds.TAG)
class FidelityIT {

    @Test
    void changesNothingOfARecord() {
        Rounds.assertKept(Promise.FIDELITY);
    }
}
