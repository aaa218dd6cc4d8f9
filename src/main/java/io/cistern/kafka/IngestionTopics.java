package io.cistern.kafka;

import io.cistern.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.camel.component.kafka.consumer.support.subcription.DefaultSubscribeAdapter;
import org.apache.camel.component.kafka.consumer.support.subcription.TopicInfo;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;

/**
 * Subscribes the endpoint with the topic {@value #NAME} to the ingestion topics of the settings, by their names or by
 * patterns, which an endpoint's address cannot hold. Other endpoints subscribe to what their address says.
 */
public final class IngestionTopics extends DefaultSubscribeAdapter {

    /** Stands in a route for the ingestion topics. */
    public static final String NAME = "ingestion-topics";

    private final Settings settings;

    public IngestionTopics(Settings settings) {
        this.settings = settings;
    }

    @Override
    public void subscribe(Consumer<?, ?> consumer, ConsumerRebalanceListener listener, TopicInfo topicInfo) {
        if (topicInfo.isPattern() || !List.copyOf(topicInfo.getTopics()).equals(List.of(NAME))) {
            super.subscribe(consumer, listener, topicInfo);
        } else if (settings.mappings().stream().allMatch(mapping -> mapping.pattern() == null)) {
            consumer.subscribe(settings.mappings().stream().map(Settings.Mapping::topic).toList(), listener);
        } else {
            consumer.subscribe(Pattern.compile(String.join("|", patterns())), listener);
        }
    }

    private List<String> patterns() {
        List<String> patterns = new ArrayList<>();
        for (Settings.Mapping mapping : settings.mappings()) {
            patterns.add(mapping.pattern() == null
                ? Pattern.quote(mapping.topic()) : "(?:" + mapping.pattern().pattern() + ")");
        }
        return patterns;
    }
}
