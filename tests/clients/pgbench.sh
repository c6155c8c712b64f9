#!/usr/bin/env bash
# pgbench 15: its own set-up (DDL, COPY, keys), then TPC-B in each protocol with no failed transaction, and its sums.
set -uo pipefail
failures=0
trap '((failures == 0)) || { echo "$failures differences"; exit 1; }' EXIT
PATH=$PATH:/usr/lib/postgresql/15/bin

fail() { printf 'FAILED %s:\n%s\n' "$1" "$2"; failures=$((failures + 1)); }
holds() { if [[ $2 == *"$3"* ]]; then echo "ok $1"; else fail "$1" "$2"; fi; }
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -c "$1" 2>&1; }

out=$(pgbench -i -s 1 --quiet 2>&1) || { fail "pgbench -i" "$out"; exit 1; }
echo "ok pgbench -i"
holds "100000 accounts" "$(ask 'SELECT count(*) FROM pgbench_accounts')" 100000
for mode in simple extended prepared; do
    out=$(pgbench -n -M $mode -c 4 -j 2 -t 50 --max-tries=1 2>&1) || fail "TPC-B, $mode" "$out"
    holds "TPC-B, $mode: all done" "$out" 'number of transactions actually processed: 200/200'
    holds "TPC-B, $mode: none failed" "$out" 'number of failed transactions: 0 '
    out=$(pgbench -n -S -M $mode -c 4 -j 2 -t 100 2>&1) || fail "select only, $mode" "$out"
    holds "select only, $mode" "$out" 'number of transactions actually processed: 400/400'
done
holds "one sum everywhere" "$(ask 'SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(bbalance) FROM pgbench_branches)
    AND (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(delta) FROM pgbench_history)
    AND (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history)')" t
holds "600 lines of history" "$(ask 'SELECT count(*) FROM pgbench_history')" 600
