package io.cistern.http;

import io.cistern.HttpAccess;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.springframework.security.core.authority.AuthorityUtils;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.core.userdetails.UsernameNotFoundException;

/** Finds the users of the settings by their exact names: Spring's own service in memory ignores case. */
final class ExactUserDetailsService implements UserDetailsService {

    private final Map<String, HttpAccess.Credential> byName = new HashMap<>();

    /** @throws IllegalArgumentException if two users have the same name */
    ExactUserDetailsService(List<HttpAccess.Credential> users) {
        for (HttpAccess.Credential user : users) {
            if (byName.put(user.name(), user) != null) {
                throw new IllegalArgumentException("bss.http.users: user " + user.name() + " is configured twice");
            }
        }
    }

    @Override
    public UserDetails loadUserByUsername(String name) {
        HttpAccess.Credential user = byName.get(name);
        if (user == null) {
            throw new UsernameNotFoundException("Unknown user");
        }
        // A new object each time: Spring erases the password after authentication.
        return User.withUsername(user.name()).password(user.secret())
            .authorities(AuthorityUtils.createAuthorityList(Guard.authorities(user.role()))).build();
    }
}
