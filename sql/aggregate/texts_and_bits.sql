-- string_agg, array_agg, bool and bit aggregates.
SELECT string_agg(x, ',') FROM (SELECT 'a' AS x WHERE false) AS v;
SELECT string_agg(DISTINCT x, ',' ORDER BY x DESC) FROM (VALUES ('b'), ('a'), ('b')) AS v(x);
SELECT g, string_agg(x, '/' ORDER BY n) FROM (VALUES ('p', 'b', 2), ('p', 'a', 1), ('q', 'c', 1)) AS v(g, x, n) GROUP BY g ORDER BY g;
SELECT bool_and(x), bool_or(x), every(x) FROM (VALUES (true), (false)) AS v(x);
SELECT bool_and(x > 0), bool_or(x > 2), every(x < 3) FROM (VALUES (1), (2), (NULL)) AS v(x);
SELECT bit_and(x), bit_or(x), bit_xor(x), pg_typeof(bit_and(x)) FROM (VALUES (6), (3), (5), (NULL)) AS v(x);
SELECT bit_and(x), bit_or(x) FROM (SELECT 1::int2 AS x WHERE false) AS v;
SELECT bool_and(1);
SELECT bit_and(1.5);
SELECT max(a), min(a) FROM (VALUES (ARRAY[1, 2]), (ARRAY[1, 3]), (ARRAY[0])) AS v(a);
SELECT count(DISTINCT (x, y)), string_agg(x || y::text, ',' ORDER BY y, x) FROM (VALUES ('a', 1), ('a', 1), ('b', 1)) AS v(x, y);
SELECT array_agg(x ORDER BY y DESC, x) FROM (VALUES ('a', 1), ('b', 2), ('c', 2)) AS v(x, y);
SELECT (array_agg(x ORDER BY n DESC))[1] AS latest, max(n) FROM (VALUES ('old', 1), ('new', 2)) AS v(x, n);
