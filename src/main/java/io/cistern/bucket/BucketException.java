package io.cistern.bucket;

import java.io.IOException;

/** A request to the bucket failed, in the words of the backend where it knows why. */
public final class BucketException extends IOException {

    private final String reason;

    /**
     * @param operation put, get or list
     * @param path      of the file, or of the folder that is listed
     * @param reason    why, and what to do about it; without secrets
     * @param cause     what the backend threw
     */
    BucketException(String operation, String path, String reason, Throwable cause) {
        super("bucket " + operation + " " + path + ": " + reason, cause);
        this.reason = reason;
    }

    /** Why a call failed: what a bucket's exception says, else the innermost cause's message with its type. */
    public static String reason(Throwable failure) {
        Throwable innermost = failure;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof BucketException bucket) {
                return bucket.reason;
            }
            innermost = cause;
        }
        return describe(innermost);
    }

    /** An exception's type with the first line of its message, if it has one. */
    static String describe(Throwable cause) {
        String type = cause.getClass().getSimpleName();
        return cause.getMessage() == null || cause.getMessage().isBlank()
            ? type : type + ": " + cause.getMessage().strip().lines().findFirst().orElse("").replaceAll("\\p{Cntrl}", "?");
    }
}
