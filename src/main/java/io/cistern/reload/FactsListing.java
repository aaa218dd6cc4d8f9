package io.cistern.reload;

import io.cistern.bucket.FileFacts;
import java.util.Iterator;
import java.util.function.Consumer;

/** The listing of the facts of a folder, read on as far as the listing of its batch files is. */
final class FactsListing {

    private final Iterator<String> names;
    private final Consumer<FileFacts> unasked;
    private FileFacts next;
    private FileFacts last;
    private boolean asked = true;

    FactsListing(Iterator<String> names) {
        this(names, facts -> { });
    }

    /** @param unasked gets the facts of files that were not asked for: they are not there, or were stored just now */
    FactsListing(Iterator<String> names, Consumer<FileFacts> unasked) {
        this.names = names;
        this.unasked = unasked;
        advance();
    }

    /**
     * What is known of a file, or null.
     *
     * @param key {@link FileFacts#key}, not before that of the last call
     */
    FileFacts of(String key) {
        // The last one of a key: a reader may have noted the same as the storer, without what was before the first record.
        while (next != null && (next.key() + '.').compareTo(key + '.') <= 0) {
            take();
        }
        boolean found = last != null && last.key().equals(key);
        asked |= found;
        return found ? last : null;
    }

    /** No file is asked for any more. */
    void finish() {
        while (next != null) {
            take();
        }
        if (!asked) {
            unasked.accept(last);
        }
    }

    private void take() {
        if (last == null || !last.key().equals(next.key())) {
            if (!asked) {
                unasked.accept(last);
            }
            asked = false;
        }
        last = next;
        advance();
    }

    private void advance() {
        next = null;
        while (next == null && names.hasNext()) {
            next = FileFacts.parse(names.next());
        }
    }
}
