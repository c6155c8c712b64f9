#!/usr/bin/env python3
"""Lists what Redis 7.2 has: every command and subcommand, and the options of those that we have.

    tests/surface/redis.py            writes redis_commands.txt
    tests/surface/redis.py --record   records protocol/tests/golden/redis_surface.txt before

Starts a server of its own in a temporary folder and asks it (COMMAND, COMMAND DOCS); what 7.2 added to
Debian's 7.0 is known to protocol/tests/generate/redis_commands.py. What shows a command is looked for
in the recorded requests of protocol/tests/golden: one that was answered by no error. A command that
nothing shows is `later`, with the request to be sent. README.md says what a line means.
"""
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(ROOT, "protocol/tests/generate"))
from redis_commands import call, connect, overlay  # noqa: E402

GOLDEN = ["protocol/tests/golden/redis_keys.txt", "protocol/tests/golden/redis_surface.txt"]
RECORDED = os.path.join(ROOT, GOLDEN[1])


class Server:
    """A server of its own, ended with the block."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="qanat-surface-")
        self.socket = f"{self.folder.name}/redis.sock"
        words = f"redis-server --port 0 --unixsocket {self.socket} --save --enable-debug-command yes".split()
        words[words.index("--save"):words.index("--save") + 1] = ["--save", ""]
        self.process = subprocess.Popen([*words, "--dir", self.folder.name], stdout=subprocess.DEVNULL)
        while not os.path.exists(self.socket):
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def raw(stream):
    """One reply as its bytes."""
    line = stream.readline()
    kind, number = line[:1], line[1:-2]
    if kind in b"$=!" and number != b"-1":
        return line + stream.read(int(number) + 2)
    if kind in b"*~%>" and number != b"-1":
        return line + b"".join(raw(stream) for _ in range(int(number) * (2 if kind == b"%" else 1)))
    return line


def escape(reply):
    names = {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}
    return "".join(names.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in reply)


def record(server):
    """Writes the answers of the file's requests anew, but for the cases that 7.0 cannot answer."""
    parts = []
    for part in open(RECORDED).read().strip("\n").split("\n\n"):
        lines = part.split("\n")
        sent = lines[:lines.index("---")] if "---" in lines else lines
        requests = [line for line in sent if not line.startswith("#")]
        if not requests or any(line.startswith("# 7.2") for line in sent):
            parts.append(part)
            continue
        stream = connect(server.socket)
        stream.write(b"flushall\r\n")
        stream.flush()
        raw(stream)
        answers = []
        for request in requests:
            stream.write(request.lstrip("?>").encode() + b"\r\n")
            stream.flush()
            reply = b"(none)" if request.startswith(">") else raw(stream)
            answers.append(escape(reply[:1] if request.startswith("?") else reply))
        parts.append("\n".join([*sent, "---", *answers]))
    open(RECORDED, "w").write("\n\n".join(parts) + "\n")


def requests():
    """The recorded requests that were answered: file and words in small letters."""
    for path in GOLDEN:
        for part in open(os.path.join(ROOT, path)).read().split("\n\n"):
            sent, found, answers = part.strip("\n").partition("\n---\n")
            sent = [line for line in sent.split("\n") if line and not line.startswith(("#", "("))]
            if not found:
                continue
            for request, answer in zip(sent, answers.split("\n")):
                if not answer.startswith("-"):
                    yield path, request.lstrip("~?>").lower().split()


def tokens(arguments):
    for argument in arguments:
        if argument.get("token"):
            yield argument["token"].strip('"')
        yield from tokens(argument.get("arguments", []))


def commands(info, docs):
    """Name, arity and tokens of each command that can be called."""
    for name in sorted(info):
        command, doc = info[name], docs[name]
        subcommands = command[9]
        if not subcommands or command[1] == -1:
            yield [name], command[1], list(tokens(doc.get("arguments", [])))
        for sub in sorted(subcommands):
            arguments = doc["subcommands"].get(sub[0], {}).get("arguments", [])
            yield sub[0].split("|"), sub[1], list(tokens(arguments))


def main():
    with Server() as server:
        if "--record" in sys.argv:
            record(server)
        stream = connect(server.socket)
        call(stream, "HELLO", "3")
        info = {command[0]: command for command in call(stream, "COMMAND")}
        docs = call(stream, "COMMAND", "DOCS")
        overlay(info, docs)
    known = list(requests())
    lines = []
    for name, arity, options in commands(info, docs):
        shown = " ".join(name).upper()
        containers = {command for command in info if info[command][9]}

        def script(option=None):
            for path, words in known:
                own = words[:len(name)] == name and not (len(name) == 1 and name[0] in containers and len(words) > 1)
                if own and (option is None or option.lower() in words[len(name):]):
                    return path
            return None

        filler = ["x"] * (abs(arity) - len(name))
        path = script()
        lines.append(("done", shown, path) if path else ("later", shown, " ".join([shown, *filler])))
        for option in dict.fromkeys(options if path else []):
            path = script(option)
            sent = " ".join([shown, *filler, option])
            lines.append(("done", f"{shown}: {option}", path) if path else ("later", f"{shown}: {option}", sent))
    with open(os.path.join(HERE, "redis_commands.txt"), "w") as out:
        out.write("# Commands of Redis 7.2 and their options. Written by redis.py; README.md says what a line means.\n")
        for line in lines:
            out.write("\t".join(line) + "\n")


main()
