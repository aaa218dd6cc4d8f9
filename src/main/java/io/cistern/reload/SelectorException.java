package io.cistern.reload;

/** A selector that failed on a record. The message names both, and holds nothing of the record's contents. */
public class SelectorException extends RuntimeException {

    public SelectorException(String message) {
        super(message);
    }
}
