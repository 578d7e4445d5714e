# Aggregates, FILTER, ORDER BY inside, ordered sets
SELECT count(*), count(b), count(DISTINCT b), sum(i), sum(s), avg(s), avg(n), min(t), max(t) FROM item
SELECT sum(l::numeric), avg(l % 10), sum(n), max(n), min(d), max(r), sum(r), avg(d / 1e308) FROM item
SELECT sum(qty), avg(qty), min(price), max(price), sum(price), avg(price) FROM part
SELECT stddev(qty), variance(qty), stddev_pop(qty), var_samp(price), stddev(price) FROM part
SELECT corr(qty, id), covar_pop(qty, id), covar_samp(qty, id), regr_slope(qty, id), regr_intercept(qty, id), regr_r2(qty, id), regr_count(qty, id) FROM part
SELECT regr_avgx(qty, id), regr_avgy(qty, id), regr_sxx(qty, id), regr_syy(qty, id), regr_sxy(qty, id) FROM part
SELECT bool_and(b), bool_or(b), every(id > 0) FROM item
SELECT bit_and(s), bit_or(s), bit_xor(s), bit_and(qty) FROM item LEFT JOIN part ON part.item = item.id
SELECT string_agg(w, ',' ORDER BY id) FROM words
SELECT string_agg(DISTINCT label, '|' ORDER BY label) FROM part
SELECT string_agg(DISTINCT label, '|' ORDER BY label DESC) FROM part
SELECT string_agg(label, NULL ORDER BY id) FROM part
SELECT string_agg(raw, '\x2c' ORDER BY id) FROM item
SELECT array_agg(place ORDER BY id), array_agg(place ORDER BY place DESC, id) FROM item
SELECT array_agg(DISTINCT place ORDER BY place NULLS FIRST) FROM item
SELECT array_agg(nums ORDER BY id) FROM item WHERE cardinality(nums) = 3
SELECT json_agg(place ORDER BY id), jsonb_agg(t ORDER BY id) FROM item
SELECT jsonb_object_agg(id, w ORDER BY id) FROM words
SELECT json_object_agg(id, w ORDER BY id) FROM words WHERE id < 4
SELECT count(*) FILTER (WHERE qty > 4), sum(qty) FILTER (WHERE label = 'bolt'), max(price) FILTER (WHERE false) FROM part
SELECT label, count(*) FILTER (WHERE qty > 4), string_agg(id::text, ',' ORDER BY id) FILTER (WHERE price < 1) FROM part GROUP BY label ORDER BY label
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY qty), percentile_disc(0.5) WITHIN GROUP (ORDER BY qty) FROM part
SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY price), percentile_disc(0.9) WITHIN GROUP (ORDER BY label) FROM part
SELECT percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY qty) FROM part
SELECT percentile_disc(ARRAY[0, 1]) WITHIN GROUP (ORDER BY qty DESC) FROM part
SELECT mode() WITHIN GROUP (ORDER BY label), mode() WITHIN GROUP (ORDER BY qty DESC) FROM part
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY span) FROM item
SELECT rank(5) WITHIN GROUP (ORDER BY qty), dense_rank(5) WITHIN GROUP (ORDER BY qty), percent_rank(5) WITHIN GROUP (ORDER BY qty), cume_dist(5) WITHIN GROUP (ORDER BY qty) FROM part
SELECT label, percentile_cont(0.5) WITHIN GROUP (ORDER BY price) FROM part GROUP BY label ORDER BY label
SELECT min(ip), max(ip), min(day), max(clock), min(span), max(u::text), min(at), max(ts) FROM item
SELECT min(tags), max(nums) FROM item
SELECT min(c), max(v), min(raw::text) FROM item
SELECT sum(span), avg(span) FROM item WHERE id < 8
SELECT sum(DISTINCT qty), avg(DISTINCT qty), count(DISTINCT label) FROM part
SELECT sum(1), count(NULL), max(NULL::int), sum(NULL::int), avg(NULL::numeric), string_agg(NULL, ','), array_agg(NULL::int) FROM place
SELECT sum(x), avg(x), count(x), max(x), min(x), array_agg(x), string_agg(x::text, ','), bool_and(x > 0), stddev(x), json_agg(x) FROM (SELECT 1 AS x WHERE false) e
SELECT avg(x) FROM (VALUES (1), (2), (4)) v(x)
SELECT avg(x), sum(x) FROM (VALUES (1.10), (2.205), (4)) v(x)
SELECT avg(x), sum(x), stddev(x) FROM (VALUES (1::float8), (2.5), (4)) v(x)
SELECT sum(x) FROM (VALUES (9223372036854775807), (1)) v(x)
SELECT sum(x::int8), pg_typeof(sum(x::int8)), pg_typeof(sum(x)), pg_typeof(avg(x)), pg_typeof(sum(x::real)), pg_typeof(avg(x::real)) FROM (VALUES (1), (2)) v(x)
SELECT any_value(id) FROM place
SELECT max(id), name FROM place
SELECT count(id) + sum(id) * 2, max(id) - min(id) FROM place
SELECT count(DISTINCT lower(name)), count(lower(name)) FROM place
# GROUP BY, HAVING, grouping sets
SELECT place, count(*), sum(id) FROM item GROUP BY place ORDER BY place
SELECT place, b, count(*) FROM item GROUP BY place, b ORDER BY place, b
SELECT place AS p, count(*) AS n FROM item GROUP BY p HAVING count(*) > 1 ORDER BY n DESC, p
SELECT id % 3 AS m, max(id) FROM item GROUP BY m ORDER BY m
SELECT id % 3, max(id) FROM item GROUP BY 1 ORDER BY 1
SELECT lower(v), count(*) FROM item GROUP BY lower(v) ORDER BY 1
SELECT lower(v) || '!', count(*) FROM item GROUP BY lower(v) ORDER BY 1
SELECT count(*) FROM item GROUP BY place ORDER BY count(*), max(id)
SELECT count(*) FROM item GROUP BY ()
SELECT 1 FROM item HAVING count(*) > 5
SELECT sum(id) FROM item HAVING false
SELECT region, opened IS NULL, count(*), avg(budget) FROM place GROUP BY 1, 2 ORDER BY 1, 2
SELECT region, count(*) FROM place GROUP BY ROLLUP (region) ORDER BY region, 2
SELECT region, id, sum(budget) FROM place GROUP BY ROLLUP (region, id) ORDER BY 1, 2, 3
SELECT label, item, sum(qty), grouping(label), grouping(item), grouping(label, item) FROM part GROUP BY CUBE (label, item) ORDER BY 1, 2, 4, 5
SELECT label, item, count(*) FROM part GROUP BY GROUPING SETS ((label), (item), ()) ORDER BY 1, 2, 3
SELECT label, item, count(*) FROM part GROUP BY label, ROLLUP (item) ORDER BY 1, 2, 3
SELECT label, count(*) FROM part GROUP BY GROUPING SETS ((label), (label)) ORDER BY 1
SELECT label, sum(qty) FROM part GROUP BY ROLLUP (label) HAVING grouping(label) = 0 ORDER BY 1
SELECT CASE WHEN grouping(label) = 1 THEN 'all' ELSE label END AS l, sum(qty) FROM part GROUP BY ROLLUP (label) ORDER BY 1, 2
SELECT DISTINCT count(*) FROM part GROUP BY label ORDER BY 1
SELECT item, array_agg(label ORDER BY label) FROM part GROUP BY item ORDER BY item
SELECT item, min(made), max(made) - min(made) FROM part GROUP BY item ORDER BY item
SELECT j->>'a' AS a, count(*) FROM item GROUP BY a ORDER BY a
SELECT place.id, place.name, count(item.id) FROM place LEFT JOIN item ON item.place = place.id GROUP BY place.id ORDER BY place.id
SELECT date_trunc('year', day) AS y, count(*) FROM item GROUP BY y ORDER BY y
SELECT extract(year from day) AS y, count(*) FROM item GROUP BY 1 ORDER BY 1
SELECT width_bucket(price, 0, 100, 4) AS w, count(*) FROM part GROUP BY w ORDER BY w
SELECT (qty > 4) AS big, avg(price)::numeric(10,4) FROM part GROUP BY big ORDER BY big
SELECT id FROM place GROUP BY id HAVING max(budget) > 0 ORDER BY id
SELECT max(n) FROM (SELECT count(*) AS n FROM part GROUP BY item) x
SELECT sum(sum(qty)) OVER (), label FROM part GROUP BY label ORDER BY label
SELECT label, sum(qty) AS q, rank() OVER (ORDER BY sum(qty) DESC NULLS LAST) FROM part GROUP BY label ORDER BY label
SELECT sum(max(id)) FROM item
SELECT id FROM item GROUP BY place
SELECT id FROM item WHERE count(*) > 1
SELECT avg(t) FROM item
SELECT sum(b) FROM item
# Windows
SELECT id, row_number() OVER (ORDER BY id DESC) FROM item ORDER BY id
SELECT id, rank() OVER (ORDER BY place), dense_rank() OVER (ORDER BY place), percent_rank() OVER (ORDER BY place), cume_dist() OVER (ORDER BY place) FROM item ORDER BY id
SELECT id, ntile(3) OVER (ORDER BY id), ntile(20) OVER (ORDER BY id DESC) FROM item ORDER BY id
SELECT id, lag(id) OVER (ORDER BY id), lead(id, 2) OVER (ORDER BY id), lag(id, 1, -1) OVER (PARTITION BY place ORDER BY id) FROM item ORDER BY id
SELECT id, lag(t, 0) OVER w, lead(v, 1, 'none') OVER w FROM item WINDOW w AS (ORDER BY id) ORDER BY id
SELECT id, first_value(id) OVER w, last_value(id) OVER w, nth_value(id, 2) OVER w FROM item WINDOW w AS (PARTITION BY place ORDER BY id) ORDER BY id
SELECT id, last_value(id) OVER (PARTITION BY place ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM item ORDER BY id
SELECT id, sum(id) OVER (ORDER BY id), sum(id) OVER (ORDER BY id ROWS 2 PRECEDING), sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM item ORDER BY id
SELECT id, sum(qty) OVER (ORDER BY qty RANGE BETWEEN 2 PRECEDING AND 2 FOLLOWING), count(*) OVER (ORDER BY qty) FROM part ORDER BY id
SELECT id, sum(qty) OVER (ORDER BY qty GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM part ORDER BY id
SELECT id, avg(qty) OVER (PARTITION BY item), max(price) OVER (PARTITION BY label ORDER BY id) FROM part ORDER BY id
SELECT id, count(*) OVER (), count(*) FILTER (WHERE qty > 4) OVER (ORDER BY id) FROM part ORDER BY id
SELECT id, array_agg(id) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) FROM item ORDER BY id
SELECT id, string_agg(w, ',') OVER (ORDER BY id) FROM words WHERE id < 5 ORDER BY id
SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW) FROM item ORDER BY id
SELECT id, count(*) OVER (ORDER BY day RANGE BETWEEN '1 year' PRECEDING AND CURRENT ROW) FROM item ORDER BY id
SELECT id, count(*) OVER (ORDER BY at RANGE BETWEEN interval '60 days' PRECEDING AND interval '1 day' FOLLOWING) FROM item ORDER BY id
SELECT id, qty - lag(qty) OVER (PARTITION BY item ORDER BY id) AS delta FROM part ORDER BY id
SELECT * FROM (SELECT id, item, row_number() OVER (PARTITION BY item ORDER BY qty DESC NULLS LAST, id) AS r FROM part) x WHERE r = 1 ORDER BY id
SELECT id, sum(n) OVER (ORDER BY id), avg(n) OVER (ORDER BY id) FROM item WHERE abs(n) < 1000 ORDER BY id
SELECT id, bool_or(b) OVER (ORDER BY id), min(t) OVER (ORDER BY id), max(day) OVER (ORDER BY id) FROM item ORDER BY id
SELECT DISTINCT place, count(*) OVER (PARTITION BY place) FROM item ORDER BY 1
SELECT id, row_number() OVER (PARTITION BY b ORDER BY id) + 10 AS r FROM item ORDER BY r, id
SELECT id, rank() OVER (ORDER BY b NULLS FIRST, id DESC) FROM item ORDER BY id
SELECT row_number() OVER () FROM place
SELECT id, sum(id) OVER w1, count(*) OVER w2 FROM item WINDOW w1 AS (PARTITION BY b), w2 AS (w1 ORDER BY id) ORDER BY id
SELECT id, lead(at) OVER (ORDER BY at, id) - at AS gap FROM item ORDER BY id
SELECT id, stddev(qty) OVER (ORDER BY id), variance(qty) OVER (ORDER BY id) FROM part ORDER BY id
SELECT id FROM item WHERE row_number() OVER () = 1
SELECT id, nth_value(id, 0) OVER (ORDER BY id) FROM item
SELECT id, ntile(0) OVER (ORDER BY id) FROM item
