package io.cistern.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.junit.jupiter.api.Test;

/** Why the broker is DOWN, as the details of the probe say it. */
class BrokerHealthTest {

    @Test
    void namesTheReason() {
        BrokerHealth health = new BrokerHealth(null);
        assertThat(health.reason(new TimeoutException())).isEqualTo("no broker answered within 3s");
        assertThat(health.reason(new ExecutionException(new ClusterAuthorizationException("not permitted"))))
            .contains("not permitted");
    }
}
