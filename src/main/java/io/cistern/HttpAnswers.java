package io.cistern;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.Writer;
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
                            if (call.getMethod().equals("GET")) {
                                methods.add("HEAD");
                            }
                        }
                    }
                }
                if (below && methods.isEmpty()) {
                    response.sendError(HttpStatus.NOT_FOUND.value());
                } else if (!methods.isEmpty() && !methods.contains(request.getMethod()) && !request.getMethod().equals("OPTIONS")) {
                    response.setHeader("Allow", String.join(", ", methods));
                    response.sendError(HttpStatus.METHOD_NOT_ALLOWED.value());
                } else if (!methods.isEmpty() && request.getMethod().equals("HEAD")) {
                    chain.doFilter(new GetRequest(request), response);
                } else {
                    chain.doFilter(request, response);
                }
            }

            private PathPattern pattern(String path) {
                return patterns.computeIfAbsent(path, PathPatternParser.defaultInstance::parse);
            }
        };
    }

    /** A HEAD request as the routes see it: Camel matches the methods of the document; Tomcat leaves the body out. */
    private static final class GetRequest extends HttpServletRequestWrapper {

        private GetRequest(HttpServletRequest request) {
            super(request);
        }

        @Override
        public String getMethod() {
            return "GET";
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
