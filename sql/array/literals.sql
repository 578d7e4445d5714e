-- How arrays are written: literals, constructors, quoting, nesting.
SELECT ARRAY[1, 2], ARRAY['a', 'b,c', 'd e', '{x}', '', 'null', E'a\\b', 'q"q'], ARRAY[NULL, 1], ARRAY[]::int[], ARRAY[[1, 2], [3, 4]], ARRAY[ARRAY['a'], ARRAY['b']];
SELECT '{1,2'::int[];
SELECT '{1,a}'::int[];
SELECT '1,2'::int[];
SELECT '{{1,2},{3}}'::int[];
SELECT ARRAY[1, 'a'];
SELECT '{1,2}'::int[]::text, '{1,2}'::int[]::text[], ARRAY['1', '2']::int[], '{t,f}'::bool[], '{2024-01-01}'::date[], '{1.50,2}'::numeric(5, 1)[], '{abc}'::varchar(2)[];
SELECT ARRAY(SELECT x FROM generate_series(1, 3) AS x ORDER BY x DESC), ARRAY(SELECT 1 WHERE false), ARRAY(SELECT NULL::text);
SELECT '{10.0.0.1,::1}'::inet[], '{1 day,2 hours}'::interval[], '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'::uuid[], '{1,2}'::int2[], '{5}'::oid[];
