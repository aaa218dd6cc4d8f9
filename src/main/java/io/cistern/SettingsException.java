package io.cistern;

import java.util.List;

/** Why Cistern does not start: everything that is wrong with its settings and surroundings, each naming its key. */
public class SettingsException extends RuntimeException {

    private final List<String> problems;

    public SettingsException(List<String> problems) {
        super(String.join("\n", problems));
        this.problems = List.copyOf(problems);
    }

    /** A sentence for each problem. */
    public List<String> problems() {
        return problems;
    }
}
