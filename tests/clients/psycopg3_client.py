"""psycopg 3: extended protocol, text and binary, types, transactions, pipelines, server-side cursors, COPY, cancelling."""

import datetime as dt
import decimal
import threading
import uuid

import psycopg
from psycopg import errors

from expect import fails, same, true

connection = psycopg.connect("", autocommit=True)
run = connection.execute
true("connect", connection.info.server_version >= 150000)
run("CREATE TABLE item (id int PRIMARY KEY, name text UNIQUE, price numeric(8,2) CHECK (price > 0), made date)")

with connection.transaction():
    for id, name in enumerate(["a", "b", "ö"]):
        run("INSERT INTO item VALUES (%s, %s, %s, %s)", (id, name, decimal.Decimal("1.50") + id, dt.date(2024, 2, 29)))
same("write and read", run("SELECT name, price, made FROM item WHERE id = %s", (2,)).fetchone(),
     ("ö", decimal.Decimal("3.50"), dt.date(2024, 2, 29)))
same("row count", run("UPDATE item SET price = price + 1 WHERE id < %s", (2,)).rowcount, 2)
same("RETURNING", run("DELETE FROM item WHERE id = 1 RETURNING name").fetchall(), [("b",)])

values = [True, -5, 2**40, 2.5, "te'xt\\", b"\x00\xff", dt.date(2000, 1, 2), dt.time(4, 5, 6, 7),
          dt.datetime(2000, 1, 2, 3, 4, 5, 678), dt.datetime(2000, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc),
          dt.timedelta(days=2, seconds=3), uuid.UUID(int=7), decimal.Decimal("-123456789012345678901234567890.5"), None]
types = ["bool", "int2", "int8", "float8", "text", "bytea", "date", "time", "timestamp", "timestamptz", "interval", "uuid",
         "numeric", "text"]
for binary in (False, True):
    for mark in ("%s", "%t", "%b"):
        selected = ", ".join(f"{mark}::{ty}" for ty in types)
        got = connection.cursor(binary=binary).execute(f"SELECT {selected}", values).fetchone()
        same(f"types, parameters {mark}, binary results {binary}", list(got), values)
    got = connection.cursor(binary=binary).execute("SELECT %s::int4[], %s::jsonb", ([1, None, 3], '{"b": [1, 2.5], "a": null}'))
    same(f"array and jsonb, binary {binary}", got.fetchone(), ([1, None, 3], {"a": None, "b": [1, 2.5]}))

fails("unique", errors.UniqueViolation, lambda: run("INSERT INTO item VALUES (0, 'z', 1)"),
      sqlstate="23505", diag__constraint_name="item_pkey", diag__table_name="item", diag__schema_name="public",
      diag__message_detail="Key (id)=(0) already exists.")
fails("check", errors.CheckViolation, lambda: run("INSERT INTO item VALUES (9, 'z', 0)"), sqlstate="23514")
fails("not null", errors.NotNullViolation, lambda: run("INSERT INTO item VALUES (NULL, 'z', 1)"), diag__column_name="id")
fails("syntax", errors.SyntaxError, lambda: run("SELEC 1"), diag__statement_position="1")
fails("no such table", errors.UndefinedTable, lambda: run("SELECT * FROM nosuch"), diag__statement_position="15")
fails("no such column", errors.UndefinedColumn, lambda: run("SELECT é, nosuch FROM (SELECT 1 AS é) AS t"),
      diag__statement_position="11")
fails("division", errors.DivisionByZero, lambda: run("SELECT 1 / %s", (0,)))
fails("range", errors.NumericValueOutOfRange, lambda: run("SELECT %s::int4 + 1", (2**31 - 1,)))
fails("bad value", errors.InvalidTextRepresentation, lambda: run("SELECT %s::int4", ("x",)))
fails("unsupported", errors.FeatureNotSupported, lambda: run("LISTEN here"))

with psycopg.connect("") as other:
    other.execute("INSERT INTO item VALUES (5, 'five', 5)")
    same("not seen before COMMIT", run("SELECT count(*) FROM item WHERE id = 5").fetchone(), (0,))
    try:
        with other.transaction():
            other.execute("INSERT INTO item VALUES (5, 'again', 5)")
    except errors.UniqueViolation:
        print("ok a savepoint takes the error")
    same("the transaction goes on", other.execute("SELECT name FROM item WHERE id = 5").fetchone(), ("five",))
    other.rollback()
    try:
        other.execute("SELECT 1/0 AS x FROM item")
    except errors.DivisionByZero:
        pass
    fails("a failed transaction", errors.InFailedSqlTransaction, lambda: other.execute("SELECT 1"))
    other.rollback()
same("taken back", run("SELECT count(*) FROM item WHERE id = 5").fetchone(), (0,))

with psycopg.connect("") as one, psycopg.connect("") as two:
    for c in (one, two):
        c.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        c.execute("SELECT sum(price) FROM item")
    one.execute("INSERT INTO item VALUES (20, 'one', 1)")
    two.execute("INSERT INTO item VALUES (21, 'two', 1)")
    one.commit()
    fails("write skew", errors.SerializationFailure, two.commit, sqlstate="40001")
    two.rollback()

with psycopg.connect("") as one, psycopg.connect("") as two:
    one.execute("SELECT * FROM item WHERE id = 0 FOR UPDATE")
    fails("NOWAIT", errors.LockNotAvailable, lambda: two.execute("SELECT * FROM item WHERE id = 0 FOR UPDATE NOWAIT"))
    two.rollback()
    threading.Timer(0.3, two.cancel).start()
    fails("cancel", errors.QueryCanceled, lambda: two.execute("UPDATE item SET name = 'x' WHERE id = 0"), sqlstate="57014")
    two.rollback()
    one.rollback()

with psycopg.connect("", autocommit=True, prepare_threshold=1) as prepared:
    for n in range(20):
        got = prepared.execute("SELECT %s + 1", (n,)).fetchone()
        if got != (n + 1,):
            raise SystemExit(f"FAILED prepared: {got}")
    print("ok prepared statements")
    prepared.execute("DEALLOCATE ALL")

with connection.pipeline():
    cursors = [run("SELECT %s", (n,)) for n in range(100)]
same("pipeline", [c.fetchone()[0] for c in cursors], list(range(100)))

with psycopg.connect("") as c, c.cursor("named") as cursor:
    cursor.execute("SELECT a FROM generate_series(1, 1000) AS a")
    same("a cursor of the server", (len(cursor.fetchmany(10)), cursor.fetchone(), len(cursor.fetchall())), (10, (11,), 989))

run("CREATE TABLE bulk (a int, b text)")
with connection.cursor().copy("COPY bulk FROM STDIN") as copy:
    for n in range(5000):
        copy.write_row((n, None if n % 7 == 0 else f"t\t{n}\\"))
same("COPY in", run("SELECT count(*), count(b), max(b) FROM bulk").fetchone()[:2], (5000, 4285))
with connection.cursor().copy("COPY bulk TO STDOUT") as copy:
    rows = sorted((int(a), b) for a, b in copy.rows())
same("COPY out", (len(rows), rows[8], rows[7]), (5000, (8, "t\t8\\"), (7, None)))


def broken():
    with connection.cursor().copy("COPY bulk FROM STDIN") as copy:
        copy.write("1\tx\nbad\ty\n")


fails("COPY of bad data", errors.InvalidTextRepresentation, broken)
fails("COPY BINARY", errors.FeatureNotSupported, lambda: connection.cursor().copy("COPY bulk TO STDOUT (FORMAT BINARY)").__enter__())
same("nothing of it stays", run("SELECT count(*) FROM bulk").fetchone(), (5000,))

notices = []
connection.add_notice_handler(lambda notice: notices.append((notice.severity, notice.sqlstate)))
run("COMMIT")
same("a warning", notices, [("WARNING", "25P01")])
run("SET TIME ZONE 'Europe/Paris'")
same("a setting is reported", connection.info.parameter_status("TimeZone"), "Europe/Paris")
same("a zone is applied", str(run("SELECT '2024-07-01 12:00:00+00'::timestamptz").fetchone()[0]), "2024-07-01 14:00:00+02:00")
connection.close()
