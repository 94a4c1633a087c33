#!/usr/bin/env bash
# bench_load.sh SLUICE BENCH_LOAD [name=value ...]: bench_load against a server of its own on the embedded log, in a folder that is deleted
# afterwards (BENCH_DIR: where).
set -euo pipefail

sluice=$(realpath "${1:?the sluice binary is missing}")
load=$(realpath "${2:?the bench_load binary is missing}")
shift 2
dir=$(mktemp -d -p "${BENCH_DIR:-/tmp}" sluice-load-XXXXXX)
. "$(dirname "$0")/../tests/own_server.sh"
server=
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null; grep -E "WARN|ERROR" "$dir/log" | head -n 5; rm -rf "$dir"' EXIT
own_server "$sluice" "$dir" ksql.max.push.queries=10000
# From the end of the preparations on.
before=$(awk '{print $14 + $15}' "/proc/$server/stat")
"$load" "$port" $server "$@" || status=$?
after=$(awk '{print $14 + $15}' "/proc/$server/stat")
echo "the server took $(((after - before) / $(getconf CLK_TCK))) s of CPU, it has $(ls "/proc/$server/task" | wc -l) threads"
exit ${status:-0}
