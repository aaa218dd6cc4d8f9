package io.cistern.reload;

/** A request that cannot be done as it was asked for; nothing was published. */
public class RequestException extends RuntimeException {

    private final int status;
    private final String code;

    /**
     * @param status  the HTTP status: 400, 404, 409 or 503
     * @param code    names the kind of mistake, in lower case with dashes
     * @param message names the field and says what was expected
     */
    public RequestException(int status, String code, String message) {
        super(message);
        this.status = status;
        this.code = code;
    }

    public int getStatus() {
        return status;
    }

    public String getCode() {
        return code;
    }
}
