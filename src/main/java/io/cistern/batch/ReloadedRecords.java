package io.cistern.batch;

import io.cistern.Settings;
import java.util.ArrayList;
import java.util.List;

/**
 * What a reload has published, as its header says. Where such a topic is an ingestion topic too, {@code
 * bss.reloaded-records} keeps it from being stored once more.
 */
public final class ReloadedRecords {

    /** The header that a reload gives its records: its id. */
    public static final String HEADER = "cistern.reload.id";

    private final boolean skips;

    public ReloadedRecords(Settings settings) {
        skips = settings.storer().reloaded() == Settings.Reloaded.SKIP;
    }

    /** The batch as it is, or without what a reload has published, if that is not to be stored. */
    public Batch leaveOut(Batch batch) {
        // A batch file that comes again has been through here.
        if (!skips || batch instanceof BatchFile) {
            return batch;
        }
        List<Record> kept = new ArrayList<>(batch.getCount());
        for (Record record : batch) {
            if (!isReloaded(record)) {
                kept.add(record);
            }
        }
        return kept.size() == batch.getCount() ? batch : batch.withRecords(kept);
    }

    static boolean isReloaded(Record record) {
        for (Record.Header header : record.headers()) {
            if (header.key().equals(HEADER)) {
                return true;
            }
        }
        return false;
    }
}
