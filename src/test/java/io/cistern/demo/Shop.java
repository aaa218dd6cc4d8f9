package io.cistern.demo;

import java.util.List;

import io.cistern.broker.EmbeddedKafka;

/** The topics of the demo's shop, and where Cistern is told to put what is in them. */
final class Shop {

    static final String GROUP = "cistern-demo";
    static final String EVENTS = "cistern.events";
    static final String POST = "orders.post";
    static final int POST_PARTITIONS = 4;

    /** An ingestion topic with its bucket folder and the topic into which it is reloaded. */
    record Topic(String ingestion, int partitions, String folder, String reingestion) { }

    static final List<Topic> TOPICS = List.of(
            new Topic(ChangeStream.ORDERS, 4, "orders", "orders.reingestion"),
            new Topic(ChangeStream.CUSTOMERS, 3, "customers", "customers.reingestion"),
            new Topic(ChangeStream.PAYMENTS, 4, "payments", "payments.reingestion"));

    private Shop() {
    }

    static void createTopics(EmbeddedKafka kafka) {
        for (Topic topic : TOPICS) {
            kafka.createTopic(topic.ingestion(), topic.partitions());
            kafka.createTopic(topic.reingestion(), topic.partitions());
        }
        kafka.createTopic(POST, POST_PARTITIONS);
        kafka.createTopic(EVENTS, 1);
    }
}
