#!/usr/bin/env python3
"""Records what a PostgreSQL 15 server answers: three files under tests/golden.

    initdb -D /tmp/pg -A trust -U postgres -E UTF8 --locale=C; pg_ctl -D /tmp/pg -o "-k /tmp -c timezone=UTC" start
    python3 tests/generate/postgres.py /tmp/.s.PGSQL.5432 tests/golden

- postgres_protocol.txt: bytes of the extended protocol in; the first error's severity, code and message, or `ok`.
- postgres_copy.txt: COPY options and data in; rows, or the error.
- postgres_types.txt: a literal of a type in; its text and its binary form.
"""
import socket
import struct
import sys


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(3)
        self.buffer = b""
        body = struct.pack(">I", 3 << 16) + b"user\0postgres\0database\0postgres\0\0"
        self.socket.sendall(struct.pack(">I", len(body) + 4) + body)
        self.until_ready()

    def message(self):
        while len(self.buffer) < 5 or len(self.buffer) < 1 + struct.unpack(">I", self.buffer[1:5])[0]:
            part = self.socket.recv(65536)
            if not part:
                raise EOFError
            self.buffer += part
        n = 1 + struct.unpack(">I", self.buffer[1:5])[0]
        kind, body, self.buffer = self.buffer[:1], self.buffer[5:n], self.buffer[n:]
        return kind, body

    def until_ready(self, stop=b"Z"):
        messages = []
        while True:
            messages.append(self.message())
            if messages[-1][0] in (b"Z", stop):
                return messages

    def query(self, text, stop=b"Z"):
        self.socket.sendall(frame(b"Q", text.encode() + b"\0"))
        return self.until_ready(stop)


def frame(kind, body):
    return kind + struct.pack(">I", len(body) + 4) + body


def error(messages):
    for kind, body in messages:
        if kind == b"E":
            fields = {f[:1]: f[1:].decode() for f in body.split(b"\0") if f}
            return f"{fields[b'S']} {fields[b'C']} {fields[b'M']}"
    return None


def rows(messages):
    out = []
    for kind, body in messages:
        if kind == b"D":
            at, row = 2, []
            for _ in range(struct.unpack(">H", body[:2])[0]):
                n = struct.unpack(">i", body[at:at + 4])[0]
                at += 4
                row.append(None if n < 0 else body[at:at + n])
                at += max(n, 0)
            out.append(row)
    return out


def escape(raw):
    names = {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}
    return "".join(names.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in raw)


def bind(formats, values, results, portal=b"", statement=b"s"):
    body = portal + b"\0" + statement + b"\0" + struct.pack(">H", len(formats))
    body += b"".join(struct.pack(">H", f) for f in formats) + struct.pack(">H", len(values))
    body += b"".join(struct.pack(">i", -1) if v is None else struct.pack(">i", len(v)) + v for v in values)
    return body + struct.pack(">H", len(results)) + b"".join(struct.pack(">H", f) for f in results)


PARSE = frame(b"P", b"s\0select $1::text, $2::text\0\0\0")
GOOD = bind([], [b"a", None], [])
CASES = [
    ("A whole extended query", PARSE + frame(b"B", GOOD) + frame(b"D", b"P\0") + frame(b"E", b"\0\0\0\0\0") + frame(b"C", b"Ss\0")),
    ("One format for all", PARSE + frame(b"B", bind([0], [b"a", b"b"], [1]))),
    ("A format for each", PARSE + frame(b"B", bind([0, 1], [b"a", b"b"], [1, 0]))),
    ("Formats for some parameters", PARSE + frame(b"B", bind([0, 0, 0], [b"a", b"b"], []))),
    ("A format that is none", PARSE + frame(b"B", bind([7], [b"a", b"b"], []))),
    ("A value longer than the message", PARSE + frame(b"B", b"\0s\0\0\0\0\2\0\0\0\x09ab")),
    ("A negative length", PARSE + frame(b"B", b"\0s\0\0\0\0\2\xff\xff\xff\xfeab")),
    ("More values than there are", PARSE + frame(b"B", b"\0s\0\0\0\0\2\0\0\0\1a")),
    ("No result formats", PARSE + frame(b"B", GOOD[:-2])),
    ("Half a number", PARSE + frame(b"B", b"\0s\0\0")),
    ("Bytes after the end", PARSE + frame(b"B", GOOD + b"x")),
    ("A name without end", frame(b"B", b"portal")),
    ("Empty Bind", frame(b"B", b"")),
    ("Empty Parse", frame(b"P", b"")),
    ("Parse without types", frame(b"P", b"s\0select 1\0")),
    ("Parse with too few types", frame(b"P", b"s\0select 1\0\0\2\0\0\0\0")),
    ("Parse with bytes after it", frame(b"P", b"s\0select 1\0\0\0!")),
    ("Describe of nothing known", frame(b"D", b"Xs\0")),
    ("Empty Describe", frame(b"D", b"")),
    ("Close of nothing known", frame(b"C", b"Qs\0")),
    ("Close without name", frame(b"C", b"S")),
    ("Execute without a count", frame(b"E", b"\0")),
    ("Execute with half a count", frame(b"E", b"\0\0\0")),
    ("Sync with a body", frame(b"S", b"x")),
    ("Flush with a body", frame(b"H", b"x")),
    ("Query without end", frame(b"Q", b"select 1")),
    ("Query with bytes after it", frame(b"Q", b"select 1\0x")),
    ("A query that is no UTF-8", frame(b"Q", b"select '\xc3\x28'\0")),
    ("A query that ends inside a character", frame(b"Q", b"select '\xe2\x82\0")),
    ("A name that is no UTF-8", frame(b"P", b"s\0select '\xff'\0\0\0")),
    ("An unknown type of message", frame(b"!", b"")),
    ("A password out of turn", frame(b"p", b"x\0")),
    ("A NUL type", frame(b"\0", b"")),
    ("Empty statement", frame(b"P", b"\0\0\0\0") + frame(b"B", b"\0\0\0\0\0\0\0\0") + frame(b"E", b"\0\0\0\0\0")),
]


def protocol(path, out):
    for title, case in CASES:
        c = Connection(path)
        c.socket.sendall(case + frame(b"S", b""))
        messages = []
        try:
            while True:
                messages.append(c.message())
                if messages[-1][0] == b"Z" or messages[-1][0] == b"E":
                    break
        except (EOFError, ConnectionResetError):
            pass
        print(f"# {title}\n\n{escape(case)}\n---\n{error(messages) or 'ok'}\n", file=out)


COPIES = [
    ("text", b"a\tb\nc\td\n"), ("text", b"a\\tb\\n\\\\\t\\N\n"), ("text", b"\\b\\f\\v\\r\\a\\q\t\\101\\x41\\x4\\xg\\7\\1234\n"),
    ("text", b"\\N\t\\\\N\n\t\n"), ("text", b"a\\\nb\tc\n"), ("text", b"a\tb\r\nc\td\r\n"), ("text", b"a\tb\rc\td\r"),
    ("text", b"a\tb\r\nc\td\n"), ("text", b"a\tb\nc\td\r\n"), ("text", b"a\tb\rc\td\n"), ("text", b"a\tb\n\\.\nc\td\n"),
    ("text", b"a\tb\n\\.x\n"), ("text", b"a\tb\nc\td\\.\n"), ("text", b"a\tb"), ("text", b""), ("text", b"\n"), ("text", b"a\n"),
    ("text", b"a\tb\tc\n"), ("text", b"a\t\xff\n"), ("text", b"a\t\\xff\n"), ("text", b"a\t\\000\n"), ("text", b"a\tb\\"),
    ("text", b"\xc3\xa9\t\xe2\x82\xac\n"), ("text, delimiter '|', null 'x'", b"a|x\nx|b\\|c\nx\\|x\n"),
    ("text, header", b"a\tb\n1\t2\n"), ("text, null ''", b"\ta\nb\t\n"),
    ("csv", b"a,b\nc,d\n"), ("csv", b"\"a,b\",\"c\"\"d\"\n\"\",\n,x\n"), ("csv", b"\"a\nb\",\"c\r\nd\"\n"), ("csv", b"a\"b,c\"d,e\n"),
    ("csv", b"a\"b,c\"d,\"e\"\"\"\n"), ("csv", b"\"a\n"), ("csv", b"a,b\r\nc,d\n"), ("csv", b"a,b\nc,d\r\n"), ("csv", b"a,b\n\\.\nc,d\n"),
    ("csv", b"\\.x,b\n"), ("csv", b"\"\\.\",b\n"), ("csv", b"a,\\.\n"), ("csv", b"a,b,c\n"), ("csv", b"a\n"), ("csv", b" a , \"b\" \n"),
    ("csv", b"\\N,\\t\n"), ("csv, header", b"x,y\n1,2\n"), ("csv, escape '\\'", b"\"a\\\"b\",\"c\\\\d\\e\"\n"),
    ("csv, escape '\\'", b"\"a\\\\\",\"b\"\n"), ("csv, quote '''', delimiter ';'", b"'a;''b';c\"d\n"), ("csv, null 'x'", b"x,\"x\"\n"),
    ("csv, null 'x', force_null (b)", b"x,\"x\"\n"), ("csv, null 'x', force_not_null (a)", b"x,x\n"), ("csv", b"a,b"), ("csv", b"\"a\",\"b\""),
    ("csv, delimiter '\"'", b""), ("text, delimiter 'a'", b""), ("text, delimiter '\\'", b""), ("text, delimiter 'ab'", b""),
    ("text, null E'a\\nb'", b""), ("text, null 'a|', delimiter '|'", b""), ("csv, null 'a\"'", b""), ("csv, quote ''", b""),
]


def copies(path, out):
    for options, data in COPIES:
        c = Connection(path)
        c.query("create temp table c (a text, b text)")
        messages = c.query(f"copy c from stdin (format {options})", stop=b"G")
        if messages[-1][0] == b"G":
            c.socket.sendall(frame(b"d", data) + frame(b"c", b""))
            messages = c.until_ready()
        answer = error(messages)
        if answer is None:
            got = rows(c.query("select * from c"))
            answer = "\n".join("|".join("NULL" if v is None else "'" + escape(v) + "'" for v in row) for row in got) or "(no rows)"
            c.query("create temp table d as select * from c")
            to = c.query(f"copy c to stdout (format {options.split(', force')[0]})")
            answer += "\n> " + escape(b"".join(body for kind, body in to if kind == b"d"))
        print(f"{options}: {escape(data)}\n---\n{answer.rstrip(' ')}\n", file=out)


TYPES = [
    ("bool", ["t", "f"]), ("int2", ["0", "-32768", "32767"]), ("int4", ["1", "-2147483648", "2147483647"]),
    ("int8", ["-1", "9223372036854775807", "-9223372036854775808"]), ("oid", ["0", "4294967295"]),
    ("float4", ["0", "-0", "1.5", "0.1", "1e10", "16777216", "123456.789", "1e-5", "NaN", "Infinity", "-Infinity", "3.4028235e38", "1e-45", "1e6", "1e15", "0.0001", "0.00001"]),
    ("float8", ["0", "-0", "0.1", "1e15", "1e16", "123456789012345680", "1e-4", "1e-5", "1.7976931348623157e308", "5e-324", "NaN", "Infinity", "-Infinity", "1e100", "-1.5e-7", "100000"]),
    ("numeric", ["0", "0.00", "1", "-1.50", "10000", "9999.9999", "0.0001", "0.00010000", "123456789012345678901234567890.123456789", "1e20", "1e-20", "NaN", "Infinity", "-Infinity", "100000000", "-0.5", "12345678", "0.1000000000000000000001", "1e131071"[:6]]),
    ("text", ["", "héllo", "a''b"]), ("varchar", ["x"]), ("bpchar", ["ab  "]), ("name", ["pg_class"]), ('"char"', ["a"]),
    ("bytea", ["\\x", "\\x00ff10", "a\\\\b\\000\\377c"]),
    ("date", ["2000-01-01", "1999-12-31", "1970-01-01", "0001-01-01", "9999-12-31", "infinity", "-infinity", "2024-02-29", "0044-03-15 BC"]),
    ("time", ["00:00:00", "23:59:59.999999", "24:00:00", "12:34:56.7"]),
    ("timestamp", ["2000-01-01 00:00:00", "1970-01-01 00:00:00", "2024-02-29 12:34:56.789", "infinity", "-infinity", "1999-12-31 23:59:59.999999"]),
    ("timestamptz", ["2000-01-01 00:00:00+00", "2024-06-01 12:00:00+02", "infinity"]),
    ("interval", ["0", "1 year 2 mons 3 days 04:05:06.789", "-1 day", "1 mon -1 day", "-00:00:01", "25:00:00", "1 year", "-1 year -2 mons +3 days -04:05:06"]),
    ("uuid", ["550e8400-e29b-41d4-a716-446655440000"]), ("json", ["{\"a\": [1, 2.50]}"]), ("jsonb", ["{\"a\": 1}", "[1, null]"]),
    ("int4[]", ["{}", "{1,2,NULL}", "{{1,2},{3,4}}", "[2:3]={1,2}"]), ("text[]", ["{a,\"b c\",\"\",\"NULL\",null,\"q\\\"\\\\\",\"{x}\",\"a,b\"}"]),
    ("bool[]", ["{t,f}"]), ("numeric[]", ["{1.5,NULL}"]),
]


def types(path, out):
    c = Connection(path)
    for name, literals in TYPES:
        for literal in literals:
            statement = frame(b"P", b"\0" + f"select '{literal}'::{name}".encode() + b"\0\0\0")
            values = []
            for f in (0, 1):
                c.socket.sendall(statement + frame(b"B", b"\0\0\0\0\0\0\0\1" + struct.pack(">H", f)) + frame(b"E", b"\0\0\0\0\0") + frame(b"S", b""))
                messages = c.until_ready()
                if error(messages):
                    raise SystemExit(f"{name} {literal}: {error(messages)}")
                values.append(rows(messages)[0][0])
            print(f"{name} {escape(values[0])}\n---\n{values[1].hex()}\n", file=out)


for name, write in (("postgres_protocol", protocol), ("postgres_copy", copies), ("postgres_types", types)):
    with open(f"{sys.argv[2]}/{name}.txt", "w") as out:
        print("# Recorded by tests/generate/postgres.py from PostgreSQL 15.\n", file=out)
        write(sys.argv[1], out)
