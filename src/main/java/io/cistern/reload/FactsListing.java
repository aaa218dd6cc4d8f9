package io.cistern.reload;

import io.cistern.bucket.FileFacts;
import java.util.Iterator;
import java.util.function.Consumer;

/** The listing of the facts of a folder, read on as far as the listing of its batch files is. */
final class FactsListing {

    private final Iterator<String> names;
    private final Consumer<FileFacts> unasked;
    private final NotedFacts current = new NotedFacts();
    private FileFacts next;
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
     * @param key   {@link FileFacts#key}, not before that of the last call
     * @param topic the topic of the file
     */
    FileFacts of(String key, String topic) {
        while (next != null && (next.key() + '.').compareTo(key + '.') <= 0) {
            take();
        }
        boolean found = key.equals(current.key());
        asked |= found;
        return found ? current.of(topic) : null;
    }

    /** No file is asked for any more. */
    void finish() {
        while (next != null) {
            take();
        }
        if (!asked) {
            unasked.accept(current.last());
        }
    }

    private void take() {
        if (next.key().equals(current.key())) {
            current.add(next);
        } else {
            if (!asked) {
                unasked.accept(current.last());
            }
            asked = false;
            current.start(next);
        }
        advance();
    }

    private void advance() {
        next = null;
        while (next == null && names.hasNext()) {
            next = FileFacts.parse(names.next());
        }
    }
}
