package io.cistern.guarantees;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** P1: an offset is committed only when all below it is in the bucket, announced, and in post-ingestion topics. */
@Tag(Rounds.TAG)
class StoredBeforeCommittedIT {

    @Test
    void commitsNothingThatIsNotStoredAnnouncedAndPassedOn() {
        Rounds.assertKept(Promise.STORED_BEFORE_COMMITTED);
    }
}
