-- Finding, cutting and replacing parts of texts.
SELECT position('b' IN 'abc'), position('' IN 'abc'), position('z' IN 'abc'), strpos('a/b/c', '/'), strpos('', ''), strpos('日本語', '語'), position(NULL IN 'a');
SELECT substring('kubearmor' FROM 5), substring('kubearmor' FROM 1 FOR 4), substring('kubearmor' FOR 4), substring('kubearmor', 5, 2), substr('kubearmor', 5), substr('kubearmor', -3, 6);
SELECT substring('abc' FROM 0), substring('abc' FROM 10) || '|', substring('abc' FROM 2 FOR 0) || '|', substring('abc' FROM -5 FOR 3) || '|', substring('日本語' FROM 2 FOR 1);
SELECT substring('abc' FROM 2 FOR -1);
SELECT substr('abc', 1, -1);
SELECT overlay('Txxxxas' PLACING 'hom' FROM 2 FOR 4), overlay('abcdef' PLACING 'ZZ' FROM 3), overlay('abc' PLACING 'X' FROM 2 FOR 0), overlay('abc' PLACING '' FROM 2 FOR 1), overlay('日本' PLACING 'x' FROM 1);
SELECT overlay('abc' PLACING 'x' FROM 0);
SELECT split_part('a,b,c', ',', 2), split_part('a,b,c', ',', -1), split_part('a,b,c', ',', 9) || '|', split_part('abc', '', 1), split_part('a||b||c', '||', 3), split_part('', ',', 1) || '|', split_part(NULL, ',', 1);
SELECT split_part('a,b', ',', 0);
SELECT string_to_array('a,b,,c', ','), string_to_array('a,b,,c', ',', ''), string_to_array('abc', NULL), string_to_array('', ','), string_to_array('abc', ''), string_to_array(NULL, ','), string_to_array('a b  c', ' ');
SELECT array_to_string(ARRAY['a', NULL, 'c'], ','), array_to_string(ARRAY['a', NULL, 'c'], ',', '-'), array_to_string(ARRAY[1, 2, 3], ''), array_to_string('{}'::int[], ',') || '|', array_to_string(ARRAY[[1, 2], [3, 4]], ',');
SELECT x FROM string_to_table('a,b,,c', ',') AS x;
SELECT x FROM string_to_table('a,b,,c', ',', '') WITH ORDINALITY AS t(x, n) ORDER BY n DESC;
SELECT concat('a', 1, true, NULL, 2.5, date '2024-01-01'), concat_ws(', ', 'a', NULL, '', 'b'), 'a' || '' || 'b';
SELECT starts_with('kubearmor', 'kube'), right('/usr/bin/sh', 2), reverse(split_part(reverse('/usr/bin/sh'), '/', 1)), regexp_replace('/usr/bin/sh', '^.*/', '');
SELECT split_part('key=value', '=', 1) AS key, split_part('key=value', '=', 2) AS value, length(split_part('key=value', '=', 3));
