#!/usr/bin/env bash
# Whether Cistern in this container is alive, or as the first argument says: readiness (broker, bucket and routes can be
# used). It needs bash only, which every image has that Java runs on here, and starts no second Java.
set -euo pipefail

exec 3<>"/dev/tcp/127.0.0.1/${HTTP_PORT:-3000}"
printf 'GET /actuator/health/%s HTTP/1.0\r\nHost: localhost\r\n\r\n' "${1:-liveness}" >&3
read -r -t 5 _ status _ <&3
[[ $status == 200 ]]
