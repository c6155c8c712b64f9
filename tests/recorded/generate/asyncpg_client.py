"""What asyncpg sends by itself."""
import asyncio, sys, asyncpg

async def main():
    c = await asyncpg.connect(host=sys.argv[1], port=5555, user="postgres", database="postgres")
    await c.fetch("SELECT $1::int, $2::text[], now(), '{}'::jsonb", 1, ["a"])
    await c.fetch("SELECT a FROM account a")
    await c.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=str)
    await c.reload_schema_state()
    async with c.transaction(isolation="serializable", readonly=True):
        async with c.transaction():
            await c.fetch("SELECT 1")
    async with c.transaction():
        async for _ in c.cursor("SELECT generate_series(1, 100)"):
            pass
        await c.executemany("INSERT INTO plain (a) VALUES ($1)", [(301,), (302,)])
        await c.copy_records_to_table("plain", records=[(303,)], columns=["a"])
        await c.execute("DELETE FROM plain")
    await c.reset()
    await c.close()

asyncio.run(main())
