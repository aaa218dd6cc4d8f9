package io.cistern.guarantees;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** P8: a bad file or request is told of by name, and harms nothing else. */
@Tag(Rounds.TAG)
class HarmsNothingElseIT {

    @Test
    void answersWhatIsBadAndGoesOnWithTheRest() {
        Rounds.assertKept(Promise.HARMS_NOTHING_ELSE);
    }
}
