-- A subquery as a value: NULL without a row, the place that OFFSET says, an error for two rows.
SELECT (SELECT 1 LIMIT 1 OFFSET 2);
SELECT (SELECT x FROM (VALUES (1), (2)) AS v(x) WHERE x > 5) IS NULL;
SELECT coalesce((SELECT count(*) FROM (VALUES (1)) AS v(x) LIMIT 1 OFFSET 1), 5);
SELECT (SELECT typname FROM pg_type ORDER BY oid LIMIT 1 OFFSET 3);
SELECT (SELECT typname FROM pg_type ORDER BY oid LIMIT 0) IS NULL;
SELECT (SELECT x FROM (VALUES (1), (2)) AS v(x));
SELECT (SELECT typname FROM pg_type WHERE oid < 20);
-- About the outer row.
SELECT a.x, (SELECT b.y FROM (VALUES (1, 'one'), (2, 'two')) AS b(x, y) WHERE b.x = a.x) FROM (VALUES (1), (2), (3)) AS a(x) ORDER BY 1;
SELECT a.x, (SELECT b.y FROM (VALUES (1, 'one'), (1, 'two')) AS b(x, y) WHERE b.x = a.x ORDER BY b.y DESC LIMIT 1) FROM (VALUES (1), (2)) AS a(x) ORDER BY 1;
SELECT a.x, (SELECT b.y FROM (VALUES (1, 'one'), (1, 'two')) AS b(x, y) WHERE b.x = a.x) FROM (VALUES (1), (2)) AS a(x) ORDER BY 1;
SELECT a.x FROM (VALUES (1), (2), (3)) AS a(x) WHERE a.x = (SELECT b.x FROM (VALUES (1), (2)) AS b(x) WHERE b.x = a.x) ORDER BY 1;
-- Joins inside joins.
SELECT a.x, b.x, c.x FROM (VALUES (1), (2)) AS a(x) LEFT JOIN (VALUES (1), (3)) AS b(x) JOIN (VALUES (1)) AS c(x) ON b.x = c.x ON a.x = b.x ORDER BY 1;
SELECT count(*) FROM (VALUES (1), (2)) AS a(x) JOIN (VALUES (1), (2)) AS b(x) CROSS JOIN (VALUES (7), (8)) AS c(y) ON a.x = b.x;
-- Samples of all and of nothing.
SELECT count(*) = (SELECT count(*) FROM pg_namespace) FROM pg_namespace TABLESAMPLE SYSTEM (100);
SELECT count(*) FROM pg_class AS c TABLESAMPLE BERNOULLI (0);
-- Casts called as functions, functions behind a schema, row locks.
SELECT date(timestamp '2020-02-03 04:05'), float8(2), text(5), int8(2.5);
SELECT pg_catalog.substring('abc', 2, 1), pg_catalog.current_user() = current_user;
SELECT gen_random_uuid() <> gen_random_uuid();
SELECT relname FROM pg_class WHERE relname = 'pg_type' FOR NO KEY UPDATE;
SELECT relname FROM pg_class WHERE relname = 'pg_type' FOR KEY SHARE;
-- Bytes, times of day and spans.
SELECT coalesce(NULL::bytea, '\x01'::bytea), coalesce(CAST(NULL AS bytea), NULL);
SELECT sum(1) OVER (ORDER BY t) FROM (VALUES (time '01:00'), (time '01:00'), (time '02:00')) AS v(t) ORDER BY 1;
SELECT sum(1) OVER (ORDER BY t DESC) FROM (VALUES ('\x01'::bytea), ('\x01'::bytea), ('\x02'::bytea)) AS v(t) ORDER BY 1;
SELECT t, rank() OVER (ORDER BY t) FROM (VALUES (interval '1 day'), (interval '1 hour')) AS v(t) ORDER BY 1;
