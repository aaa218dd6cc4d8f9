#!/usr/bin/env bash
# Makes the config maps that integrations.yaml mounts, or brings them up to date: the routes of this repository, the settings
# and the selectors of docker/kubernetes. The argument is the namespace.
set -euo pipefail
cd "$(dirname "$0")/../.."

namespace=${1:?the namespace}
manifests=docker/kubernetes

config_map() { # name, where its contents come from
  local name=$1
  shift
  kubectl create configmap "$name" "$@" --dry-run=client --output=yaml | kubectl --namespace "$namespace" apply --server-side --filename=-
}

config_map cistern-routes --from-file=routes
config_map cistern-routes-buckets --from-file=routes/buckets
config_map cistern-config --from-file="$manifests/overlays/parallel/application.yaml"
config_map cistern-selectors --from-file="$manifests/base/selectors"
config_map cistern-settings --from-env-file="$manifests/base/settings.env"
