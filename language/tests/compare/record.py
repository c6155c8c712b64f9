#!/usr/bin/env python3
"""Records what PostgreSQL 15's own grammar says about each line of statements.sql.

Starts a private server in a temporary folder (a socket there, no TCP), sends every statement as a
Parse message, which plans nothing and runs nothing, and writes results.txt, one line for each statement:

    ok <tab> statement
    SQLSTATE@offset message <tab> statement

An error counts only if PostgreSQL's scanner or grammar raised it; one of a later stage means "ok".
Offsets are bytes from 0; "-" if the server gave none. A line end in a statement is written as ⏎.

    record.py [folder of PostgreSQL's programs]       (must not run as root: use su postgres -c)
"""
import os, socket, struct, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
GRAMMAR = {"gram.y", "scan.l", "parser.c", "scansup.c"}


class Client:
    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        body = struct.pack("!i", 196608) + b"user\0postgres\0database\0postgres\0client_encoding\0UTF8\0\0"
        self.s.sendall(struct.pack("!i", len(body) + 4) + body)
        self.buffer = b""
        self.until_ready()

    def exactly(self, n):
        while len(self.buffer) < n:
            more = self.s.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def until_ready(self):
        error = None
        while True:
            kind = self.exactly(1)
            (length,) = struct.unpack("!i", self.exactly(4))
            body = self.exactly(length - 4)
            if kind == b"E":
                error = {f[:1].decode(): f[1:].decode("utf8", "replace") for f in body.split(b"\0") if f}
            if kind == b"Z":
                return error

    def parse(self, statement):
        body = b"\0" + statement.encode() + b"\0" + struct.pack("!h", 0)
        self.s.sendall(b"P" + struct.pack("!i", len(body) + 4) + body + b"S" + struct.pack("!i", 4))
        return self.until_ready()


def verdict(client, statement):
    error = client.parse(statement)
    message = error and error["M"]
    # Encoding and depth errors come from elsewhere, but while the text is being read.
    early = error and (os.path.basename(error.get("F", "")) in GRAMMAR or error["C"] == "22021")
    if not early:
        return "ok"
    at = "-"
    if "P" in error:
        at = str(len(statement[: int(error["P"]) - 1].encode()))
    return f"{error['C']}@{at} {message}".replace("\n", "⏎").replace("\t", " ")


def main():
    programs = sys.argv[1] if len(sys.argv) > 1 else "/usr/lib/postgresql/15/bin"
    with tempfile.TemporaryDirectory() as folder:
        run = lambda *a: subprocess.run(a, check=True, stdout=subprocess.DEVNULL)
        run(f"{programs}/initdb", "-D", f"{folder}/data", "-E", "UTF8", "--locale=C.UTF-8", "-U", "postgres", "-A", "trust")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        run(f"{programs}/pg_ctl", "-D", f"{folder}/data", "-o", options, "-l", f"{folder}/log", "-w", "start")
        try:
            client = Client(f"{folder}/.s.PGSQL.5432")
            out = []
            for line in open(f"{HERE}/statements.sql", encoding="utf8"):
                line = line.rstrip("\n")
                if line and not line.startswith("#"):
                    out.append(f"{verdict(client, line.replace('⏎', chr(10)))}\t{line}\n")
        finally:
            run(f"{programs}/pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")
    sys.stdout.write("".join(out))


if __name__ == "__main__":
    main()
