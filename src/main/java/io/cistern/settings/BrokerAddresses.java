package io.cistern.settings;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A list of bootstrap servers, {@code host:port} with commas between. Kafka's clients take a URL too and ignore its scheme, so
 * that {@code https://host:9092} connects without encryption.
 */
public final class BrokerAddresses {

    private static final Pattern ADDRESS = Pattern.compile("(\\[[0-9a-fA-F:.%]+]|[0-9a-zA-Z._-]+):(\\d{1,5})");

    private BrokerAddresses() {
    }

    /** What is wrong with the list, without the credentials that a URL may hold; null if nothing is. */
    public static String problem(String brokers) {
        for (String address : split(brokers)) {
            Matcher parts = ADDRESS.matcher(address);
            if (!parts.matches() || port(parts) < 1 || port(parts) > 65_535) {
                return "expected host:port, with commas between, not \""
                    + address.replaceAll("\\p{Cntrl}", "?").replaceAll(".*@", "***@") + '"';
            }
        }
        return null;
    }

    /** The addresses of a list without a {@link #problem}, not resolved. */
    public static List<InetSocketAddress> parse(String brokers) {
        List<InetSocketAddress> addresses = new ArrayList<>();
        for (String address : split(brokers)) {
            Matcher parts = ADDRESS.matcher(address);
            if (parts.matches()) {
                addresses.add(InetSocketAddress.createUnresolved(parts.group(1).replaceAll("[\\[\\]]", ""), port(parts)));
            }
        }
        return addresses;
    }

    private static int port(Matcher parts) {
        return Integer.parseInt(parts.group(2));
    }

    private static List<String> split(String brokers) {
        return List.of(brokers.split(",")).stream().map(String::trim).filter(address -> !address.isEmpty()).toList();
    }
}
