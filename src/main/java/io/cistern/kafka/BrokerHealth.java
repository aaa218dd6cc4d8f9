package io.cistern.kafka;

import io.cistern.DependencyHealth;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.camel.support.service.ServiceSupport;
import org.apache.kafka.clients.admin.Admin;

/** Whether a broker answers; Camel's own check cannot tell for clients that are not Kafka's own classes. */
public final class BrokerHealth extends DependencyHealth {

    private static final int TIMEOUT_SECONDS = 3;

    private final Topics topics;
    private Admin admin;

    public BrokerHealth(Topics topics) {
        super("broker");
        this.topics = topics;
    }

    @Override
    protected void ask() throws Exception {
        if (admin == null) {
            admin = topics.admin();
            getCamelContext().addService(new ServiceSupport() {
                @Override
                protected void doStop() {
                    admin.close(Duration.ZERO);
                }
            });
        }
        admin.describeCluster().nodes().get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
    }

    /** A timeout has no message of its own. */
    @Override
    protected String reason(Exception failure) {
        return failure instanceof TimeoutException ? "no broker answered within " + TIMEOUT_SECONDS + "s" : super.reason(failure);
    }
}
