#!/usr/bin/env bash
# Confluent's Java client against the embedded schema registry: its questions, and records as its Avro serializer frames them, in both directions.
#
#   java_registry.sh SLUICE    fetch the client once through Maven (23 MB, inside Flink's SQL connector), run JavaRegistry.java against a server of its own
#
# The client and its serializers are not on Maven's central registry themselves. Downloads are kept in ${SLUICE_TEST_CACHE:-$HOME/.cache/sluice}.
set -euo pipefail

version=1.20.0
cache=${SLUICE_TEST_CACHE:-$HOME/.cache/sluice}
libs=$cache/java-registry-$version
here=$(cd "$(dirname "$0")" && pwd)
sluice=${1:?java_registry.sh SLUICE}

fail() { echo "java_registry.sh: $*" >&2; exit 1; }

mkdir -p "$cache"
exec 9>"$cache/fetch.lock"
flock 9
if [ ! -d "$libs" ]; then
    tmp=$(mktemp -d "$cache/fetch.XXXXXX")
    cat >"$tmp/pom.xml" <<POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluice</groupId><artifactId>test-java-registry</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.flink</groupId><artifactId>flink-sql-avro-confluent-registry</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
    (cd "$tmp" && mvn -q -B dependency:copy-dependencies -DoutputDirectory=libs >&2) || fail "the download failed"
    mv "$tmp/libs" "$libs"
    rm -rf "$tmp"
fi
flock -u 9

state=$(mktemp -d)
. "$here/../own_server.sh"
server=
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$state"' EXIT
own_server "$sluice" "$state" ksql.streams.auto.offset.reset=earliest
java -cp "$libs/*" "$here/JavaRegistry.java" "http://127.0.0.1:$port"
