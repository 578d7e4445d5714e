-- jsonpath: steps, filters, methods and the functions that ask.
SELECT jsonb_path_query_array('{"a": {"b": [1, 2, 3]}}', '$.a.b[*]'), jsonb_path_query_array('{"a": [1, 2, 3]}', '$.a[1]'), jsonb_path_query_array('{"a": [1, 2, 3]}', '$.a[last]'), jsonb_path_query_array('{"a": [1, 2, 3]}', '$.a[0 to 1]'), jsonb_path_query_array('{"a": [1, 2, 3]}', '$.a[0, 2]');
SELECT jsonb_path_query_array('{"a": 1, "b": 2}', '$.*'), jsonb_path_query_array('[{"k": 1}, {"k": 2}]', '$[*].k'), jsonb_path_query_array('{"a b": 1}', '$."a b"'), jsonb_path_query_array('{"a": 1}', '$.z'), jsonb_path_query_array('[1, 2]', '$');
SELECT jsonb_path_query_array('[1, 5, 9]', '$[*] ? (@ > 3)'), jsonb_path_query_array('[1, 5, 9]', '$[*] ? (@ > 3 && @ < 9)'), jsonb_path_query_array('[1, 5, 9]', '$[*] ? (@ == 1 || @ == 9)'), jsonb_path_query_array('[1, 5]', '$[*] ? (!(@ == 1))');
SELECT jsonb_path_query_array('[{"n": "web", "c": 3}, {"n": "db", "c": 1}]', '$[*] ? (@.c >= 2).n'), jsonb_path_query_array('[{"n": "web"}, {"m": "db"}]', '$[*] ? (exists (@.n))'), jsonb_path_query_array('["web-1", "db-2"]', '$[*] ? (@ starts with "web")'), jsonb_path_query_array('["web-1", "DB-2"]', '$[*] ? (@ like_regex "^db" flag "i")');
SELECT jsonb_path_exists('{"a": [1, 2]}', '$.a[*] ? (@ == 2)'), jsonb_path_exists('{"a": 1}', '$.b'), '{"a": 1}'::jsonb @? '$.a', '{"a": 1}'::jsonb @? '$.b', jsonb_path_match('{"a": 1}', '$.a == 1'), '{"a": 1}'::jsonb @@ '$.a == 2', '{"a": 1}'::jsonb @@ '$.a';
SELECT jsonb_path_query_first('[3, 4]', '$[*]'), jsonb_path_query_first('[]', '$[*]'), jsonb_path_query_array('[1, 2]', '$.size()'), jsonb_path_query_array('[1, "a", null, {}]', '$[*].type()');
SELECT jsonb_path_query('[1, 2, 3]', '$[*] ? (@ > 1)');
SELECT x FROM jsonb_path_query('{"p": [{"n": "a"}, {"n": "b"}]}', '$.p[*].n') AS x ORDER BY x DESC;
SELECT jsonb_path_query_array('{"a": 5}', 'lax $.a[*]'), jsonb_path_query_array('[{"a": 1}]', '$.a'), jsonb_path_query_array('{"a": null}', '$.a ? (@ == null)'), jsonb_path_query_array('[true, false]', '$[*] ? (@ == true)');
SELECT jsonb_path_query_array('{"a": 1}', '$.');
SELECT jsonb_path_query_array('{"a": 1}', 'a');
SELECT jsonb_path_query_array(NULL, '$'), jsonb_path_exists('{"a": 1}', NULL), jsonb_path_match('{"a": 1}', '$.a == "1"');
