package io.cistern.reload;

import java.util.Arrays;
import java.util.Collection;

/** Keys of records, compared byte by byte; asking for one makes no garbage. */
final class Keys {

    private final byte[][] sorted;
    private final boolean withNone;

    /** @param withNone whether records without a key are among them */
    Keys(Collection<byte[]> keys, boolean withNone) {
        this.sorted = keys.toArray(byte[][]::new);
        Arrays.sort(sorted, Arrays::compare);
        this.withNone = withNone;
    }

    /** Whether the key, which may be null, is one of them. */
    boolean contain(byte[] key) {
        return key == null ? withNone : Arrays.binarySearch(sorted, key, Arrays::compare) >= 0;
    }
}
