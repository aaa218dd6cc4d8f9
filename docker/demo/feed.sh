#!/usr/bin/env bash
# Publishes orders, each with its customer as key, about ten a second, until it is stopped.
set -euo pipefail

order() { # number
  local number=$1
  printf 'customer-%d|{"id":%d,"customer":"customer-%d","status":"%s","total":%d.%02d}\n' \
    "$((number % 50))" "$number" "$((number % 50))" "$([ $((number % 3)) -eq 0 ] && echo NEW || echo PAID)" \
    "$((number % 400 + 5))" "$((number % 100))"
}

# Numbers go on where time is, so that a feed that was started anew does not begin with the same ones.
number=$(date +%s)
while true; do
  order "$number"
  number=$((number + 1))
  sleep 0.1
done | "${KAFKA_HOME:-/opt/kafka}/bin/kafka-console-producer.sh" --bootstrap-server "$KAFKA_BROKERS" --topic orders.ingestion \
  --property parse.key=true --property key.separator='|'
