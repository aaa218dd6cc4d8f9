package io.cistern;

import io.cistern.Finding.Outcome;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.springframework.core.env.Environment;

/** Checks the port of the HTTP interface, and the one of the management endpoints if that is another one. */
final class HttpPortCheck {

    private static final String PORT = "server.port";
    private static final String MANAGEMENT_PORT = "management.server.port";
    private static final Pattern NUMBER = Pattern.compile("\\d{1,5}");

    private final Environment environment;

    HttpPortCheck(Environment environment) {
        this.environment = environment;
    }

    /** A sentence for each port that is not a number in its range; empty if all are. It opens nothing. */
    List<String> problems() {
        List<String> problems = new ArrayList<>();
        for (String key : keys()) {
            String value = value(key);
            if (!NUMBER.matcher(value).matches() || Integer.parseInt(value) > 65_535) {
                problems.add(Settings.name(key) + ": expected a port from 1 to 65535, or 0 for any free one, not \""
                    + value.replaceAll("\\p{Cntrl}", "?") + '"');
            }
        }
        return problems;
    }

    /** Opens each port for a moment. */
    List<Finding> run() {
        List<String> problems = problems();
        if (!problems.isEmpty()) {
            return problems.stream().map(problem -> new Finding("http", "port", "read the settings", Outcome.WRONG, problem))
                .toList();
        }
        return keys().stream().map(this::open).toList();
    }

    private Finding open(String key) {
        String port = value(key);
        String address = value(key.equals(PORT) ? "server.address" : "management.server.address");
        String subject = "port " + port + (address.isEmpty() ? "" : " of " + address);
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(address.isEmpty() ? new InetSocketAddress(Integer.parseInt(port))
                : new InetSocketAddress(InetAddress.getByName(address), Integer.parseInt(port)));
            return new Finding("http", subject, "opened it", Outcome.RIGHT, "it is free");
        } catch (IOException e) {
            return new Finding("http", subject, "opened it", Outcome.WRONG, Settings.name(key) + ": cannot be opened: "
                + e.getMessage());
        }
    }

    private List<String> keys() {
        String management = value(MANAGEMENT_PORT);
        return management.isEmpty() || management.equals(value(PORT)) ? List.of(PORT) : List.of(PORT, MANAGEMENT_PORT);
    }

    private String value(String key) {
        return environment.getProperty(key, "").trim();
    }
}
