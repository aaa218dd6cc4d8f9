package io.cistern.reload;

import io.cistern.bucket.FileFacts;
import java.util.Iterator;

/** The listing of the facts of a folder, read on as far as the listing of its batch files is. */
final class FactsListing {

    private final Iterator<String> names;
    private FileFacts next;
    private FileFacts last;

    FactsListing(Iterator<String> names) {
        this.names = names;
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
            last = next;
            advance();
        }
        return last != null && last.key().equals(key) ? last : null;
    }

    private void advance() {
        next = null;
        while (next == null && names.hasNext()) {
            next = FileFacts.parse(names.next());
        }
    }
}
