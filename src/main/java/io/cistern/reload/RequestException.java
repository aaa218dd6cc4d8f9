package io.cistern.reload;

/** A request that cannot be done as it was asked for; nothing was published. */
public class RequestException extends RuntimeException {

    private final int status;
    private final String code;
    private String requestId;

    /**
     * @param status  the HTTP status: 400, 404, 409, 413 or 503
     * @param code    names the kind of mistake, in lower case with dashes
     * @param message names the field and says what was expected
     */
    public RequestException(int status, String code, String message) {
        super(message);
        this.status = status;
        this.code = code;
    }

    /** The same, with the id of the reload that is in the way. */
    public RequestException(int status, String code, String message, String requestId) {
        this(status, code, message);
        this.requestId = requestId;
    }

    /** The id of the reload that is in the way, or null. */
    public String getRequestId() {
        return requestId;
    }

    public int getStatus() {
        return status;
    }

    public String getCode() {
        return code;
    }
}
