package io.cistern.kafka;

/**
 * A record of one of the topics that hold the state of reloads.
 *
 * @param partition null for the partitioner's choice by key
 * @param value     JSON, or null for one that removes what the key names
 */
public record Entry(String topic, Integer partition, String key, byte[] value) {
}
