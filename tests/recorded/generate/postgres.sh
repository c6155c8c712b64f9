#!/bin/sh
# A private PostgreSQL 15 that logs every statement: postgres.sh FOLDER (as root; the folder is made).
set -e
bin=/usr/lib/postgresql/15/bin
mkdir -p "$1" && chown postgres "$1"
su postgres -c "$bin/initdb -D $1/data -E UTF8 --locale=C.UTF-8 -U postgres" >/dev/null
cat >> "$1/data/postgresql.conf" <<C
listen_addresses = ''
unix_socket_directories = '$1'
port = 5555
fsync = off
log_statement = all
logging_collector = on
log_destination = csvlog
log_directory = '$1/log'
log_filename = 'pg.log'
C
su postgres -c "$bin/pg_ctl -D $1/data -w start" </dev/null >/dev/null 2>&1
