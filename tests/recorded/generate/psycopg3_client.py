"""What psycopg 3 sends by itself."""
import sys, psycopg
from psycopg.types import TypeInfo
from psycopg.types.composite import CompositeInfo
from psycopg.types.enum import EnumInfo
from psycopg.types.range import RangeInfo
from psycopg.types.multirange import MultirangeInfo

c = psycopg.connect(host=sys.argv[1], port=5555, user="postgres", dbname="postgres")
for _ in range(7):
    c.execute("SELECT %s::int, %s::text", (1, "x")).fetchall()
c.commit()
c.execute("SELECT 1, 'a', now(), 1.5, ARRAY[1, 2], '{\"a\": 1}'::jsonb")
for kind in (TypeInfo, CompositeInfo, EnumInfo, RangeInfo, MultirangeInfo):
    kind.fetch(c, "int4")
c.commit()
with c.transaction():
    with c.transaction():
        c.execute("SELECT 1")
c.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
c.read_only = True
c.execute("SELECT 1")
c.commit()
c.isolation_level = None
c.read_only = None
with c.cursor("named") as cur:
    cur.execute("SELECT generate_series(1, 10)")
    cur.fetchmany(3)
with c.cursor() as cur:
    cur.executemany("INSERT INTO plain (a) VALUES (%s)", [(201,), (202,)])
    with cur.copy("COPY plain (a) FROM STDIN") as copy:
        copy.write_row((203,))
    with cur.copy("COPY plain (a) TO STDOUT (FORMAT BINARY)") as copy:
        list(copy)
c.rollback()
with c.pipeline():
    c.execute("SELECT 1")
    c.execute("SELECT 2")
c.rollback()
c.close()
