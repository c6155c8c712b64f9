"""One data behind two protocols: what Redis writes SQL reads and changes, and the other way round."""

import os

import psycopg
import redis

from expect import fails, same

r = redis.Redis(port=int(os.environ["REDIS_PORT"]), decode_responses=True)
sql = psycopg.connect("", autocommit=True)

r.set("greeting", "hello")
r.hset("user:1", mapping={"name": "ann", "age": 30})
same("a string in SQL", sql.execute("SELECT value, type FROM redis WHERE key = 'greeting'").fetchone(), ("hello", "string"))
same("a hash in SQL", sql.execute("SELECT members FROM redis WHERE key = 'user:1'").fetchone(), ({"name": "ann", "age": "30"},))

sql.execute("CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL, age int CHECK (age >= 0))")
sql.execute("ALTER TABLE users SET (redis_prefix = 'users')")
sql.execute("INSERT INTO users VALUES (1, 'bob', 40)")
same("a row as a hash", r.hgetall("users:1"), {"id": "1", "name": "bob", "age": "40"})
same("a field of a row", r.hincrby("users:1", "age", 2), 42)
r.hset("users:2", mapping={"name": "eve", "age": 7})
same("rows written by Redis", sql.execute("SELECT * FROM users ORDER BY id").fetchall(), [(1, "bob", 42), (2, "eve", 7)])
fails("a check holds for Redis too", redis.ResponseError, lambda: r.hset("users:1", "age", -1))
same("DEL is DELETE", (r.delete("users:2"), sql.execute("SELECT count(*) FROM users").fetchone()), (1, (1,)))
r.flushall()
same("FLUSHALL drops no table", sql.execute("SELECT name FROM users").fetchall(), [("bob",)])
