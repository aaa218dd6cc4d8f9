package io.cistern.guarantees;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** P4: a file that was once in the bucket stays, and stays the same. */
@Tag(Rounds.TAG)
class NoFileOverwrittenIT {

    @Test
    void neverTouchesAFileAgain() {
        Rounds.assertKept(Promise.NO_FILE_OVERWRITTEN);
    }
}
