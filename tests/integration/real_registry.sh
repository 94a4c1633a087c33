#!/usr/bin/env bash
# A real schema registry on loopback for the tests: Apicurio Registry, in memory, with Confluent's HTTP interface.
#
#   real_registry.sh start PORT DIR    fetch it once through Maven (110 MB), start it, wait until it answers
#   real_registry.sh stop DIR          end that registry and nothing else
#
# Downloads are kept in ${SLUICE_TEST_CACHE:-$HOME/.cache/sluice}.
set -euo pipefail

version=3.0.9
cache=${SLUICE_TEST_CACHE:-$HOME/.cache/sluice}
dist=$cache/registry-$version

fail() { echo "real_registry.sh: $*" >&2; exit 1; }

fetch() {
    mkdir -p "$cache"
    exec 9>"$cache/fetch.lock"
    flock 9
    [ -d "$dist" ] && return
    command -v mvn >/dev/null || fail "mvn is needed to fetch the registry"
    local tmp artifact=io.apicurio:apicurio-registry-app:$version:tar.gz:all
    tmp=$(mktemp -d "$cache/fetch.XXXXXX")
    mvn -q -B dependency:get -Dartifact="$artifact" -Dtransitive=false >&2 || fail "the download failed"
    mvn -q -B dependency:copy -Dartifact="$artifact" -DoutputDirectory="$tmp" >&2 || fail "the download failed"
    mkdir "$tmp/dist"
    tar xzf "$tmp"/*.tar.gz -C "$tmp/dist"
    mv "$tmp/dist" "$dist"
    rm -rf "$tmp"
}

# The pid of the registry of DIR, when it lives and is still the process that we started.
pid() { # DIR
    local p
    p=$(cat "$1/registry.pid" 2>/dev/null) && [ -n "$p" ] &&
        tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null | grep -qF "apicurio-registry-app-$version" && echo "$p"
}

start() { # PORT DIR
    fetch
    mkdir -p "$2"
    if pid "$2" >/dev/null; then return; fi
    QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_HTTP_PORT=$1 setsid java -Xmx512m \
        -jar "$dist/apicurio-registry-app-$version-runner.jar" </dev/null >"$2/registry.log" 2>&1 9>&- &
    echo $! >"$2/registry.pid"
    for _ in $(seq 600); do
        pid "$2" >/dev/null || { tail -n 5 "$2/registry.log" >&2; fail "it ended"; }
        if curl -fsS -o /dev/null "http://127.0.0.1:$1/apis/ccompat/v7/subjects" 2>/dev/null; then return; fi
        sleep 0.1
    done
    fail "it is not ready after 60 s"
}

stop() { # DIR
    local p
    p=$(pid "$1") || return 0
    kill "$p"
    for _ in $(seq 100); do kill -0 "$p" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$p" 2>/dev/null || true
    rm -f "$1/registry.pid"
}

case ${1:-} in
start) [ $# = 3 ] || fail "start PORT DIR"; start "$2" "$3" ;;
stop) [ $# = 2 ] || fail "stop DIR"; stop "$2" ;;
*) sed -n '2,7p' "$0"; exit 2 ;;
esac
