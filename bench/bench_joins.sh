#!/usr/bin/env bash
# bench_joins.sh stream|table [PEER...]: a join of two streams, or of two tables, by Sluice and by Kafka Streams 3.9.1, timed from outside.
#
# PEER: streams, sluice (default: streams sluice); may be named several times, which gives several runs in turn.
#
# Environment: SLUICE (build/sluice), BENCH_JOINS (build/bench/bench_joins), BENCH_DIR (/tmp/sluice-joins: broker, libraries, state, logs),
# RECORDS (3000000 of each input), KEYS (100000, of the tables), PER_SECOND (10000, ticks a second of event time), PARTITIONS (4), PORT (29392),
# BROKERS (a broker that runs already; it should have BROKER_CPU to itself), PEER_CPU (1), BROKER_CPU (0, for the watcher, too), TIMEOUT (600 s a peer),
# JAVA_HEAP (1g), SLUICE_ARGS (more arguments for it).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
dir=${BENCH_DIR:-/tmp/sluice-joins}
sluice=${SLUICE:-$here/../build/sluice} tool=${BENCH_JOINS:-$here/../build/bench/bench_joins}
records=${RECORDS:-3000000} keys=${KEYS:-100000} per_second=${PER_SECOND:-10000} partitions=${PARTITIONS:-4}
peer_cpu=${PEER_CPU:-1} broker_cpu=${BROKER_CPU:-0} own_broker=

join=${1:-}
case $join in
    stream | table) shift ;;
    *) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
[ $# -gt 0 ] || set -- streams sluice
fail() { echo "bench_joins.sh: $*" >&2; exit 1; }
for peer in "$@"; do
    case $peer in streams | sluice) ;; *) fail "no such peer: $peer" ;; esac
done
[ -x "$sluice" ] || fail "no $sluice: build it, or set SLUICE"
[ -x "$tool" ] || fail "no $tool: ninja -C build bench_joins, or set BENCH_JOINS"
mkdir -p "$dir/log" "$dir/loaded"

start_broker() {
    export BROKERS=127.0.0.1:${PORT:-29392}
    "$here/../tests/integration/kafka.sh" start "${PORT:-29392}" "$dir/kafka" >/dev/null
    own_broker=1
    taskset -acp "$broker_cpu" "$(cat "$dir/kafka/broker.pid")" >/dev/null
}

end_peer() { # PID: TERM, and KILL after ten seconds
    kill "$1" 2>/dev/null || return 0
    for _ in $(seq 100); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -9 "$1" 2>/dev/null || true
}

peer_pid=''
leave() {
    [ -z "$peer_pid" ] || end_peer "$peer_pid"
    [ -z "${APP:-}" ] || "$tool" purge "$APP"
    [ -z "$own_broker" ] || "$here/../tests/integration/kafka.sh" stop "$dir/kafka"
}
trap leave EXIT

java_peer() {
    if [ ! -d "$dir/streams-libs" ]; then
        mvn -q -B -f "$here/joins/streams/pom.xml" dependency:copy-dependencies -DoutputDirectory="$dir/streams-libs.part" >&2
        mv "$dir/streams-libs.part" "$dir/streams-libs"
    fi
    javac -d "$dir/streams-classes" -cp "$dir/streams-libs/*" "$here/joins/streams/Joins.java"
}

# The inputs stay for the next run; the file says how many rows must come out.
load() {
    local name=bench-joins-$join-$records-$per_second-$partitions
    [ "$join" = stream ] || name=$name-$keys
    export ORDERS=$name-orders PAYMENTS=$name-payments
    local expected=$dir/loaded/${BROKERS//[:,]/-}-$name
    if [ ! -s "$expected" ] || ! "$tool" has "$ORDERS"; then
        "$tool" purge "$name"
        "$tool" load join="$join" orders="$ORDERS" payments="$PAYMENTS" records="$records" keys="$keys" \
            per-second="$per_second" partitions="$partitions" >"$expected.part"
        mv "$expected.part" "$expected"
    fi
    wanted=$(cat "$expected")
}

become() { # turn this process into the peer
    case $1 in
        streams)
            exec taskset -c "$peer_cpu" java "-Xmx${JAVA_HEAP:-1g}" -XX:+UseParallelGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
                -cp "$dir/streams-classes:$dir/streams-libs/*" Joins "$join"
            ;;
        sluice)
            sed -e "s|\${ORDERS}|$ORDERS|" -e "s|\${PAYMENTS}|$PAYMENTS|" -e "s|\${OUT}|$OUT|" "$here/joins/$join.sql" >"$STATE/job.sql"
            # shellcheck disable=SC2086
            exec taskset -c "$peer_cpu" "$sluice" run --bootstrap-servers "$BROKERS" --property "ksql.service.id=$APP" \
                ${SLUICE_ARGS:-} "$STATE/job.sql"
            ;;
    esac
}

runs=0
measure() { # PEER; leaves its figures in $figures
    runs=$((runs + 1)) # names of their own: topics that are deleted live on for a while
    export APP=bench-joins-$1-$$-$runs
    export OUT=$APP-out STATE=$dir/state/$APP
    mkdir -p "$STATE"
    "$tool" create "$OUT" "$partitions"
    (become "$1") >"$dir/log/$join-$1.log" 2>&1 &
    peer_pid=$!
    figures=$(taskset -c "$broker_cpu" "$tool" watch join="$join" orders="$ORDERS" payments="$PAYMENTS" out="$OUT" \
        pid="$peer_pid" timeout="${TIMEOUT:-600}") || fail "$1 failed, see $dir/log/$join-$1.log"
    end_peer "$peer_pid"
    wait "$peer_pid" 2>/dev/null || true
    peer_pid=''
    "$tool" purge "$APP"
    rm -rf "$STATE"
}

[ -n "${BROKERS:-}" ] || start_broker
export BROKERS
[[ " $* " != *" streams "* ]] || java_peer
load
echo "$join-$join join, $records records in each of two topics, $partitions partitions, peer pinned to core $peer_cpu"
printf '%-8s %9s %8s %9s %8s %8s %8s %10s %10s  %s\n' peer rec/s streams 'CPU s/M' 'peak MB' 'first s' 'total s' out rows check
streams_rate=0 sum='' failed=0
for peer in "$@"; do
    measure "$peer"
    read -r rate cpu peak first total out rows this_sum <<<"$figures"
    [ "$peer" != streams ] || streams_rate=$rate
    check=ok
    [ "$rows" = "$wanted" ] || check="$wanted rows wanted"
    [ "${sum:=$this_sum}" = "$this_sum" ] || check="other rows than the first peer"
    [ "$check" = ok ] || failed=1
    printf '%-8s %9d %8s %9.2f %8d %8.2f %8.2f %10d %10d  %s\n' "$peer" "$rate" \
        "$(awk -v r="$rate" -v s="$streams_rate" 'BEGIN { print s ? sprintf("%.2f", r / s) : "-" }')" \
        "$cpu" "$peak" "$first" "$total" "$out" "$rows" "$check"
done
exit $failed
