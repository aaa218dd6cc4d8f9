package io.cistern.kafka;

import io.cistern.Settings;
import io.cistern.settings.BrokerAddresses;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.util.Properties;
import java.util.StringJoiner;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.errors.IllegalSaslStateException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.UnsupportedSaslMechanismException;

/**
 * Explains why a broker cannot be used, with the settings to look at. Kafka's clients report most mistakes as a timeout, so that
 * each address is then connected to once without Kafka's protocol.
 */
final class BrokerFailure {

    private static final int CONNECT_MILLIS = 2_000;

    private final Settings settings;
    private final Properties connection;

    /** @param connection the properties of the client that failed */
    BrokerFailure(Settings settings, Properties connection) {
        this.settings = settings;
        this.connection = connection;
    }

    /** A reason with the keys and variables of the settings that it may come from; it holds no secret of its own. */
    String describe(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null && !isExplained(cause)) {
            cause = cause.getCause();
        }
        if (cause instanceof TimeoutException || cause instanceof org.apache.kafka.common.errors.TimeoutException) {
            return "no broker answered within " + settings.startTimeout().toSeconds() + "s with the security protocol "
                + protocol() + ": " + connections();
        }
        return (cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage()) + settingsOf(cause);
    }

    private static boolean isExplained(Throwable cause) {
        return cause instanceof org.apache.kafka.common.errors.TimeoutException || !settingsOf(cause).isEmpty();
    }

    private static String settingsOf(Throwable cause) {
        if (cause instanceof UnsupportedSaslMechanismException) {
            return "; see " + Settings.name("kafka.sasl-mechanism");
        }
        if (cause instanceof IllegalSaslStateException) {
            return "; the listener has no SASL: see " + Settings.name("kafka.username") + " and the port in "
                + Settings.name("camel.component.kafka.brokers");
        }
        if (cause instanceof SaslAuthenticationException) {
            return "; see " + Settings.name("kafka.username") + ", " + Settings.name("kafka.password") + " and "
                + Settings.name("kafka.sasl-mechanism");
        }
        if (cause instanceof SslAuthenticationException) {
            return "; see ssl.truststore.location in camel.component.kafka.additional-properties, and "
                + Settings.name("camel.component.kafka.security-protocol");
        }
        return "";
    }

    private String protocol() {
        String protocol = String.valueOf(connection.getOrDefault(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG, "PLAINTEXT"));
        return protocol.startsWith("SASL") ? protocol + " (" + connection.get(SaslConfigs.SASL_MECHANISM) + ")" : protocol;
    }

    private String connections() {
        StringJoiner tried = new StringJoiner("; ");
        boolean isReached = false;
        for (InetSocketAddress address : BrokerAddresses.parse(settings.value("camel.component.kafka.brokers"))) {
            String name = address.getHostString() + ":" + address.getPort();
            try {
                connect(address);
                isReached = true;
                tried.add(name + " accepts connections");
            } catch (UnknownHostException e) {
                tried.add(name + ": the host name cannot be resolved");
            } catch (SocketTimeoutException e) {
                tried.add(name + ": no connection within " + CONNECT_MILLIS / 1000 + "s, a firewall may drop it");
            } catch (ConnectException e) {
                tried.add(name + ": nothing listens on this port");
            } catch (IOException e) {
                tried.add(name + ": " + e.getMessage());
            }
        }
        return tried + (isReached ? ": its listener may have another security protocol, see "
            + Settings.name("camel.component.kafka.security-protocol") + " and " + Settings.name("kafka.username")
            + "; or its advertised.listeners name hosts that cannot be reached from here" : "");
    }

    private static void connect(InetSocketAddress address) throws IOException {
        try (Socket socket = new Socket()) {
            InetAddress host = InetAddress.getByName(address.getHostString());
            socket.connect(new InetSocketAddress(host, address.getPort()), CONNECT_MILLIS);
        }
    }
}
