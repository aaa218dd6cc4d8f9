package io.cistern.kafka;

import io.cistern.FatalErrors;
import io.cistern.Settings;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.camel.CamelContext;
import org.apache.camel.CamelContextAware;
import org.apache.camel.support.service.ServiceSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the broker every 15 seconds for the ends of the storer's partitions, for {@link ConsumerMeters}. A consumer of committed
 * records knows the last stable offset only, which an open transaction holds back, and nothing of a topic that it may not read.
 */
public final class LogEndOffsets implements CamelContextAware {

    private static final Logger LOG = LoggerFactory.getLogger(LogEndOffsets.class);
    private static final long INTERVAL_SECONDS = 15;
    private static final int TIMEOUT_MILLIS = 10_000;

    private final ConsumerMeters meters;
    private final Topics topics;
    private final boolean isStorer;
    private final RepeatedFailure failure = new RepeatedFailure(LOG, "Request for the ends of partitions", System::nanoTime);
    private CamelContext camelContext;
    private Admin admin;

    public LogEndOffsets(Settings settings, Topics topics, ConsumerMeters meters) {
        this.isStorer = settings.roles().contains(Settings.Role.STORER);
        this.topics = topics;
        this.meters = meters;
    }

    private void ask() {
        Map<TopicPartition, Long> ends = new HashMap<>();
        Map<TopicPartition, Long> starts = new HashMap<>();
        try {
            if (admin == null) {
                admin = topics.admin();
            }
            Exception last = ask(meters.partitions(), OffsetSpec.latest(), ends);
            Exception lastOfStarts = ask(meters.partitionsWithoutPosition(), OffsetSpec.earliest(), starts);
            if (last == null && lastOfStarts == null) {
                failure.succeeded();
            } else {
                failure.failed(last == null ? lastOfStarts : last);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        } catch (KafkaException e) {
            failure.failed(e);
        }
        meters.known(starts, ends);
    }

    /** Adds what the broker says of each partition; returns why it said nothing of one, or null. */
    private Exception ask(Collection<TopicPartition> partitions, OffsetSpec which, Map<TopicPartition, Long> offsets)
        throws InterruptedException {
        if (partitions.isEmpty()) {
            return null;
        }
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        partitions.forEach(partition -> asked.put(partition, which));
        ListOffsetsResult answer = admin.listOffsets(asked,
            new ListOffsetsOptions(IsolationLevel.READ_UNCOMMITTED).timeoutMs(TIMEOUT_MILLIS));
        Exception last = null;
        for (TopicPartition partition : partitions) {
            try {
                offsets.put(partition,
                    answer.partitionResult(partition).get(TIMEOUT_MILLIS + 1000, TimeUnit.MILLISECONDS).offset());
            } catch (ExecutionException e) {
                last = e.getCause() instanceof Exception cause ? cause : e;
            } catch (TimeoutException e) {
                return e;
            }
        }
        return last;
    }

    private final class Asking extends ServiceSupport {

        private ScheduledExecutorService executor;

        @Override
        protected void doStart() {
            executor = camelContext.getExecutorServiceManager().newSingleThreadScheduledExecutor(this, "log-end-offsets");
            executor.scheduleWithFixedDelay(FatalErrors.watched(() -> {
                try {
                    ask();
                } catch (RuntimeException e) {
                    // It would not be called again.
                    failure.failed(e);
                }
            }), INTERVAL_SECONDS, INTERVAL_SECONDS, TimeUnit.SECONDS);
        }

        @Override
        protected void doStop() {
            camelContext.getExecutorServiceManager().shutdownNow(executor);
            if (admin != null) {
                admin.close(Duration.ZERO);
            }
        }
    }

    @Override
    public void setCamelContext(CamelContext context) {
        if (camelContext == null && isStorer) {
            camelContext = context;
            try {
                context.addService(new Asking(), true, false);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Override
    public CamelContext getCamelContext() {
        return camelContext;
    }
}
