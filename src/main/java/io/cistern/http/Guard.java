package io.cistern.http;

import io.cistern.HttpAccess;
import io.cistern.Settings;
import io.cistern.reload.Caller;
import io.cistern.reload.SteeringLog;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.camel.component.platform.http.springboot.PlatformHttpMessage;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.http.HttpMethod;
import org.springframework.security.authentication.dao.DaoAuthenticationProvider;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.crypto.bcrypt.BCryptPasswordEncoder;
import org.springframework.security.crypto.password.DelegatingPasswordEncoder;
import org.springframework.security.crypto.password.NoOpPasswordEncoder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.AnonymousAuthenticationFilter;
import org.springframework.security.web.authentication.www.BasicAuthenticationFilter;
import org.springframework.security.web.firewall.HttpFirewall;
import org.springframework.security.web.firewall.RequestRejectedHandler;
import org.springframework.security.web.firewall.StrictHttpFirewall;
import org.springframework.security.web.servlet.util.matcher.PathPatternRequestMatcher;
import org.springframework.security.web.util.matcher.RequestMatcher;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Asks callers of the HTTP interface who they are, and lets them do what their role may: a viewer reads, an operator does
 * everything. It does not know the calls: what does not only read is for operators, so that users' own are guarded as well.
 */
@Configuration(proxyBeanMethods = false)
class Guard {

    private static final String CALLER = Caller.class.getName();
    private static final String VIEWER = HttpAccess.Role.VIEWER.name();
    /** The methods that the firewall lets pass. */
    private static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");
    private static final String OPERATOR = HttpAccess.Role.OPERATOR.name();

    /** The settings of the interface; what is wrong of them is told by the start-up check, until when nobody is let in. */
    @Bean
    HttpAccess httpAccess(Environment environment) {
        return new Settings(environment::getProperty).http();
    }

    /** Tells routes who calls. */
    @Bean
    Caller.Source callers() {
        return exchange -> exchange.getMessage() instanceof PlatformHttpMessage message
            && message.getRequest().getAttribute(CALLER) instanceof Caller caller ? caller : Caller.UNKNOWN;
    }

    /**
     * Folders may be named as they like, so that a path may hold whatever can be encoded. What is let in unasked is told by
     * the path as it is routed, which Tomcat has no way to step up in.
     */
    @Bean
    HttpFirewall httpFirewall() {
        StrictHttpFirewall firewall = new StrictHttpFirewall();
        firewall.setAllowUrlEncodedSlash(true);
        firewall.setAllowUrlEncodedDoubleSlash(true);
        firewall.setAllowUrlEncodedPercent(true);
        firewall.setAllowUrlEncodedPeriod(true);
        firewall.setAllowUrlEncodedLineFeed(true);
        firewall.setAllowUrlEncodedCarriageReturn(true);
        firewall.setAllowUrlEncodedLineSeparator(true);
        firewall.setAllowUrlEncodedParagraphSeparator(true);
        firewall.setAllowBackSlash(true);
        firewall.setAllowSemicolon(true);
        firewall.setAllowNull(true);
        // A refusal would quote the value, which may be a credential; a credential with such a character is wrong anyway.
        firewall.setAllowedHeaderNames(name -> true);
        firewall.setAllowedHeaderValues(value -> true);
        return firewall;
    }

    /** Answers what the firewall rejects. Its own exception has no type that tells an unknown method from the rest. */
    @Bean
    RequestRejectedHandler rejected() {
        return (request, response, e) -> JsonError.write(response, METHODS.contains(request.getMethod())
            ? HttpServletResponse.SC_BAD_REQUEST : HttpServletResponse.SC_NOT_IMPLEMENTED);
    }

    @Bean
    SecurityFilterChain filters(HttpSecurity http, HttpAccess access) throws Exception {
        http.csrf(AbstractHttpConfigurer::disable)
            .logout(AbstractHttpConfigurer::disable)
            .requestCache(AbstractHttpConfigurer::disable)
            .sessionManagement(sessions -> sessions.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
            .addFilterAfter(new Callers(), AnonymousAuthenticationFilter.class);
        if (!access.isRequired()) {
            return http.authorizeHttpRequests(calls -> calls.anyRequest().permitAll()).build();
        }
        http.exceptionHandling(refusals -> refusals
                .authenticationEntryPoint((request, response, e) -> refuse(access, request, response))
                .accessDeniedHandler((request, response, e) -> refuse(request, response, HttpServletResponse.SC_FORBIDDEN,
                    "The role operator is needed for this call", "forbidden")))
            .authorizeHttpRequests(calls -> calls
                // Parts of what was let in already
                .dispatcherTypeMatchers(DispatcherType.ERROR, DispatcherType.FORWARD, DispatcherType.ASYNC).permitAll()
                .requestMatchers(open(access)).permitAll()
                .requestMatchers(get("/**"), head("/**")).hasAnyRole(VIEWER, OPERATOR)
                .anyRequest().hasRole(OPERATOR));
        if (!access.apiKeys().isEmpty()) {
            http.addFilterBefore(new ApiKeys(access.apiKeys(), (request, response, e) -> refuse(access, request, response)),
                BasicAuthenticationFilter.class);
        }
        if (!access.users().isEmpty()) {
            http.authenticationProvider(users(access.users()))
                .httpBasic(basic -> basic.authenticationEntryPoint((request, response, e) -> refuse(access, request, response)));
        }
        if (access.tokens() != null) {
            Tokens tokens = new Tokens(access.tokens());
            http.oauth2ResourceServer(server -> server
                .authenticationEntryPoint((request, response, e) -> refuse(access, request, response))
                .jwt(jwt -> jwt.decoder(tokens.decoder()).jwtAuthenticationConverter(tokens::authentication)));
        }
        return http.build();
    }

    /** What nobody is asked for: probes, the interface's document, and metrics if that is set. */
    private static RequestMatcher[] open(HttpAccess access) {
        List<RequestMatcher> open = new ArrayList<>();
        for (String path : List.of("/actuator/health", "/actuator/health/**", "/openapi.yaml", "/swagger-ui.html",
            "/swagger-ui/**", "/v3/api-docs/swagger-config")) {
            open.add(get(path));
            open.add(head(path));
        }
        if (access.areMetricsOpen()) {
            open.add(get("/actuator/prometheus"));
        }
        return open.toArray(RequestMatcher[]::new);
    }

    private static RequestMatcher get(String path) {
        return PathPatternRequestMatcher.withDefaults().matcher(HttpMethod.GET, path);
    }

    private static RequestMatcher head(String path) {
        return PathPatternRequestMatcher.withDefaults().matcher(HttpMethod.HEAD, path);
    }

    @SuppressWarnings("deprecation") // A password that stands in the settings as it is, is no worse than an API key there.
    private static DaoAuthenticationProvider users(List<HttpAccess.Credential> users) {
        DaoAuthenticationProvider provider = new DaoAuthenticationProvider(new ExactUserDetailsService(users));
        provider.setPasswordEncoder(new DelegatingPasswordEncoder("bcrypt", Map.of("bcrypt", new BCryptPasswordEncoder(),
            "noop", NoOpPasswordEncoder.getInstance())));
        return provider;
    }

    /** What Spring Security calls a role; an operator is a viewer too. */
    static List<String> authorities(HttpAccess.Role role) {
        return role == HttpAccess.Role.OPERATOR ? List.of("ROLE_" + OPERATOR, "ROLE_" + VIEWER) : List.of("ROLE_" + VIEWER);
    }

    private static void refuse(HttpAccess access, HttpServletRequest request, HttpServletResponse response)
        throws IOException {
        if (!access.users().isEmpty()) {
            response.addHeader("WWW-Authenticate", "Basic realm=\"cistern\", charset=\"UTF-8\"");
        }
        if (access.tokens() != null) {
            response.addHeader("WWW-Authenticate", "Bearer realm=\"cistern\"");
        }
        if (!access.apiKeys().isEmpty()) {
            response.addHeader("WWW-Authenticate", "ApiKey realm=\"cistern\", header=\"" + ApiKeys.HEADER + "\"");
        }
        refuse(request, response, HttpServletResponse.SC_UNAUTHORIZED, "Credentials are needed for this call, and good ones",
            "unauthorized");
    }

    private static void refuse(HttpServletRequest request, HttpServletResponse response, int status, String message,
                               String code) throws IOException {
        SteeringLog.refused(caller(request), request.getMethod(), request.getRequestURI(), status);
        response.setStatus(status);
        response.setContentType("application/json");
        response.getWriter().write("{\"message\": \"" + message + "\", \"code\": \"" + code + "\"}");
    }

    private static Caller caller(HttpServletRequest request) {
        Authentication authentication = SecurityContextHolder.getContext().getAuthentication();
        List<String> roles = authentication == null ? List.of() : authentication.getAuthorities().stream()
            .map(authority -> authority.getAuthority()).toList();
        String role = roles.contains("ROLE_" + OPERATOR) ? OPERATOR : roles.contains("ROLE_" + VIEWER) ? VIEWER : null;
        boolean isKnown = authentication != null && request.getUserPrincipal() != null;
        return new Caller(isKnown ? authentication.getName() : null, role == null ? null : role.toLowerCase(Locale.ROOT),
            request.getRemoteAddr());
    }

    /** Leaves with the request who calls, for {@link #callers}. */
    private static final class Callers extends OncePerRequestFilter {

        @Override
        protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
            request.setAttribute(CALLER, caller(request));
            chain.doFilter(request, response);
        }
    }
}
