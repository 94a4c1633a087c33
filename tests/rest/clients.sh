#!/usr/bin/env bash
# clients.sh SLUICE RUN.SH FOLDER - third-party clients against a server of its own on the embedded log. Fails when a step fails that
# known-differences.md does not name.
set -euo pipefail
sluice=$1 run=$2 folder=$3
state=$(mktemp -d)
"$sluice" server --property listeners=http://127.0.0.1:0 --property "state.dir=$state/data" --property ksql.streams.auto.offset.reset=earliest >"$state/log" 2>&1 &
server=$!
trap 'kill $server; wait $server 2>/dev/null; rm -rf "$state"' EXIT
for _ in $(seq 100); do
    port=$(sed -n 's/.*(port \([0-9]*\)).*/\1/p' "$state/log")
    if [ -n "$port" ] && curl -fs "http://127.0.0.1:$port/info" >/dev/null; then break; fi
    sleep 0.1
done
mkdir -p "$folder"
CLIENTS_DIR=$folder SLUICE_URL=http://127.0.0.1:$port "$run" >"$state/results" || true
grep -v '^ok ' "$state/results" || true
# That client reads a list as a text, whatever server it talks to.
known='^not ok go-http[12]: terminate and drop '
if grep '^not ok ' "$state/results" | grep -qvE "$known" || ! grep -q '^ok ' "$state/results"; then exit 1; fi
