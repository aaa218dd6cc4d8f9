package io.cistern.http;

import io.cistern.HttpAccess;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimNames;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.jwt.SupplierJwtDecoder;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationToken;

/** Bearer tokens: whether one is good, and what its bearer may do. The provider is asked when the first one comes. */
final class Tokens {

    private final HttpAccess.Tokens settings;

    Tokens(HttpAccess.Tokens settings) {
        this.settings = settings;
    }

    JwtDecoder decoder() {
        return new SupplierJwtDecoder(() -> {
            NimbusJwtDecoder decoder = (settings.keys() == null ? NimbusJwtDecoder.withIssuerLocation(settings.issuer())
                : NimbusJwtDecoder.withJwkSetUri(settings.keys()))
                // Those with a public key: whoever can check a token cannot make one.
                .jwsAlgorithms(algorithms -> algorithms.addAll(Arrays.asList(SignatureAlgorithm.values()))).build();
            List<OAuth2TokenValidator<Jwt>> checks = new ArrayList<>();
            checks.add(new JwtClaimValidator<Collection<String>>(JwtClaimNames.AUD,
                audiences -> audiences != null && audiences.contains(settings.audience())));
            checks.add(settings.issuer() == null ? JwtValidators.createDefault()
                : JwtValidators.createDefaultWithIssuer(settings.issuer()));
            // One that never expires could not be taken back.
            checks.add(new JwtClaimValidator<>(JwtClaimNames.EXP, expiry -> expiry != null));
            decoder.setJwtValidator(JwtValidators.createDefaultWithValidators(checks));
            return decoder;
        });
    }

    AbstractAuthenticationToken authentication(Jwt token) {
        List<String> roles = roles(token.getClaims());
        List<String> authorities = roles.contains(settings.operatorRole()) ? Guard.authorities(HttpAccess.Role.OPERATOR)
            : roles.contains(settings.viewerRole()) ? Guard.authorities(HttpAccess.Role.VIEWER) : List.of();
        Object name = token.getClaims().get(settings.nameClaim());
        return new JwtAuthenticationToken(token, AuthorityUtils.createAuthorityList(authorities),
            name == null ? token.getSubject() : name.toString());
    }

    private List<String> roles(Map<String, Object> claims) {
        Object roles = claims.get(settings.rolesClaim());
        if (roles == null) {
            roles = claims;
            for (String step : settings.rolesClaim().split("\\.")) {
                roles = roles instanceof Map<?, ?> object ? object.get(step) : null;
            }
        }
        return roles instanceof Collection<?> list ? list.stream().map(String::valueOf).toList()
            : roles instanceof String text ? List.of(text.split("\\s+")) : List.of();
    }
}
