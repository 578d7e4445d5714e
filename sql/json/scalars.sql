-- Single jsonb values as numbers and truth values.
SELECT ('{"a":1.7}'::jsonb -> 'a')::int, ('true'::jsonb)::bool, '2.5'::jsonb::numeric, '2.5'::jsonb::float8, '-2.5'::jsonb::int8;
SELECT j::int + 1 FROM (VALUES ('1'::jsonb), ('2.4'), (NULL)) AS v(j);
SELECT j::int FROM (VALUES ('1'::jsonb), ('"x"')) AS v(j);
SELECT ('{"a":"x"}'::jsonb -> 'a')::int;
SELECT '[1]'::jsonb::bool;
SELECT '{}'::jsonb::numeric;
SELECT 'null'::jsonb::int;
SELECT '99999999999'::jsonb::int;
SELECT '"s"'::jsonb #- '{a,b}';
SELECT x.k, x.v FROM (VALUES (1, '{"a": 1, "b": 2}'::jsonb, 'own')) AS i(id, j, v), LATERAL jsonb_each(i.j) AS x(k, v) ORDER BY x.k;
SELECT i.v, x.* FROM (VALUES (1, '{"a": 1, "b": 2}'::jsonb, 'own')) AS i(id, j, v), LATERAL jsonb_each(i.j) AS x(k, v) ORDER BY x.k;
SELECT v FROM (VALUES (1, '{"a": 1}'::jsonb, 'own')) AS i(id, j, v), LATERAL jsonb_each(i.j) AS x(k, v);
