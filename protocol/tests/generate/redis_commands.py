#!/usr/bin/env python3
"""Writes src/redis/commands/table.rs from what a Redis server says about its commands.

    redis-server --port 0 --unixsocket /tmp/redis.sock --save '' &
    python3 tests/generate/redis_commands.py /tmp/redis.sock > src/redis/commands/table.rs

Made from Redis 7.0.15; what 7.2 added or changed stands in `overlay` below. Only facts are taken: names, arities,
flags, positions, the grammar of arguments. Summaries, histories and notes, being prose, are not.
"""
import re
import socket
import sys

FLAGS = """write readonly denyoom module admin pubsub noscript blocking loading stale skip_monitor skip_slowlog asking
fast no_auth may_replicate no_mandatory_keys no_async_loading no_multi movablekeys allow_busy""".split()
CATEGORIES = """@keyspace @read @write @set @sortedset @list @hash @string @bitmap @hyperloglog @geo @stream @pubsub
@admin @fast @slow @blocking @dangerous @connection @transaction @scripting""".split()
KEY_FLAGS = "RO RW OW RM access update insert delete not_key incomplete variable_flags".split()
ARGUMENT_FLAGS = "optional multiple multiple_token".split()
DOC_FLAGS = "deprecated syscmd".split()
KINDS = "string integer double key pattern unix-time pure-token oneof block".split()


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s.makefile("rwb")


def call(f, *words):
    f.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words))
    f.flush()
    return read(f)


def read(f):
    line = f.readline()[:-2].decode()
    kind, rest = line[0], line[1:]
    if kind == "-":
        raise SystemExit(rest)
    if kind == "+":
        return rest
    if kind == ":":
        return int(rest)
    if kind in "$=":
        return f.read(int(rest) + 2)[:-2].decode()
    if kind in "*~":
        return [read(f) for _ in range(int(rest))]
    if kind == "%":
        return {read(f): read(f) for _ in range(int(rest))}
    if kind == "_":
        return None
    raise SystemExit("unexpected reply " + line)


def integer(name):
    return {"name": name, "type": "integer"}


def overlay(info, docs):
    """What Redis 7.2 has and 7.0 has not."""
    for name in ("zrank", "zrevrank"):
        info[name][1] = -3
        docs[name]["arguments"].append(
            {"name": "withscore", "type": "pure-token", "token": "WITHSCORE", "flags": ["optional"], "since": "7.2.0"})
    info["wait"][2] = ["blocking"]
    info["wait"][6] = ["@slow", "@blocking", "@connection"]
    info["waitaof"] = ["waitaof", 4, ["blocking"], 0, 0, 0, ["@slow", "@blocking", "@connection"],
                       ["request_policy:all_shards", "response_policy:agg_min"], [], []]
    docs["waitaof"] = {"since": "7.2.0", "group": "generic", "complexity": "O(1)",
                       "arguments": [integer("numlocal"), integer("numreplicas"), integer("timeout")]}

    def add(container, name, arity, flags, categories, doc):
        full = f"{container}|{name}"
        info[container][9].append([full, arity, flags, 0, 0, 0, categories, [], [], []])
        docs[container]["subcommands"][full] = doc

    connection = ["noscript", "loading", "stale"]
    add("client", "no-touch", 3, connection, ["@slow", "@connection"], {
        "since": "7.2.0", "group": "connection", "complexity": "O(1)", "arguments": [
            {"name": "enabled", "type": "oneof", "arguments": [
                {"name": "on", "type": "pure-token", "token": "ON"},
                {"name": "off", "type": "pure-token", "token": "OFF"}]}]})
    add("client", "setinfo", 4, connection, ["@slow", "@connection"], {
        "since": "7.2.0", "group": "connection", "complexity": "O(1)", "arguments": [
            {"name": "attr", "type": "oneof", "arguments": [
                {"name": "libname", "type": "string", "token": "lib-name"},
                {"name": "libver", "type": "string", "token": "lib-ver"}]}]})
    add("cluster", "myshardid", 2, ["loading", "stale"], ["@slow"], {
        "since": "7.2.0", "group": "cluster", "complexity": "O(1)"})


def bits(words, order, where):
    places = [order.index(w) for w in words]
    if places != sorted(places):
        raise SystemExit(f"{where}: {words} is not in the order that this script assumes")
    return hex(sum(1 << p for p in places))


def text(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def variant(name):
    return "".join(part.capitalize() for part in re.split(r"[|_-]", name))


def order_of_growth(doc):
    """The O(...) expression alone."""
    whole = doc.get("complexity", "")
    if not whole.startswith("O("):
        return ""
    depth = 0
    for i, c in enumerate(whole):
        depth += (c == "(") - (c == ")")
        if depth == 0 and c == ")":
            return whole[: i + 1]
    return ""


def argument(a, indent):
    children = a.get("arguments", [])
    pad = " " * indent
    inner = "".join(argument(c, indent + 1) for c in children)
    inner = f"&[\n{inner}{pad}]" if children else "&[]"
    flags = bits([f for f in ARGUMENT_FLAGS if f in a.get("flags", [])], ARGUMENT_FLAGS, a["name"])
    kind = variant(a["type"])
    return (f"{pad}a({text(a['name'])}, K::{kind}, {text(a.get('token', ''))}, {a.get('key_spec_index', -1)}, "
            f"{text(a.get('since', ''))}, {text(a.get('deprecated_since', ''))}, {flags}, {inner}),\n")


def key_spec(k, where):
    spec = k["begin_search"]["spec"]
    begin = {"index": lambda: f"B::Index({spec['index']})",
             "keyword": lambda: f"B::Keyword({text(spec['keyword'])}, {spec['startfrom']})",
             "unknown": lambda: "B::Unknown"}[k["begin_search"]["type"]]()
    find_spec = k["find_keys"]["spec"]
    find = {"range": lambda: f"F::Range({find_spec['lastkey']}, {find_spec['keystep']}, {find_spec['limit']})",
            "keynum": lambda: f"F::Count({find_spec['keynumidx']}, {find_spec['firstkey']}, {find_spec['keystep']})",
            "unknown": lambda: "F::Unknown"}[k["find_keys"]["type"]]()
    return f"k({bits(k['flags'], KEY_FLAGS, where)}, {begin}, {find})"


def command(i, doc, indent, ids):
    name, arity, flags, first, last, step, categories, tips, keys, subcommands = i
    ids.append(name)
    pad = " " * indent
    subdocs = doc.get("subcommands", {})
    inner = "".join(command(s, subdocs[s[0]], indent + 1, ids) for s in sorted(subcommands))
    arguments = "".join(argument(a, indent + 2) for a in doc.get("arguments", []))
    lines = [
        f"{pad}Command {{ id: Id::{variant(name)}, name: {text(name)}, arity: {arity}, "
        f"first: {first}, last: {last}, step: {step},",
        f"{pad} flags: Flags({bits(flags, FLAGS, name)}), "
        f"categories: {bits([c for c in CATEGORIES if c in categories], CATEGORIES, name)}, "
        f"group: {text(doc['group'])}, since: {text(doc['since'])},",
        f"{pad} complexity: {text(order_of_growth(doc))}, deprecated_since: {text(doc.get('deprecated_since', ''))}, "
        f"doc_flags: {bits([f for f in DOC_FLAGS if f in doc.get('doc_flags', [])], DOC_FLAGS, name)},",
        f"{pad} tips: &[{', '.join(text(t) for t in tips)}],",
        f"{pad} keys: &[{', '.join(key_spec(k, name) for k in keys)}],",
        f"{pad} arguments: &[\n{arguments}{pad} ]," if arguments else f"{pad} arguments: &[],",
        f"{pad} subcommands: &[\n{inner}{pad} ] }}," if inner else f"{pad} subcommands: &[] }},",
    ]
    return "\n".join(lines) + "\n"


def names(constant, doc, values):
    body = "".join(f"    {text(v)},\n" for v in values)
    return f"/// {doc}\npub static {constant}: [&str; {len(values)}] = [\n{body}];\n\n"


def main():
    f = connect(sys.argv[1])
    call(f, "HELLO", "3")
    info = {c[0]: c for c in call(f, "COMMAND")}
    docs = call(f, "COMMAND", "DOCS")
    overlay(info, docs)
    ids = []
    body = "".join(command(info[n], docs[n], 1, ids) for n in sorted(info))
    out = sys.stdout.write
    out("//! Generated by tests/generate/redis_commands.py; do not edit.\n//!\n")
    out("//! One entry for each command of Redis 7.2, sorted by name. The script says where each fact is from.\n\n")
    out("use super::{Argument, Begin as B, Command, Find as F, Flags, KeySpec, Kind as K};\n\n")
    out("#[allow(clippy::too_many_arguments, reason = \"one line of data each\")]\n")
    out("const fn a(name: &'static str, kind: K, token: &'static str, key_spec: i8, since: &'static str,\n")
    out("    deprecated_since: &'static str, flags: u8, children: &'static [Argument]) -> Argument {\n")
    out("    Argument { name, kind, token, key_spec, since, deprecated_since, flags, children }\n}\n\n")
    out("const fn k(flags: u16, begin: B, find: F) -> KeySpec {\n    KeySpec { flags, begin, find }\n}\n\n")
    out(names("FLAG_NAMES", "Names of [`Flags`], lowest bit first.", FLAGS))
    out(names("CATEGORY_NAMES", "Names of the access categories, lowest bit first.", CATEGORIES))
    out(names("KEY_FLAG_NAMES", "Names of a key spec's flags, lowest bit first.", KEY_FLAGS))
    out(names("ARGUMENT_FLAG_NAMES", "Names of an argument's flags, lowest bit first.", ARGUMENT_FLAGS))
    out(names("DOC_FLAG_NAMES", "Names of the documentation flags, lowest bit first.", DOC_FLAGS))
    out("/// Every command and subcommand, for `match`.\n")
    out("#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\n#[repr(u16)]\npub enum Id {\n")
    out("".join(f"    /// `{n}`\n    {variant(n)},\n" for n in ids))
    out("}\n\n/// All commands, sorted by name.\n")
    out(f"pub static COMMANDS: [Command; {len(info)}] = [\n{body}];\n")


if __name__ == "__main__":
    main()
