package io.cistern.http;

import io.cistern.reload.Requests;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Reads the body of a request as a whole before a route gets it, and refuses one that is too large, cut short, compressed, a
 * form, or not text in UTF-8.
 */
@Component
class RequestBodyFilter extends OncePerRequestFilter {

    /** As Tomcat's maxSwallowSize. */
    private static final long MAX_DROPPED_BYTES = 2L << 20;
    private static final String UNSUPPORTED = "unsupported-media-type";

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
        long length = request.getContentLengthLong();
        if (length == 0) {
            chain.doFilter(request, response);
            return;
        }
        if (length > Requests.MOST_BYTES) {
            refuseLarge(request, response);
            return;
        }
        byte[] body;
        try {
            // HTTP/2, and chunks in HTTP/1.1, do not declare the length.
            body = request.getInputStream().readNBytes(Requests.MOST_BYTES + 1);
        } catch (IOException e) {
            logger.debug("Request body is incomplete", e);
            refuse(response, HttpStatus.BAD_REQUEST, "The body is incomplete", "incomplete-body");
            return;
        }
        if (body.length > Requests.MOST_BYTES) {
            refuseLarge(request, response);
        } else if (body.length == 0) {
            chain.doFilter(new BufferedRequest(request, body), response);
        } else if (!isIdentity(request)) {
            response.setHeader(HttpHeaders.ACCEPT_ENCODING, "identity");
            refuse(response, HttpStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding: expected a body that is not compressed", UNSUPPORTED);
        } else if (!isText(request.getContentType())) {
            refuse(response, HttpStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Type: expected application/json in UTF-8", UNSUPPORTED);
        } else if (!isUtf8(body)) {
            refuse(response, HttpStatus.BAD_REQUEST, "The body is not valid UTF-8", "invalid-encoding");
        } else {
            chain.doFilter(new BufferedRequest(request, body), response);
        }
    }

    private static boolean isIdentity(HttpServletRequest request) {
        String encoding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
        return encoding == null || encoding.isBlank() || encoding.strip().equalsIgnoreCase("identity");
    }

    /** Whether the type, where there is one, is text in UTF-8: the parts of a form would be read by others. */
    private static boolean isText(String contentType) {
        if (contentType == null || contentType.isBlank()) {
            return true;
        }
        try {
            MediaType type = MediaType.parseMediaType(contentType);
            return (type.getCharset() == null || type.getCharset().equals(StandardCharsets.UTF_8))
                && !type.getType().equals("multipart") && !type.isCompatibleWith(MediaType.APPLICATION_FORM_URLENCODED);
        } catch (InvalidMediaTypeException e) {
            return false;
        }
    }

    private static boolean isUtf8(byte[] body) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    private void refuseLarge(HttpServletRequest request, HttpServletResponse response) throws IOException {
        refuse(response, HttpStatus.PAYLOAD_TOO_LARGE, Requests.TOO_LARGE, "too-large");
        if (request.getProtocol().startsWith("HTTP/2")) {
            response.flushBuffer();
            drop(request.getInputStream());
        }
    }

    /** Some clients of HTTP/2 get the answer only when their body is sent. Tomcat does the same for HTTP/1.1. */
    private void drop(InputStream body) {
        byte[] buffer = new byte[8192];
        try {
            for (long left = MAX_DROPPED_BYTES; left > 0;) {
                int count = body.read(buffer);
                if (count < 0) {
                    return;
                }
                left -= count;
            }
        } catch (IOException e) {
            logger.debug("Request body is incomplete", e);
        }
    }

    private static void refuse(HttpServletResponse response, HttpStatus status, String message, String code) throws IOException {
        JsonError.write(response, status.value(), message, code);
    }
}
