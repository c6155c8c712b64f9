-- Sent by node-postgres; recorded from PostgreSQL 15's log. Statements are separated by lines of `--;`.
--;
SELECT 1
--;
-- parameters: $1 = '1', $2 = 'x', $3 = '{"a": 1}'
SELECT $1::int, $2::text, $3::jsonb
--;
-- parameters: $1 = '1'
SELECT * FROM account WHERE id = $1
--;
BEGIN
--;
COMMIT
--;
SELECT generate_series(1, 10)
--;
SELECT NOW()
