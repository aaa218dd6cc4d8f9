package io.cistern;

import java.net.URI;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Who may call the HTTP interface, and how callers prove who they are: {@code bss.http}. What asks them is not here.
 *
 * @param isRequired     whether callers must say who they are; otherwise everybody may do everything
 * @param areMetricsOpen whether everybody may read the metrics
 * @param apiKeys        the secret is the key, or {@code sha256:} and its hash in hex
 * @param users          the secret is {@code {bcrypt}} and a hash, or {@code {noop}} and the password
 * @param tokens         of an identity provider; null if none are taken
 */
public record HttpAccess(boolean isRequired, boolean areMetricsOpen, List<Credential> apiKeys, List<Credential> users,
                         Tokens tokens) {

    /** What a caller may do: read; or steer as well. */
    public enum Role { VIEWER, OPERATOR }

    /** What a caller proves a name and a role with; printed without its secret. */
    public record Credential(String name, Role role, String secret) {

        @Override
        public String toString() {
            return name + ":" + role;
        }
    }

    /**
     * What makes a token a good one, and its bearer a viewer or an operator.
     *
     * @param issuer       that must be named, where its keys are found; or null
     * @param keys         where the keys are, or null for where the issuer says
     * @param audience     that must be named
     * @param nameClaim    the claim with the name
     * @param rolesClaim   the claim with the roles, a path with dots
     * @param viewerRole   what a viewer has there
     * @param operatorRole what an operator has there
     */
    public record Tokens(String issuer, String keys, String audience, String nameClaim, String rolesClaim, String viewerRole,
                         String operatorRole) {
    }

    /** What stands before the hash of an API key. */
    public static final String HASHED = "sha256:";

    private static final Pattern NAME = Pattern.compile("[\\w.@-]{1,64}");
    private static final Pattern KEY = Pattern.compile(HASHED + "[0-9a-fA-F]{64}|(?!" + HASHED + ")[!-~]{16,512}");
    private static final Pattern PASSWORD =
        Pattern.compile("\\{bcrypt}\\$2[aby]\\$\\d\\d\\$[./0-9A-Za-z]{53}|\\{noop}.{12,}");

    /**
     * Reads the settings.
     *
     * @param text    gives the value of a key, empty if it is not set
     * @param problem is told the key and what is wrong with it; never a secret
     */
    static HttpAccess read(Function<String, String> text, BiConsumer<String, String> problem) {
        choice("bss.http.authentication", text, problem, "required", "none");
        choice("bss.http.metrics", text, problem, "open", "viewer");
        List<Credential> users = credentials("bss.http.users", text, problem, PASSWORD,
            "{bcrypt} and a hash, or {noop} and 12 characters or more");
        Set<String> names = new HashSet<>();
        if (!users.stream().allMatch(user -> names.add(user.name))) {
            problem.accept("bss.http.users", "a name is there twice");
        }
        return new HttpAccess(!text.apply("bss.http.authentication").equals("none"),
            !text.apply("bss.http.metrics").equals("viewer"),
            credentials("bss.http.api-keys", text, problem, KEY,
                "16 characters or more without spaces, or " + HASHED + " and 64 hex digits"),
            users, tokens(text, problem));
    }

    private static void choice(String key, Function<String, String> text, BiConsumer<String, String> problem, String... values) {
        if (!List.of(values).contains(text.apply(key))) {
            problem.accept(key, "expected " + String.join(" or ", values));
        }
    }

    private static List<Credential> credentials(String key, Function<String, String> text, BiConsumer<String, String> problem,
                                                Pattern secret, String expected) {
        List<Credential> found = new ArrayList<>();
        String all = text.apply(key);
        String[] entries = all.isEmpty() ? new String[0] : all.split(",", -1);
        for (int i = 0; i < entries.length; i++) {
            String[] parts = entries[i].trim().split(":", 3);
            Role role = parts.length < 3 ? null : role(parts[1]);
            // An entry that is not right may be a secret as a whole.
            if (role == null || !NAME.matcher(parts[0]).matches()) {
                problem.accept(key, "entry " + (i + 1) + ": expected name:viewer: or name:operator: and a secret");
            } else if (!secret.matcher(parts[2]).matches()) {
                problem.accept(key, "entry " + (i + 1) + ": expected as the secret " + expected);
            } else {
                found.add(new Credential(parts[0], role, parts[2]));
            }
        }
        return List.copyOf(found);
    }

    private static Role role(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "viewer" -> Role.VIEWER;
            case "operator" -> Role.OPERATOR;
            default -> null;
        };
    }

    private static Tokens tokens(Function<String, String> text, BiConsumer<String, String> problem) {
        String issuer = address("bss.http.oauth2.issuer-uri", text, problem);
        String keys = address("bss.http.oauth2.jwk-set-uri", text, problem);
        if (issuer == null && keys == null) {
            return null;
        }
        for (String key : List.of("audience", "name-claim", "roles-claim", "viewer-role", "operator-role")) {
            if (text.apply("bss.http.oauth2." + key).isEmpty()) {
                problem.accept("bss.http.oauth2." + key, "is required where tokens are taken");
            }
        }
        return new Tokens(issuer, keys, text.apply("bss.http.oauth2.audience"), text.apply("bss.http.oauth2.name-claim"),
            text.apply("bss.http.oauth2.roles-claim"), text.apply("bss.http.oauth2.viewer-role"),
            text.apply("bss.http.oauth2.operator-role"));
    }

    private static String address(String key, Function<String, String> text, BiConsumer<String, String> problem) {
        String address = text.apply(key);
        try {
            if (address.isEmpty() || address.matches("https?://.+") && URI.create(address).getHost() != null) {
                return address.isEmpty() ? null : address;
            }
        } catch (IllegalArgumentException e) {
            // reported below, as one that is none
        }
        problem.accept(key, "expected an address like https://host/path");
        return null;
    }

    /** Whether there is anything that callers could prove who they are with. */
    public boolean hasCredentials() {
        return !apiKeys.isEmpty() || !users.isEmpty() || tokens != null;
    }

    /** Why the credentials of these settings protect nothing; null if they do, or if there are none. */
    String warning() {
        return isRequired || !hasCredentials() ? null : Settings.name("bss.http.authentication") + ": is none, so that "
            + Stream.of(apiKeys.isEmpty() ? "" : Settings.name("bss.http.api-keys"), users.isEmpty() ? ""
                : Settings.name("bss.http.users"), tokens == null ? "" : Settings.name("bss.http.oauth2.issuer-uri"))
                .filter(setting -> !setting.isEmpty()).collect(Collectors.joining(", "))
            + " protect nothing: everybody who reaches the port may do everything";
    }

    Stream<String> secrets() {
        return Stream.concat(apiKeys.stream(), users.stream()).map(credential -> credential.secret.replaceFirst("^\\{\\w+}", ""));
    }
}
