package io.cistern.guarantees;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** P5: a reload publishes every stored record once, of all lives of a topic. */
@Tag(Rounds.TAG)
class ReloadedOnceIT {

    @Test
    void reloadsEachStoredRecordOnce() {
        Rounds.assertKept(Promise.RELOADED_ONCE);
    }
}
