package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.cistern.Settings;
import io.cistern.testing.ApplicationYaml;
import io.cistern.testing.Ports;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.IllegalSaslStateException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnsupportedSaslMechanismException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Why a broker cannot be used, with the settings to look at. */
class BrokerFailureTest {

    @Test
    void tellsHowFarEachAddressIsReached() throws IOException {
        try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            int closed = Ports.free();
            String brokers = "127.0.0.1:" + listener.getLocalPort() + ",127.0.0.1:" + closed + ",no-such-host.invalid:9092";
            for (Exception timeout : new Exception[] {new java.util.concurrent.TimeoutException(),
                new KafkaException("asked", new TimeoutException("Timed out waiting for a node assignment. Call: describeCluster"))}) {
                assertThat(failure(brokers, "SASL_SSL").describe(timeout)).isEqualTo("no broker answered within 15s with the security"
                    + " protocol SASL_SSL (PLAIN): 127.0.0.1:" + listener.getLocalPort() + " accepts connections; 127.0.0.1:" + closed
                    + ": nothing listens on this port; no-such-host.invalid:9092: the host name cannot be resolved: its listener"
                    + " may have another security protocol, see camel.component.kafka.security-protocol (environment"
                    + " KAFKA_SECURITY_PROTOCOL) and kafka.username (environment KAFKA_USERNAME); or its advertised.listeners name"
                    + " hosts that cannot be reached from here");
            }
            assertThat(failure("127.0.0.1:" + closed, "PLAINTEXT").describe(new TimeoutException("x"))).isEqualTo("no broker"
                + " answered within 15s with the security protocol PLAINTEXT: 127.0.0.1:" + closed + ": nothing listens on this port");
        }
    }

    static Stream<Arguments> namesTheSettings() {
        return Stream.of(
            Arguments.of(new UnsupportedSaslMechanismException("x"), "kafka.sasl-mechanism (environment KAFKA_SASL_MECHANISM)"),
            Arguments.of(new IllegalSaslStateException("x"), "kafka.username (environment KAFKA_USERNAME)"),
            Arguments.of(new SaslAuthenticationException("x"), "kafka.password (environment KAFKA_PASSWORD)"),
            Arguments.of(new SslAuthenticationException("x"), "ssl.truststore.location"));
    }

    @ParameterizedTest
    @MethodSource
    void namesTheSettings(Exception cause, String setting) {
        assertThat(failure("b:1", "SASL_SSL").describe(new ExecutionException(cause))).startsWith("x; ").contains(setting);
    }

    @Test
    void otherFailuresKeepTheirReason() {
        assertThat(failure("b:1", "SSL").describe(new KafkaException("Failed to create new KafkaAdminClient",
            new KafkaException("the reason")))).isEqualTo("the reason");
    }

    private static BrokerFailure failure(String brokers, String protocol) {
        Properties connection = new Properties();
        connection.put("security.protocol", protocol);
        connection.put("sasl.mechanism", "PLAIN");
        return new BrokerFailure(new Settings(ApplicationYaml.lookup(Map.of("KAFKA_BROKERS", brokers))), connection);
    }
}
