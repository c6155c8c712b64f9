-- Sent by psycopg2; recorded from PostgreSQL 15's log. Statements are separated by lines of `--;`.
--;
BEGIN
--;
SELECT 1, 'a', now(), 1.5, ARRAY[1, 2], '{"a": 1}'::jsonb
--;
SELECT 1, 'x', NULL
--;
COMMIT
--;
INSERT INTO plain (a, f) VALUES (101,1),(102,2)
--;
ROLLBACK
--;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY
--;
SELECT 1
--;
SET default_transaction_isolation TO DEFAULT
--;
SET default_transaction_read_only TO 'off'
--;
SELECT t.oid, typarray
FROM pg_type t JOIN pg_namespace ns
    ON typnamespace = ns.oid
WHERE typname = 'hstore';
--;
SELECT t.oid, typarray, attname, atttypid
FROM pg_type t
JOIN pg_namespace ns ON typnamespace = ns.oid
JOIN pg_attribute a ON attrelid = typrelid
WHERE typname = 'nothing' AND nspname = 'public'
    AND attnum > 0 AND NOT attisdropped
ORDER BY attnum;
--;
SELECT t.oid, typarray, attname, atttypid, typname, nspname
FROM pg_type t
JOIN pg_namespace ns ON typnamespace = ns.oid
JOIN pg_attribute a ON attrelid = typrelid
WHERE t.oid = 'nothing'::regtype
    AND attnum > 0 AND NOT attisdropped
ORDER BY attnum;
--;
SET default_transaction_read_only TO DEFAULT
--;
BEGIN READ WRITE
--;
DECLARE "named" CURSOR WITHOUT HOLD FOR SELECT generate_series(1, 10)
--;
FETCH FORWARD 3 FROM "named"
--;
CLOSE "named"
