#!/usr/bin/env bash
# Runs the same routes by Camel JBang, on Camel Main and without Spring, with settings from the environment:
#
#   mvn package -DskipTests
#   KAFKA_BROKERS=localhost:9092 BUCKET_TYPE=file BUCKET_NAME=/var/tmp/archive … docker/camel-k/jbang.sh
#
# Arguments are passed on to camel run. Topics are mapped by arguments too:
#   --property=bss.topics-config.data-topics-mapping[0].ingestion=orders.ingestion
set -euo pipefail
cd "$(dirname "$0")/../.."

exec camel run docker/camel-k/application.properties routes/*.camel.yaml \
  "routes/buckets/${BUCKET_TYPE:?the kind of bucket}.camel.yaml" target/cistern-beans.jar \
  --runtime=main --camel-version=4.17.0 --dep=camel:health,camel:micrometer,camel:opentelemetry2,camel:quartz \
  --dep=io.opentelemetry:opentelemetry-exporter-otlp:1.57.0 \
  --dep=org.apache.commons:commons-compress:1.28.0,com.github.luben:zstd-jni:1.5.6-10 \
  "$@"
