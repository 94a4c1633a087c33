# own_server.sh - sourced by scripts that want a server of their own on the embedded log, on a port that the system chooses.
#
#   own_server SLUICE DIRECTORY [NAME=VALUE...]    starts it with these properties; its log is DIRECTORY/log. Sets `server` (its process) and `port`.
#                                                  Who calls it ends it: kill $server; wait $server. Status 1, and the log shown: it does not answer.
own_server() {
    local sluice=$1 directory=$2 options=() property
    shift 2
    for property in listeners=http://127.0.0.1:0 "state.dir=$directory/data" "$@"; do options+=(--property "$property"); done
    : >"$directory/log" # it is read below, by whoever is first
    "$sluice" server "${options[@]}" >>"$directory/log" 2>&1 &
    server=$!
    for _ in $(seq 100); do
        port=$(sed -n 's/.*(port \([0-9]*\)).*/\1/p' "$directory/log")
        if [ -n "$port" ] && curl -fs "http://127.0.0.1:$port/info" >/dev/null; then return 0; fi
        sleep 0.1
    done
    cat "$directory/log" >&2
    return 1
}
