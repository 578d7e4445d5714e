-- CASE, COALESCE, NULLIF, GREATEST and LEAST.
SELECT x, CASE WHEN x < 0 THEN 'negative' WHEN x = 0 THEN 'zero' ELSE 'positive' END FROM (VALUES (-1), (0), (5), (NULL)) AS v(x) ORDER BY x;
SELECT x, CASE x WHEN 1 THEN 'one' WHEN 2 THEN 'two' END FROM (VALUES (1), (2), (3)) AS v(x) ORDER BY x;
SELECT CASE WHEN false THEN 1 END, CASE WHEN true THEN NULL ELSE 1 END, CASE 'a' WHEN 'a' THEN 'same' ELSE 'other' END;
SELECT CASE WHEN x <> 0 THEN 10 / x ELSE 0 END FROM (VALUES (0), (2), (5)) AS v(x) ORDER BY x;
SELECT coalesce(NULL, NULL, 'x'), coalesce(1, 2), coalesce(NULL::int, 7), nullif(1, 1), nullif('a', 'b'), nullif(NULL, 1);
SELECT greatest(1, 5, 3), least('b', 'a'), greatest(1, NULL), least(NULL, NULL), greatest(date '2024-01-01', date '2024-02-01'), least(1.5, 2);
SELECT sum(CASE WHEN x > 1 THEN 1 ELSE 0 END), count(CASE WHEN x > 1 THEN 1 END) FROM (VALUES (1), (2), (3)) AS v(x);
SELECT CASE WHEN x > 1 THEN 'many' ELSE 'few' END AS size, count(*) FROM (VALUES (1), (2), (3)) AS v(x) GROUP BY size ORDER BY size;
SELECT x FROM (VALUES ('low'), ('high'), ('medium')) AS v(x) ORDER BY CASE x WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END;
SELECT CASE 1 WHEN 'x' THEN 2 END;
SELECT 1 / nullif(x, 0) FROM (VALUES (0), (1)) AS v(x) ORDER BY x;
SELECT coalesce(max(x), 0) FROM (SELECT 1 AS x WHERE false) AS v;
