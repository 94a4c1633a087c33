#!/usr/bin/env bash
# From a fresh Debian 12 to running queries: installs what is needed, builds, and runs the example on the embedded log.
#
#   ./setup.sh          all of it; can be run again
#   ./setup.sh --stop   ends the example's server
#
# SLUICE_PORT (18088): where the example's server listens. Its state is in build/demo.
set -euo pipefail
cd "$(dirname "$0")"

port=${SLUICE_PORT:-18088}
url=http://127.0.0.1:$port
demo=build/demo
sluice=build/sluice

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
fail() { echo "setup.sh: $*" >&2; exit 1; }

build() {
    say "Building"
    local generator=()
    [ -f build/CMakeCache.txt ] || generator=(-G Ninja)
    cmake -S . -B build "${generator[@]}" -DCMAKE_BUILD_TYPE=Release >build.log 2>&1 || { tail -n 20 build.log; fail "cmake failed, see build.log"; }
    cmake --build build --target sluice >>build.log 2>&1 || { tail -n 40 build.log; fail "the build failed, see build.log"; }
    mv build.log build/build.log
    "$sluice" --version
}

# The pid of the example's server, when it lives and is the one that we started.
server_pid() {
    local pid
    pid=$(cat "$demo/server.pid" 2>/dev/null) && [ -n "$pid" ] &&
        { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF "sluice server --config $demo/server.properties" && echo "$pid"
}

stop_server() {
    local pid i
    pid=$(server_pid) || return 0
    kill "$pid"
    for ((i = 0; i < 100; i++)); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -9 "$pid"
}

start_server() {
    stop_server
    rm -rf "$demo"
    mkdir -p "$demo"
    cat >"$demo/server.properties" <<CONF
listeners=http://127.0.0.1:$port
ksql.streams.state.dir=$demo/data
ksql.streams.commit.interval.ms=200
ksql.logging.processing.topic.auto.create=true
ksql.logging.processing.stream.auto.create=true
CONF
    setsid "$sluice" server --config "$demo/server.properties" </dev/null >"$demo/server.log" 2>&1 &
    echo $! >"$demo/server.pid"
    local i
    for ((i = 0; i < 100; i++)); do
        curl -fs "$url/info" >/dev/null 2>&1 && return
        sleep 0.1
    done
    cat "$demo/server.log"
    fail "the server did not start on port $port (SLUICE_PORT=... picks another)"
}

feed() { "$sluice" feed --url "$url" --topic "$1" --key-field listing_id --keep-broken --timestamp-field ts "sql-examples/$1.jsonl"; }

# A push query that is already waiting when the events come.
show_changes() {
    say "Price drops of a tenth or more, as they happen (the push query waits before the events come):"
    "$sluice" sql -X --output tabular --query-timeout 20000 -e "SELECT listing_id, old_price, new_price, percent FROM price_drops EMIT CHANGES LIMIT 8;" "$url" &
    local push=$!
    sleep 1
    feed listings
    feed price_changes
    wait "$push"
    feed views
}

# The query has seen all views when its sum of counts no longer changes.
count_views() {
    curl -fs "$url/query-stream" -d '{"sql":"SELECT views FROM views_per_hour;"}' | awk -F'[][]' 'NR > 1 { n += $2 } END { print n + 0 }'
}

wait_for_views() {
    local now before=-1 i
    for ((i = 0; i < 100; i++)); do
        now=$(count_views)
        if [ "$now" -gt 0 ] && [ "$now" = "$before" ]; then break; fi
        before=$now
        sleep 0.5
    done
    echo "$now views counted in windows of an hour"
}

pull() {
    say "Pull query over REST: views of one listing, hour by hour"
    echo "curl $url/query-stream -d '{\"sql\":\"SELECT ... WHERE listing_id = '\\''L-007'\\'';\"}'"
    curl -fsS "$url/query-stream" -d "{\"sql\":\"SELECT listing_id, FROM_UNIXTIME(windowstart) AS hour, views, duration FROM views_per_hour WHERE listing_id = 'L-007';\"}"
}

show_skipped() {
    say "Skipped, and why (from the processing log, a stream like any other):"
    local why="SELECT message->deserializationError->\`TOPIC\` AS topic_name, COALESCE(message->deserializationError->errorMessage, message->recordProcessingError->errorMessage) AS why FROM ksql_processing_log;"
    "$sluice" sql -X --output tsv -e "SET 'auto.offset.reset' = 'earliest'; $why" "$url" >"$demo/skipped.tsv"
    tail -n +2 "$demo/skipped.tsv" | sort | uniq -c | sort -rn
    echo "$(tail -n +2 "$demo/skipped.tsv" | wc -l) records skipped; every other one was processed."
}

how_to_go_on() {
    say "The server is still running at $url. To go on:"
    cat <<TEXT
  $sluice sql $url                      the shell (help lists what it can do)
  $sluice sql -f sql-examples/questions.sql $url
  $sluice sql                           a shell with an engine of its own in ./sluice-data
  $sluice server --property bootstrap.servers=KAFKA:9092
                                        the same on Kafka, for this machine; --property listeners=http://0.0.0.0:8088 lets others in (docs/security.md)
  ./setup.sh --stop                     ends the example's server
TEXT
}

if [ "${1:-}" = --stop ]; then
    stop_server
    exit 0
fi
./install-packages.sh
build
say "Starting a server on $url with an embedded log"
start_server
"$sluice" sql -X -f sql-examples/listings.sql "$url"
show_changes
wait_for_views
pull
show_skipped
how_to_go_on
