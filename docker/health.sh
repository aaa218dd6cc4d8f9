#!/usr/bin/env bash
# Whether Cistern in this container is alive, or as the first argument says: readiness (broker, bucket and routes can be
# used). It needs bash only, and openssl where Cistern speaks HTTPS; it starts no second Java.
set -euo pipefail

request="GET /actuator/health/${1:-liveness} HTTP/1.0\r\nHost: localhost\r\n\r\n"
address=127.0.0.1 port=${HTTP_PORT:-3000}

exec 3<>"/dev/tcp/$address/$port"
printf "$request" >&3
read -r -t 5 _ status _ <&3
if [[ $status == 400 ]]; then
  # HTTP was answered by a port of HTTPS.
  read -r _ status _ < <(printf "$request" | timeout 5 openssl s_client -quiet -connect "$address:$port" 2>/dev/null)
fi
[[ $status == 200 ]]
