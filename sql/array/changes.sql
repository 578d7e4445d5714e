-- Functions that make arrays from arrays, and searching in them.
SELECT ARRAY[1, 2] || 3, 0 || ARRAY[1, 2], ARRAY[1] || ARRAY[2, 3], ARRAY[1] || NULL::int[], ARRAY[1] || '{2,3}', ARRAY['a'] || 'b'::text, ARRAY[[1, 2]] || ARRAY[3, 4], ARRAY[1, 2] || ARRAY[[3, 4]];
SELECT ARRAY[1] || 'x';
SELECT array_remove(ARRAY[1, 2, 1, NULL], 1), array_remove(ARRAY[1, NULL, 2], NULL), array_remove(ARRAY['a', 'b'], 'z'), array_remove('{}'::int[], 1), array_remove(NULL::int[], 1);
SELECT array_position(ARRAY['a', 'b', 'a'], 'a'), array_position(ARRAY['a', 'b', 'a'], 'a', 2), array_position(ARRAY['a'], 'z'), array_position(ARRAY[1, NULL], NULL), array_positions(ARRAY[1, 2, 1, NULL], 1), array_positions(ARRAY[1], 5), array_positions(ARRAY[NULL, 1], NULL);
SELECT array_to_string(ARRAY[1, NULL, 3], ','), array_to_string(ARRAY[1, NULL, 3], ',', 'x'), array_to_string(ARRAY[true, false], '|'), array_to_string(ARRAY[[1, 2], [3, 4]], ';'), string_to_array('1,2,3', ',')::int[];
SELECT array_to_json(ARRAY[1, 2]), array_to_json(ARRAY[['a', 'b'], ['c', NULL]]), to_json(ARRAY[date '2024-01-01']), to_jsonb(ARRAY[1.5, NULL]);
SELECT ARRAY[1, 2] @> '{}', '{}'::int[] <@ '{}'::int[], ARRAY[1, 1] <@ ARRAY[1], ARRAY[[1, 2], [3, 4]] @> ARRAY[4], ARRAY['a'] && ARRAY['b'], ARRAY[1, NULL] && ARRAY[NULL, 2];
SELECT ARRAY['b', 'a'] > ARRAY['a', 'z'], ARRAY[1.0] = ARRAY[1.00], greatest(ARRAY[1, 2], ARRAY[2]), ARRAY[1] IS DISTINCT FROM NULL, ARRAY[1, 2] IN (ARRAY[1, 2], ARRAY[3]);
SELECT 1 = ANY ('{1,2}'), 'a' = ANY ('{a,b}'), 5 = ANY (ARRAY[]::int[]), NULL = ANY (ARRAY[1]), 1 = ANY (ARRAY[NULL, 1]), 2 = ANY (ARRAY[NULL, 1]), 1 = ALL (ARRAY[1, NULL]), 2 = ALL (ARRAY[1, NULL]), 1 = ALL ('{}'::int[]);
SELECT 'ab' LIKE ANY (ARRAY['a%', 'z']), 'ab' NOT LIKE ALL (ARRAY['z%', 'y']), 'ab' ~ ANY (ARRAY['^b', 'b$']), 3 <= SOME (ARRAY[1, 3]);
SELECT 1 WHERE ARRAY[1];
SELECT array_prepend(2.5::float8, ARRAY[3, 7]), array_append(ARRAY[1::int2], 70000), pg_typeof(array_append(ARRAY[1], 2::int8));
