-- DISTINCT with LIMIT over rows that a window or a sort has put in order.
SELECT DISTINCT a, sum(1) OVER (PARTITION BY a) FROM (VALUES ('x'), ('x'), ('x')) v(a) LIMIT 5;
SELECT DISTINCT a, a AS again, count(*) OVER (PARTITION BY a ORDER BY a) FROM (VALUES (1), (1)) v(a) LIMIT 2;
SELECT count(*) FROM (SELECT DISTINCT pod_name, count(*) OVER (PARTITION BY pod_name) FROM logs LIMIT 3) s;
SELECT DISTINCT pod_name FROM (SELECT pod_name FROM logs ORDER BY pod_name) s ORDER BY 1 LIMIT 2;
SELECT DISTINCT a FROM (VALUES (2), (1), (2), (NULL)) v(a) ORDER BY a DESC LIMIT 2;
SELECT DISTINCT ON (a) a, b FROM (VALUES (1, 2), (1, 1), (2, 5)) v(a, b) ORDER BY a, b LIMIT 1;
SELECT count(DISTINCT pod_name), count(DISTINCT time), count(DISTINCT result) FROM logs;
SELECT operation, count(DISTINCT pod_name), count(DISTINCT process_name) FILTER (WHERE pod_name IS NOT NULL), min(pod_name) FROM logs GROUP BY 1 ORDER BY 1;
SELECT count(DISTINCT x) FROM (VALUES (0.0::float8), ('-0'::float8), ('NaN'::float8), ('NaN'::float8), (NULL)) v(x) GROUP BY x IS NULL ORDER BY 1;
