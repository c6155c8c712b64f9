"""SQLAlchemy Core over psycopg2 and psycopg: what it sends by itself, reflection, RETURNING, savepoints, isolation."""

import os

from sqlalchemy import (
    Boolean, CheckConstraint, Column, Date, DateTime, Index, Integer, LargeBinary, MetaData, Numeric, String, Table, UniqueConstraint,
    create_engine, delete, exc, func, insert, inspect, select, text, update,
)
from sqlalchemy.dialects import postgresql as pg

from expect import fails, same, true

for driver in ("psycopg2", "psycopg"):
    address = f"postgresql+{driver}://ann@127.0.0.1:{os.environ['PGPORT']}/main"
    engine = create_engine(address)
    metadata = MetaData()
    user = Table(
        "person", metadata,
        Column("id", Integer, primary_key=True), Column("name", String(30), nullable=False), Column("born", Date),
        Column("seen", DateTime(timezone=True), server_default=func.now()), Column("money", Numeric(10, 2)),
        Column("data", pg.JSONB), Column("raw", LargeBinary), Column("live", Boolean, default=True),
        UniqueConstraint("name", name="person_name"), CheckConstraint("money >= 0", name="person_money"),
        Index("person_born", "born"),
    )
    metadata.drop_all(engine)
    metadata.create_all(engine)
    metadata.create_all(engine)
    print(f"ok {driver}: create_all, twice")
    with engine.begin() as c:
        got = c.execute(insert(user).returning(user.c.id), [{"name": n, "money": 5, "data": {"n": n}} for n in "abc"]).all()
        same(f"{driver}: RETURNING of many", [row.id for row in got], [1, 2, 3])
        c.execute(update(user).where(user.c.name == "b").values(money=user.c.money * 2, raw=b"\0\xff"))
        statement = pg.insert(user).values(name="a", money=1)
        statement = statement.on_conflict_do_update(index_elements=["name"], set_={"money": statement.excluded.money + 100})
        c.execute(statement)
    with engine.connect() as c:
        got = c.execute(select(user.c.name, user.c.money, user.c.data["n"].astext, user.c.raw, user.c.live).order_by(user.c.id)).all()
        same(f"{driver}: rows", [(n, float(m), d, bytes(r) if r else None, live) for n, m, d, r, live in got],
             [("a", 101.0, "a", None, True), ("b", 10.0, "b", b"\0\xff", True), ("c", 5.0, "c", None, True)])
        same(f"{driver}: aggregates", c.execute(select(func.count(), func.max(user.c.name)).where(user.c.money > 5)).one(), (2, "b"))
        true(f"{driver}: server default", c.execute(select(user.c.seen)).scalars().first().tzinfo)
        c.rollback()
        with c.begin():
            nested = c.begin_nested()
            fails(f"{driver}: unique", exc.IntegrityError, lambda: c.execute(insert(user).values(name="a")))
            nested.rollback()
            c.execute(insert(user).values(name="d"))
        same(f"{driver}: savepoint", c.execute(select(func.count()).select_from(user)).scalar(), 4)
    with engine.connect().execution_options(isolation_level="SERIALIZABLE") as c:
        same(f"{driver}: isolation", c.execute(text("SHOW transaction_isolation")).scalar(), "serializable")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        c.execute(delete(user).where(user.c.name == "d"))
    inspector = inspect(engine)
    true(f"{driver}: has_table", inspector.has_table("person") and not inspector.has_table("nosuch"))
    columns = {column["name"]: column for column in inspector.get_columns("person")}
    same(f"{driver}: reflected type", str(columns["name"]["type"]), "VARCHAR(30)")
    same(f"{driver}: reflected NULL", (columns["name"]["nullable"], columns["born"]["nullable"]), (False, True))
    same(f"{driver}: reflected key", inspector.get_pk_constraint("person")["constrained_columns"], ["id"])
    true(f"{driver}: reflected index", "person_born" in [i["name"] for i in inspector.get_indexes("person")])
    same(f"{driver}: reflected unique", [u["name"] for u in inspector.get_unique_constraints("person")], ["person_name"])
    same(f"{driver}: reflected check", [u["name"] for u in inspector.get_check_constraints("person")], ["person_money"])
    same(f"{driver}: reflected foreign keys", inspector.get_foreign_keys("person"), [])
    copy = Table("person", MetaData(), autoload_with=engine)
    same(f"{driver}: autoload", [c.name for c in copy.columns], [c.name for c in user.columns])
    fails(f"{driver}: programming error", exc.ProgrammingError, lambda: engine.connect().execute(text("SELECT nosuch")))
    metadata.drop_all(engine)
    same(f"{driver}: drop_all", inspect(engine).has_table("person"), False)
    engine.dispose()
