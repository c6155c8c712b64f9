#!/usr/bin/env python3
"""Lists PostgreSQL 15's operators, functions, aggregates and casts for the types that this crate has.

    surface.py SOCKET_FOLDER USER HAVE_FILE

HAVE_FILE holds our signatures, one a line (made by `cargo test -p query --test all have -- --ignored`). Writes
tests/surface/*.txt, each line `done what` or `later what`, and src/function/elsewhere.rs.
"""
import os, subprocess, sys

SOCKET, USER, HAVE = sys.argv[1:4]
HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "surface")
have = set(open(HAVE).read().split("\n"))

OURS = """bool int2 int4 int8 float4 float8 numeric text varchar bpchar name char bytea date time timestamp timestamptz interval
uuid json jsonb oid xid tid regclass regtype regproc regnamespace regrole int2vector oidvector record pg_node_tree pg_lsn void
unknown aclitem""".split()
ANY = {"any": "any", "anyelement": "any", "anycompatible": "any", "anynonarray": "any", "anyarray": "any[]", "anycompatiblearray": "any[]"}

def sql(query):
    p = subprocess.run(["psql", "-h", SOCKET, "-U", USER, "-d", "postgres", "-XqAtF", "\t", "-c", query], capture_output=True, text=True)
    if p.returncode:
        sys.exit(p.stderr)
    return [line.split("\t") for line in p.stdout.splitlines()]

def ty(name):
    if name in ANY:
        return ANY[name]
    if name.startswith("_"):
        return name[1:] + "[]" if name[1:] in OURS else None
    return name if name in OURS else None

def signature(name, args):
    types = [ty(a) for a in args if a]
    return None if None in types else f"{name}({','.join(types)})"

def write(file, header, names):
    with open(os.path.join(OUT, file), "w") as f:
        f.write(f"# {header} of PostgreSQL 15 for our types (tests/generate/surface.py)\n")
        for name in sorted(set(n for n in names if n)):
            f.write(("done " if name in have else "later ") + name + "\n")

os.makedirs(OUT, exist_ok=True)
# Support functions that nobody calls by name.
HIDDEN = """p.prorettype not in ('internal'::regtype, 'cstring'::regtype, 'trigger'::regtype, 'event_trigger'::regtype,
 'language_handler'::regtype, 'fdw_handler'::regtype, 'index_am_handler'::regtype, 'tsm_handler'::regtype, 'table_am_handler'::regtype)
 and not ('internal'::regtype = any(p.proargtypes::oid[]) or 'cstring'::regtype = any(p.proargtypes::oid[]))
 and p.oid not in (select oprcode from pg_operator where oprcode <> 0) and p.oid not in (select castfunc from pg_cast)
 and p.oid not in (select amproc from pg_amproc)"""
ARGS = "array_to_string(array(select t.typname from unnest(p.proargtypes) with ordinality a(o, n) join pg_type t on t.oid = a.o order by n), ',')"
functions = sql(f"select p.proname, {ARGS} from pg_proc p where prokind = 'f' and {HIDDEN}")
aggregates = sql(f"select p.proname, {ARGS} from pg_proc p where prokind = 'a' and p.oid not in (select aggfnoid from pg_aggregate where aggkind <> 'n')")
operators = sql("select oprname, coalesce(l.typname, ''), coalesce(r.typname, '') from pg_operator o left join pg_type l on l.oid = oprleft left join pg_type r on r.oid = oprright")
casts = sql("""select s.typname, t.typname, case castcontext when 'i' then 'implicit' when 'a' then 'assignment' else 'explicit' end
 from pg_cast join pg_type s on s.oid = castsource join pg_type t on t.oid = casttarget where s.oid <> t.oid""")
write("functions.txt", "Functions", [signature(n, a.split(",")) for n, a in functions])
write("aggregates.txt", "Aggregates", [signature(n, a.split(",")) for n, a in aggregates])
write("operators.txt", "Operators", [signature(n, [l, r]) for n, l, r in operators])
write("casts.txt", "Casts", [f"{ty(s)} {ty(t)} {c}" for s, t, c in casts if ty(s) and ty(t)])

names = {n for n, _ in sql("select distinct proname, 1 from pg_proc p where prokind <> 'p' and " + HIDDEN)}
ours = {line.split("(")[0] for line in have}
rest = sorted(n for n in names - ours if n.isidentifier())
with open(os.path.join(HERE, "..", "..", "src", "function", "elsewhere.rs"), "w") as f:
    f.write("""//! Names of PostgreSQL's functions that are not in the tables: a call of one is "not supported" rather than "does
//! not exist". Made by tests/generate/surface.py from pg_proc; sorted by bytes.

#[rustfmt::skip]
pub(super) static NAMES: &[&str] = &[
""")
    line = "   "
    for n in rest:
        if len(line) + len(n) + 4 > 98:
            f.write(line + "\n"); line = "   "
        line += f' "{n}",'
    f.write(line + "\n];\n")
