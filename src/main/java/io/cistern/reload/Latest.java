package io.cistern.reload;

import io.cistern.batch.Record;
import java.io.Closeable;
import java.util.BitSet;

/**
 * Which records of a lane are the last ones of their keys; a record without key is one by itself. What was said since the
 * last commit can be asked again. Not thread-safe.
 */
final class Latest implements Closeable {

    private final LatestByKey index;
    private final BitSet said = new BitSet();
    private long base;
    private long asked;

    Latest(LatestByKey index) {
        this.index = index;
    }

    /** @param covered how many records of the lane were in the range so far, this one included */
    boolean isWanted(Record record, long covered) {
        if (record.key() == null) {
            return true;
        }
        if (base == 0) {
            base = covered;
        }
        if (covered > asked) {
            asked = covered;
            said.set((int) (covered - base), index.isLatest(covered));
        }
        return said.get((int) (covered - base));
    }

    /** Nothing up to a record will be asked again. */
    void committed(long covered) {
        base = covered + 1;
        said.clear();
    }

    @Override
    public void close() {
        index.close();
    }
}
