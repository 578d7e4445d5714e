-- Each aggregate has its own order: one that is written at another means nothing to it.
SELECT array_agg(x), array_agg(x ORDER BY x), array_agg(DISTINCT x), array_agg(x ORDER BY x DESC) FILTER (WHERE x IS NOT NULL) FROM (VALUES (2), (NULL), (1), (2)) AS v(x);
SELECT string_agg(x, ','), string_agg(x, ', ' ORDER BY x), string_agg(x, '' ORDER BY x DESC), string_agg(DISTINCT x, '|'), string_agg(x, NULL ORDER BY x) FROM (VALUES ('b'), ('a'), (NULL), ('b')) AS v(x);
SELECT string_agg(x::text, ',' ORDER BY x DESC NULLS LAST), string_agg(x::text, ',') FILTER (WHERE x > 1) FROM (VALUES (1), (2), (3)) AS v(x);
SELECT g, string_agg(x, '-'), string_agg(x, '-' ORDER BY x), count(*) FROM (VALUES (1, 'b'), (2, 'z'), (1, 'a'), (2, NULL), (3, NULL)) AS v(g, x) GROUP BY g ORDER BY g;
SELECT string_agg(x, d ORDER BY x) FROM (VALUES ('a', '-'), ('b', '+'), ('c', NULL)) AS v(x, d);
SELECT string_agg(x, '\x2c' ORDER BY x) FROM (VALUES ('\x02'::bytea), ('\x01'), (NULL)) AS v(x);
SELECT string_agg(DISTINCT x, ',' ORDER BY x DESC) FROM (VALUES ('b'), ('a'), ('c'), ('a')) AS v(x);
SELECT string_agg(DISTINCT x, ',' ORDER BY length(x)) FROM (VALUES ('b'), ('a')) AS v(x);
SELECT array_agg(DISTINCT x ORDER BY -x) FROM (VALUES (1), (2)) AS v(x);
SELECT jsonb_agg(DISTINCT x), jsonb_agg(DISTINCT x ORDER BY x DESC) FROM (VALUES (10), (9), (NULL), (9)) AS v(x);
SELECT json_agg(x ORDER BY x), jsonb_agg(DISTINCT x ORDER BY x) FROM (VALUES ('b'), ('a'), ('b')) AS v(x);
SELECT string_agg(x, ',') IS NULL, array_agg(x) IS NULL FROM (VALUES ('a')) AS v(x) WHERE false;
SELECT string_agg(1, ',');
SELECT string_agg(x, ',') OVER (ORDER BY x) FROM (VALUES ('b'), ('a')) AS v(x);
SELECT avg(x), sum(x::int8), sum(x::numeric) FROM (VALUES (1), (2)) AS v(x);
SELECT max(a), min(a) FROM (VALUES ('10.0.0.2'::inet), ('9.0.0.1'), ('10.0.0.10')) AS v(a);
SELECT sum(x) FROM (VALUES (1)) AS v(x) GROUP BY sum(x);
SELECT sum(x) FROM (VALUES (1)) AS v(x) GROUP BY 1;
