-- Operator precedence, names of columns, comments, literals.
SELECT NOT true OR true, NOT (true OR true), true OR false AND false, 1 = 1 AND 2 > 1 OR false, NOT 1 > 2;
SELECT 1 + 2::text::int, - 2::int, -(-2), 1 - -1, 1--1
;
SELECT 1 /* a comment */ + /* nested /* deeper */ */ 1; -- the end
SELECT 1 AS "Mixed Case", 2 AS lower, 3 AS "select", 4 "no as", 5 AS _x1;
SELECT 1e3, 1.5e-2, .5, 5., 1E+2, 123456789012;
SELECT 'it''s', E'tab\tnew', $$raw 'text'$$, $q$x$$y$q$;
SELECT 5 BETWEEN 1 AND 10, 5 NOT BETWEEN 1 AND 10, 5 BETWEEN 10 AND 1, 1 BETWEEN NULL AND 0, 'b' BETWEEN 'a' AND 'c';
SELECT 1 IN (1, 2), 3 NOT IN (1, 2), 'a' IN ('a'), NULL IN (1), 1 IN (1, NULL), 2 IN (1, NULL);
SELECT 1 <> 2, 1 != 2, 1 <= 1, 2 >= 3, 'a' < 'b', true > false;
SELECT x.a, "x"."a", X.A FROM (SELECT 1 AS a) AS x;
SELECT * FROM (SELECT 1 AS a, 2 AS b) AS x, (SELECT 3 AS c) AS y;
SELECT x.*, x.a + 1 AS next FROM (SELECT 1 AS a, 2 AS b) AS x;
SELECT 1 WHERE 1 = 1;
SELECT 1 WHERE NULL;
SELECT 1, FROM;
SELEC 1;
SELECT (1, 2);
SELECT 1 = 1 IS TRUE, NULL = 1 IS NULL, 1 IS NOT NULL = true;
