-- text, varchar(n), char(n), name and "char": lengths, padding, comparison.
SELECT 'abc'::varchar(2), 'abc'::char(2), 'abc'::char(5) || '|', 'abc'::varchar(5) || '|', 'a  '::char(3) || '|';
SELECT 'héllo'::varchar(2), 'héllo'::char(3), length('héllo'), octet_length('héllo');
SELECT 'abc'::char, 'abc'::character varying, 'abc'::bpchar || '|', 'abc'::character(4) || '|', 'x'::"char", 'xyz'::"char";
SELECT cast('abcdef' AS varchar(3)), cast(12345 AS varchar(3)), cast(true AS char(2)), cast(1.50 AS text);
SELECT 'a' < 'B', 'B' < 'a', 'Z' < 'é', '10' < '9', 'a' < 'a ', '' < ' ';
SELECT max(x), min(x) FROM (VALUES ('b'), ('A'), ('é'), ('')) AS v(x);
SELECT x FROM (VALUES ('b'), ('A'), ('é'), ('a'), ('_'), ('1'), ('')) AS v(x) ORDER BY x;
SELECT upper('a'::char(3)) || '|', lower('ABC'::varchar(3)), initcap('the QUICK fox'), 'a'::char(4) || 'b'::char(4) || '|';
SELECT 'tab	here', 'line
break', E'tab\there', E'quote\'s', E'back\\slash', E'\x41\101\u00e9', 'it''s', E'a\nb';
SELECT $$dollar 'quoted' \n$$, $tag$with $$ inside$tag$, $$$$;
SELECT 'two '
  'parts';
SELECT ''::text IS NULL, '' = '', length(''), '' || 'x', NULL || 'x';
