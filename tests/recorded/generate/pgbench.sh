#!/bin/sh
# pgbench's own statements: initialisation, select-only, TPC-B, in each protocol.
export PGHOST="$1" PGPORT=5555 PGUSER=postgres PGDATABASE=postgres
bin=/usr/lib/postgresql/15/bin
"$bin/pgbench" -q -i -s 1
"$bin/pgbench" -q -i -s 1 -I dtGvpf
for protocol in simple extended prepared; do
    "$bin/pgbench" -M $protocol -S -t 2
    "$bin/pgbench" -M $protocol -t 2
    "$bin/pgbench" -M $protocol -N -t 2
done
psql -Xqc 'DROP TABLE pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers'
