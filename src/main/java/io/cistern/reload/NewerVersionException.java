package io.cistern.reload;

/** A state record of a reload is not understood: a newer version may have written it, whose replicas understand it. */
final class NewerVersionException extends IllegalArgumentException {

    NewerVersionException(String message, Throwable cause) {
        super(message, cause);
    }
}
