"""redis-py: RESP2 and RESP3, pipelines, WATCH, scanning, errors."""

import os
import time

import redis

from expect import fails, same, true

for protocol in (2, 3):
    r = redis.Redis(port=int(os.environ["REDIS_PORT"]), protocol=protocol, decode_responses=True)
    raw = redis.Redis(port=int(os.environ["REDIS_PORT"]), protocol=protocol)
    p = f"RESP{protocol}"
    r.flushall()
    true(f"{p}: ping", r.ping())
    true(f"{p}: set", r.set("k", "v"))
    same(f"{p}: get", (r.get("k"), r.get("nothing")), ("v", None))
    raw.set(b"\0\xff", b"\xfe\0")
    same(f"{p}: bytes", raw.get(b"\0\xff"), b"\xfe\0")
    same(f"{p}: set NX GET", (r.set("k", "w", nx=True), r.set("k", "w", get=True)), (None, "v"))
    same(f"{p}: incr", (r.incr("n"), r.incrbyfloat("n", 0.5)), (1, 1.5))
    same(f"{p}: mset, mget", (r.mset({"a": 1, "b": 2}), r.mget("a", "x", "b")), (True, ["1", None, "2"]))
    same(f"{p}: append, strlen, getrange", (r.append("k", "xyz"), r.strlen("k"), r.getrange("k", 1, 2)), (4, 4, "xy"))
    same(f"{p}: hash", (r.hset("h", mapping={"a": 1, "b": 2}), r.hgetall("h"), r.hincrby("h", "a", 5), r.hdel("h", "b")),
         (2, {"a": "1", "b": "2"}, 6, 1))
    same(f"{p}: type, exists, rename", (r.type("h"), r.exists("h", "k", "z"), r.rename("h", "g"), r.exists("h")), ("hash", 2, True, 0))
    r.set("t", 1, px=50)
    true(f"{p}: ttl", 0 < r.pttl("t") <= 50)
    time.sleep(0.1)
    same(f"{p}: expired", (r.get("t"), r.exists("t"), r.ttl("k"), r.ttl("t")), (None, 0, -1, -2))
    with r.pipeline(transaction=False) as pipe:
        for n in range(500):
            pipe.set(f"p:{n}", n)
        true(f"{p}: pipeline", all(pipe.execute()))
    same(f"{p}: scan", (sum(1 for _ in r.scan_iter("p:*", count=50)), len(r.keys("p:1*"))), (500, 111))
    with r.pipeline() as pipe:
        pipe.incr("m").incr("m").get("m")
        same(f"{p}: MULTI", pipe.execute(), [1, 2, "2"])
    with r.pipeline() as pipe:
        pipe.watch("m")
        r.set("m", 10)
        pipe.multi()
        pipe.set("m", 0)
        fails(f"{p}: WATCH", redis.WatchError, pipe.execute)
    with r.pipeline() as pipe:
        pipe.set("m", 1).hget("m", "a").incr("m")
        got = pipe.execute(raise_on_error=False)
        same(f"{p}: an error within EXEC", (got[0], type(got[1]), got[2]), (True, redis.ResponseError, 2))
    fails(f"{p}: wrong type", redis.ResponseError, lambda: r.hset("k", "a", 1))
    fails(f"{p}: unknown command", redis.ResponseError, lambda: r.execute_command("NOSUCH"))
    fails(f"{p}: unknown option", redis.ResponseError, lambda: r.execute_command("SET", "k", "v", "NOSUCH"))
    same(f"{p}: database", (redis.Redis(port=int(os.environ["REDIS_PORT"]), db=3).dbsize(), r.dbsize() > 500), (0, True))
    true(f"{p}: client", r.client_setname("me") and r.client_getname() == "me" and r.client_id() > 0)
    true(f"{p}: info", r.info("server")["redis_version"].startswith("7.2"))
    same(f"{p}: flushdb", (r.flushdb(), r.dbsize()), (True, 0))
