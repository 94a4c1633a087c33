#!/usr/bin/env bash
# bench_shared.sh SLUICE: instructions per record of 1 and of 10 queries (filter and projection) over one topic of the embedded log.
#
# callgrind counts the whole process; the difference of two runs that differ by 20,000 records leaves start and end out. One CPU, so one
# worker: on several each decodes for its own tasks. Counts vary by some percent, for the queries do not always start with the same record.
set -euo pipefail

sluice=$(realpath "${1:?the sluice binary is missing}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

records() { # COUNT
    awk -v count="$1" 'BEGIN {
        srand(7); split("eu-west us-east ap-south sa-east", region, " "); split("200 200 200 404 500", status, " ")
        for (i = 0; i < count; i++)
            printf "{\"viewid\":%d,\"userid\":\"user_%05d\",\"page\":\"/catalog/item/%06d?ref=home\",\"region\":\"%s\",\"latency\":%.2f," \
                   "\"status\":%d,\"bytes\":%d,\"client\":\"Mozilla/5.0 (X11; Linux x86_64) Gecko\"}\n",
                   i, rand() * 10000, rand() * 1000000, region[int(rand() * 4) + 1], rand() * 900, status[int(rand() * 5) + 1], rand() * 100000
    }'
}

queries() { # COUNT
    echo "CREATE STREAM V (viewid BIGINT, userid STRING, page STRING, region STRING, latency DOUBLE, status INT, bytes BIGINT, client STRING)
          WITH (KAFKA_TOPIC='in', VALUE_FORMAT='JSON');"
    for ((i = 0; i < $1; i++)); do
        echo "CREATE STREAM OUT$i AS SELECT viewid, userid, page, latency FROM V WHERE region = 'eu-west' AND status > 404;"
    done
}

count() { # QUERIES RECORDS
    rm -rf "$dir/run" && mkdir "$dir/run"
    queries "$1" >"$dir/run/q.sql"
    records "$2" | "$sluice" feed --state-dir "$dir/run/q.sql.state" --topic in --partitions 1 - >/dev/null 2>&1
    (cd "$dir/run" && taskset -c 0 valgrind --tool=callgrind --callgrind-out-file=/dev/null "$sluice" run --until-idle q.sql 2>&1) |
        sed -n 's/.*Collected : //p'
}

for queries in 1 10; do
    few=$(count $queries 20000)
    many=$(count $queries 40000)
    echo "$queries queries: $(((many - few) / 20000)) instructions per record"
done
