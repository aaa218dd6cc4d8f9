package io.cistern.guarantees;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** P2: within a file, a reload and a post-ingestion topic, records of one partition keep their order. */
@Tag(Rounds.TAG)
class OrderIT {

    @Test
    void keepsTheOrderOfEachPartition() {
        Rounds.assertKept(Promise.ORDER);
    }
}
