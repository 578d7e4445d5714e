-- LIKE and ILIKE: wildcards, escapes, NULLs and columns as patterns.
SELECT 'kube-system' LIKE 'kube%', 'kube-system' LIKE '%system', 'kube-system' LIKE '%-%', 'kube-system' LIKE 'kube_system', 'kube-system' LIKE 'kube';
SELECT 'a%b' LIKE 'a\%b', 'axb' LIKE 'a\%b', 'a_b' LIKE 'a\_b', 'a\b' LIKE 'a\\b', 'a\b' LIKE 'a_b';
SELECT '50%' LIKE '50!%' ESCAPE '!', '50x' LIKE '50!%' ESCAPE '!', 'a!b' LIKE 'a!!b' ESCAPE '!', 'A_B' ILIKE 'a#_b' ESCAPE '#';
SELECT 'abc' LIKE 'abc\';
SELECT '' LIKE '', '' LIKE '%', '' LIKE '_', 'a' LIKE '', 'a' LIKE '_%', 'ab' LIKE '__', 'ab' LIKE '___', 'ab' LIKE '%%%';
SELECT 'héé' LIKE 'h__', '日本語' LIKE '日_語', '日本語' LIKE '%語', '🙂' LIKE '_';
SELECT E'one\ntwo' LIKE 'one%two', E'one\ntwo' LIKE 'one_two', E'a\tb' LIKE E'a\tb';
SELECT NULL LIKE 'a', 'a' LIKE NULL, NULL NOT LIKE 'a', NULL ILIKE NULL;
SELECT 'abc' NOT LIKE 'a%', 'abc' NOT ILIKE 'X%', NOT 'abc' LIKE 'b%', 'abc' !~~ 'a%', 'abc' ~~* 'AB_', 'abc' !~~* 'AB_';
SELECT v, p, v LIKE p FROM (VALUES ('nginx-1', 'nginx-%'), ('redis', '_edis'), ('redis', 'r%x'), (NULL, '%')) AS t(v, p) ORDER BY v, p;
SELECT v FROM (VALUES ('/bin/sh'), ('/usr/bin/curl'), ('/sbin/init')) AS t(v) WHERE v LIKE '/bin/%' OR v LIKE '%/curl' ORDER BY v;
SELECT v LIKE ANY (ARRAY['a%', '%z']), v LIKE ALL (ARRAY['a%', '%z']), v NOT LIKE ALL (ARRAY['b%', 'c%']), v ILIKE ANY (ARRAY['A%']) FROM (VALUES ('abc'), ('az'), ('q')) AS t(v) ORDER BY v;
SELECT 12 LIKE '1%';
SELECT 'a'::varchar LIKE 'a'::char(3), 'abc'::name LIKE 'ab%', 'x' LIKE 'x'::varchar;
SELECT count(*) FILTER (WHERE v LIKE '%a%'), count(*) FILTER (WHERE v NOT LIKE '%a%') FROM (VALUES ('banana'), ('kiwi'), (NULL)) AS t(v);
