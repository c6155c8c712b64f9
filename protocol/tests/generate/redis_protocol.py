#!/usr/bin/env python3
"""Records what a Redis server answers to good and bad bytes: tests/golden/redis_protocol.txt.

    redis-server --port 0 --unixsocket /tmp/redis.sock --save '' &
    python3 tests/generate/redis_protocol.py /tmp/redis.sock > tests/golden/redis_protocol.txt

Each case is bytes in, `---`, bytes out, both escaped; `(closed)` where the server then closes. A case that begins with
`(stranger)` was sent before authentication. Only PING, ECHO and requests that fail by the command table are used, so
that the codec's test can answer them without a database. Left out on purpose: a NUL inside a line. Redis then waits for
ever (it looks for the line's end as in a C string); we answer.
"""
import re
import socket
import sys
import time

CASES = [
    "# Whole requests", "*1\\r\\n$4\\r\\nPING\\r\\n", "*2\\r\\n$4\\r\\nECHO\\r\\n$5\\r\\na\\r\\nb\\x00\\r\\n",
    "*1\\r\\n$4\\r\\nPING\\r\\n*1\\r\\n$4\\r\\nping\\r\\n*2\\r\\n$4\\r\\nEcHo\\r\\n$0\\r\\n\\r\\n",
    "*0\\r\\n*-1\\r\\n*-5\\r\\n*1\\r\\n$4\\r\\nPING\\r\\n", "\\r\\n\\n   \\r\\nPING\\r\\n",
    "*1\\rX$4\\rXPINGXX*1\\r\\n$4\\r\\nPING\\r\\n",
    "# Inline requests and their quoting", "PING\\r\\n", "ping\\n", "  ECHO \\t hello  \\r\\n", "ECHO \"a b\"\\r\\n",
    "ECHO 'a b'\\r\\n", "ECHO \"\\\\n\\\\r\\\\t\\\\b\\\\a\\\\x41\\\\xzz\\\\q\\\\\"\"\\r\\n", "ECHO 'it\\\\'s \\\\n'\\r\\n", "ECHO a\\\\nb\\r\\n",
    "ECHO ab\"c d\"\\r\\n", "ECHO \"\"\\r\\n", "ECHO a\\x0bb\\r\\n", "ECHO \\x0ba\\r\\n", "ECHO a\\rb\\r\\n",
    "ECHO \"a\"b\\r\\n", "ECHO \"a\\r\\n", "ECHO 'a\\r\\n", "ECHO \"a\\\\\\r\\n", "ECHO \"a\\\\\"\\r\\n", "ECHO 'a'\\x0b\\r\\n", "\"\" a b\\r\\n",
    "ECHO \"\\\\xFf\\\\x0\"\\r\\n", "# Counts", "*x\\r\\n", "*\\r\\n", "*+1\\r\\n", "*01\\r\\n", "*-0\\r\\n", "* 1\\r\\n", "*1 \\r\\n",
    "*3000000000\\r\\n", "*9223372036854775808\\r\\n", "*99999999999999999999\\r\\n", "*1a\\r\\nrest", "# Lengths", "*1\\r\\nPING\\r\\n",
    "*1\\r\\n:1\\r\\n", "*1\\r\\n\\r\\n", "*1\\r\\n\\n\\r\\n", "*1\\r\\n\\xff\\r\\n", "*1\\r\\n$x\\r\\n", "*1\\r\\n$-1\\r\\n",
    "*1\\r\\n$\\r\\n", "*1\\r\\n$04\\r\\nPING\\r\\n", "*1\\r\\n$536870913\\r\\n", "*1\\r\\n$99999999999999999999\\r\\n",
    "*2\\r\\n$4\\r\\nECHO\\r\\n*1\\r\\n$1\\r\\na\\r\\n", "PING\\r\\n*1\\r\\n$4\\r\\nPING\\r\\n*1\\r\\nx\\r\\nPING\\r\\n", "# Too long",
    "{inline:70000}", "*{digits:70000}", "*1\\r\\n${digits:70000}", "# Cross-protocol", "POST / HTTP/1.1\\r\\n", "Host: localhost\\r\\n",
    "post x\\r\\nPING\\r\\n", "*1\\r\\n$5\\r\\nHOST:\\r\\n", "GET / HTTP/1.1\\r\\nHost: x\\r\\nPING\\r\\n", "# Strangers",
    "(stranger)*10\\r\\n$4\\r\\nPING\\r\\n", "(stranger)*11\\r\\n$4\\r\\nPING\\r\\n", "(stranger)*2\\r\\n$4\\r\\nAUTH\\r\\n$16385\\r\\n",
    "(stranger)*2\\r\\n$4\\r\\nAUTH\\r\\n$16384\\r\\n", "# Known to fail by the command table", "nosuch\\r\\n", "nosuch a b\\r\\n",
    "*2\\r\\n$3\\r\\nn\\r\\n\\r\\n$3\\r\\na\\x00b\\r\\n", "{long-name}", "nosuch {long-arguments}\\r\\n", "get\\r\\n", "GET a b\\r\\n", "config\\r\\n",
    "config get\\r\\n", "config nosuch x\\r\\n", "CLIENT NoSuch\\r\\n", "config nosuch\\r\\n", "object help x\\r\\n", "xinfo\\r\\n",
    "mset a\\r\\n", "config {long-word}\\r\\n",
]

MACROS = {
    "{inline:70000}": b"x" * 70000, "{digits:70000}": b"1" * 70000, "{long-name}": b"n" * 200 + b" a b\r\n",
    "{long-arguments}": b" ".join([b"a" * 50, b"b" * 50, b"c" * 50, b"d" * 50]), "{long-word}": b"w" * 200,
}


def unescape(case):
    out, rest = b"", case.encode()
    for part in re.split(rb"(\{[a-z:0-9-]+\})", rest):
        out += MACROS.get(part.decode(), None) or part.decode("unicode_escape").encode("latin-1")
    return out


def escape(raw):
    names = {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}
    return "".join(names.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in raw)


def ask(path, raw):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    try:
        s.sendall(raw)
    except BrokenPipeError:
        pass
    s.settimeout(0.3)
    out, closed = b"", False
    try:
        while True:
            part = s.recv(65536)
            if not part:
                closed = True
                break
            out += part
    except socket.timeout:
        pass
    except ConnectionResetError:
        closed = True
    return out, closed


def config(path, value):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.sendall((("AUTH secret\r\n" if not value else "") + f"CONFIG SET requirepass \"{value}\"\r\n").encode())
    time.sleep(0.1)
    s.recv(1000)


def main():
    path = sys.argv[1]
    print("# Recorded by tests/generate/redis_protocol.py from Redis 7.0.15.\n")
    for case in CASES:
        if case.startswith("#"):
            print(case + "\n")
            continue
        stranger = case.startswith("(stranger)")
        if stranger:
            config(path, "secret")
        out, closed = ask(path, unescape(case.removeprefix("(stranger)")))
        if stranger:
            config(path, "")
        print(case + "\n---\n" + escape(out) + ("(closed)" if closed else "") + "\n")
    print("# COMMAND INFO\n")
    for name in ["get", "mset", "config|get", "zunionstore", "lmpop", "eval_ro|", "command|info", "hello"]:
        for hello in ("hello 2", "hello 3"):
            out, _ = ask(path, f"{hello}\r\necho ==\r\ncommand info {name}\r\n".encode())
            out = out.split(b"==\r\n", 1)[1]
            print(f"({hello})command info {name}\n---\n{escape(out)}\n")


main()
