package io.cistern.http;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Locale;
import org.springframework.http.HttpStatus;

/** Writes an error answer as the routes do: a JSON object with message and code. */
final class JsonError {

    private JsonError() {
    }

    /** Answers with the phrase that HTTP has for a status. */
    static void write(HttpServletResponse response, int status) throws IOException {
        HttpStatus known = HttpStatus.resolve(status);
        String phrase = known == null ? "Error" : known.getReasonPhrase();
        write(response, status, phrase, phrase.toLowerCase(Locale.ROOT).replace(' ', '-'));
    }

    /**
     * Answers with a message.
     *
     * @param message fixed text without characters that JSON escapes
     */
    static void write(HttpServletResponse response, int status, String message, String code) throws IOException {
        response.setStatus(status);
        response.setContentType("application/json");
        response.getWriter().write("{\"message\": \"" + message + "\", \"code\": \"" + code + "\"}");
    }
}
