package io.cistern.guarantees;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** P6: what all partitions hold together stays under its bound, and no process ends by itself. */
@Tag(Rounds.TAG)
class BoundedMemoryIT {

    @Test
    void holdsNoMoreThanItMay() {
        Rounds.assertKept(Promise.BOUNDED_MEMORY);
    }
}
