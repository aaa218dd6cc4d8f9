package io.cistern.bucket;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Predicate;

/** The names of a listing that are wanted, read page by page, as they are asked for. */
final class Listing implements Iterator<String> {

    /** Asks the store for a page. */
    interface Pages {

        /** @param token what the page before left, or null for the first one */
        Page read(Object token);
    }

    /**
     * A page.
     *
     * @param names in order
     * @param next  names the page after it; null if there is none
     */
    record Page(List<String> names, Object next) {
    }

    private final Pages pages;
    private final Predicate<String> wanted;
    private Iterator<String> names;
    private Object nextPage;
    private String next;

    Listing(Pages pages, Predicate<String> wanted) {
        this.pages = pages;
        this.wanted = wanted;
    }

    @Override
    public boolean hasNext() {
        while (next == null) {
            if (names != null && names.hasNext()) {
                String name = names.next();
                next = wanted.test(name) ? name : null;
            } else if (names == null || nextPage != null) {
                Page page = pages.read(nextPage);
                names = page.names().iterator();
                nextPage = page.next();
            } else {
                return false;
            }
        }
        return true;
    }

    @Override
    public String next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        String name = next;
        next = null;
        return name;
    }
}
