#!/usr/bin/env bash
# A single-node Apache Kafka (KRaft) on loopback for the tests.
#
#   kafka.sh fetch             download Kafka once, through Maven
#   kafka.sh classpath         the same for Kafka Streams (without RocksDB); prints the class path of both
#   kafka.sh start PORT DIR    start a broker with its data in DIR, wait until it answers (the controller takes PORT+1)
#   kafka.sh stop DIR          end that broker and nothing else
#   kafka.sh wipe DIR          stop, and delete its data
#
# Downloads are kept in ${SLUICE_TEST_CACHE:-$HOME/.cache/sluice}. Cleaning runs every second or so, for tests of retention
# and compaction need not wait longer than that. The controller is patient with a broker on a busy machine.
set -euo pipefail

version=3.9.1
cache=${SLUICE_TEST_CACHE:-$HOME/.cache/sluice}
libs=$cache/kafka-$version

fail() { echo "kafka.sh: $*" >&2; exit 1; }

fetch() {
    mkdir -p "$cache"
    exec 9>"$cache/fetch.lock"
    flock 9
    [ -d "$libs" ] && return
    command -v mvn >/dev/null || fail "mvn is needed to fetch Kafka"
    local tmp
    tmp=$(mktemp -d "$cache/fetch.XXXXXX")
    cat >"$tmp/pom.xml" <<POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluice</groupId><artifactId>test-kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
    (cd "$tmp" && mvn -q -B dependency:copy-dependencies -DoutputDirectory=libs >&2) || fail "the download failed"
    rm -f "$tmp"/libs/slf4j-reload4j* "$tmp"/libs/reload4j*
    mv "$tmp/libs" "$libs"
    rm -rf "$tmp"
}

classpath() {
    fetch
    local streams=$cache/kafka-streams-$version tmp
    if [ ! -d "$streams" ]; then
        tmp=$(mktemp -d "$cache/fetch.XXXXXX")
        cat >"$tmp/pom.xml" <<POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluice</groupId><artifactId>test-streams</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-streams</artifactId><version>$version</version>
      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>
  </dependencies>
</project>
POM
        (cd "$tmp" && mvn -q -B dependency:copy-dependencies -DoutputDirectory=libs >&2) || fail "the download failed"
        mv "$tmp/libs" "$streams"
        rm -rf "$tmp"
    fi
    echo "$libs/*:$streams/*"
}

configure() { # PORT DIR
    cat >"$2/server.properties" <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$(($1 + 1))
listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$(($1 + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$2/data
broker.session.timeout.ms=60000
auto.create.topics.enable=false
log.segment.delete.delay.ms=100
log.initial.task.delay.ms=500
log.retention.check.interval.ms=1000
log.cleaner.backoff.ms=500
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
CONF
    [ -f "$2/data/meta.properties" ] && return
    java -cp "$libs/*" kafka.tools.StorageTool format --cluster-id="$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')" \
        -c "$2/server.properties" >"$2/format.log" 2>&1 || { cat "$2/format.log" >&2; fail "format failed"; }
}

# The pid of the broker of DIR, when it lives and is still the process that we started.
pid() { # DIR
    local p
    p=$(cat "$1/broker.pid" 2>/dev/null) && [ -n "$p" ] &&
        tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null | grep -qF "kafka.Kafka $1/server.properties" && echo "$p"
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start() { # PORT DIR
    if pid "$2" >/dev/null; then return; fi
    if answers "$1"; then fail "port $1 is taken by another process"; fi
    configure "$1" "$2"
    : >"$2/broker.log"
    setsid java -Xms512m -Xmx512m -cp "$libs/*" kafka.Kafka "$2/server.properties" </dev/null >>"$2/broker.log" 2>&1 9>&- &
    echo $! >"$2/broker.pid"
    sleep 0.2 # until the child has reached exec
    local i
    for ((i = 0; i < 600; i++)); do
        pid "$2" >/dev/null || { tail -n 5 "$2/broker.log" >&2; fail "the broker ended, see $2/broker.log"; }
        if grep -qF 'Kafka Server started' "$2/broker.log" && answers "$1"; then return; fi
        sleep 0.1
    done
    fail "the broker was not ready within 60 s, see $2/broker.log"
}

stop() { # DIR
    local p i
    if p=$(pid "$1"); then
        kill "$p"
        for ((i = 0; i < 200; i++)); do
            kill -0 "$p" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$p" 2>/dev/null || true
    fi
    rm -f "$1/broker.pid"
}

case ${1:-} in
    fetch) fetch ;;
    classpath) classpath ;;
    start) mkdir -p "$3"; dir=$(cd "$3" && pwd); fetch; start "$2" "$dir"; echo "127.0.0.1:$2" ;;
    stop) [ -d "$2" ] || exit 0; stop "$(cd "$2" && pwd)" ;;
    wipe) [ -d "$2" ] || exit 0; dir=$(cd "$2" && pwd); stop "$dir"; rm -rf "$dir/data" ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
