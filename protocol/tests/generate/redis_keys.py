#!/usr/bin/env python3
"""Records what a Redis server answers to commands on keys: tests/golden/redis_keys.txt.

    redis-server --port 0 --unixsocket /tmp/redis.sock --save '' --enable-debug-command yes --hash-max-listpack-entries 128 &
    python3 tests/generate/redis_keys.py /tmp/redis.sock > tests/golden/redis_keys.txt

A case is inline commands, `---`, one line for each reply, escaped. All key spaces are empty before it. A first line `(hello 3)` means
RESP3. A command behind `~` answers in any order: the lines of its reply are sorted. Every command on one key runs against every kind of
key, and what it left is looked at afterwards.
"""
import socket
import sys

FAR = "9999999999"
SETUPS = {
    "none": [], "text": ["set k hello"], "int": ["set k 10"], "float": ["set k 10.5"],
    "expiring": [f"set k 5 exat {FAR}"], "hash": ["hset k f 1 g hello h 2.5"], "big": ["set k 9223372036854775807"],
}
ONE = [
    "get k", "set k v", "set k v nx", "set k v xx", "set k v get", "set k v nx get", "set k v xx get", f"set k v exat {FAR}",
    f"set k v pxat {FAR}123", "set k v keepttl", f"set k v keepttl exat {FAR}", "set k v ex 0", "set k v ex -1", "set k v ex a",
    "set k v px 0", "set k v nx xx", "set k v bad", "set k v ex", "set k v ex 9223372036854775807", "set k v exat 1",
    f"set k v nx exat {FAR}", "set k v ex 1 px 1", "set k v XX KEEPTTL GET", "setnx k v", f"setex k 0 v", "setex k a v", "setex k -5 v",
    "psetex k 0 v", "psetex k x v", "setex k 9223372036854775 v", "getset k v", "getdel k", "getex k", "getex k persist", f"getex k exat {FAR}",
    f"getex k pxat {FAR}000", "getex k ex 0", "getex k ex x", "getex k persist ex 1", "getex k nope", "getex k exat 1", "append k tail", "append k ''",
    "strlen k", "getrange k 0 -1", "getrange k 1 3", "getrange k -3 -2", "getrange k 5 1", "getrange k -1 -3", "getrange k x 1", "substr k 0 2",
    "setrange k 3 XY", "setrange k 0 ''", "setrange k 10 z", "setrange k -1 z", "setrange k x z", "setrange k 536870912 z",
    "incr k", "decr k", "incrby k 5", "incrby k -5", "incrby k x", "incrby k 1.5", "decrby k 5", "decrby k -9223372036854775808",
    "incrby k 9223372036854775807", "incrbyfloat k 1.5", "incrbyfloat k -3", "incrbyfloat k x", "incrbyfloat k 5e2", "incrbyfloat k inf", "incrbyfloat k nan",
    "mget k nokey k", "mset k 1 l 2", "mset k", "mset k 1 l", "msetnx k 1 l 2", "msetnx k 1 l", "lcs k l", "lcs k k", "lcs k k len", "lcs k k idx",
    "lcs k k idx withmatchlen", "lcs k k idx minmatchlen 3", "lcs k k len idx", "lcs k k bad",
    "hset k f 9", "hset k a 1 b 2 f 3", "hset k a", "hset k a 1 b", "hsetnx k f 9", "hsetnx k new 9", "hmset k a 1 b 2", "hmset k a", "hget k f", "hget k nope",
    "hmget k f nope g", "hgetall k", "hkeys k", "hvals k", "hlen k", "hexists k f", "hexists k nope", "hstrlen k g", "hstrlen k nope", "hdel k f", "hdel k f g h",
    "hdel k nope", "hdel k f f", "hincrby k f 5", "hincrby k g 5", "hincrby k new -3", "hincrby k f x", "hincrby k f 9223372036854775807",
    "hincrbyfloat k h 0.1", "hincrbyfloat k f 1.5", "hincrbyfloat k g 1", "hincrbyfloat k f x", "hincrbyfloat k new 3.0e3", "~hrandfield k 10", "hrandfield k 0",
    "~hrandfield k 10 withvalues", "hrandfield k x", "hrandfield k 1 bad", "hrandfield k 1 withvalues x", "hscan k 0", "hscan k 0 match f*", "hscan k 0 count 2", "hscan k x", "hscan k 0 count 0",
    "hscan k 0 count x", "hscan k 0 bad", "hscan k 0 match", "hscan k 0 type string",
    "del k", "del k k nokey", "unlink k", "exists k", "exists k k nokey", "touch k nokey", "type k", f"expireat k {FAR}", f"pexpireat k {FAR}000", f"expireat k {FAR} nx",
    f"expireat k {FAR} xx", "expireat k 9999999998 gt", "expireat k 9999999998 lt", f"expireat k {FAR} gt lt", f"expireat k {FAR} nx xx", f"expireat k {FAR} nx gt",
    f"expireat k {FAR} bad", "expireat k x", "expire k x", "expire k 9223372036854775807", "expire k -1", "expire k 0", "expireat k 1", "expire k 100", "pexpire k 100000",
    "pexpire k 9223372036854775807", "expireat k 9223372036854775807", "pexpireat k -5", f"expireat k {FAR} xx gt", f"expireat k 9999999998 xx lt",
    "ttl k", "expiretime k", "pexpiretime k", "persist k", "rename k l", "rename k k", "renamenx k l", "renamenx k k", "copy k l", "copy k k", "copy k l replace",
    "copy k l db 1", "copy k l db 99", "copy k l db x", "copy k l bad", "copy k k db 1", "move k 1", "move k 0", "move k 99", "move k x", "keys k*", "keys x", "scan 0",
    "scan 0 match k", "scan 0 match x", "scan 0 type hash", "scan 0 type string", "scan 0 type nope", "scan 0 count 5", "scan x", "scan 0 count 0", "scan 0 count", "scan 0 bad 1",
    "scan -1", "randomkey", "dbsize", "object encoding k", "object refcount nokey", "object freq k", "object nope k", "object encoding",
    "flushdb", "flushall", "flushall async", "flushdb sync", "flushall bad", "flushdb sync async", "swapdb 0 1", "swapdb a 1", "swapdb 0 b", "swapdb 0 99", "swapdb 0 0",
]
# What differs on purpose and is not recorded: OBJECT ENCODING of a short string that was appended to (`raw` in Redis), SELECT
# of a name (a database here), sums that need more than the 64 bits of an x87 float (exact here).
TWO = [
    ["set k v", "set l w", "rename k l", "keys *", "get l"], ["set k v", "set l w", "renamenx k l", "get l"], ["set k v", "set l w", "copy k l", "get l"],
    ["set k v", "set l w", "copy k l replace", "get l"], [f"set k v exat {FAR}", "set l w", "rename k l", "expiretime l"],
    [f"set k v exat {FAR}", "copy k l", "expiretime l"], [f"set k 1 exat {FAR}", "incr k", "expiretime k"], [f"set k 1 exat {FAR}", "append k x", "expiretime k"],
    [f"set k 1 exat {FAR}", "setrange k 1 x", "expiretime k"], [f"set k 1 exat {FAR}", "getset k x", "expiretime k"], [f"set k 1 exat {FAR}", "persist k", "expiretime k"],
    [f"hset k f 1", f"expireat k {FAR}", "hset k g 2", "expiretime k", "hdel k f g", "exists k"], ["set k ohmytext", "set l mynewtext", "lcs k l", "lcs k l len", "lcs k l idx"],
    ["set k ohmytext", "set l mynewtext", "lcs k l idx minmatchlen 4", "lcs k l idx minmatchlen 4 withmatchlen"], ["hset k f v", "set l x", "lcs k l"],
    ["mset a 1 b 2 c 3", "~keys *", "~scan 0", "dbsize", "mget a b c d"], ["mset a 1 b 2", "msetnx b 1 c 2", "exists c"], ["mset aa 1 ab 2 ba 3", "~keys a*", "~keys ?a", "~keys [ab]a", "~keys [^a]*"],
    ["set k v", "select 1", "get k", "set k w", "select 0", "get k", "swapdb 0 1", "get k", "select 1", "get k"], ["set k v", "move k 1", "select 1", "get k", "move k 0"],
    ["set k v", "select 1", "set k w", "select 0", "move k 1", "get k"], ["set k v", "copy k k db 2", "select 2", "get k"], ["select 15", "select 16", "select -1"],
    ["multi", "set k 1", "incr k", "get k", "exec"], ["multi", "set k a", "incr k", "set k b", "exec", "get k"], ["multi", "get", "set k 1", "exec", "get k"],
    ["multi", "nosuch", "exec"], ["multi", "multi", "exec"], ["exec"], ["discard"], ["multi", "set k 1", "discard", "get k"], ["multi", "watch k", "exec"], ["multi", "exec"],
    ["watch k", "set k 1", "multi", "get k", "exec"], ["watch k", "multi", "set k 1", "exec", "get k"], ["watch k", "set k 1", "unwatch", "multi", "get k", "exec"],
    ["watch", "unwatch x"], ["multi", "select 1", "set k 1", "exec", "get k", "select 0", "get k"], ["multi", "ping", "echo x", "dbsize", "set k 1", "dbsize", "exec"],
    ["multi", "flushall", "set k 1", "exec", "get k"], ["set k 1", "multi", "set l 2", "flushdb", "exists k l", "exec", "dbsize"], ["set k 1", "multi", "del k", "exists k", "hset k f v", "hgetall k", "exec", "type k"],
    ["set k v", "watch k", "flushall", "multi", "ping", "exec"], ["watch k", "flushall", "multi", "ping", "exec"], ["watch k", "del k", "multi", "ping", "exec"], ["set k 1", "watch k", "expire k 100", "multi", "ping", "exec"],
    ["set k 1", "watch k", "select 1", "set k 2", "select 0", "multi", "ping", "exec"], ["set k 1", "multi", "rename k l", "get l", "exec"], ["multi", "rename nope l", "set k 1", "exec", "get k"],
    ["ping", "ping x", "ping x y", "echo", "echo a b"], ["select", "select 1 2"], ["config get databases", "config get nosuch*", "config set nosuch 1", "config set databases 3", "config set timeout x", "config set timeout"],
    ["config get DATABASES", "config get timeout save", "config set timeout 0", "config resetstat"], ["client getname", "client setname x", "client getname", "client setname 'a b'", "client setname ''", "client getname"],
    ["client reply on", "client reply bad", "client no-evict on", "client no-evict maybe", "client nosuch"], ["client kill 1.2.3.4:5", "client kill id 999999", "client kill id x", "client kill bad 1", "client kill id 0"],
    ["client list type nope", "client list bad", "client list id x", "client pause x", "client pause -1", "client pause 0 bad"], ["hello 9", "hello x", "hello 2 bad", "hello 2 setname 'a b'", "hello 2 auth nobody x"],
    ["auth x", "auth default x", "auth nobody x", "auth a b c"], ["command count x", "command list filterby pattern xyz*", "command list bad", "command getkeys get k", "command getkeys mset a 1 b 2", "command getkeys ping", "command getkeys nosuch", "command getkeys get", "command info nosuch", "command docs nosuch"],
    ["command list filterby module x", "command list filterby pattern hs*t"], ["reset", "ping"], ["debug sleep 0", "role"], ["set k v", "type k", "object encoding k"],
    ["set k 123456789012345678901234567890123456789012345", "object encoding k"], ["set k 12345678901234567890123456789012345678901234", "object encoding k"], ["hset k f " + "x" * 65, "object encoding k", "hgetall k", "hdel k f", "exists k"],
    ["hset k " + " ".join(f"f{i} {i}" for i in range(128)), "object encoding k", "hlen k", "hset k one more", "object encoding k", "hlen k", "hget k f77", "~hgetall k", "~hkeys k", "~hvals k", "hdel k f1", "hlen k", "hincrby k f2 5", "hstrlen k f100", "hmget k f3 f1 f4"],
    ["hset k " + " ".join(f"f{i} {i}" for i in range(129)), "rename k l", "hlen l", "exists k", "hget l f5", "copy l m", "hset m f5 x", "hget l f5", "hget m f5", "del l", "hlen m", "set m x", "get m", "move m 1"],
    ["hset k " + " ".join(f"f{i} {i}" for i in range(129)), "move k 1", "exists k", "select 1", "hlen k", "hget k f128", "~hrandfield k 200"],
    ["set k \"\\x00\\xff\"", "get k", "strlen k", "getrange k 1 1", "append k \"\\r\\n\"", "get k"], ["set \"\" empty", "get \"\"", "exists \"\"", "keys *", "hset h \"\" \"\"", "hgetall h"],
    ["set k 1.5" + "0" * 300, "incrbyfloat k 1", "incrbyfloat k 1." + "0" * 5117, "incrbyfloat k 1." + "0" * 5118, "incrbyfloat k 1" + "0" * 5110, "incrbyfloat k 1e4933", "get k"],
    ["set k 1e-4000", "incrbyfloat k 1e-4940", "incrbyfloat k 1e-4960", "incrbyfloat k -1e-5000", "incrbyfloat k 0e-9999", "incrbyfloat k 0e99999", "get k"],
    ["hset k f 1.5" + "0" * 300, "hincrbyfloat k f 1", "hset k f 0." + "0" * 5118, "hincrbyfloat k f 1"],
    ["set k 3.0", "incrbyfloat k 1.1"], ["set k 0", "incrbyfloat k 0.1", "incrbyfloat k 0.2"], ["set k 5.0e3", "incrbyfloat k 2.0e2"], ["set k ' 1'", "incr k", "incrbyfloat k 1"], ["set k 01", "incr k"], ["set k -0", "incr k"], ["set k -9223372036854775808", "decr k"],
    ["set k 1", "getex k ex 100", "ttl k", "getex k", "ttl k", "getex k persist", "ttl k"], ["set k 1 ex 100", "set k 2", "ttl k", "set k 3 px 100000", "ttl k", "set k 4 keepttl", "ttl k"], ["setex k 100 v", "ttl k", "psetex k 100000 w", "ttl k"],
    ["set k v px 1", "debug sleep 0.01", "get k", "exists k", "type k", "ttl k", "expiretime k", "incr k", "ttl k"], ["set k v px 1", "debug sleep 0.01", "keys *", "scan 0", "randomkey", "rename k l", "del k", "set k w nx"],
    ["hset h f v", "pexpire h 1", "debug sleep 0.01", "hget h f", "hlen h", "hset h g w", "hgetall h"], ["set k v px 400", "watch k", "debug sleep 0.5", "multi", "ping", "exec"],
    ["lpush", "get", "get a b", "set k", "hset k", "hset k f", "hget k", "del", "exists", "expire k", "ttl", "mget", "rename k", "copy k", "scan", "hscan k", "object", "config", "client"],
]
THREE = ["hgetall k", "hkeys k", "get nokey", "hrandfield k 10 withvalues", "hmget k f nope", "hincrbyfloat k f 1.5", "lcs l l idx", "config get databases", "exec", "hscan k 0", "scan 0 match z",
         "mget l nokey", "client getname", "type k", "object encoding k", "command info get", "hello 3 bad", "hrandfield nokey", "set l x get", "incr l"]


def escape(raw):
    names = {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}
    return "".join(names.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in raw)


class Client:
    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        self.buffer = b""

    def line(self):
        while b"\r\n" not in self.buffer:
            part = self.s.recv(1 << 16)
            if not part:
                raise EOFError
            self.buffer += part
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line + b"\r\n"

    def reply(self):
        raw = self.line()
        kind, number = raw[:1], raw[1:-2]
        if kind in b"$=!" and number != b"-1":
            while len(self.buffer) < int(number) + 2:
                self.buffer += self.s.recv(1 << 16)
            raw, self.buffer = raw + self.buffer[:int(number) + 2], self.buffer[int(number) + 2:]
        elif kind in b"*~%>" and number != b"-1":
            for _ in range(int(number) * (2 if kind == b"%" else 1)):
                raw += self.reply()
        return raw

    def ask(self, line):
        self.s.sendall(line.encode() + b"\r\n")
        return self.reply()


def show(line, raw):
    if line.startswith("~"):
        raw = b"\r\n".join(sorted(raw.split(b"\r\n")))
    return escape(raw)


def main(path):
    cases = []
    for name, setup in SETUPS.items():
        for command in ONE:
            if (name == "big" and command.startswith("incrbyfloat")) or (name == "expiring" and command == "ttl k"):
                continue
            cases.append(setup + [command] + ["type k", "~keys *"] + (["get k"] if name != "hash" else ["hgetall k"]) + ["pexpiretime k" if "100" not in command.split() and "100000" not in command.split() else "exists k"])
    cases += TWO
    cases += [["(hello 3)"] + ["hset k f 1 g 2", "set l hello", command] for command in THREE]
    cases += [["(hello 3)", "multi", "hgetall k", "get k", "exec"], ["(hello 3)", "watch k", "set k 1", "multi", "exec"], ["(hello 3)", "hset k f v", "multi", "hgetall k", "hget k x", "exec"]]
    print("# Recorded by tests/generate/redis_keys.py; do not edit.")
    for case in cases:
        client = Client(path)
        client.ask("flushall")
        three = case[0] == "(hello 3)"
        if three:
            client.ask("hello 3")
        replies = []
        for line in case[three:]:
            replies.append(show(line, client.ask(line.lstrip("~"))))
        client.s.close()
        print("\n" + "\n".join(case) + "\n---\n" + "\n".join(replies))


main(sys.argv[1])
