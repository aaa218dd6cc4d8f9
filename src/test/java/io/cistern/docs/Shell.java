package io.cistern.docs;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads a shell script of the kind that documentation has: commands with quotes, variables, pipes, comments, texts that
 * follow ({@code <<}), and assignments of what a command prints. It runs nothing.
 */
final class Shell {

    /** A piece of a word: text, or the name of a variable. */
    record Part(String text, boolean isVariable) {
    }

    /** A word of a command. */
    record Word(List<Part> parts) {

        /** The word with the values of its variables; one without a value is left as it is written. */
        String expand(Map<String, String> variables) {
            StringBuilder text = new StringBuilder();
            for (Part part : parts) {
                text.append(part.isVariable ? variables.getOrDefault(part.text, "$" + part.text) : part.text);
            }
            return text.toString();
        }
    }

    /**
     * Commands with pipes between them.
     *
     * @param variable    gets what they print; null if it is shown
     * @param assignments variables that are set, before the command or without one
     * @param commands    the words of each
     * @param file        the file that gets what they print, or null
     */
    record Step(String variable, Map<String, Word> assignments, List<List<Word>> commands, String file) {
    }

    private static final Set<String> KEYWORDS = Set.of("do", "done", "then", "else", "fi", "if", "while", "until", "!", "{", "}");

    private final String script;
    private final List<Step> steps = new ArrayList<>();
    private List<List<Word>> commands = new ArrayList<>(List.of(new ArrayList<>()));
    private Map<String, Word> assignments = new LinkedHashMap<>();
    private String file;
    private String endOfText;
    private int at;

    private Shell(String script) {
        this.script = script;
    }

    /** The steps of a script, in their order. */
    static List<Step> parse(String script) {
        Shell shell = new Shell(script);
        shell.parse();
        return shell.steps;
    }

    private void parse() {
        while (at < script.length()) {
            char c = script.charAt(at);
            if (c == '\n' || c == ';') {
                at++;
                endStep();
                if (c == '\n' && endOfText != null) {
                    at = script.indexOf("\n" + endOfText + "\n", at - 1) + endOfText.length() + 2;
                    endOfText = null;
                }
            } else if (c == '\\' && script.startsWith("\n", at + 1)) {
                at += 2;
            } else if (c == ' ' || c == '\t') {
                at++;
            } else if (c == '#') {
                at = end();
            } else if (c == '|' || c == '&') {
                boolean isPipe = c == '|' && !script.startsWith("||", at);
                at += script.startsWith(("" + c).repeat(2), at) ? 2 : 1;
                if (isPipe) {
                    commands.add(new ArrayList<>());
                } else {
                    endStep();
                }
            } else if (c == '<' || c == '>') {
                redirection();
            } else {
                add(word());
            }
        }
        endStep();
    }

    private void redirection() {
        if (script.startsWith("<<", at)) {
            at += 2;
            endOfText = word().expand(Map.of());
            return;
        }
        boolean isOutput = script.charAt(at) == '>';
        while (at < script.length() && "<>& ".indexOf(script.charAt(at)) >= 0) {
            at++;
        }
        String target = word().expand(Map.of());
        file = isOutput ? target : file;
    }

    private void add(Word word) {
        List<Word> command = commands.get(commands.size() - 1);
        String text = word.expand(Map.of());
        if (command.isEmpty() && commands.size() == 1 && text.matches("(?s)[A-Za-z_][A-Za-z0-9_]*=.*")) {
            String name = text.substring(0, text.indexOf('='));
            List<Part> value = new ArrayList<>(word.parts);
            Part first = value.remove(0);
            value.add(0, new Part(first.text.substring(name.length() + 1), false));
            if (text.startsWith(name + "=\0")) {
                // What a command prints: its steps were read in its place.
                Step last = steps.remove(steps.size() - 1);
                steps.add(new Step(name, last.assignments, last.commands, last.file));
            } else {
                assignments.put(name, new Word(value));
            }
        } else if (!(command.isEmpty() && KEYWORDS.contains(text))) {
            command.add(text.startsWith("\0") ? new Word(List.of(new Part("…", false))) : word);
        }
    }

    private void endStep() {
        commands.removeIf(List::isEmpty);
        if (!commands.isEmpty() || !assignments.isEmpty()) {
            steps.add(new Step(null, assignments, commands, file));
        }
        commands = new ArrayList<>(List.of(new ArrayList<>()));
        assignments = new LinkedHashMap<>();
        file = null;
    }

    /** Reads a word; what a command in it prints is a NUL, and the command a step before. */
    private Word word() {
        List<Part> parts = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        char quote = 0;
        while (at < script.length()) {
            char c = script.charAt(at);
            if (quote == 0 && " \t\n;|&<>".indexOf(c) >= 0) {
                break;
            }
            at++;
            if (quote == 0 && (c == '\'' || c == '"')) {
                quote = c;
            } else if (c == quote) {
                quote = 0;
            } else if (c == '\\' && quote != '\'') {
                text.append(script.charAt(at++));
            } else if (c == '$' && quote != '\'' && script.startsWith("(", at)) {
                int end = closing();
                steps.addAll(parse(script.substring(at + 1, end)));
                at = end + 1;
                text.append('\0');
            } else if (c == '$' && quote != '\'' && at < script.length() && isOfName(script.charAt(at), '{')) {
                parts.add(new Part(text.toString(), false));
                text.setLength(0);
                parts.add(new Part(name(), true));
            } else {
                text.append(c);
            }
        }
        if (quote != 0) {
            throw new IllegalArgumentException("a quote is not closed");
        }
        parts.add(new Part(text.toString(), false));
        return new Word(parts);
    }

    private String name() {
        int start = at;
        if (script.charAt(at) == '{') {
            at = script.indexOf('}', at) + 1;
            return script.substring(start + 1, at - 1);
        }
        while (at < script.length() && isOfName(script.charAt(at), '_')) {
            at++;
        }
        return script.substring(start, at);
    }

    private static boolean isOfName(char c, char other) {
        return Character.isLetterOrDigit(c) || c == '_' || c == other;
    }

    private int closing() {
        int depth = 0;
        boolean quoted = false;
        for (int i = at; i < script.length(); i++) {
            char c = script.charAt(i);
            quoted ^= c == '\'';
            if (!quoted) {
                depth += c == '(' ? 1 : c == ')' ? -1 : 0;
                if (depth == 0) {
                    return i;
                }
            }
        }
        throw new IllegalArgumentException("a bracket is not closed");
    }

    private int end() {
        int end = script.indexOf('\n', at);
        return end < 0 ? script.length() : end;
    }
}
