SELECT 'kubearmor' LIKE 'kube%', 'kube' LIKE '_ube', 'KUBE' ILIKE 'kube', 'kube' NOT LIKE 'x%', 'kube' NOT ILIKE 'K%', 'a%b' LIKE 'a\%b', 'axb' LIKE 'a\%b';
SELECT 'a%b' LIKE 'a!%b' ESCAPE '!', 'axb' LIKE 'a!%b' ESCAPE '!', 'a\b' LIKE 'a\b' ESCAPE '', 'A_B' ILIKE 'a#_b' ESCAPE '#', 'a' LIKE NULL, NULL LIKE 'a';
SELECT 'a
b' LIKE 'a%b', '' LIKE '', '' LIKE '%', 'abc' LIKE '%b%', 'abc' LIKE 'abc%%', 'é' LIKE '_';
SELECT 'abc' ~~ 'a%', 'abc' ~~* 'A%', 'abc' !~~ 'a%', 'abc' !~~* 'A%';
SELECT 'abc' LIKE 'abc\';
SELECT 'abc' SIMILAR TO 'abc', 'abc' SIMILAR TO 'a', 'abc' SIMILAR TO '%(b|d)%', 'abc' SIMILAR TO '(b|c)%', 'abc' NOT SIMILAR TO 'a_c', 'aab' SIMILAR TO 'a{2}b', 'a.c' SIMILAR TO 'a.c', 'abc' SIMILAR TO 'a.c', 'a|c' SIMILAR TO 'a\|c', 'abc' SIMILAR TO '[a-c]+', 'a^' SIMILAR TO 'a^';
SELECT 'a%' SIMILAR TO 'a#%' ESCAPE '#', NULL SIMILAR TO 'a', 'ab' SIMILAR TO 'a?b*', 'xab' SIMILAR TO '%(a|b){2}';
SELECT 'thomas' ~ 't.*ma', 'thomas' ~* 'T.*ma', 'thomas' !~ 't.*max', 'thomas' !~* 'T.*MA', 'abc' ~ '^a.c$', 'abc' ~ 'b$', '' ~ '', NULL ~ 'a';
SELECT 'a.b' ~ 'a\.b', 'a1' ~ '\d', 'ab' ~ '^\w+$', 'a b' ~ '\s', 'foo bar' ~ '\mbar\M', 'foobar' ~ '\mbar', 'foo bar' ~ '\ybar', 'foobar' ~ '\Boba', 'a' ~ '[[:alpha:]]', '1' ~ '[^[:digit:]]', 'x' ~ '[[:<:]]x[[:>:]]';
SELECT 'abab' ~ '^(ab)\1$', 'abac' ~ '^(ab)\1$', 'foobar' ~ 'foo(?=bar)', 'foobaz' ~ 'foo(?!bar)', 'ab' ~ '(?i)AB', 'AB' ~ '(?i)ab', 'a
b' ~ 'a.b', 'a
b' ~ '(?n)a.b', 'a
b' ~ '^b', 'a
b' ~ '(?n)^b', 'a b' ~ '(?x) a\ b # comment';
SELECT 'x' ~ '(';
SELECT 'x' ~ '[a';
SELECT 'x' ~ '*a', 'a{1' ~ 'a\{1';
SELECT 'kube' ~ ANY (ARRAY['^k', 'x']), 'kube' LIKE ANY (ARRAY['%e', 'z%']), 'kube' LIKE ALL (ARRAY['%e', 'k%']), 'kube' ILIKE ANY ('{K%,y}'), 'kube' NOT LIKE ALL (ARRAY['a%', 'b%']);
SELECT regexp_replace('Thomas', '.[mN]a.', 'M'), regexp_replace('foobarbaz', 'b..', 'X'), regexp_replace('foobarbaz', 'b..', 'X', 'g'), regexp_replace('foobarbaz', 'b(..)', 'X\1Y', 'g'), regexp_replace('X', 'x', 'y', 'i'), regexp_replace('abc', '(b)', '[\&]');
SELECT regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 1, 0, 'i'), regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 1, 3, 'i'), regexp_replace('abcabc', 'b', 'X', 3), regexp_replace('a.b.c', '\.', '$1', 'g'), regexp_replace('ab', '(a)(b)?', '\2\1'), regexp_replace('a\b', '\\', '/');
SELECT regexp_replace('abc', '', '-', 'g'), regexp_replace('aaa', 'a*', 'x', 'g'), regexp_replace('abc', 'x*', '-', 'g'), regexp_replace(NULL, 'a', 'b'), regexp_replace('Hello World', '(\w+) (\w+)', '\2 \1'), regexp_replace('x', 'x', '\\');
SELECT regexp_match('foobarbequebaz', '(bar)(beque)'), regexp_match('foobarbequebaz', 'barbeque'), regexp_match('abc', 'x'), regexp_match('ABC', 'b', 'i'), regexp_match('foobarbequebaz', '(bar)(x)?(beque)');
SELECT (regexp_match('pod-12-abc', '(\d+)'))[1], (regexp_match('key=value', '(\w+)=(\w+)'))[2];
SELECT regexp_matches('foobarbequebazilbarfbonk', '(b[^b]+)(b[^b]+)', 'g');
SELECT regexp_matches('foobarbequebazilbarfbonk', '(b[^b]+)(b[^b]+)');
SELECT m[1] FROM regexp_matches('a1b2c3', '[a-z]\d', 'g') AS m;
SELECT regexp_split_to_array('hello  world foo', '\s+'), regexp_split_to_array('abc', ''), regexp_split_to_array('a1b2c', '\d'), regexp_split_to_array('AxBXc', 'x', 'i'), regexp_split_to_array('', ',');
SELECT regexp_split_to_table('the quick fox', '\s+');
SELECT word FROM regexp_split_to_table('one two', ' ') AS word;
SELECT regexp_count('ABCABCAXYaxy', 'A.'), regexp_count('ABCABCAXYaxy', 'A.', 1, 'i'), regexp_count('123123123', '\d{3}', 1), regexp_count('abc', 'x'), regexp_count('aaa', ''), regexp_count('ABCABCAXYaxy', 'A.', 3);
SELECT regexp_instr('number of your street, town zip, FR', '[^,]+', 1, 2), regexp_instr('ABCDEFGHI', '(c..)(...)', 1, 1, 0, 'i', 2), regexp_instr('abc', 'x');
SELECT regexp_like('Hello World', 'world', 'i'), regexp_like('Hello', '^h'), regexp_substr('number of your street', '[^ ]+', 1, 2), regexp_substr('ABCDEFGHI', '(c..)(...)', 1, 1, 'i', 2), regexp_substr('abc', 'x');
SELECT regexp_replace('2024-05-06', '(\d+)-(\d+)-(\d+)', '\3.\2.\1'), regexp_replace('a  b   c', ' +', ' ', 'g'), regexp_replace('path/to/file', '/[^/]*$', '');
SELECT 'ab' ~ 'a|b|', 'é' ~ '^.$', 'É' ~* 'é', 'a-b' ~ '[a-]-', ']' ~ '[]]', 'a' ~ '[^]]', 'a]' ~ '^[a]]$', '\' ~ '[\\]', 'tab	x' ~ '\t';
SELECT 'aXb' ~ 'a(?:X)b', 'aaa' ~ '^a{3}$', 'aaa' ~ '^a{2,}$', 'ab' ~ 'a+?b', '192.168.0.1' ~ '^(\d{1,3}\.){3}\d{1,3}$', 'x{y' ~ 'x\{y';
SELECT regexp_match('abcd', 'a.*?c'), regexp_match('xyz', '(x)|(y)'), regexp_match('aaaa', '(a+?)(a*)'), substring('foobar' from 'o(.)b'), substring('foobar' from 'o(?:.)b');
