package io.cistern;

import io.cistern.reload.Requests;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.CamelContext;
import org.apache.camel.spi.RestRegistry;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.valves.ErrorReportValve;
import org.apache.tomcat.util.buf.EncodedSolidusHandling;
import org.springframework.boot.web.embedded.tomcat.TomcatServletWebServerFactory;
import org.springframework.boot.web.error.ErrorAttributeOptions;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.servlet.error.DefaultErrorAttributes;
import org.springframework.boot.web.servlet.error.ErrorAttributes;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpStatus;
import org.springframework.http.server.PathContainer;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.util.ServletRequestPathUtils;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;

/** Answers what reaches no route (an unknown path, a wrong method, what is no HTTP) as the routes answer mistakes. */
@Configuration
class HttpAnswers {

    /**
     * Lets a folder's name have a slash in a path, written %2F, and answers what Tomcat itself refuses in JSON.
     */
    @Bean
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> tomcat() {
        return factory -> {
            factory.addConnectorCustomizers(connector ->
                connector.setEncodedSolidusHandling(EncodedSolidusHandling.PASS_THROUGH.getValue()));
            factory.addContextCustomizers(context ->
                ((StandardHost) context.getParent()).setErrorReportValveClass(JsonErrorReport.class.getName()));
        };
    }

    /** Tomcat's page for requests that reach no servlet, such as those that are no HTTP. */
    public static final class JsonErrorReport extends ErrorReportValve {

        @Override
        protected void report(Request request, Response response, Throwable throwable) {
            if (response.getStatus() < 400 || !response.setErrorReported()) {
                return;
            }
            HttpStatus status = HttpStatus.resolve(response.getStatus());
            String error = status == null ? "Error" : status.getReasonPhrase();
            response.setContentType("application/json");
            try (Writer writer = response.getReporter()) {
                if (writer != null) {
                    writer.write("{\"message\": \"" + error + "\", \"code\": \"" + code(error) + "\"}");
                }
            } catch (IOException e) {
                // The caller is gone.
            }
        }
    }

    /**
     * Refuses what is below the path of a call, and the methods that a call does not have: Camel would answer these
     * with an empty body and the request's own headers.
     */
    @Bean
    Filter callsOnly(CamelContext context) {
        return new OncePerRequestFilter() {

            /** By the paths of the calls. */
            private final Map<String, PathPattern> patterns = new ConcurrentHashMap<>();

            @Override
            protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws IOException, ServletException {
                PathContainer path = ServletRequestPathUtils.parseAndCache(request).pathWithinApplication();
                boolean below = false;
                PathPattern closest = null;
                Set<String> methods = new TreeSet<>();
                for (RestRegistry.RestService call : context.getRestRegistry().listAllRestServices()) {
                    below |= pattern(call.getBaseUrl() + "/**").matches(path);
                    PathPattern pattern = pattern(call.getBaseUrl());
                    if (pattern.matches(path)) {
                        // A path that a call has for itself is not that of an id.
                        int order = closest == null ? -1 : PathPattern.SPECIFICITY_COMPARATOR.compare(pattern, closest);
                        if (order < 0) {
                            closest = pattern;
                            methods.clear();
                        }
                        if (order <= 0) {
                            methods.add(call.getMethod());
                        }
                    }
                }
                if (below && methods.isEmpty()) {
                    response.sendError(HttpStatus.NOT_FOUND.value());
                } else if (!methods.isEmpty() && !methods.contains(request.getMethod()) && !request.getMethod().equals("OPTIONS")) {
                    response.setHeader("Allow", String.join(", ", methods));
                    response.sendError(HttpStatus.METHOD_NOT_ALLOWED.value());
                } else {
                    chain.doFilter(request, response);
                }
            }

            private PathPattern pattern(String path) {
                return patterns.computeIfAbsent(path, PathPatternParser.defaultInstance::parse);
            }
        };
    }

    /** Refuses bodies that are too large before they are read: Camel takes what comes into memory. */
    @Bean
    Filter smallBodiesOnly() {
        return new OncePerRequestFilter() {
            @Override
            protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws IOException, ServletException {
                long length = request.getContentLengthLong();
                // A body whose length is not said beforehand is read as far as it may go.
                byte[] body = length < 0 && request.getHeader("Transfer-Encoding") != null
                    ? request.getInputStream().readNBytes(Requests.MOST_BYTES + 1) : null;
                if (length <= Requests.MOST_BYTES && (body == null || body.length <= Requests.MOST_BYTES)) {
                    chain.doFilter(body == null ? request : new ReadRequest(request, body), response);
                    return;
                }
                response.setStatus(HttpStatus.PAYLOAD_TOO_LARGE.value());
                response.setContentType("application/json");
                response.getWriter().write("{\"message\": \"" + Requests.TOO_LARGE + "\", \"code\": \"too-large\"}");
            }
        };
    }

    /** A request whose body was read already. */
    private static final class ReadRequest extends HttpServletRequestWrapper {

        private final byte[] body;

        private ReadRequest(HttpServletRequest request, byte[] body) {
            super(request);
            this.body = body;
        }

        @Override
        public int getContentLength() {
            return body.length;
        }

        @Override
        public long getContentLengthLong() {
            return body.length;
        }

        @Override
        public BufferedReader getReader() {
            return new BufferedReader(new InputStreamReader(getInputStream(), StandardCharsets.UTF_8));
        }

        @Override
        public ServletInputStream getInputStream() {
            ByteArrayInputStream bytes = new ByteArrayInputStream(body);
            return new ServletInputStream() {
                @Override
                public int read() {
                    return bytes.read();
                }

                @Override
                public int read(byte[] into, int from, int length) {
                    return bytes.read(into, from, length);
                }

                @Override
                public int available() {
                    return bytes.available();
                }

                @Override
                public boolean isFinished() {
                    return available() == 0;
                }

                @Override
                public boolean isReady() {
                    return true;
                }

                @Override
                public void setReadListener(ReadListener listener) {
                    throw new UnsupportedOperationException();
                }
            };
        }
    }

    /** Answers what no route does (an unknown path, a wrong method) as the routes answer mistakes. */
    @Bean
    ErrorAttributes errorAttributes() {
        return new DefaultErrorAttributes() {
            @Override
            public Map<String, Object> getErrorAttributes(WebRequest request, ErrorAttributeOptions options) {
                Map<String, Object> all = super.getErrorAttributes(request, options);
                String error = String.valueOf(all.get("error"));
                Map<String, Object> answer = new LinkedHashMap<>();
                answer.put("message", error);
                answer.put("code", code(error));
                return answer;
            }
        };
    }

    /** The code of an error that HTTP has a phrase for. */
    private static String code(String phrase) {
        return phrase.toLowerCase(Locale.ROOT).replace(' ', '-');
    }
}
