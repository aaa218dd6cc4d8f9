package io.cistern.docs;

import java.util.List;
import java.util.Set;

/**
 * What a {@code curl} command asks for.
 *
 * @param url  with the host, and without a scheme if none is written
 * @param body null if there is none
 */
record Curl(String method, String url, String body) {

    private static final Set<String> ALONE = Set.of("-s", "-S", "-f", "-sS", "-sf", "-fsS", "-sSf", "-k", "-i", "-N", "-L",
        "--fail", "--silent", "--insecure");
    private static final Set<String> WITH_VALUE = Set.of("-H", "-u", "-o", "-w", "--cacert", "--cert", "--key", "--max-time",
        "--header", "--user", "--retry");

    /**
     * Reads the words of a command.
     *
     * @throws IllegalArgumentException if it has an option that curl may know, and the documentation does not use
     */
    static Curl parse(List<String> words) {
        String method = null;
        String url = null;
        String body = null;
        for (int i = 1; i < words.size(); i++) {
            String word = words.get(i);
            switch (word) {
                case "-X", "--request" -> method = words.get(++i);
                case "-d", "--data" -> body = words.get(++i);
                default -> {
                    if (WITH_VALUE.contains(word)) {
                        i++;
                    } else if (word.startsWith("-") && !ALONE.contains(word)) {
                        throw new IllegalArgumentException("curl: option " + word);
                    } else if (!word.startsWith("-")) {
                        url = word;
                    }
                }
            }
        }
        if (url == null) {
            throw new IllegalArgumentException("curl: no address");
        }
        return new Curl(method != null ? method : body == null ? "GET" : "POST", url, body);
    }

    /** The path with its query, if it is Cistern that is asked: on the port that it has unless it is told another. */
    String pathOfCistern() {
        String rest = url.replaceFirst("^https?://", "");
        int slash = rest.indexOf('/');
        boolean isCistern = rest.matches("(localhost|[a-z.-]*cistern[a-z.-]*):3000/.*");
        return isCistern ? rest.substring(slash) : null;
    }
}
