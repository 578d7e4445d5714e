-- jsonb: containment, existence, comparison.
SELECT '{"a": 1, "b": 2}'::jsonb @> '{"a": 1}', '{"a": 1}'::jsonb <@ '{"a": 1, "b": 2}', '{"a": {"b": 1, "c": 2}}'::jsonb @> '{"a": {"b": 1}}', '{"a": {"b": 1}}'::jsonb @> '{"b": 1}', '{}'::jsonb @> '{}';
SELECT '[1, 2, 3]'::jsonb @> '[3, 1]', '[1, 2]'::jsonb @> '[1, 1]', '[1, 2]'::jsonb @> '1', '[[1, 2]]'::jsonb @> '[1]', '["a", {"b": [1]}]'::jsonb @> '[{"b": [1]}]', '1'::jsonb @> '[1]', '[1]'::jsonb @> '[]';
SELECT '{"a": 1.0}'::jsonb @> '{"a": 1}', '{"a": null}'::jsonb @> '{"a": null}', '{"a": "1"}'::jsonb @> '{"a": 1}', '{"a": [1, 2]}'::jsonb @> '{"a": [2]}', '{"a": [1, 2]}'::jsonb @> '{"a": 2}';
SELECT '{"a": 1}'::jsonb ? 'a', '{"a": 1}'::jsonb ? 'b', '["a", "b"]'::jsonb ? 'b', '"a"'::jsonb ? 'a', '[1]'::jsonb ? '1', '{"a": {"b": 1}}'::jsonb ? 'b', '{"a": null}'::jsonb ? 'a';
SELECT '{"a": 1, "b": 2}'::jsonb ?| ARRAY['x', 'b'], '{"a": 1}'::jsonb ?& ARRAY['a', 'b'], '["a", "b"]'::jsonb ?& ARRAY['a', 'b'], '{"a": 1}'::jsonb ?| '{}', '{"a": 1}'::jsonb ?& '{}';
SELECT jsonb_exists('{"a": 1}', 'a'), jsonb_contains('{"a": 1}', '{}'), jsonb_exists_any('{"a": 1}', ARRAY['z']), NULL::jsonb @> '{}', '{}'::jsonb ? NULL;
SELECT '{"a": 1, "b": 2}'::jsonb = '{"b": 2, "a": 1}', '[1, 2]'::jsonb = '[2, 1]', '1'::jsonb = '1.00', '"a"'::jsonb <> '"b"', '{"a": 1}'::jsonb = '{"a": 1, "a": 1}';
SELECT '1'::jsonb < '2', '"10"'::jsonb < '"9"', '[1]'::jsonb < '[1, 2]', '[9]'::jsonb < '[1, 2]', '{"a": 1}'::jsonb < '{"a": 2}', '{"b": 1}'::jsonb > '{"a": 9}', 'null'::jsonb < '""'::jsonb;
SELECT '{"a": [{"k": 1}, {"k": 2}]}'::jsonb @> '{"a": [{"k": 2}]}', '{"a": [{"k": 1}, {"k": 2}]}'::jsonb @? '$.a[*] ? (@.k > 1)', '{"a": 5}'::jsonb @@ '$.a > 3';
