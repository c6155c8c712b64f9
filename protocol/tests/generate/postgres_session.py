#!/usr/bin/env python3
"""Records what a PostgreSQL 15 server answers to whole conversations: tests/golden/postgres_session.txt.

    initdb -D /tmp/pg -A trust -U postgres -E UTF8 --locale=C; pg_ctl -D /tmp/pg -o "-k /tmp -c timezone=UTC" start
    python3 tests/generate/postgres_session.py /tmp/.s.PGSQL.5432 tests/golden/postgres_session.txt

Inputs stay as they are, outputs are written anew. One line is one message, in either direction:

    Q text                                      P name|text|type,type
    B portal|statement|formats|values|results   D S name, D P name
    E portal|rows                               C S name, C P name
    S, H, X, c      d bytes      f reason       F      raw bytes

Values are separated by `;`, NULL is NULL, `\\x00` a byte. Of answers, table numbers are left out, and of errors
the fields that tell of PostgreSQL's own source.
"""
import socket
import struct
import sys


def frame(kind, body):
    return kind + struct.pack(">I", len(body) + 4) + body


def escape(raw):
    names = {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}
    return "".join(names.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in raw)


def unescape(text):
    out, at = bytearray(), 0
    names = {"r": 13, "n": 10, "t": 9}
    while at < len(text):
        if text[at] != "\\":
            out += text[at].encode()
            at += 1
        elif text[at + 1] == "x":
            out.append(int(text[at + 2:at + 4], 16))
            at += 4
        else:
            out.append(names.get(text[at + 1], ord(text[at + 1])))
            at += 2
    return bytes(out)


def numbers(text, code):
    found = [int(word) for word in text.split(",") if word]
    return struct.pack(">H", len(found)) + b"".join(struct.pack(code, n) for n in found)


def encode(line):
    kind, _, rest = line.partition(" ")
    if kind == "raw":
        return unescape(rest)
    if kind == "Q" or kind == "f":
        body = unescape(rest) + b"\0"
    elif kind == "P":
        name, text, types = rest.split("|")
        body = name.encode() + b"\0" + unescape(text) + b"\0" + numbers(types, ">I")
    elif kind == "B":
        portal, statement, formats, values, results = rest.split("|")
        values = values.split(";") if values else []
        body = portal.encode() + b"\0" + statement.encode() + b"\0" + numbers(formats, ">H")
        body += struct.pack(">H", len(values))
        for value in values:
            raw = unescape(value)
            body += struct.pack(">i", -1) if value == "NULL" else struct.pack(">i", len(raw)) + raw
        body += numbers(results, ">H")
    elif kind in "DC":
        what, _, name = rest.partition(" ")
        body = what.encode() + name.encode() + b"\0"
    elif kind == "E":
        portal, rows = rest.split("|")
        body = portal.encode() + b"\0" + struct.pack(">i", int(rows))
    elif kind == "d":
        body = unescape(rest)
    elif kind == "F":
        body = struct.pack(">IHHH", 1598, 0, 0, 0)
    else:
        body = b""
    return frame(kind.encode(), body)


def fields(body):
    return [field for field in body.split(b"\0") if field]


def show(kind, body):
    k = kind.decode()
    if k == "E" or k == "N":
        kept = [f for f in fields(body) if f[:1] in b"SCMDHPstcdn"]
        return f"{k} " + " | ".join(escape(f) for f in kept)
    if k == "D":
        at, row = 2, []
        for _ in range(struct.unpack(">H", body[:2])[0]):
            n = struct.unpack(">i", body[at:at + 4])[0]
            at += 4
            row.append("NULL" if n < 0 else escape(body[at:at + n]))
            at += max(n, 0)
        return "D " + " | ".join(row)
    if k == "T":
        at, columns = 2, []
        for _ in range(struct.unpack(">H", body[:2])[0]):
            end = body.index(b"\0", at)
            _, attribute, oid, size, modifier, form = struct.unpack(">IHIhih", body[end + 1:end + 19])
            columns.append(f"{escape(body[at:end])} {attribute} {oid} {size} {modifier} {form}")
            at = end + 19
        return "T " + " | ".join(columns)
    if k == "t":
        count = struct.unpack(">H", body[:2])[0]
        return "t " + " ".join(str(n) for n in struct.unpack(f">{count}I", body[2:]))
    return f"{k} {escape(body)}" if body else k


def converse(path, lines):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.settimeout(5)
    body = struct.pack(">I", 3 << 16) + b"user\0postgres\0database\0postgres\0\0"
    out = struct.pack(">I", len(body) + 4) + body
    s.sendall(out + b"".join(encode(line) for line in lines) + frame(b"X", b""))
    data = b""
    while True:
        try:
            part = s.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        data += part
    answers, ready = [], False
    while data:
        n = 1 + struct.unpack(">I", data[1:5])[0]
        kind, body, data = data[:1], data[5:n], data[n:]
        if ready:
            answers.append(show(kind, body))
        ready = ready or kind == b"Z"
    return answers


def main():
    path, file = sys.argv[1:]
    clean = ["Q DROP SCHEMA public CASCADE", "Q CREATE SCHEMA public"]
    parts = []
    for part in open(file).read().strip("\n").split("\n\n"):
        lines = part.strip("\n").split("\n")
        if all(line.startswith("#") for line in lines):
            parts.append(part)
            continue
        inputs = lines[:lines.index("---")] if "---" in lines else lines
        converse(path, clean)
        # Notes of ours, on what differs and why, begin with `#` and stay.
        wanted = [line for line in inputs if not line.startswith("#")]
        parts.append("\n".join(inputs + ["---"] + converse(path, wanted)))
    open(file, "w").write("\n\n".join(parts) + "\n")


main()
