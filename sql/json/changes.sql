-- jsonb: concatenation, deletion, setting and inserting.
SELECT '{"a": 1}'::jsonb || '{"b": 2}', '{"a": 1}'::jsonb || '{"a": {"x": 2}}', '[1]'::jsonb || '[2, 3]', '[1]'::jsonb || '2', '1'::jsonb || '2', '{"a": 1}'::jsonb || '[2]', '[1]'::jsonb || '{"a": 1}', '{}'::jsonb || NULL;
SELECT '{"a": 1}'::jsonb || '2';
SELECT '{"a": 1, "b": 2, "c": 3}'::jsonb - 'b', '{"a": 1, "b": 2, "c": 3}'::jsonb - '{a,c}'::text[], '["a", "b", "a"]'::jsonb - 'a', '[1, 2, 3]'::jsonb - 1, '[1, 2, 3]'::jsonb - -1, '[1]'::jsonb - 7, '{"a": 1}'::jsonb - 'z';
SELECT '{"a": 1}'::jsonb - 1;
SELECT '"s"'::jsonb - 'a';
SELECT '{"a": {"b": [1, 2]}}'::jsonb #- '{a,b,0}', '{"a": {"b": 1}}'::jsonb #- '{a,b}', '{"a": 1}'::jsonb #- '{z}', '[1, [2, 3]]'::jsonb #- '{1,-1}', '{"a": 1}'::jsonb #- '{}';
SELECT jsonb_set('{"a": 1}', '{a}', '2'), jsonb_set('{"a": 1}', '{b}', '"x"'), jsonb_set('{"a": 1}', '{b}', '"x"', false), jsonb_set('{"a": [1, 2]}', '{a,1}', '9'), jsonb_set('{"a": [1, 2]}', '{a,-1}', '9'), jsonb_set('{"a": [1]}', '{a,5}', '7'), jsonb_set('{"a": [1]}', '{a,-5}', '0');
SELECT jsonb_set('{"a": {"b": 1}}', '{a,c,d}', '1'), jsonb_set('{"a": {"b": 1}}', '{a,c}', '{"x": 1}'), jsonb_set('{"a": 1}', '{}', '2'), jsonb_set('{"a": 1}', '{a}', NULL);
SELECT jsonb_set('{"a": [1]}', '{a,x}', '1');
SELECT jsonb_insert('{"a": [1, 2]}', '{a,1}', '"x"'), jsonb_insert('{"a": [1, 2]}', '{a,1}', '"x"', true), jsonb_insert('{"a": [1, 2]}', '{a,-1}', '0'), jsonb_insert('{"a": 1}', '{b}', '2'), jsonb_insert('[]', '{0}', '1');
SELECT jsonb_insert('{"a": 1}', '{a}', '2');
SELECT jsonb_strip_nulls('{"a": null, "b": {"c": null, "d": 1}, "e": [null, {"f": null}]}'), json_strip_nulls('{"a": null, "b": 1}'), jsonb_strip_nulls('null');
SELECT jsonb_pretty('[1, {"a": {}, "b": []}]');
SELECT '{"a": 1}'::jsonb || '{"b": }';
