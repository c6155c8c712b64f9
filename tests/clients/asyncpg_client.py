"""asyncpg: binary everywhere, its statement cache, cursors, transactions, COPY.

For a type that it does not know by number, arrays among them, asyncpg asks the catalogue WITH RECURSIVE, which is not
there yet: it must be told so by name, and nothing may hang.
"""

import asyncio
import datetime as dt
import decimal
import io
import uuid

import asyncpg

from expect import same, true


async def fails(what, kind, awaitable, sqlstate):
    try:
        got = await awaitable
    except kind as error:
        same(f"{what}: sqlstate", error.sqlstate, sqlstate)
    else:
        raise SystemExit(f"FAILED {what}: no error but {got!r}")


async def main():
    c = await asyncpg.connect()
    true("connect", c.get_server_version().major == 15)
    await c.execute("CREATE TABLE thing (id bigint PRIMARY KEY, name text, at timestamptz, price numeric, doc jsonb)")
    at = dt.datetime(2024, 2, 29, 23, 59, 59, 5, tzinfo=dt.timezone.utc)
    row = (1, "ö", at, decimal.Decimal("-0.00012"), '{"a": 1}')
    await c.execute("INSERT INTO thing VALUES ($1, $2, $3, $4, $5)", *row)
    same("row", tuple(await c.fetchrow("SELECT * FROM thing WHERE id = $1", 1)), row)
    await c.executemany("INSERT INTO thing (id, name) VALUES ($1, $2)", [(n, f"n{n}") for n in range(2, 200)])
    same("executemany", await c.fetchval("SELECT count(*) FROM thing"), 199)
    same("status", await c.execute("UPDATE thing SET name = 'x' WHERE id < $1", 10), "UPDATE 9")
    for ty, value in [("bool", True), ("int2", -3), ("int4", 7), ("int8", 2**60), ("float4", 1.5), ("float8", -2.25), ("text", "t"),
                      ("varchar(3)", "abc"), ("bytea", b"\0\xff"), ("date", dt.date(1, 1, 1)), ("time", dt.time(1, 2, 3, 4)),
                      ("timestamp", dt.datetime(1999, 1, 1)), ("interval", dt.timedelta(days=3, seconds=4)),
                      ("uuid", uuid.UUID(int=5)), ("numeric", decimal.Decimal("1E+10")), ("oid", 7), ("json", '{"b": 1}')]:
        same(f"type {ty}", await c.fetchval(f"SELECT $1::{ty}", value), value)
    statement = await c.prepare("SELECT id, name FROM thing WHERE id IN ($1, $2) ORDER BY id")
    same("attributes", [(a.name, a.type.name) for a in statement.get_attributes()], [("id", "int8"), ("name", "text")])
    same("parameters", [p.name for p in statement.get_parameters()], ["int8", "int8"])
    same("prepared", [r["id"] for r in await statement.fetch(3, 1)], [1, 3])
    async with c.transaction():
        cursor = await c.cursor("SELECT id FROM thing ORDER BY id")
        same("cursor", [r["id"] for r in await cursor.fetch(5)], [1, 2, 3, 4, 5])
        same("cursor goes on", (await cursor.fetchrow())["id"], 6)
        total = 0
        async for r in c.cursor("SELECT id FROM thing", prefetch=7):
            total += r["id"]
        same("iteration", total, 199 * 100)
    try:
        async with c.transaction():
            await c.execute("DELETE FROM thing")
            async with c.transaction():
                await c.execute("INSERT INTO thing (id) VALUES (1)")
            raise RuntimeError
    except RuntimeError:
        same("taken back", await c.fetchval("SELECT count(*) FROM thing"), 199)
    await fails("unique", asyncpg.UniqueViolationError, c.execute("INSERT INTO thing (id) VALUES (1)"), "23505")
    await fails("syntax", asyncpg.PostgresSyntaxError, c.fetch("SELEC 1"), "42601")
    await fails("division", asyncpg.DivisionByZeroError, c.fetch("SELECT 1 / $1::int", 0), "22012")
    await fails("no such table", asyncpg.UndefinedTableError, c.fetch("SELECT * FROM nosuch"), "42P01")
    await fails("no such database", asyncpg.InvalidCatalogNameError, asyncpg.connect(database="nosuch"), "3D000")
    await fails("arrays ask WITH RECURSIVE", asyncpg.FeatureNotSupportedError, c.fetchval("SELECT $1::int4[]", [1]), "0A000")
    same("alive after errors", await c.fetchval("SELECT 1"), 1)
    await c.execute("ALTER TABLE thing ADD COLUMN more int DEFAULT 5")
    same("a cached statement after DDL", (await c.fetchrow("SELECT * FROM thing WHERE id = 7"))["more"], 5)
    same("COPY out", await c.copy_from_query("SELECT id FROM thing WHERE id < 3 ORDER BY id", output=io.BytesIO(), format="csv"),
         "COPY 2")
    same("COPY in", await c.copy_to_table("thing", source=io.BytesIO(b"900,q\n"), columns=["id", "name"], format="csv"), "COPY 1")
    slow = c.fetch("SELECT count(*) FROM generate_series(1, 1000000000)")
    try:
        await asyncio.wait_for(slow, 0.5)
    except asyncio.TimeoutError:
        print("ok a time-out cancels")
    same("alive after it", await c.fetchval("SELECT 2"), 2)
    same("void", await c.fetchval("SELECT pg_advisory_unlock_all()"), None)
    async with asyncpg.create_pool(min_size=2, max_size=8) as pool:
        got = await asyncio.gather(*(pool.fetchval("SELECT $1::int", n) for n in range(50)))
        same("pool", got, list(range(50)))
    await c.close()


asyncio.run(main())
