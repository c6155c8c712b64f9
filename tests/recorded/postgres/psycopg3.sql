-- Sent by psycopg 3; recorded from PostgreSQL 15's log. Statements are separated by lines of `--;`.
--;
BEGIN
--;
-- parameters: $1 = '1', $2 = 'x'
SELECT $1::int, $2::text
--;
COMMIT
--;
SELECT 1, 'a', now(), 1.5, ARRAY[1, 2], '{"a": 1}'::jsonb
--;
SAVEPOINT "_pg3_1"
--;
-- parameters: $1 = 'int4'
SELECT
    typname AS name, oid, typarray AS array_oid,
    oid::regtype::text AS regtype, typdelim AS delimiter
FROM pg_type t
WHERE t.oid = to_regtype($1)
ORDER BY t.oid
--;
RELEASE "_pg3_1"
--;
-- parameters: $1 = 'int4'
SELECT
    t.typname AS name, t.oid AS oid, t.typarray AS array_oid,
    t.oid::regtype::text AS regtype,
    coalesce(a.fnames, '{}') AS field_names,
    coalesce(a.ftypes, '{}') AS field_types
FROM pg_type t
LEFT JOIN (
    SELECT
        attrelid,
        array_agg(attname) AS fnames,
        array_agg(atttypid) AS ftypes
    FROM (
        SELECT a.attrelid, a.attname, a.atttypid
        FROM pg_attribute a
        JOIN pg_type t ON t.typrelid = a.attrelid
        WHERE t.oid = to_regtype($1)
        AND a.attnum > 0
        AND NOT a.attisdropped
        ORDER BY a.attnum
    ) x
    GROUP BY attrelid
) a ON a.attrelid = t.typrelid
WHERE t.oid = to_regtype($1)
--;
-- parameters: $1 = 'int4'
SELECT name, oid, array_oid, regtype, array_agg(label) AS labels
FROM (
    SELECT
        t.typname AS name, t.oid AS oid, t.typarray AS array_oid,
        t.oid::regtype::text AS regtype, e.enumlabel AS label
    FROM pg_type t
    LEFT JOIN  pg_enum e
    ON e.enumtypid = t.oid
    WHERE t.oid = to_regtype($1)
    ORDER BY e.enumsortorder
) x
GROUP BY name, oid, array_oid, regtype
--;
-- parameters: $1 = 'int4'
SELECT t.typname AS name, t.oid AS oid, t.typarray AS array_oid,
    t.oid::regtype::text AS regtype,
    r.rngsubtype AS subtype_oid
FROM pg_type t
JOIN pg_range r ON t.oid = r.rngtypid
WHERE t.oid = to_regtype($1)
--;
-- parameters: $1 = 'int4'
SELECT t.typname AS name, t.oid AS oid, t.typarray AS array_oid,
    t.oid::regtype::text AS regtype,
    r.rngtypid AS range_oid, r.rngsubtype AS subtype_oid
FROM pg_type t
JOIN pg_range r ON t.oid = r.rngmultitypid
WHERE t.oid = to_regtype($1)
--;
SAVEPOINT "_pg3_2"
--;
SELECT 1
--;
RELEASE "_pg3_2"
--;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
--;
DECLARE "named" CURSOR FOR SELECT generate_series(1, 10)
--;
FETCH FORWARD 3 FROM "named"
--;
CLOSE "named"
--;
-- parameters: $1 = '201'
INSERT INTO plain (a) VALUES ($1)
--;
COPY plain (a) FROM STDIN
--;
COPY plain (a) TO STDOUT (FORMAT BINARY)
--;
ROLLBACK
--;
DEALLOCATE ALL
--;
SELECT 2
