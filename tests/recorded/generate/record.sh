#!/bin/sh
# Records what clients send by themselves: record.sh FOLDER, where postgres.sh FOLDER has run, FOLDER/venv holds psycopg2,
# psycopg, sqlalchemy and asyncpg, and FOLDER/node holds pg and pg-cursor. Writes ../postgres/*.sql.
here=$(cd "$(dirname "$0")" && pwd)
out="$here/../postgres"
log="$1/log/pg.csv"
python="$1/venv/bin/python"
psql -h "$1" -p 5555 -U postgres -Xqf "$here/schema.sql"
record() {
    title=$1; file=$2; shift 2
    offset=$(stat -c %s "$log")
    "$@" > "$log.$file" 2>&1 || echo "$file failed: see $log.$file" >&2
    sleep 0.3
    python3 "$here/collect.py" "$log" "$offset" "$title" > "$out/$file.sql"
    echo "$file: $(grep -c '^--;' "$out/$file.sql") statements"
}
record "psql 15" psql python3 "$here/psql.py" "$1"
record "pgbench 15" pgbench sh "$here/pgbench.sh" "$1"
record "psycopg2" psycopg2 "$python" "$here/psycopg2_client.py" "$1"
record "psycopg 3" psycopg3 "$python" "$here/psycopg3_client.py" "$1"
record "SQLAlchemy 2 with psycopg2" sqlalchemy_psycopg2 "$python" "$here/sqlalchemy_client.py" "$1" psycopg2
record "SQLAlchemy 2 with psycopg 3" sqlalchemy_psycopg3 "$python" "$here/sqlalchemy_client.py" "$1" psycopg
record "asyncpg" asyncpg "$python" "$here/asyncpg_client.py" "$1"
record "node-postgres" node_postgres env NODE_PATH="$1/node/node_modules" node "$here/node_postgres.cjs" "$1"
