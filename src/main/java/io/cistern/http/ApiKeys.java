package io.cistern.http;

import io.cistern.HttpAccess;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.security.authentication.BadCredentialsException;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Knows callers by the key in a header. Keys are held and compared as their SHA-256 hashes, each in the same time whether it
 * is right or not, and always all of them.
 */
final class ApiKeys extends OncePerRequestFilter {

    static final String HEADER = "X-API-Key";

    private final Map<byte[], HttpAccess.Credential> byHash = new LinkedHashMap<>();
    private final AuthenticationEntryPoint refusal;

    /** @param refusal answers calls with a key that is none */
    ApiKeys(List<HttpAccess.Credential> keys, AuthenticationEntryPoint refusal) {
        this.refusal = refusal;
        for (HttpAccess.Credential key : keys) {
            byHash.put(key.secret().startsWith(HttpAccess.HASHED)
                ? HexFormat.of().parseHex(key.secret().substring(HttpAccess.HASHED.length())) : hash(key.secret()), key);
        }
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws IOException, ServletException {
        String presented = request.getHeader(HEADER);
        if (presented != null) {
            HttpAccess.Credential key = find(presented);
            if (key == null) {
                refusal.commence(request, response, new BadCredentialsException("Unknown API key"));
                return;
            }
            SecurityContext context = SecurityContextHolder.createEmptyContext();
            context.setAuthentication(UsernamePasswordAuthenticationToken.authenticated(key.name(), null,
                AuthorityUtils.createAuthorityList(Guard.authorities(key.role()))));
            SecurityContextHolder.setContext(context);
        }
        chain.doFilter(request, response);
    }

    private HttpAccess.Credential find(String presented) {
        byte[] hash = hash(presented);
        HttpAccess.Credential found = null;
        for (Map.Entry<byte[], HttpAccess.Credential> known : byHash.entrySet()) {
            if (MessageDigest.isEqual(known.getKey(), hash)) {
                found = known.getValue();
            }
        }
        return found;
    }

    private static byte[] hash(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
