#!/usr/bin/env bash
# test.sh - builds the tests and runs all of them; the last line is `N passed, N failed`, the exit status 0 only when nothing failed.
#
#   dev    everything: unit, golden SQL, fuzz replay, lint, REST, shell, a real Kafka, a server under parallel load, the outside suite
#   asan   the same without lint, outside suite, documents, other programs, what several nodes do (the same code on one node is there), the list
#          of the shell's requirements and what compares costs, under the address and undefined behaviour sanitizers
#   tsan   these without Kafka, faults and most tests of the shell, under the thread sanitizer: librdkafka is not built for it, so it sees races where
#          there are none; the others would take minutes, and of the shell those are run that press keys while its second thread is at work; the walks
#          over stores, joins and damaged files have one thread; costs are not compared
#
# test.sh dev asan ... runs only these. What cannot be run here (no Java: no Kafka) is named under "left out".
set -uo pipefail
exec </dev/null
cd "$(dirname "$0")" || exit 1

passed=0
failed=0
left_out=()
failures=()
jobs=$(nproc 2>/dev/null || echo 2) # of a build; of the tests, which often wait, one more

say() { printf '\n== %s (%d s)\n' "$*" $SECONDS; }
fail() { failed=$((failed + 1)); failures+=("$1"); }

# Two ports for the broker that nobody has, below the range that the system hands out, and another two for a run that starts beside this one.
kafka_port() {
    local port
    for port in $(shuf -i 20000-31000 -n 20); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && ! (exec 3<>"/dev/tcp/127.0.0.1/$((port + 1))") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
    echo 29192
}

# build FLAVOUR: configures and builds it; on a failure shows the errors.
build() {
    local flavour=$1 log=build-$1/test.log options=()
    say "build $flavour"
    if command -v ccache >/dev/null; then
        options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
    fi
    mkdir -p "build-$flavour"
    if cmake --preset "$flavour" -G Ninja "${options[@]}" -DSLUICE_TEST_KAFKA_PORT="$(kafka_port)" >"$log" 2>&1 &&
        ninja -C "build-$flavour" -j "$jobs" >>"$log" 2>&1; then
        return 0
    fi
    grep -E -A 12 'error:|FAILED:|CMake Error|undefined reference' "$log" | head -n 60
    echo "The whole log: $log"
    fail "build $flavour"
    return 1
}

# run_tests FLAVOUR CTEST-OPTION...: runs them and adds to the totals.
run_tests() {
    local flavour=$1 log=build-$1/ctest.log status line
    shift
    say "test $flavour"
    ctest --test-dir "build-$flavour" -j $((jobs + 1)) --output-on-failure --no-tests=error "$@" 2>&1 | tee "$log" | grep -vE '^ +Start +[0-9]+:'
    status=${PIPESTATUS[0]}
    line=$(grep -E '^[0-9]+% tests passed, [0-9]+ tests? failed out of [0-9]+' "$log" | tail -n 1)
    if [[ $line =~ ^[0-9]+%\ tests\ passed,\ ([0-9]+)\ tests?\ failed\ out\ of\ ([0-9]+) ]]; then
        passed=$((passed + BASH_REMATCH[2] - BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[1]))
        while read -r line; do failures+=("$flavour: $line"); done \
            < <(sed -n '/^The following tests FAILED:/,$s/^[[:space:]]*[0-9]* - //p' "$log")
    elif [ "$status" -ne 0 ]; then
        fail "ctest $flavour"
    fi
}

has_test() { ctest --test-dir "build-$1" -N -R "$2" 2>/dev/null | grep -qE 'Total Tests: [1-9]'; }
kafka_left_out() { has_test "$1" '^integration/kafka-start$' || left_out+=("$1: the tests on a real Kafka: mvn and java are needed"); }

flavours=("$@")
[ ${#flavours[@]} -gt 0 ] || flavours=(dev asan tsan)

if ! ./install-packages.sh --tests; then
    left_out+=("what the missing packages are needed for")
    [ "${CI:-}" != true ] || fail "packages"
fi

for flavour in "${flavours[@]}"; do
    case $flavour in
        dev)
            build dev || continue
            run_tests dev
            kafka_left_out dev
            has_test dev '^conformance/ratchet$' || left_out+=("the outside conformance suite: it is not beside the project (tests/conformance)")
            ;;
        asan)
            build asan || continue
            run_tests asan -LE 'lint|conformance' -E '^(docs/|integration/(nodes|routing|standby|interop|serializers|consistency-kafka|embedded-registry-kafka|shell-requirements|rest-cost)$|unit/test_commit_size$)'
            kafka_left_out asan
            ;;
        tsan) build tsan && run_tests tsan -LE 'kafka|fault|lint|conformance' -E '^(docs/|integration/(shell(-session|-trouble|-requirements)?|rest-cost|places|feed|examples)$|unit/test_(commit_size|foreign_join_orders|log_damage|log_witness|state_property|buffer_beyond)$)' ;;
        *) echo "test.sh: there is no $flavour; there are dev, asan and tsan" >&2; exit 2 ;;
    esac
done

say "done"
for what in "${left_out[@]}"; do echo "left out: $what"; done
for what in "${failures[@]}"; do echo "failed: $what"; done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
