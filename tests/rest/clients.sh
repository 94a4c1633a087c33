#!/usr/bin/env bash
# clients.sh SLUICE RUN.SH FOLDER - third-party clients against a server of its own on the embedded log. Fails when a step fails that
# known-differences.md does not name.
set -euo pipefail
sluice=$1 run=$2 folder=$3
state=$(mktemp -d)
. "$(dirname "$0")/../own_server.sh"
server=
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$state"' EXIT
own_server "$sluice" "$state" ksql.streams.auto.offset.reset=earliest
mkdir -p "$folder"
CLIENTS_DIR=$folder SLUICE_URL=http://127.0.0.1:$port "$run" >"$state/results" || true
grep -v '^ok ' "$state/results" || true
# That client reads a list as a text, whatever server it talks to.
known='^not ok go-http[12]: terminate and drop '
if grep '^not ok ' "$state/results" | grep -qvE "$known" || ! grep -q '^ok ' "$state/results"; then exit 1; fi
