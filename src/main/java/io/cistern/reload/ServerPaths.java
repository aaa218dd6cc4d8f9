package io.cistern.reload;

import java.util.regex.Pattern;

/** Keeps file paths of this machine out of messages that callers get. */
final class ServerPaths {

    /** An absolute path, not the part of a URL. */
    private static final Pattern PATH = Pattern.compile("(?<![\\w:/.])(?:file:)?/[^\\s:,;'\"()\\[\\]]+");

    private ServerPaths() {
    }

    /** A message without absolute paths; paths in the bucket are relative, and stay. */
    static String hide(String message) {
        return PATH.matcher(String.valueOf(message)).replaceAll("(path)");
    }
}
