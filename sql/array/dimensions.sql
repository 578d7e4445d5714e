-- Subscripts of arrays of several dimensions: one for each, or a slice of each.
SELECT (ARRAY[[1, 2], [3, 4]])[1][2], (ARRAY[[1, 2], [3, 4]])[2][1], (ARRAY[[1, 2], [3, 4]])[1], (ARRAY[[1, 2], [3, 4]])[3][1];
SELECT (ARRAY[[1, 2], [3, 4]])[1:1], (ARRAY[[1, 2], [3, 4]])[1:2][2:2], (ARRAY[[1, 2], [3, 4]])[2][1:1], (ARRAY[[1, 2], [3, 4]])[1:2][1];
SELECT (ARRAY[[1, 2], [3, 4]])[3:4], (ARRAY[[1, 2], [3, 4]])[1:2][3:4], (ARRAY[1, 2])[1:2][1:1], (ARRAY[[1, 2], [3, 4]])[:][2:];
SELECT (ARRAY[1, 2, 3])[2:], (ARRAY[1, 2, 3])[:2], (ARRAY[1, 2, 3])[2], (ARRAY[1, 2, 3])[0], (ARRAY['a', 'b'])[1:1];
SELECT a[1][1], a[2], a[1:1], pg_typeof(a[1]), pg_typeof(a[1:1]) FROM (VALUES (ARRAY[['x', 'y'], ['z', 'w']])) AS v(a);
SELECT ('{"a": {"b": [1, 2]}}'::jsonb)['a']['b'][1], ('[1, [2, 3]]'::jsonb)[1][0];
