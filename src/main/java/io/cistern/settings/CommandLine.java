package io.cistern.settings;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Checks the arguments of the process: its own options, and properties as {@code --key=value}. */
public final class CommandLine {

    /** The options of Cistern, each with the command that it belongs to; a command belongs to itself. */
    private static final Map<String, Set<String>> OPTIONS = new TreeMap<>(Map.of("--check", Set.of("--check"),
        "--audit", Set.of("--audit"), "--write", Set.of("--check"), "--deep", Set.of("--audit"),
        "--format", Set.of("--check", "--audit")));
    private static final Set<String> WITHOUT_VALUE = Set.of("--check", "--write");
    /** The options of Spring Boot that are no keys with dots. */
    private static final Set<String> OF_SPRING = Set.of("--debug", "--trace");
    /** A key with dots or an environment variable. */
    private static final Pattern PROPERTY = Pattern.compile("--([^=]+\\.[^=]+|[A-Z][A-Z0-9_]*)=.*", Pattern.DOTALL);

    private CommandLine() {
    }

    /** A sentence for each argument that is wrong; empty if all are right. It shows no values. */
    public static List<String> problems(String... args) {
        Set<String> given = new TreeSet<>();
        for (String arg : args) {
            given.add(name(arg));
        }
        List<String> problems = new ArrayList<>();
        for (String arg : args) {
            String problem = problem(arg, given);
            if (problem != null) {
                problems.add(name(arg).replaceAll("\\p{Cntrl}", "?") + ": " + problem);
            }
        }
        return problems;
    }

    private static String problem(String arg, Set<String> given) {
        String name = name(arg);
        if (OF_SPRING.contains(name) || PROPERTY.matcher(arg).matches()) {
            return null;
        }
        Set<String> commands = OPTIONS.get(name);
        if (commands == null) {
            return "unknown option, the nearest known one is " + NearestName.of(name, OPTIONS.keySet())
                + "; settings are given as --key=value";
        }
        if (WITHOUT_VALUE.contains(name) && !arg.equals(name)) {
            return "takes no value";
        }
        return commands.stream().anyMatch(given::contains) ? null
            : "is an option of " + String.join(" and ", new TreeSet<>(commands)) + " only";
    }

    private static String name(String arg) {
        int equals = arg.indexOf('=');
        return equals < 0 ? arg : arg.substring(0, equals);
    }
}
