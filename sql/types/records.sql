-- Row values: construction, comparison, output.
SELECT ROW(1), ROW(ROW(1, 2), 3), ROW(ARRAY[1, 2], 'x'), ROW('(', ')', ' ');
SELECT (1, 2) = (1, 2), (1, 2) <> (1, 3), (1, 2) < (2, 0), (1, 'b') > (1, 'a'), (1, 2) <= (1, 2), ROW(1, 2, 3) >= ROW(1, 2, 4);
SELECT (1, 2) IN ((1, 2), (3, 4)), (1, 5) NOT IN ((1, 2), (3, 4)), (1, NULL) IN ((1, 2)), (2, NULL) IN ((1, 2));
SELECT (1, 'a') = (1, 2);
SELECT a, b FROM (VALUES (1, 'x'), (2, 'y'), (2, 'z')) AS v(a, b) WHERE (a, b) > (2, 'y') ORDER BY a, b;
SELECT a, b FROM (VALUES (1, 'x'), (2, 'y'), (2, 'z')) AS v(a, b) WHERE (a, b) = (2, 'z');
SELECT ROW(a, b) FROM (VALUES (1, 'x'), (2, 'y')) AS v(a, b) ORDER BY a;
SELECT count(DISTINCT (a, b)), count(ROW(a, b)) FROM (VALUES (1, 'x'), (1, 'x'), (2, NULL)) AS v(a, b);
SELECT a, (b, c) FROM (VALUES (1, 'x', 2.5)) AS v(a, b, c);
SELECT row_to_json(ROW(1, 'a', NULL)), to_jsonb(ROW(1, true)), json_agg(ROW(1, 2));
SELECT pg_typeof(ROW(1, 2)), pg_typeof((1, 'a'));
SELECT CASE WHEN (1, 2) < (1, 3) THEN 'less' ELSE 'not less' END, (date '2024-01-01', 5) < (date '2024-01-01', 6);
SELECT a FROM (VALUES (3, 1), (1, 2), (2, 0)) AS v(a, b) ORDER BY (b, a);
SELECT (1, 2) BETWEEN (1, 1) AND (1, 3);
