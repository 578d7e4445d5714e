-- SIMILAR TO: SQL's own regular expressions.
SELECT 'abc' SIMILAR TO 'abc', 'abc' SIMILAR TO 'a', 'abc' SIMILAR TO '%(b|d)%', 'abc' SIMILAR TO '(b|c)%', 'abc' NOT SIMILAR TO 'a_c';
SELECT 'aab' SIMILAR TO 'a+b', 'b' SIMILAR TO 'a*b', 'ab' SIMILAR TO 'a?b', 'aaab' SIMILAR TO 'a{3}b', 'aab' SIMILAR TO 'a{3,}b', 'aab' SIMILAR TO 'a{1,2}b';
SELECT 'x1' SIMILAR TO '[a-z][0-9]', 'X1' SIMILAR TO '[^a-z][[:digit:]]', 'a.c' SIMILAR TO 'a.c', 'abc' SIMILAR TO 'a.c', 'a^' SIMILAR TO 'a^', '$a' SIMILAR TO '$a';
SELECT 'a%c' SIMILAR TO 'a\%c', 'abc' SIMILAR TO 'a\%c', 'a%c' SIMILAR TO 'a#%c' ESCAPE '#', 'a_c' SIMILAR TO 'a#_c' ESCAPE '#', 'a|c' SIMILAR TO 'a\|c';
SELECT NULL SIMILAR TO 'a', 'a' SIMILAR TO NULL, 'a' NOT SIMILAR TO NULL;
SELECT '' SIMILAR TO '', '' SIMILAR TO '%', 'ab' SIMILAR TO 'a|b', 'a' SIMILAR TO 'a|b', 'ab' SIMILAR TO '(a|b)(a|b)', 'abab' SIMILAR TO '(ab)+';
SELECT 'héllo' SIMILAR TO 'h_llo', E'a\nb' SIMILAR TO 'a%b', 'ABC' SIMILAR TO 'abc';
SELECT 'abc' SIMILAR TO '(abc';
SELECT 'abc' SIMILAR TO '[a';
SELECT 'abc' SIMILAR TO 'abc' ESCAPE 'ab';
SELECT v FROM (VALUES ('nginx-1'), ('nginx-a'), ('redis-2')) AS t(v) WHERE v SIMILAR TO '(nginx|redis)-[0-9]' ORDER BY v;
SELECT v, v SIMILAR TO p FROM (VALUES ('abc', 'a%'), ('abc', '_'), ('b', '(a|b)')) AS t(v, p) ORDER BY v, p;
