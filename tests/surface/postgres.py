#!/usr/bin/env python3
"""Lists what PostgreSQL 15 has: statements, functions, aggregates, operators, casts, types,
settings, system tables.

    HAVE=/tmp/have cargo test -p query --test all have -- --ignored
    SHOWN=/tmp/shown cargo test -p qanat --test all shown -- --ignored
    tests/surface/postgres.py /tmp/have /tmp/shown

Starts a server of its own in a temporary folder (PGBIN says where its programs are) and asks it:
pg_proc and its like for names, psql for the synopses of statements (grammar.py). What shows a thing
is looked for in tests/sql and, for calls, in the recorded ones of query/tests/golden; which calls
there are, the two tests say. A thing that nothing shows is `later`, with what is to be sent. Writes
tests/surface/postgres_*.txt and query/src/function/elsewhere.rs; README.md says what a line means.
"""
import glob
import os
import pwd
import re
import subprocess
import sys
import tempfile

import grammar

BIN = os.environ.get("PGBIN", "/usr/lib/postgresql/15/bin")
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")

# Types of ours, by their names in pg_type.
OURS = set("""bool int2 int4 int8 float4 float8 numeric text varchar bpchar name char bytea date time timestamp
timestamptz interval uuid json jsonb oid xid tid regclass regtype regproc regnamespace regrole int2vector oidvector
record pg_node_tree pg_lsn void unknown aclitem""".split())
# Pseudo-types that stand for any type; their arrays.
ANY = set("any anyelement anycompatible anynonarray anycompatiblenonarray".split())
ANY_ARRAY = {"anyarray", "anycompatiblearray"}
# What only the server itself can call: no value of these types can be written.
INTERNAL = """('internal'::regtype, 'trigger'::regtype, 'event_trigger'::regtype, 'language_handler'::regtype,
 'fdw_handler'::regtype, 'index_am_handler'::regtype, 'tsm_handler'::regtype, 'table_am_handler'::regtype)"""
ARGUMENTS = """array_to_string(array(select t.typname from unnest(p.proargtypes) with ordinality a(o, n)
 join pg_type t on t.oid = a.o order by n), ',')"""
# What stands in a statement for the names of its synopsis.
VALUES = {
    "data_type": "int", "expression": "1", "condition": "true", "select": "SELECT 1", "query": "SELECT 1",
    "statement": "SELECT 1", "value": "1", "integer": "1", "count": "1", "connlimit": "5", "uid": "1",
    "numeric_literal": "2", "string_literal": "'s'", "operator": "=", "operator_name": "=", "large_object_oid": "1",
    "strategy_number": "1", "support_number": "1", "increment": "1", "minvalue": "1", "maxvalue": "9", "start": "1",
    "restart": "1", "cache": "1", "execution_cost": "1", "result_rows": "1", "option": "a 'b'", "label": "'s'",
    "CREATE TABLE/table_name": "y", "CREATE TABLE AS/table_name": "y", "with_query": "w AS (SELECT 1)", "transaction_id": "'t'", "code": "''", "password": "'p'", "timestamp": "'2030-01-01'",
}


class Server:
    """A server of its own, ended with the block."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="qanat-surface-")
        self.path = self.folder.name
        os.chmod(self.path, 0o777)
        self.run("initdb", "-D", f"{self.path}/data", "-U", "postgres", "-A", "trust", "--locale=C", "-E", "UTF8", "-N")
        options = f"-k {self.path} -c listen_addresses='' -c fsync=off"
        self.run("pg_ctl", "-D", f"{self.path}/data", "-o", options, "-l", f"{self.path}/log", "-w", "start")
        return self

    def __exit__(self, *_):
        self.run("pg_ctl", "-D", f"{self.path}/data", "-m", "immediate", "stop")
        self.folder.cleanup()

    def run(self, *words):
        def as_postgres():
            if os.getuid() == 0:
                entry = pwd.getpwnam("postgres")
                os.setgid(entry.pw_gid)
                os.setuid(entry.pw_uid)
        subprocess.run([f"{BIN}/{words[0]}", *words[1:]], check=True, preexec_fn=as_postgres, stdout=subprocess.DEVNULL)

    def psql(self, *words, text=None):
        words = ["psql", "-h", self.path, "-U", "postgres", "-d", "postgres", "-Xq", *words]
        return subprocess.run(words, input=text, capture_output=True, text=True)

    def rows(self, query):
        done = self.psql("-AtF", "\t", "-c", query)
        if done.returncode:
            sys.exit(done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def refused(self, statements):
        """Of these statements those that are no SQL there: each in a transaction that has failed before, where
        everything that is SQL is refused without being run."""
        text = "\\set VERBOSITY sqlstate\n" + "".join(
            f"\\warn @{at}\nbegin;\nselect 1/0;\n{statement};\nrollback;\n" for at, statement in enumerate(statements))
        at, found = 0, set()
        for line in self.psql("-f", "-", text=text).stderr.splitlines():
            if line.startswith("@"):
                at = int(line[1:])
            elif line.endswith("42601"):
                found.add(statements[at])
        return found


def type_of(name):
    if name in ANY:
        return "any"
    if name in ANY_ARRAY:
        return "any[]"
    return name[1:] + "[]" if name.startswith("_") else name


def signature(name, arguments, variadic=""):
    types = [type_of(argument) for argument in arguments.split(",") if argument]
    if variadic:
        types[-1] = "variadic " + types[-1].removesuffix("[]")
    return name, tuple(types)


def shown_as(key):
    return f"{key[0]}({','.join(key[1])})"


def plain(ty):
    return ty.removeprefix("variadic ").removesuffix("[]")


def null(ty):
    """NULL of a type, as it can be written."""
    ty = ty.removeprefix("variadic ")
    names = {"any": "int4", "any[]": "int4[]", "anyrange": "int4range", "anymultirange": "int4multirange",
             "anycompatiblerange": "int4range", "anycompatiblemultirange": "int4multirange"}
    ty = names.get(ty, ty)
    return f"NULL::{quoted(ty.removesuffix('[]'))}{'[]' if ty.endswith('[]') else ''}"


def quoted(name):
    return f'"{name}"' if name in ("char", "any") else name


def blocks(path):
    """The statements of a script that were answered, with the line above that says a difference."""
    for part in re.split(r"\n\n+", open(path).read().strip("\n")):
        statement, _, answer = part.partition("\n---")
        statement = "\n".join(line for line in statement.split("\n") if not line.startswith("#"))
        if match := re.match(r"@\w+ ", statement):
            statement = statement[match.end():]
        if statement.strip() not in ("", "...") and not re.search(r"^ERROR ", answer, re.M):
            yield from (piece for piece in statement.split(";") if piece.strip())


def conversations(path):
    """The same of a recorded conversation: simple queries where nothing failed."""
    for part in open(path).read().strip("\n").split("\n\n"):
        sent, _, answer = part.partition("\n---")
        if not re.search(r"^E ", answer, re.M):
            for line in sent.split("\n"):
                if line.startswith("Q "):
                    yield from line[2:].split(";")


def scripts():
    """Every statement that was recorded with an answer: file and text."""
    found = []
    for path in sorted(glob.glob(os.path.join(ROOT, "tests/sql/*.txt"))):
        found += [(os.path.relpath(path, ROOT), statement) for statement in blocks(path)]
    path = "protocol/tests/golden/postgres_session.txt"
    return found + [(path, statement) for statement in conversations(os.path.join(ROOT, path))]


def write(file, heading, lines):
    with open(os.path.join(HERE, file), "w") as out:
        out.write(f"# {heading} of PostgreSQL 15. Written by postgres.py; README.md says what a line means.\n")
        for state, what, proof in lines:
            out.write(f"{state}\t{what}\t{proof}\n")


def expressions():
    """The forms of expressions, of which there is no synopsis: expressions.txt has them by hand."""
    lines = [line.strip() for line in open(os.path.join(HERE, "expressions.txt"))]
    return [(None, ("", tuple(line.split(" … "))), None) for line in lines if line and line[0] != "#"]


def statements(server, recorded):
    """A line for each form of a statement."""
    pages = grammar.pages(server.psql("-c", "\\h *").stdout)
    samples = [line.strip() for line in open(os.path.join(HERE, "statements.sql"))]
    samples = [line for line in samples if line and not line.startswith("--")]
    samples = [(line, grammar.words(line)) for line in samples]
    recorded = [(path, grammar.words(text)) for path, text in recorded]
    apart = {line.strip() for line in open(os.path.join(HERE, "apart.txt"))}
    lines, later, seen = [], [], set()
    for page, form, node in [(page, *found) for page in pages for found in page.forms()] + expressions():
        if form in seen:
            continue
        seen.add(form)
        name = grammar.name(form)
        if f"- {name}" in apart:
            continue
        path = next((path for path, words in recorded if grammar.has(words, form)), None)
        if path and name not in apart:
            lines.append(("done", name, path))
            continue
        sample = next((text for text, words in samples if grammar.has(words, form)), None)
        sample = sample or page and page.statement(node, VALUES)
        lines.append(("later", name, sample))
        if sample is None or not grammar.has(grammar.words(sample), form):
            print(f"no statement for {name}: {sample}; write one into statements.sql")
        else:
            later.append(sample)
    for statement in server.refused(sorted(set(later))):
        print(f"PostgreSQL does not know {statement}")
    write("postgres_statements.txt", "Statements and their forms", lines)


def fits(types, given):
    """Whether a call with arguments of the types `given` is one of this signature."""
    if types and types[-1].startswith("variadic "):
        last = types[-1].removeprefix("variadic ")
        types = types[:-1] + (last,) * max(len(given) - len(types) + 1, 1)
    def same(declared, ty):
        return declared == ty or declared == "any" and not ty.endswith("[]") or declared == "any[]" and ty.endswith("[]")
    return len(types) == len(given) and all(map(same, types, given))


class Calls:
    """What shows calls: golden files by our own signatures, scripts by calls whose arguments are all cast."""

    def __init__(self, have, shown):
        self.golden, self.names, self.scripts = {}, set(), {}
        for line in open(have).read().splitlines():
            file, what, script = line.split("\t")
            self.golden[file, what] = script
            self.names.add((file, what.split("(")[0]))
        for line in open(shown).read().splitlines():
            kind, name, types, script = line.split("\t")
            types = tuple(types.split(",")) if types else ()
            self.scripts.setdefault((kind, name), []).append((types, script))

    def script(self, file, kind, key):
        golden = self.golden.get((file, shown_as(key)))
        if golden:
            return golden
        found = self.scripts.get((kind, key[0]), [])
        return next((script for given, script in found if fits(key[1], given)), None)


def listed(calls, file, kind, keys, statement):
    """The lines of one list of calls, and the signatures in it that nothing shows."""
    lines, later = [], []
    for key in sorted(set(keys)):
        script = calls.script(file, kind, key)
        if script:
            lines.append(("done", shown_as(key), script))
        else:
            lines.append(("later", shown_as(key), statement(key)))
            later.append(key)
    return lines, later


def functions(server, calls):
    """Functions, aggregates and operators, and what our binder has to know of those that we have not."""
    quotes = dict(server.rows("select distinct proname, quote_ident(proname) from pg_proc"))
    every = server.rows(f"select prokind, proname, {ARGUMENTS}, nullif(provariadic, 0)::text, coalesce(aggkind, ''),"
                        f" coalesce(aggnumdirectargs, 0) from pg_proc p left join pg_aggregate on aggfnoid = p.oid where prorettype not in {INTERNAL}"
                        " and not 'internal'::regtype = any(proargtypes::oid[])")
    ours = {name for file, name in calls.names if file != "postgres_operators.txt"}

    def call(key):
        # Where the name is ours, the types tell which is meant; where it is not, the name alone does.
        arguments = ", ".join(map(null, key[1])) if key[0] in ours else ", ".join("NULL" for _ in key[1])
        return f"SELECT {quotes[key[0]]}({arguments})"

    def aggregate(key):
        kind, direct = kinds[key]
        if kind == "n":
            return call(key)
        arguments = [null(ty) for ty in key[1]]
        split = len(arguments) if kind == "h" else direct
        return f"SELECT {key[0]}({', '.join(arguments[:split])}) WITHIN GROUP (ORDER BY {', '.join(arguments[split:]) or 1})"

    kinds, rest = {}, []
    for kind, name, arguments, variadic, aggregate_kind, direct in every:
        key = signature(name, arguments, variadic)
        if kind == "a":
            kinds[key] = aggregate_kind, int(direct)
        else:
            rest.append((kind, key))
    windows = {key for kind, key in rest if kind == "w"}

    def function(key):
        return call(key) + (" OVER ()" if key in windows else "")

    lines, later = listed(calls, "postgres_functions.txt", "function", [key for _, key in rest], function)
    write("postgres_functions.txt", "Functions", lines)
    lines, more = listed(calls, "postgres_aggregates.txt", "function", kinds, aggregate)
    write("postgres_aggregates.txt", "Aggregates", lines)
    operators = [(name, tuple(type_of(ty) for ty in (left, right) if ty)) for name, left, right in server.rows(
        "select oprname, coalesce(l.typname, ''), coalesce(r.typname, '') from pg_operator left join pg_type l"
        " on l.oid = oprleft left join pg_type r on r.oid = oprright")]

    def operation(key):
        arguments = list(map(null, key[1]))
        return "SELECT " + (f"{arguments[0]} {key[0]} {arguments[1]}" if len(arguments) == 2 else f"{key[0]} {arguments[0]}")

    lines, most = listed(calls, "postgres_operators.txt", "operator", operators, operation)
    write("postgres_operators.txt", "Operators", lines)
    known = [key for key in later + more + most if all(plain(ty) in OURS | {"any"} for ty in key[1])]
    operator_names = {name for name, _ in operators}
    names = {row[0] for row in server.rows("select distinct proname from pg_proc")} - ours
    return names, {key for key in known if key[0] in ours or key[0] in operator_names}


def casts(server, calls):
    contexts = {"i": "implicit", "a": "assignment", "e": "explicit"}
    lines = []
    for source, target, context in server.rows(
            "select s.typname, t.typname, castcontext from pg_cast join pg_type s on s.oid = castsource"
            " join pg_type t on t.oid = casttarget where s.oid <> t.oid order by 1, 2"):
        source, target = type_of(source), type_of(target)
        what = f"{source} {target} {contexts[context]}"
        script = calls.golden.get(("postgres_casts.txt", what)) or \
            next((script for given, script in calls.scripts.get(("cast", target), []) if given == (source,)), None)
        sent = f"SELECT {null(source)}::{null(target).removeprefix('NULL::')}"
        lines.append(("done", what, script) if script else ("later", what, sent))
    write("postgres_casts.txt", "Casts", lines)


def types(server, calls):
    """Every type that a column or an expression can have: base, range, multirange, domain, pseudo, and arrays."""
    lines = []
    for name, schema in server.rows("select typname, nspname from pg_type t join pg_namespace n on n.oid = typnamespace"
                                      " where typtype <> 'c' and (typcategory <> 'A' or typelem in"
                                      " (select oid from pg_type where typtype <> 'c')) order by 1"):
        what = name[1:] + "[]" if name.startswith("_") else name
        found = calls.scripts.get(("cast", what))
        written = quoted(what.removesuffix("[]")) + ("[]" if what.endswith("[]") else "")
        if schema != "pg_catalog":
            written = f"{schema}.{written}"
        lines.append(("done", what, found[0][1]) if found else ("later", what, f"SELECT NULL::{written}"))
    write("postgres_types.txt", "Types", lines)
    every = server.rows("select typname, nspname from pg_type t join pg_namespace n on n.oid = typnamespace"
                        " where nspname in ('pg_catalog', 'information_schema') and typname not like E'\\\\_%'")
    # Of an extension that many know; and the old name of pg_snapshot.
    every += [["hstore", "pg_catalog"], ["txid_snapshot", "pg_catalog"]]
    return {(name, schema) for name, schema in every if name not in OURS or schema != "pg_catalog"}


def settings(server, recorded):
    shown = {}
    for path, statement in recorded:
        words = statement.split()
        if len(words) == 2 and words[0].upper() == "SHOW":
            shown.setdefault(words[1].lower(), path)
    lines = []
    for (name,) in server.rows("select name from pg_settings order by lower(name)"):
        path = shown.get(name.lower())
        lines.append(("done", name, path) if path else ("later", name, f"SHOW {name}"))
    write("postgres_settings.txt", "Settings", lines)
    return [what.lower() for state, what, _ in lines if state == "later"]


def names_of(out, names):
    line = "   "
    for name in sorted(names, key=lambda name: name.encode()):
        if len(line) + len(name) + 4 > 98:
            out.write(line + "\n")
            line = "   "
        line += f' "{name}",'
    out.write(line + "\n];\n")


def relations(server, recorded):
    """System tables and views; the script has the columns of each."""
    shown = {}
    for path, statement in recorded:
        words = statement.split()
        if words[:3] == ["SELECT", "*", "FROM"] and words[4:] == ["LIMIT", "0"]:
            shown[words[3]] = path
    lines, rest = [], []
    for schema, name in server.rows("select nspname, relname from pg_class join pg_namespace n on n.oid = relnamespace"
                                    " where nspname in ('pg_catalog', 'information_schema') and relkind in ('r', 'v')"
                                    " order by 1, 2"):
        what = f"{schema}.{name}"
        path = shown.get(what)
        lines.append(("done", what, path) if path else ("later", what, f"SELECT * FROM {what} LIMIT 0"))
        if not path:
            rest.append((name, schema))
    write("postgres_relations.txt", "System tables and views", lines)
    return rest


def pairs_of(out, pairs):
    for name, schema in sorted(pairs, key=lambda key: (key[0].encode(), key[1])):
        out.write(f'    ("{name}", "{schema}"),\n')
    out.write("];\n")


def elsewhere(names, signatures, settings, types, relations):
    """The source file that tells our binder what PostgreSQL has besides."""
    with open(os.path.join(ROOT, "query/src/function/elsewhere.rs"), "w") as out:
        out.write("""//! What PostgreSQL has and the tables have not: use of one is "not supported" rather than "does not
//! exist". Made by tests/surface/postgres.py from pg_proc, pg_operator, pg_type, pg_class and
//! pg_settings; sorted by bytes.
//!
//! The names of functions are enough where the tables have none of that name; further signatures
//! of names that they have are listed with their types, so that a call that PostgreSQL does not
//! have either is still said not to exist. Rejected: all signatures, which are many times as many
//! and say no more.

/// Functions, aggregates and window functions of whose name the tables have none.
#[rustfmt::skip]
pub(super) static NAMES: &[&str] = &[
""")
        names_of(out, names)
        out.write("""
/// Settings, in small letters.
#[rustfmt::skip]
pub(super) static SETTINGS: &[&str] = &[
""")
        names_of(out, settings)
        out.write("""
/// Types with their schemas.
#[rustfmt::skip]
pub(super) static TYPES: &[(&str, &str)] = &[
""")
        pairs_of(out, types)
        out.write("""
/// System tables and views with their schemas.
#[rustfmt::skip]
pub(super) static RELATIONS: &[(&str, &str)] = &[
""")
        pairs_of(out, relations)
        out.write("""
/// Further signatures of names that the tables have, and operators, where all types are ours.
#[rustfmt::skip]
pub(super) static SIGNATURES: &[(&str, &[&str])] = &[
""")
        for name, types in sorted(signatures, key=lambda key: (key[0].encode(), key[1])):
            out.write(f'    ("{name}", &[{", ".join(chr(34) + ty + chr(34) for ty in types)}]),\n')
        out.write("];\n")


def main():
    have, shown = sys.argv[1:]
    recorded, calls = scripts(), Calls(have, shown)
    with Server() as server:
        statements(server, recorded)
        names, signatures = functions(server, calls)
        casts(server, calls)
        missing = settings(server, recorded), types(server, calls), relations(server, recorded)
        elsewhere(names, signatures, *missing)


main()
