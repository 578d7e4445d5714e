-- TABLE and VALUES wherever a query may stand.
CREATE TABLE who_one (a int, b text);
INSERT INTO who_one VALUES (1, 'x'), (2, NULL), (3, (SELECT 'from a query'));
TABLE who_one ORDER BY a;
SELECT * FROM (TABLE who_one) AS t WHERE a > 1 ORDER BY a;
SELECT count(*) FROM (TABLE who_one UNION ALL TABLE who_one) AS t;
TABLE who_one EXCEPT TABLE who_one;
TABLE who_one INTERSECT SELECT 1, 'x';
SELECT a FROM who_one WHERE a IN (VALUES (1), (7)) ORDER BY a;
SELECT a FROM who_one WHERE a NOT IN (VALUES (1), (7)) ORDER BY a;
VALUES (1, 'one'), ((SELECT max(a) FROM who_one), 'most') ORDER BY 1;
SELECT column1 + 1 FROM (VALUES (1), ((SELECT count(*) FROM who_one))) AS v ORDER BY 1;
WITH t AS (TABLE who_one) SELECT count(b) FROM t;
SELECT count(*), sum(a) FROM who_one;
TABLE who_nothing;
DROP TABLE who_one;
