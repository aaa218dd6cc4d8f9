package io.cistern.settings;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lists of bootstrap servers. */
class BrokerAddressesTest {

    @Test
    void takesHostsAndPorts() {
        for (String brokers : new String[] {"", "localhost:9092", "a.example:1, b-2.example:65535", "10.0.0.1:9092,",
            "[::1]:9092", "my_kafka:9092"}) {
            assertThat(BrokerAddresses.problem(brokers)).as(brokers).isNull();
        }
        assertThat(BrokerAddresses.parse("a:1, [::1]:2")).extracting(address -> address.getHostString() + "/" + address.getPort())
            .containsExactly("a/1", "::1/2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://localhost:9092", "PLAINTEXT://localhost:9092", "localhost", "localhost:", ":9092",
        "localhost:0", "localhost:99999", "localhost:abc", "a:1;b:2", "a:1 b:2", "localhost:9092/path"})
    void refusesOtherForms(String brokers) {
        assertThat(BrokerAddresses.problem("right:9092," + brokers))
            .isEqualTo("expected host:port, with commas between, not \"" + brokers + '"');
    }

    @Test
    void showsNoPasswordOfAUrl() {
        assertThat(BrokerAddresses.problem("https://me:hunter2@host:9092")).doesNotContain("hunter2").endsWith("\"***@host:9092\"");
    }
}
