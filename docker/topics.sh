#!/usr/bin/env bash
# Makes the topics of the deployments in this folder where they are missing, with Kafka's own tools:
#
#   docker/topics.sh --bootstrap-server kafka:9092 [--command-config client.properties]
#
# The same as Strimzi resources: docker/kubernetes/strimzi. REPLICATION_FACTOR is 3 unless it is set, PARTITIONS
# of each ingestion topic are 12. A reingestion topic has as many partitions as its ingestion topic, so that records can
# keep theirs.
set -euo pipefail

replicas=${REPLICATION_FACTOR:-3}
partitions=${PARTITIONS:-12}
PATH=$PATH:/opt/kafka/bin

make_topic() { # name, partitions, settings
  local name=$1 count=$2 settings=()
  shift 2
  for setting in "$@"; do
    settings+=(--config "$setting")
  done
  kafka-topics.sh "${connection[@]}" --create --if-not-exists --topic "$name" --partitions "$count" \
    --replication-factor "$replicas" "${settings[@]}"
}

connection=("$@")

for topic in orders customers; do
  make_topic "$topic.ingestion" "$partitions"
  make_topic "$topic.post" "$partitions"
  make_topic "$topic.reingestion" "$partitions"
done

# An event for each file, and for each step of a reload; records that could not be reloaded.
make_topic cistern.events 3
make_topic cistern.reload.events 1
make_topic cistern.reload.dead-letters 3 max.message.bytes=33554432

# What is known of reloads. The reloader makes these four by itself where it may; their settings are no matter of taste.
for topic in requests progress; do
  make_topic "cistern.reload.$topic" 1 cleanup.policy=compact segment.bytes=67108864 max.message.bytes=10485760
done
make_topic cistern.reload.tasks 32 cleanup.policy=compact segment.bytes=67108864 max.message.bytes=10485760
make_topic cistern.reload.plans 1 cleanup.policy=delete retention.ms=7776000000 max.message.bytes=10485760
