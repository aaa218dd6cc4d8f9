package io.cistern.bucket;

/** Says why a call of the bucket failed, in the words of whoever failed. */
public final class StoreFailure {

    private StoreFailure() {
    }

    /** The message of the innermost cause, with its type where the message alone would not tell. */
    public static String reason(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        String type = cause.getClass().getSimpleName();
        return cause.getMessage() == null ? type : type + ": " + cause.getMessage();
    }
}
