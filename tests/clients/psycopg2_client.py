"""psycopg2: the simple protocol with literals written into the text."""

import datetime as dt
import decimal

import psycopg2
from psycopg2 import errors, extras

from expect import fails, same

connection = psycopg2.connect("")
cursor = connection.cursor()
cursor.execute("CREATE TABLE person (id serial PRIMARY KEY, name text NOT NULL, born date, tags text[], more jsonb)")
cursor.execute("INSERT INTO person (name, born, tags, more) VALUES (%s, %s, %s, %s) RETURNING id",
               ("O'Hara", dt.date(1999, 12, 31), ["a", "b,c"], extras.Json({"k": [1, None]})))
same("serial", cursor.fetchone(), (1,))
cursor.executemany("INSERT INTO person (name) VALUES (%s)", [(f"p{n}",) for n in range(10)])
extras.execute_values(cursor, "INSERT INTO person (name, born) VALUES %s", [(f"v{n}", None) for n in range(300)])
connection.commit()
cursor.execute("SELECT count(*), sum(id), avg(id) FROM person")
same("what was written", cursor.fetchone(), (311, 48516, decimal.Decimal(156)))
cursor.execute("SELECT name, born, tags, more FROM person WHERE name = %s", ("O'Hara",))
same("types", cursor.fetchone(), ("O'Hara", dt.date(1999, 12, 31), ["a", "b,c"], {"k": [1, None]}))
cursor.execute("SELECT name FROM person WHERE id IN %s ORDER BY id", ((2, 3),))
same("a list in the text", cursor.fetchall(), [("p0",), ("p1",)])
connection.commit()


def execute(text, *values):
    return lambda: cursor.execute(text, values)


fails("not null", errors.NotNullViolation, execute("INSERT INTO person (name) VALUES (NULL)"), pgcode="23502")
fails("the transaction failed", errors.InFailedSqlTransaction, execute("SELECT 1"), pgcode="25P02")
connection.rollback()
fails("class of errors", psycopg2.IntegrityError, execute("INSERT INTO person VALUES (1, 'x')"), pgcode="23505")
connection.rollback()
fails("programming error", psycopg2.ProgrammingError, execute("SELECT * FROM nosuch"), pgcode="42P01")
connection.rollback()
fails("data error", psycopg2.DataError, execute("SELECT %s::date", "2024-02-30"), pgcode="22008")
connection.rollback()

connection.set_session(isolation_level="SERIALIZABLE", readonly=True)
fails("read only", errors.ReadOnlySqlTransaction, execute("DELETE FROM person"))
connection.rollback()
connection.set_session(isolation_level="DEFAULT", readonly=False)

with connection.cursor("named") as named:
    named.itersize = 50
    named.execute("SELECT id FROM person ORDER BY id")
    same("a cursor of the server", sum(row[0] for row in named), 48516)
connection.rollback()
connection.autocommit = True
cursor.execute("SELECT 1; SELECT 2")
same("the last of two statements", cursor.fetchall(), [(2,)])
fails("no such database", psycopg2.OperationalError, lambda: psycopg2.connect("dbname=nosuch"))
connection.close()
