#!/usr/bin/env bash
# redis-cli: commands, errors, pipe mode, --scan, transactions.
set -uo pipefail
failures=0
trap '((failures == 0)) || { echo "$failures differences"; exit 1; }' EXIT

fail() { printf 'FAILED %s:\n--- got\n%s\n--- wanted\n%s\n' "$1" "$2" "$3"; failures=$((failures + 1)); }
same() { if [[ $2 == "$3" ]]; then echo "ok $1"; else fail "$1" "$2" "$3"; fi; }
holds() { if [[ $2 == *"$3"* ]]; then echo "ok $1"; else fail "$1" "$2" "… $3 …"; fi; }
ask() { redis-cli -p "$REDIS_PORT" "$@" 2>&1; }

same PING "$(ask PING)" PONG
same SET "$(ask SET key 'a value')" OK
same GET "$(ask GET key)" 'a value'
same "GET of nothing" "$(ask GET nothing)" ""
same INCR "$(ask INCR n; ask INCRBY n 41)" $'1\n42'
same HSET "$(ask HSET h a 1 b 2)" 2
same HGETALL "$(ask HGETALL h)" $'a\n1\nb\n2'
same "SET with options" "$(ask SET key x NX)" ""
same TTL "$(ask SET t x EX 100 >/dev/null; ask TTL t)" 100
same "wrong type" "$(ask INCR h)" "WRONGTYPE Operation against a key holding the wrong kind of value"
same "not a number" "$(ask INCR key)" "ERR value is not an integer or out of range"
holds "unknown command" "$(ask NOSUCH a b)" "ERR unknown command 'NOSUCH'"
holds "too few arguments" "$(ask GET)" "ERR wrong number of arguments for 'get' command"
same RESP3 "$(ask -3 --no-raw HGETALL h | tr -d '"')" $'1# a => 1\n2# b => 2'
same MULTI "$(printf 'MULTI\nSET m 1\nINCR m\nEXEC\n' | redis-cli -p "$REDIS_PORT" | tail -2)" $'OK\n2'
same DISCARD "$(printf 'MULTI\nSET m 9\nDISCARD\nGET m\n' | redis-cli -p "$REDIS_PORT" | tail -1)" 2
for n in $(seq 1000); do printf 'SET bulk:%d %d\r\n' "$n" "$n"; done | redis-cli -p "$REDIS_PORT" --pipe >/tmp/$$.pipe 2>&1
holds "pipe mode" "$(cat /tmp/$$.pipe)" "errors: 0, replies: 1000"
rm -f /tmp/$$.pipe
same "--scan" "$(ask --scan --pattern 'bulk:*' | wc -l)" 1000
same DBSIZE "$(ask DEL key n h t m >/dev/null; ask DBSIZE)" 1000
same SELECT "$(redis-cli -p "$REDIS_PORT" -n 1 DBSIZE)" 0
holds INFO "$(ask INFO server)" redis_version:7.2
holds "CONFIG GET" "$(ask CONFIG GET maxmemory)" maxmemory
same FLUSHDB "$(ask FLUSHDB; ask DBSIZE)" $'OK\n0'
