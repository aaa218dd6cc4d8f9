package io.cistern.reload;

import io.cistern.bucket.BatchFileName;
import io.cistern.bucket.FileFacts;
import java.util.Map;

/** A batch file that an audit has looked at, and found nothing wrong with. */
final class AuditedFile extends PlannedFile {

    /** The offset from which on nothing but the file's records was there. */
    final long from;
    /** Stretches of offsets within the file that hold no record; without having read it at most one is counted. */
    final long innerGaps;
    /** Records by day; null where all are of the first one's day, as far as that is known. */
    final Map<Long, Long> days;

    AuditedFile(String folder, String name, BatchFileName parsed, long firstOffset, FileFacts facts, long innerGaps,
                Map<Long, Long> days) {
        super(folder, name, parsed, firstOffset, facts);
        this.from = facts.from() == FileFacts.NOT_NOTED ? firstOffset : Math.min(firstOffset, facts.from());
        this.innerGaps = innerGaps;
        this.days = days;
    }

    /** Offsets between the first and the last one, of which there is no record. */
    long innerOffsets() {
        return lastOffset - firstOffset + 1 - count;
    }
}
