#!/bin/sh
# Facts about PostgreSQL 15 that the system tables take over or are compared with: facts.sh FOLDER.
# Writes ../postgres/columns.txt and query/src/system/data/*.txt.
here=$(cd "$(dirname "$0")" && pwd)
data="$here/../../../query/src/system/data"
mkdir -p "$data"
q() { psql -h "$1" -p 5555 -U postgres -XAt -F ' ' -c "$2"; }
types='16,21,23,20,700,701,1700,25,1043,1042,19,18,17,1082,1083,1114,1184,1186,2950,114,3802,26,28,27,2205,2206,24,4089,4096,22,30,705,2278,2249,194,1033,3220'
ours="(SELECT oid FROM pg_type WHERE oid IN ($types) OR typelem IN ($types) AND typarray = 0 AND typcategory = 'A'
    OR typname IN ('any', 'anyelement', 'anyarray', 'anynonarray', 'anycompatible', 'anycompatiblearray',
        'anycompatiblenonarray', 'cstring', '_cstring', '_record', 'internal'))"

# schema name number kind, then a line for each column: name type nullable(n)/not null(!); domains by their base type.
q "$1" "SELECT string_agg(line, E'\n' ORDER BY nspname, relname, attnum) FROM (
    SELECT n.nspname, c.relname, 0 AS attnum, n.nspname || '.' || c.relname || ' ' || c.oid || ' ' || c.relkind::text AS line
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v')
    UNION ALL
    SELECT n.nspname, c.relname, a.attnum, '    ' || a.attname || ' '
        || CASE WHEN t.typtype = 'd' THEN (SELECT typname FROM pg_type b WHERE b.oid = t.typbasetype) ELSE t.typname END
        || CASE WHEN a.attnotnull THEN ' !' ELSE '' END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
        JOIN pg_type t ON t.oid = a.atttypid
    WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') AND a.attnum > 0) x" \
    > "$here/../postgres/columns.txt"

q "$1" "SELECT oid, typname, typlen, typbyval, typtype, typcategory, typispreferred, typdelim, typelem, typarray,
        typsubscript::oid, typinput::oid, typoutput::oid, typreceive::oid, typsend::oid, typmodin::oid, typmodout::oid, typalign,
        typstorage, typcollation
    FROM pg_type WHERE oid IN $ours ORDER BY oid" > "$data/types.txt"

q "$1" "SELECT p.oid, proname, prokind, prorettype, proisstrict, proretset, provolatile, array_to_string(proargtypes, ',')
    FROM pg_proc p WHERE p.oid < 10000 AND prokind <> 'w' AND (prorettype IN $ours OR prorettype = 2281)
        AND NOT EXISTS (SELECT FROM unnest(proargtypes) t WHERE t NOT IN $ours)
    ORDER BY p.oid" > "$data/functions.txt"

q "$1" "SELECT o.oid, oprname, oprleft, oprright, oprresult, oprcanmerge, oprcanhash, oprcom, oprnegate, oprcode::oid
    FROM pg_operator o WHERE oprleft = 0 AND oprright IN $ours OR oprleft IN $ours AND oprright IN $ours
    ORDER BY o.oid" > "$data/operators.txt"

q "$1" "SELECT c.oid, castsource, casttarget, castfunc, castcontext, castmethod FROM pg_cast c
    WHERE castsource IN $ours AND casttarget IN $ours ORDER BY c.oid" > "$data/casts.txt"

q "$1" "SELECT c.oid, opcname, opcfamily, opcintype, opcdefault FROM pg_opclass c
    WHERE opcmethod = 403 AND opcintype IN $ours AND opcname !~ 'pattern|image' ORDER BY c.oid" > "$data/operator_classes.txt"
q "$1" "SELECT f.oid, opfname FROM pg_opfamily f WHERE opfmethod = 403
    AND EXISTS (SELECT FROM pg_opclass c WHERE c.opcfamily = f.oid AND c.opcintype IN $ours AND opcname !~ 'pattern|image') ORDER BY f.oid" > "$data/operator_families.txt"
q "$1" "SELECT a.oid, amopfamily, amoplefttype, amoprighttype, amopstrategy, amopopr FROM pg_amop a
    WHERE amopmethod = 403 AND amopfamily NOT IN (2095, 2097, 3194) AND amoplefttype IN $ours AND amoprighttype IN $ours ORDER BY a.oid" > "$data/operator_strategies.txt"
wc -c "$data"/*
