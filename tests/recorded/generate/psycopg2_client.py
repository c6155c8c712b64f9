"""What psycopg2 sends by itself."""
import sys, psycopg2, psycopg2.extras

c = psycopg2.connect(host=sys.argv[1], port=5555, user="postgres", dbname="postgres")
cur = c.cursor()
cur.execute("SELECT 1, 'a', now(), 1.5, ARRAY[1, 2], '{\"a\": 1}'::jsonb")
cur.execute("SELECT %s, %s, %s", (1, "x", None))
c.commit()
psycopg2.extras.execute_values(cur, "INSERT INTO plain (a, f) VALUES %s", [(101, 1), (102, 2)])
c.rollback()
c.set_session(isolation_level="SERIALIZABLE", readonly=True)
cur.execute("SELECT 1")
c.commit()
c.set_session(isolation_level="DEFAULT", readonly=False, autocommit=True)
cur.execute("SELECT 1")
c.set_client_encoding("UTF8")
psycopg2.extras.register_uuid(conn_or_curs=c)
psycopg2.extras.register_default_jsonb(conn_or_curs=c)
try:
    psycopg2.extras.register_hstore(c)
except psycopg2.ProgrammingError:
    pass
try:
    psycopg2.extras.register_composite("nothing", c)
except psycopg2.ProgrammingError:
    pass
c.autocommit = False
named = c.cursor("named")
named.execute("SELECT generate_series(1, 10)")
named.fetchmany(3)
named.close()
c.commit()
tpc = c.xid(1, "a", "b")
c.close()
