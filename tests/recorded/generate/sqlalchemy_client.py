"""What SQLAlchemy Core sends by itself: connecting, reflecting, and making tables. sqlalchemy_client.py SOCKET DRIVER"""
import sys
from sqlalchemy import (Boolean, CheckConstraint, Column, Index, Integer, MetaData, Numeric, Sequence, String, Table,
                        UniqueConstraint, create_engine, inspect, insert, select, text, update, delete)
from sqlalchemy.dialects.postgresql import insert as upsert, JSONB, UUID

engine = create_engine(f"postgresql+{sys.argv[2]}://postgres@/postgres?host={sys.argv[1]}&port=5555")
inspector = inspect(engine)
inspector.default_schema_name
inspector.get_schema_names()
for schema in (None, "shop"):
    inspector.get_table_names(schema)
    inspector.get_view_names(schema)
    inspector.get_materialized_view_names(schema)
    inspector.get_temp_table_names()
    inspector.get_temp_view_names()
    inspector.get_sequence_names(schema)
    inspector.get_enums(schema)
    inspector.get_domains(schema)
    inspector.has_sequence("counter", schema)
    inspector.has_table("orders", schema)
    inspector.has_schema("shop")
    for multi in ("columns", "pk_constraint", "indexes", "unique_constraints", "check_constraints", "foreign_keys",
                  "table_comment", "table_options"):
        getattr(inspector, "get_multi_" + multi)(schema)
for name in ("columns", "pk_constraint", "indexes", "unique_constraints", "check_constraints", "foreign_keys",
             "table_comment", "table_options"):
    getattr(inspector, "get_" + name)("account")
    getattr(inspector, "get_" + name)("orders", "shop")
inspector.get_table_oid("account")
inspector.has_index("account", "account_made")
MetaData().reflect(engine)
MetaData().reflect(engine, schema="shop")
made = MetaData()
t = Table("made", made, Column("id", Integer, primary_key=True), Column("name", String(20), nullable=False, unique=True),
          Column("amount", Numeric(10, 2), server_default=text("0")), Column("on", Boolean, index=True), Column("data", JSONB),
          Column("u", UUID), Column("n", Integer, Sequence("made_n")), CheckConstraint("amount >= 0", name="positive"),
          UniqueConstraint("name", "amount"))
Index("made_name_amount", t.c.name, t.c.amount.desc())
made.create_all(engine)
with engine.begin() as c:
    c.execute(insert(t).values(name="a"))
    c.execute(insert(t), [{"name": "b"}, {"name": "c"}])
    c.execute(upsert(t).values(name="a").on_conflict_do_nothing())
    c.execute(update(t).where(t.c.name == "a").values(amount=5))
    c.execute(select(t).where(t.c.amount > 1).order_by(t.c.id).limit(3)).all()
    with c.begin_nested():
        c.execute(delete(t).where(t.c.name == "c"))
with engine.connect().execution_options(isolation_level="SERIALIZABLE") as c:
    c.execute(select(t.c.id)).all()
with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
    c.execute(text("SELECT 1"))
with engine.connect().execution_options(stream_results=True, yield_per=2) as c:
    c.execute(select(t.c.id)).all()
made.drop_all(engine)
