#!/bin/sh
# The runner of golden files tested itself: what must fail fails, and says where and why.
set -u
sluice=$1
cd "$(dirname "$0")" || exit 1
out=$("$sluice" test failing.sql)
status=$?
lost=0
[ $status -eq 1 ] || { echo "exit status $status instead of 1"; lost=1; }
expect() {
    printf '%s\n' "$out" | grep -qF -e "$1" || { echo "missing: $1"; lost=1; }
}
expect 'ok - failing.sql: passes'
expect 'not ok - failing.sql: another value'
expect '  failing.sql:9:3: Expected record does not match actual'
expect '    `A`: expected 2, found 1'
expect 'failing.sql:12:1: Topic s holds 1 records that no ASSERT reads'
expect 'expected an error, but every statement succeeded'
expect 'failed before the last statement: '
expect 'expected a message with `no such text`, found: '
expect 'Expected type does not match actual for source S.'
expect 'Failed to read file: nowhere.sql'
expect 'ok - failing.sql: runs the file beside it'
expect '2 passed, 8 failed'
[ "$(printf '%s\n' "$out" | tail -n 1)" = '2 passed, 8 failed' ] || { echo "the last line is not the tally"; lost=1; }

out=$("$sluice" test unknown_directive.sql)
[ $? -eq 1 ] || { echo "an unknown directive passed"; lost=1; }
expect 'unknown_directive.sql:2:1: Unknown directive `--@expects`'
out=$("$sluice" test open_quote.sql)
[ $? -eq 1 ] || { echo "an open quote swallowed a test"; lost=1; }
expect 'open_quote.sql:2:1: 1 of 2 tests stand inside a string or a comment'
out=$("$sluice" test not_there.sql)
[ $? -eq 1 ] || { echo "a missing file passed"; lost=1; }
expect 'Failed to read file: not_there.sql'

# Restarts between records: with files, which are gone afterwards, and with the same results.
folder=$(mktemp -d)
for mode in --reopen --restore; do
    out=$(TMPDIR=$folder/nowhere "$sluice" test $mode ../filter.sql)
    [ $? -eq 1 ] || { echo "$mode did without a folder for state files"; lost=1; }
    expect 'Making a folder for state files'
    out=$(TMPDIR=$folder "$sluice" test $mode failing.sql)
    [ $? -eq 1 ] || { echo "$mode: what must fail passed"; lost=1; }
    expect '2 passed, 8 failed'
    [ -z "$(ls -A "$folder")" ] || { echo "$mode left files behind"; lost=1; }
done
rmdir "$folder"
"$sluice" test --reopen --restore failing.sql 2>/dev/null
[ $? -eq 2 ] || { echo "two modes at once were taken"; lost=1; }
[ $lost -eq 0 ] || { echo "the output was:"; "$sluice" test failing.sql; }
exit $lost
