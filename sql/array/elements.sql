-- Subscripts, slices, dimensions, bounds.
SELECT (ARRAY[10, 20, 30])[1], (ARRAY[10, 20, 30])[3], (ARRAY[10, 20, 30])[0], (ARRAY[10, 20, 30])[4], (ARRAY[10, 20, 30])[-1], (NULL::int[])[1], (ARRAY[1])[NULL];
SELECT (ARRAY[1, 2, 3, 4])[2:3], (ARRAY[1, 2, 3, 4])[:2], (ARRAY[1, 2, 3, 4])[3:], (ARRAY[1, 2, 3, 4])[:], (ARRAY[1, 2, 3, 4])[3:9], (ARRAY[1, 2, 3, 4])[4:2], (ARRAY[1, 2, 3, 4])[7:8];
SELECT array_length(ARRAY[1, 2, 3], 1), array_length(ARRAY[[1, 2, 3], [4, 5, 6]], 2), array_length('{}'::int[], 1), array_length(ARRAY[1], 2), array_length(ARRAY[1], 0), cardinality(ARRAY[[1, 2], [3, 4]]), cardinality('{}'::int[]);
SELECT array_ndims(ARRAY[[1], [2]]), array_ndims('{}'::int[]), array_dims(ARRAY[[1, 2], [3, 4]]), array_dims('{}'::int[]), array_lower(ARRAY[5, 6], 1), array_upper(ARRAY[5, 6], 1), array_upper('{}'::int[], 1);
SELECT (string_to_array('a,b,c', ','))[2], (regexp_match('k=v', '(.)=(.)'))[2], (array_agg(x ORDER BY x DESC))[1] FROM (VALUES (1), (3), (2)) AS v(x);
SELECT a[1], a[2], a[3] FROM (VALUES (ARRAY['x', 'y']), (ARRAY['z'])) AS v(a) ORDER BY 1;
SELECT a[i] FROM (VALUES (ARRAY['x', 'y'], 1), (ARRAY['z', 'w'], 2)) AS v(a, i) ORDER BY i;
SELECT i, a[i] FROM (SELECT ARRAY['p', 'q', 'r'] AS a) AS v, generate_subscripts(v.a, 1) AS i ORDER BY i DESC;
SELECT (ARRAY[1, 2, 3])['2'], (ARRAY[1, 2, 3])[1 + 1], (ARRAY['a', 'b'])[2] || '!';
SELECT (ARRAY[1, 2])['x'];
SELECT trim_array(ARRAY[1, 2, 3, 4], 2), trim_array(ARRAY[1], 1), (ARRAY[1, 2, 3])[2:2];
SELECT trim_array(ARRAY[1, 2], 3);
