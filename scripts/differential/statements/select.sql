# Joins of all kinds, with NULLs on both sides
SELECT i.id, p.name FROM item i JOIN place p ON i.place = p.id ORDER BY i.id
SELECT i.id, p.name FROM item i LEFT JOIN place p ON i.place = p.id ORDER BY i.id
SELECT i.id, p.id FROM item i RIGHT JOIN place p ON i.place = p.id ORDER BY i.id NULLS FIRST, p.id
SELECT i.id, p.id FROM item i FULL JOIN place p ON i.place = p.id ORDER BY i.id, p.id
SELECT i.id, p.id FROM item i FULL OUTER JOIN part p ON i.id = p.item ORDER BY 1, 2
SELECT count(*) FROM item CROSS JOIN place
SELECT count(*) FROM item, place, part WHERE item.place = place.id AND part.item = item.id
SELECT * FROM place NATURAL JOIN (VALUES (1, 'x'), (2, 'y')) AS v(id, mark) ORDER BY id
SELECT * FROM place JOIN (VALUES (1, 'x'), (9, 'y')) AS v(id, mark) USING (id)
SELECT id, mark, p.name FROM place p LEFT JOIN (VALUES (1, 'x'), (9, 'y')) AS v(id, mark) USING (id) ORDER BY id
SELECT id FROM place p FULL JOIN (VALUES (1), (9)) AS v(id) USING (id) ORDER BY id
SELECT p.id, q.id FROM place p JOIN place q ON p.id < q.id ORDER BY 1, 2
SELECT p.id, q.id FROM place p LEFT JOIN place q ON p.region = q.region AND p.id <> q.id ORDER BY 1, 2
SELECT i.id, p.id, r.label FROM item i LEFT JOIN place p ON i.place = p.id LEFT JOIN part r ON r.item = i.id AND r.qty > 3 ORDER BY 1, 2, 3
SELECT i.id FROM item i LEFT JOIN part p ON p.item = i.id WHERE p.id IS NULL ORDER BY 1
SELECT a.id, b.id FROM item a JOIN item b ON a.t = b.v OR lower(a.v) = lower(b.v) AND a.id < b.id ORDER BY 1, 2
SELECT i.id, p.id FROM item i LEFT JOIN place p ON true WHERE i.id < 3 ORDER BY 1, 2
SELECT i.id, p.id FROM item i LEFT JOIN place p ON false ORDER BY 1
SELECT p.name, x.n FROM place p LEFT JOIN (SELECT place, count(*) AS n FROM item GROUP BY place) x ON x.place = p.id ORDER BY p.id
SELECT t1.id, t2.name AS parent, t3.name AS grand FROM tree t1 LEFT JOIN tree t2 ON t1.parent = t2.id LEFT JOIN tree t3 ON t2.parent = t3.id ORDER BY t1.id
SELECT i.id FROM item i JOIN part p ON p.item = i.id JOIN place c ON c.id = i.place AND c.region IS NOT DISTINCT FROM 'north' ORDER BY 1
SELECT (i).id FROM (SELECT id FROM item) i ORDER BY 1
SELECT i.*, p.name FROM (SELECT id, place FROM item) i, place p WHERE i.place = p.id ORDER BY 1
SELECT p.* FROM place p WHERE p.id IN (1, 3) ORDER BY p.id
SELECT place.* FROM place ORDER BY id LIMIT 1
SELECT public.place.name FROM public.place ORDER BY public.place.id
# NULL and IN, EXISTS, NOT IN
SELECT id FROM item WHERE place NOT IN (SELECT id FROM place) ORDER BY 1
SELECT id FROM item WHERE place NOT IN (SELECT item FROM part) ORDER BY 1
SELECT id FROM item WHERE place NOT IN (SELECT item FROM part WHERE item IS NOT NULL) ORDER BY 1
SELECT id FROM item WHERE place IN (SELECT id FROM place WHERE region = 'north') ORDER BY 1
SELECT id, place IN (1, NULL) FROM item ORDER BY 1
SELECT id, place NOT IN (1, NULL) FROM item ORDER BY 1
SELECT id, place IN (SELECT item FROM part) FROM item ORDER BY 1
SELECT id, EXISTS (SELECT 1 FROM part WHERE part.item = item.id) FROM item ORDER BY 1
SELECT id FROM item WHERE NOT EXISTS (SELECT 1 FROM part WHERE part.item = item.id AND qty > 4) ORDER BY 1
SELECT id FROM item WHERE EXISTS (SELECT FROM part) ORDER BY 1
SELECT id FROM item WHERE id = ANY (SELECT item FROM part) ORDER BY 1
SELECT id FROM item WHERE id > ALL (SELECT item FROM part WHERE item < 5) ORDER BY 1
SELECT id FROM item WHERE id <> ALL (SELECT item FROM part WHERE item IS NOT NULL) ORDER BY 1
SELECT id FROM item WHERE id < SOME (SELECT qty FROM part) ORDER BY 1
SELECT id FROM item WHERE (id, place) = (1, 1)
SELECT id FROM item WHERE (id, place) IN ((1, 1), (2, 3), (4, 1)) ORDER BY 1
SELECT id FROM item WHERE (place, id) > (1, 4) ORDER BY 1
SELECT id FROM item WHERE NULL
SELECT id FROM item WHERE b ORDER BY 1
SELECT id FROM item WHERE NOT b ORDER BY 1
SELECT id FROM item WHERE b IS NOT TRUE ORDER BY 1
SELECT id FROM item WHERE b IS UNKNOWN ORDER BY 1
SELECT id FROM item WHERE place <> 1 ORDER BY 1
SELECT id FROM item WHERE NOT (place = 1 AND i = 10) ORDER BY 1
SELECT id FROM item WHERE coalesce(place, -1) = -1
SELECT id FROM item WHERE place IS NOT DISTINCT FROM NULL
# Correlated subqueries
SELECT id, (SELECT count(*) FROM part WHERE part.item = item.id) FROM item ORDER BY 1
SELECT id, (SELECT sum(qty) FROM part WHERE part.item = item.id) FROM item ORDER BY 1
SELECT id, (SELECT max(label) FROM part WHERE part.item = item.id AND part.qty > item.id) FROM item ORDER BY 1
SELECT id, (SELECT name FROM place WHERE place.id = item.place) FROM item ORDER BY 1
SELECT id, (SELECT avg(price) FROM part p WHERE p.item = i.id) AS price FROM item i WHERE (SELECT count(*) FROM part p WHERE p.item = i.id) > 1 ORDER BY 1
SELECT id, qty FROM part p WHERE qty = (SELECT max(qty) FROM part q WHERE q.item = p.item) ORDER BY 1
SELECT id, qty FROM part p WHERE qty > (SELECT avg(qty) FROM part) ORDER BY 1
SELECT name, (SELECT string_agg(c.name, ',' ORDER BY c.id) FROM tree c WHERE c.parent = t.id) FROM tree t ORDER BY t.id
SELECT id, ARRAY(SELECT p.id FROM part p WHERE p.item = i.id ORDER BY p.id) FROM item i ORDER BY 1
SELECT id, (SELECT p.label FROM part p WHERE p.item = i.id ORDER BY p.id LIMIT 1) FROM item i ORDER BY 1
SELECT (SELECT max(id) FROM item) - (SELECT min(id) FROM item)
SELECT (SELECT id FROM item WHERE id = 99)
SELECT (SELECT id FROM item)
SELECT id, (SELECT (SELECT count(*) FROM part q WHERE q.item = i.id)) FROM item i ORDER BY 1
SELECT id FROM place p WHERE (SELECT count(*) FROM item i WHERE i.place = p.id) = 0 ORDER BY 1
SELECT count(*) FROM item i WHERE i.n > (SELECT avg(n) FROM item j WHERE j.place = i.place)
SELECT id, CASE WHEN EXISTS (SELECT 1 FROM part p WHERE p.item = i.id) THEN 'has' ELSE 'none' END FROM item i ORDER BY 1
SELECT sum((SELECT count(*) FROM part p WHERE p.item = i.id)) FROM item i
SELECT id FROM item i ORDER BY (SELECT count(*) FROM part p WHERE p.item = i.id) DESC, id
# LATERAL, set-returning functions, WITH ORDINALITY
SELECT i.id, t.tag FROM item i, unnest(i.tags) AS t(tag) ORDER BY 1, 2
SELECT i.id, t.tag, t.ord FROM item i CROSS JOIN LATERAL unnest(i.tags) WITH ORDINALITY AS t(tag, ord) ORDER BY 1, 3
SELECT i.id, t.tag FROM item i LEFT JOIN LATERAL unnest(i.tags) AS t(tag) ON true ORDER BY 1, 2
SELECT i.id, u FROM item i JOIN LATERAL unnest(i.nums) AS u ON u > 2 ORDER BY 1, 2
SELECT i.id, l.total FROM item i CROSS JOIN LATERAL (SELECT sum(qty) AS total FROM part p WHERE p.item = i.id) l ORDER BY 1
SELECT i.id, l.label FROM item i LEFT JOIN LATERAL (SELECT p.label FROM part p WHERE p.item = i.id ORDER BY p.id DESC LIMIT 1) l ON true ORDER BY 1
SELECT i.id, l.k, l.v FROM item i, LATERAL jsonb_each(CASE WHEN jsonb_typeof(i.j) = 'object' THEN i.j ELSE '{}' END) AS l(k, v) ORDER BY 1, 2
SELECT i.id, g FROM item i, generate_series(1, i.id) g WHERE i.id < 4 ORDER BY 1, 2
SELECT * FROM unnest(ARRAY[1,2,3], ARRAY['a','b']) AS u(n, t)
SELECT * FROM unnest(ARRAY['x','y']) WITH ORDINALITY
SELECT ordinality, g FROM generate_series(10, 30, 10) WITH ORDINALITY AS g(g) ORDER BY 1
SELECT g, g * g AS square FROM generate_series(1, 5) AS g ORDER BY g DESC
SELECT generate_series(1, 3)
SELECT generate_series(1, 3) AS a, generate_series(1, 2) AS b
SELECT id, unnest(nums) FROM item ORDER BY 1, 2
SELECT generate_series(5, 1, -2)
SELECT * FROM generate_series(timestamp '2024-01-31', '2024-05-31', '1 month')
SELECT * FROM generate_series(timestamptz '2024-03-30 00:00Z', '2024-04-01 00:00Z', '12 hours') AS t ORDER BY t DESC
SELECT * FROM generate_series(1.0, 2.0, 0.25)
SELECT count(*) FROM generate_series(1, 0)
SELECT count(*) FROM generate_series(1, NULL)
SELECT x::date FROM generate_series(date '2024-02-27', date '2024-03-02', interval '1 day') x
SELECT * FROM regexp_split_to_table('a1b22c', '\d+') AS s
SELECT * FROM regexp_matches('foobarbequebaz', '(b[^b]+)(b[^b]+)', 'g')
SELECT * FROM string_to_table('a,b,,c', ',') WITH ORDINALITY AS s(v, n)
SELECT * FROM jsonb_array_elements('[1, "a", null]')
SELECT * FROM jsonb_array_elements_text('[1, "a", null, {"x": 1}]') AS e(v)
SELECT key, value FROM jsonb_each_text('{"a": 1, "b": null, "c": "x"}')
SELECT jsonb_object_keys('{"b": 1, "a": 2}')
SELECT * FROM json_each('{"a": [1], "b": {"c": 2}}')
SELECT generate_subscripts(ARRAY['a','b','c'], 1) AS s
SELECT i.id, s FROM item i, generate_subscripts(i.nums, 1) s WHERE i.nums[s] > 1 ORDER BY 1, 2
# VALUES, TABLE, FETCH, OFFSET, LIMIT
VALUES (1, 'one'), (2, 'two'), (NULL, NULL)
VALUES (1), (2.5), (NULL)
VALUES ('2024-01-01'::date), (NULL)
TABLE words
SELECT * FROM (TABLE place) p ORDER BY id
SELECT column1 FROM (VALUES (3), (1), (2)) v ORDER BY 1 DESC
SELECT id FROM words ORDER BY id FETCH FIRST 3 ROWS ONLY
SELECT id FROM words ORDER BY id FETCH FIRST ROW ONLY
SELECT id FROM words ORDER BY id OFFSET 2 ROWS FETCH NEXT 2 ROWS ONLY
SELECT id FROM words ORDER BY id LIMIT 3 OFFSET 18
SELECT id FROM words ORDER BY id LIMIT NULL OFFSET NULL
SELECT id FROM words ORDER BY id LIMIT 0
SELECT id FROM words ORDER BY id LIMIT 1 + 1
SELECT id FROM words ORDER BY id LIMIT (SELECT 2)
SELECT id FROM words ORDER BY id DESC OFFSET (SELECT count(*) - 2 FROM words)
SELECT id FROM words ORDER BY id LIMIT -1
SELECT id, w FROM words ORDER BY w, id
SELECT id, w FROM words ORDER BY w DESC, id
SELECT id, w FROM words ORDER BY w NULLS FIRST, id
SELECT id, w FROM words ORDER BY w DESC NULLS LAST, id
SELECT id, place FROM item ORDER BY place DESC, id DESC
SELECT id, w AS id2 FROM words ORDER BY id2, 1
SELECT id AS w, w AS id FROM words ORDER BY id, w
SELECT id FROM words ORDER BY length(w), id
SELECT id FROM words ORDER BY length(w) DESC NULLS LAST, w || 'x', id
SELECT w FROM words ORDER BY id + 0
SELECT id, -id AS m FROM words ORDER BY m LIMIT 3
SELECT name, region FROM place ORDER BY lower(name), name
# DISTINCT, DISTINCT ON
SELECT DISTINCT place FROM item ORDER BY place
SELECT DISTINCT b, place IS NULL FROM item ORDER BY 1, 2
SELECT DISTINCT ON (place) place, id FROM item ORDER BY place, id DESC
SELECT DISTINCT ON (place, b) place, b, id FROM item ORDER BY place, b NULLS FIRST, id
SELECT DISTINCT ON (lower(w)) w, id FROM words ORDER BY lower(w), id
SELECT DISTINCT tags FROM item ORDER BY tags
SELECT DISTINCT ip FROM item ORDER BY ip
SELECT DISTINCT lower(v) FROM item ORDER BY 1
SELECT count(DISTINCT place), count(DISTINCT (place, b)), count(place), count(*) FROM item
SELECT DISTINCT date_trunc('month', day) FROM item ORDER BY 1
SELECT DISTINCT n::int % 2 FROM item ORDER BY 1
SELECT DISTINCT id FROM words ORDER BY w
# Set operations
SELECT place FROM item UNION SELECT id FROM place ORDER BY 1
SELECT place FROM item UNION ALL SELECT id FROM place ORDER BY 1
SELECT place FROM item INTERSECT SELECT id FROM place ORDER BY 1
SELECT place FROM item EXCEPT SELECT id FROM place ORDER BY 1
SELECT id FROM place EXCEPT SELECT place FROM item ORDER BY 1
SELECT place FROM item EXCEPT ALL SELECT id FROM place ORDER BY 1
SELECT place FROM item INTERSECT ALL SELECT item FROM part ORDER BY 1
(SELECT id FROM place ORDER BY id DESC LIMIT 2) UNION ALL (SELECT id FROM item ORDER BY id LIMIT 2)
SELECT 1 AS x UNION SELECT 2.5 ORDER BY x
SELECT 'a' UNION SELECT 'b' UNION ALL SELECT 'a' ORDER BY 1
SELECT NULL UNION SELECT 1 ORDER BY 1
SELECT NULL UNION ALL SELECT 'x' ORDER BY 1
SELECT id, name FROM place UNION SELECT id, w FROM words ORDER BY 1, 2
SELECT 1, 'x' UNION SELECT 2, NULL UNION SELECT NULL, NULL ORDER BY 1, 2
SELECT id FROM place UNION SELECT id FROM words INTERSECT SELECT 20 ORDER BY 1
(SELECT id FROM place UNION SELECT id FROM words) INTERSECT SELECT 20 ORDER BY 1
SELECT count(*) FROM (SELECT id FROM place UNION ALL SELECT id FROM words) u
SELECT x, count(*) FROM (SELECT place AS x FROM item UNION ALL SELECT item FROM part) u GROUP BY x ORDER BY x
SELECT id::bigint FROM place UNION SELECT id FROM words WHERE id > 18 ORDER BY 1
SELECT v FROM item UNION SELECT t FROM item ORDER BY 1
SELECT day FROM item UNION SELECT ts FROM item ORDER BY 1
SELECT id FROM place UNION SELECT name FROM place
SELECT id FROM place UNION SELECT id, name FROM place
# WITH
WITH x AS (SELECT place, count(*) AS n FROM item GROUP BY 1) SELECT p.name, n FROM place p LEFT JOIN x ON x.place = p.id ORDER BY p.id
WITH a(x, y) AS (VALUES (1, 2), (3, 4)), b AS (SELECT x + y AS z FROM a) SELECT * FROM b ORDER BY z
WITH a AS (SELECT 1 AS x), b AS (SELECT * FROM a UNION ALL SELECT 2) SELECT sum(x) FROM b
WITH RECURSIVE t AS (SELECT id, parent, name, 1 AS depth FROM tree WHERE parent IS NULL UNION ALL SELECT c.id, c.parent, c.name, depth + 1 FROM tree c JOIN t ON c.parent = t.id) SELECT id, depth FROM t ORDER BY id
WITH RECURSIVE t AS (SELECT id, name::text AS path FROM tree WHERE parent IS NULL UNION ALL SELECT c.id, t.path || '/' || c.name FROM tree c JOIN t ON c.parent = t.id) SELECT path FROM t ORDER BY path
WITH RECURSIVE t AS (SELECT id, ARRAY[id] AS path FROM tree WHERE parent IS NULL UNION ALL SELECT c.id, t.path || c.id FROM tree c JOIN t ON c.parent = t.id) SELECT id, path FROM t ORDER BY path
WITH RECURSIVE f(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM f WHERE b < 100) SELECT a FROM f ORDER BY a, b
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT sum(i), avg(i), count(*) FROM n
WITH RECURSIVE up AS (SELECT id, parent FROM tree WHERE id = 7 UNION SELECT t.id, t.parent FROM tree t JOIN up ON up.parent = t.id) SELECT id FROM up ORDER BY id
WITH RECURSIVE d(day) AS (SELECT date '2024-02-27' UNION ALL SELECT day + 1 FROM d WHERE day < '2024-03-02') SELECT day FROM d ORDER BY 1
WITH t AS MATERIALIZED (SELECT id FROM item) SELECT count(*) FROM t a JOIN t b USING (id)
WITH item AS (SELECT 42 AS id) SELECT id FROM item
SELECT * FROM (WITH q AS (SELECT 1 AS a) SELECT a, a + 1 AS b FROM q) s
# Names, quoting, case folding
SELECT 1 AS "Quoted Name", 2 AS lower, 3 AS UPPER, 4 "a""b"
SELECT ID, NAME FROM PLACE WHERE ID = 1
SELECT "id", "name" FROM "place" WHERE "place"."id" = 1
SELECT "ID" FROM place
SELECT p.ID AS "Id" FROM place AS P WHERE p.id = 2
SELECT 'it''s', E'a\tb', E'\u00e9', 'a\tb', $$dollar$$, $tag$with 'quotes'$tag$, 'con' 'cat'
SELECT 'a'
SELECT NULL, true, 1.0, 1e2, .5, 5., 0x1F
SELECT -- comment
SELECT 1 /* nested /* comment */ here */ + 1
SELECT count(*), count(*) FILTER (WHERE b), max(id), min(t), id FROM item GROUP BY id ORDER BY id LIMIT 1
SELECT upper('a'), lower('B'), 1 + 1, -1, NOT true, 'x'::text, 1::int8, cast('1' AS int), (SELECT 1), ARRAY[1], CASE WHEN true THEN 1 END, coalesce(1, 2), nullif(1, 2), greatest(1, 2), EXISTS (SELECT 1)
SELECT current_schema, current_database() = current_catalog, current_user = session_user
SELECT extract(year from date '2024-01-01'), date_part('year', date '2024-01-01'), trim(' x '), position('b' in 'abc'), substring('abc' from 2), overlay('abc' placing 'x' from 1)
SELECT a.b FROM (SELECT 1 AS b) a
SELECT a.* FROM (SELECT 1 AS b, 2 AS c) a
SELECT x.b FROM (SELECT 1) AS x(b)
SELECT x FROM (SELECT 1 AS y) AS x
# Operator precedence
SELECT 2 + 3 * 4 - 6 / 2, 2 ^ 3 ^ 2, -2 ^ 2, (-2) ^ 2, 7 % 4 * 2, 1 - -1, - - 1
SELECT NOT true OR true, NOT (true OR true), true OR true AND false, NOT 1 = 2, 1 = 1 = true
SELECT 1 + 2 = 3 AND 'a' || 'b' = 'ab', 1 < 2 = true, 3 > 2 IS TRUE, NOT NULL IS NULL
SELECT 5 & 3 + 1, 1 << 2 + 1, 6 # 3 & 1, ~5 + 1, 2 * 3 | 1
SELECT 'a' < 'b' || 'c', 1 IN (1, 2) = true, 'x' LIKE 'x' AND true, 1 BETWEEN 0 AND 2 AND true
SELECT '5'::int + 1, -'5'::int, 2::text || 'x', (1 + 1)::text, 1 + 1::int8, -1::int, ARRAY[1,2][1] + 1, ARRAY[1,2] || 3
SELECT 10 / 3 * 3, 10 * 3 / 3, 10 / 3.0, -7 / 2, -7 % 2, 7 / -2, 7 % -2, 1 / 2 * 2.0
SELECT timestamp '2024-01-01' + interval '1 day' * 2, date '2024-01-10' - date '2024-01-01' + 1, date '2024-01-01' + 1 = '2024-01-02'
SELECT 'abc' ~ 'b' AND 'abc' !~ 'x', 'abc' || 'd' ~ 'cd', 1 + 1 BETWEEN 2 AND 3 - 1
SELECT 1 IS NOT NULL = true, NULL IS NULL AND true, 1 IS DISTINCT FROM 2 AND true
SELECT '{"a":{"b":1}}'::jsonb -> 'a' ->> 'b' = '1', '{"a":1}'::jsonb ->> 'a' || 'x', ('{"a":1}'::jsonb ->> 'a')::int + 1
SELECT @ -5, |/ 16, ||/ 27, 5 !~ 5
SELECT - 2 * 3, -(2) % 3, +1, 1 * -1, 2 - -2, 4 / -2
SELECT 3 AT TIME ZONE 'UTC'
SELECT timestamptz '2024-01-01 00:00Z' AT TIME ZONE 'Asia/Tokyo' AT TIME ZONE 'UTC', timestamp '2024-01-01' AT TIME ZONE 'Asia/Tokyo' + interval '1 hour'
SELECT id, coalesce(u, '00000000-0000-0000-0000-000000000000') FROM item ORDER BY id
SELECT place::text, place::numeric, count(*) FROM item GROUP BY 1, 2 ORDER BY 2
SELECT at::date, at::time, count(*) FROM item GROUP BY 1, 2 ORDER BY 1, 2
SELECT * FROM (VALUES (1, 2)) a(x, id) JOIN (VALUES (2, 3)) b(id, y) USING (id)
SELECT id FROM place p RIGHT JOIN (VALUES (1), (9)) v(id) USING (id) ORDER BY id
SELECT id FROM item WHERE d > 0.5 AND r BETWEEN 0.5 AND 2.5 ORDER BY id
SELECT id FROM item WHERE d IN (2.25, 0.1) ORDER BY id
SELECT id, sum(id) OVER (w ORDER BY id) FROM item WINDOW w AS (PARTITION BY b) ORDER BY id
SELECT id, ip FROM item ORDER BY ip DESC NULLS LAST, id
SELECT id, span FROM item ORDER BY span, id
SELECT min(span), max(span), min(net), max(net) FROM item
