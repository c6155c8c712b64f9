#!/usr/bin/env bash
# psql 15: variables, several statements, \d and \l, \copy, errors with their place, exit statuses.
set -uo pipefail
failures=0
trap '((failures == 0)) || { echo "$failures differences"; exit 1; }' EXIT

fail() { printf 'FAILED %s:\n--- got\n%s\n--- wanted\n%s\n' "$1" "$2" "$3"; failures=$((failures + 1)); }
same() { if [[ $2 == "$3" ]]; then echo "ok $1"; else fail "$1" "$2" "$3"; fi; }
holds() { if [[ $2 == *"$3"* ]]; then echo "ok $1"; else fail "$1" "$2" "… $3 …"; fi; }
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@" 2>&1; }

same "connect" "$(ask -c 'SELECT 1')" 1
same "database of the user's name" "$(PGDATABASE=ann ask -c 'SELECT current_database()')" main
same "database postgres" "$(ask -d postgres -c 'SELECT current_database()')" main
same "server version" "$(ask -c 'SHOW server_version_num')" 150000
same "options of the connection" \
    "$(PGOPTIONS='-c statement_timeout=7s' ask -c 'SHOW statement_timeout')" 7s
same "application name" "$(PGAPPNAME=here ask -c 'SHOW application_name')" here

same "create and write" "$(ask <<'SQL'
CREATE TABLE account (id bigint PRIMARY KEY, owner text NOT NULL, balance numeric(10,2) DEFAULT 0 CHECK (balance >= 0));
CREATE INDEX account_owner ON account (owner);
INSERT INTO account VALUES (1, 'ann', 10), (2, 'bob', 20.5), (3, 'zoë', DEFAULT);
SELECT * FROM account ORDER BY id;
SQL
)" $'1|ann|10.00\n2|bob|20.50\n3|zoë|0.00'

same "variables" "$(ask -v who=bob <<'SQL'
SELECT balance FROM account WHERE owner = :'who';
SELECT id + 1 AS next FROM account WHERE id = 2 \gset
SELECT :next;
SQL
)" $'20.50\n3'

same "a transaction taken back" "$(ask <<'SQL'
BEGIN;
UPDATE account SET balance = balance - 5 WHERE id = 1;
SAVEPOINT s;
UPDATE account SET balance = balance + 5 WHERE id = 2;
ROLLBACK TO s;
SELECT sum(balance) FROM account;
ROLLBACK;
SELECT sum(balance) FROM account;
SQL
)" $'25.50\n30.50'

same "row counts" "$(psql -X -A -t -c 'UPDATE account SET owner = owner' 2>&1)" "UPDATE 3"
same "many statements in one text" "$(ask -c 'SELECT 1; SELECT 2')" $'1\n2'

error=$(ask -c 'SELECT nosuch FROM account')
holds "an error's place: message" "$error" 'ERROR:  column "nosuch" does not exist'
holds "an error's place: line" "$error" 'LINE 1: SELECT nosuch FROM account'
error=$(ask -v VERBOSITY=verbose -c "INSERT INTO account VALUES (1, 'x')")
holds "unique: code" "$error" 'ERROR:  23505: duplicate key value violates unique constraint "account_pkey"'
holds "unique: detail" "$error" 'DETAIL:  Key (id)=(1) already exists.'
holds "unique: names" "$error" 'CONSTRAINT NAME:  account_pkey'
error=$(ask -v VERBOSITY=verbose -c "UPDATE account SET balance = -1 WHERE id = 1")
holds "check" "$error" '23514: new row for relation "account" violates check constraint "account_balance_check"'
holds "syntax" "$(ask -v VERBOSITY=verbose -c 'SELEC 1')" 'ERROR:  42601: syntax error at or near "SELEC"'
holds "division by zero" "$(ask -v VERBOSITY=verbose -c 'SELECT 1/id FROM (VALUES (0)) AS v (id)')" '22012: division by zero'
holds "no such database" "$(ask -d nosuch -c 'SELECT 1')" 'FATAL:  database "nosuch" does not exist'
ask -d nosuch -c 'SELECT 1' >/dev/null
same "exit status without a connection" $? 2
ask -c 'SELECT nosuch' >/dev/null
same "exit status of an error" $? 1
holds "unsupported, by name" "$(ask -c 'CREATE TRIGGER x AFTER INSERT ON account EXECUTE FUNCTION f()')" 'not supported'

holds '\l' "$(ask -c '\l')" 'main|'
holds '\dt' "$(ask -c '\dt')" 'public|account|table|'
holds '\di' "$(ask -c '\di')" 'public|account_owner|index|'
table=$(psql -X -q -A -c '\d account' 2>&1)
holds '\d: columns' "$table" 'balance|numeric(10,2)'
holds '\d: key' "$table" '"account_pkey" PRIMARY KEY, btree (id)'
holds '\d: check' "$table" 'CHECK (balance >= 0'

file=$(mktemp)
printf '4\tdan\t1.5\n5\te\\tve\t\\N\n' >"$file"
same '\copy from' "$(psql -X -A -t -c "\\copy account from '$file'" 2>&1)" "COPY 2"
same '\copy to csv' "$(ask -c '\copy (SELECT owner, balance FROM account WHERE id > 3 ORDER BY id) to stdout (format csv, header)')" \
    $'owner,balance\ndan,1.50\ne\tve,'
printf 'x\ty\tz\n' >"$file"
holds '\copy of bad data' "$(ask -c "\\copy account from '$file'")" 'invalid input syntax for type bigint: "x"'
rm -f "$file"

same "a large answer in portions" "$(ask -v FETCH_COUNT=100 -c 'SELECT a FROM generate_series(1, 1000) AS a' | tail -1)" 1000
holds "a statement's time" "$(ask -c "SET statement_timeout = '50ms'; SELECT count(*) FROM generate_series(1, 100000000)")" \
    'canceling statement due to statement timeout'
holds "EXPLAIN" "$(ask -c 'EXPLAIN SELECT * FROM account WHERE id = 1')" 'account'
same "the connection lives on after errors" "$(psql -X -q -A -t 2>/dev/null <<'SQL'
SELECT nosuch;
SELECT 5;
SQL
)" 5
