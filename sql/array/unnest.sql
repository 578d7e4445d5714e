-- Arrays to rows and rows to arrays.
SELECT unnest(ARRAY[1, 2, 3]);
SELECT unnest(ARRAY['a', NULL, 'c']) AS x;
SELECT * FROM unnest(ARRAY[3, 1, 2]) AS t(x) ORDER BY x;
SELECT * FROM unnest(ARRAY['a', 'b']) WITH ORDINALITY AS t(x, n) ORDER BY n DESC;
SELECT * FROM unnest(ARRAY[1, 2, 3], ARRAY['a', 'b']) AS t(n, x);
SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b']) WITH ORDINALITY AS t(n, x, i);
SELECT * FROM unnest('{}'::int[]);
SELECT * FROM unnest(NULL::text[]);
SELECT x FROM unnest(ARRAY[[1, 2], [3, 4]]) AS x;
SELECT unnest(ARRAY[1, 2]), unnest(ARRAY['x', 'y', 'z']);
SELECT id, x, n FROM (VALUES (1, ARRAY['a', 'b']), (4, ARRAY['c'])) AS v(id, xs) CROSS JOIN LATERAL unnest(v.xs) WITH ORDINALITY AS u(x, n) ORDER BY id, n DESC;
SELECT array_agg(x) FROM unnest('{}'::int[]) AS x;
SELECT array_agg(ARRAY[x, x * 10] ORDER BY x) FROM generate_series(1, 2) AS x;
SELECT g, array_agg(x ORDER BY x) FROM (VALUES ('a', 2), ('a', 1), ('b', NULL)) AS v(g, x) GROUP BY g ORDER BY g;
SELECT count(*), sum(x), string_agg(x::text, '+' ORDER BY x) FROM unnest(ARRAY[1, 2, NULL]) AS x;
SELECT x FROM unnest(string_to_array('b,a,c', ',')) AS x WHERE x <> 'a' ORDER BY 1;
SELECT DISTINCT x FROM unnest(ARRAY[1, 2, 1, NULL, NULL]) AS x ORDER BY x;
SELECT array(SELECT DISTINCT unnest(ARRAY[3, 1, 3]) ORDER BY 1), array_length(array(SELECT generate_series(1, 5)), 1);
