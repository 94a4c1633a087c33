#!/usr/bin/env bash
# confluent-kafka's serializers for Python against the embedded schema registry (Serializers in embedded_registry_test.py).
#
#   serializers.sh SLUICE    install the client once, into an environment of its own under ${SLUICE_TEST_CACHE:-$HOME/.cache/sluice}
#
# Ends with 77, which CTest takes for "skipped", where it cannot be installed.
set -euo pipefail

version=2.11.1
cache=${SLUICE_TEST_CACHE:-$HOME/.cache/sluice}
venv=$cache/confluent-kafka-$version
here=$(cd "$(dirname "$0")" && pwd)
sluice=${1:?serializers.sh SLUICE}

mkdir -p "$cache"
exec 9>"$cache/fetch.lock"
flock 9
if [ ! -f "$venv/done" ]; then
    rm -rf "$venv"
    { python3 -m venv "$venv" && "$venv/bin/pip" install -q "confluent-kafka[avro,json,protobuf,schemaregistry]==$version"; } >&2 || {
        echo "serializers.sh: confluent-kafka cannot be installed here" >&2
        exit 77
    }
    touch "$venv/done"
fi
flock -u 9
exec "$venv/bin/python" -W ignore "$here/embedded_registry_test.py" "$sluice" Serializers
