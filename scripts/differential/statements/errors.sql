SELECT 1 / 0
SELECT 1.0 / 0
SELECT 1::float8 / 0
SELECT 5 % 0
SELECT mod(5, 0)
SELECT 'abc'::int
SELECT '1.5'::int
SELECT ''::int
SELECT ' 12 '::int
SELECT '99999999999'::int
SELECT 2147483647 + 1
SELECT 9223372036854775807 + 1
SELECT -2147483648 - 1
SELECT 32767::smallint + 1::smallint
SELECT 100000 * 100000
SELECT 40000::smallint
SELECT 3e10::int
SELECT 1e400::float8
SELECT 1e40::float4
SELECT 'x'::float8
SELECT 'NaN'::float8, 'Infinity'::float8, '-inf'::float8, 'NaN'::float8 = 'NaN'::float8, 'NaN'::float8 > 1e300
SELECT 'maybe'::bool
SELECT 'yes'::bool, 'of'::bool, 'tru'::bool, ' ON '::bool, '0'::bool
SELECT '2024-13-01'::date
SELECT '2023-02-29'::date
SELECT 'yesterday-ish'::timestamp
SELECT '25:00'::time
SELECT '24:00:00'::time
SELECT 'nonsense'::interval
SELECT '2024-01-01 12:00 Mars/Phobos'::timestamptz
SELECT timestamptz '2024-01-01' AT TIME ZONE 'Nowhere'
SELECT make_date(2023, 2, 29)
SELECT make_time(25, 0, 0)
SELECT make_timestamp(2023, 13, 1, 0, 0, 0)
SELECT date_trunc('fortnight', now())
SELECT extract(nonsense from now())
SELECT date_part('nonsense', now())
SELECT extract(hour from date '2024-01-01')
SELECT extract(year from time '10:00')
SELECT to_date('2024-99-01', 'YYYY-MM-DD')
SELECT to_timestamp('abc', 'YYYY')
SELECT to_number('abc', '999')
SELECT 'not-a-uuid'::uuid
SELECT '{"a":'::jsonb
SELECT 'x'::json
SELECT '{1,2'::int[]
SELECT '{1,x}'::int[]
SELECT '1,2'::int[]
SELECT '10.0.0.256'::inet
SELECT '10.0.0.1/33'::inet
SELECT '10.0.0.1/8'::cidr
SELECT '\xZZ'::bytea
SELECT decode('zz', 'hex')
SELECT decode('abc', 'base64')
SELECT encode('abc', 'rot13')
SELECT ln(0)
SELECT ln(-1.0)
SELECT log(0::float8)
SELECT sqrt(-1)
SELECT sqrt(-1.0)
SELECT power(0, -1)
SELECT power(-8, 0.5)
SELECT (-8.0) ^ 0.5
SELECT exp(1000)
SELECT acos(2)
SELECT factorial(-1)
SELECT chr(0)
SELECT chr(-1)
SELECT repeat('x', -1)
SELECT lpad('x', -5)
SELECT substring('abc' from 1 for -1)
SELECT substr('abc', 2, -1)
SELECT split_part('a,b', ',', 0)
SELECT 'a' ~ '('
SELECT regexp_replace('a', '[', 'x')
SELECT regexp_matches('a', 'a', 'z')
SELECT 'a' LIKE 'a\'
SELECT 'a' LIKE 'a' ESCAPE 'xx'
SELECT width_bucket(1.0, 0, 0, 5)
SELECT width_bucket(1.0, 0, 10, 0)
SELECT ARRAY[1, 'a']
SELECT ARRAY[]
SELECT array_fill(1, NULL)
SELECT trim_array(ARRAY[1], 5)
SELECT array_length(1, 1)
SELECT jsonb_array_length('{"a":1}')
SELECT jsonb_each('[1]')
SELECT jsonb_array_elements('{"a":1}')
SELECT ('{"a":"x"}'::jsonb -> 'a')::int
SELECT ('{"a":1.7}'::jsonb -> 'a')::int, ('true'::jsonb)::bool
SELECT jsonb_object('{a,b,c}')
SELECT jsonb_set('{"a":1}', NULL, '2')
SELECT '1'::jsonb @? 'bad path ['
SELECT nosuch
SELECT nosuch FROM item
SELECT item.nosuch FROM item
SELECT x.id FROM item
SELECT * FROM nosuch
SELECT * FROM nosuch.item
SELECT nosuch()
SELECT nosuch(1, 'a')
SELECT length(1)
SELECT upper(1)
SELECT sum('a')
SELECT 1 + 'a'
SELECT 1 || 2
SELECT 'a' + 'b'
SELECT true + 1
SELECT 1 = 'x'
SELECT 1 = true
SELECT now() > 5
SELECT date '2024-01-01' + date '2024-01-02'
SELECT id FROM item WHERE t = 1
SELECT id FROM item WHERE id
SELECT id FROM item WHERE 'x'
SELECT NOT 1
SELECT CASE WHEN 1 THEN 2 END
SELECT CASE WHEN true THEN 1 ELSE 'x' END
SELECT coalesce(1, 'x')
SELECT coalesce(1, true)
SELECT id FROM item, part
SELECT item.id, id FROM item JOIN part ON item.id = part.item
SELECT id FROM item JOIN part USING (nosuch)
SELECT * FROM item JOIN item ON true
SELECT id FROM item ORDER BY 5
SELECT id FROM item ORDER BY nosuch
SELECT id FROM item GROUP BY 7
SELECT id, count(*) FROM item
SELECT sum(id) FROM item GROUP BY sum(id)
SELECT id FROM item HAVING id > 1
SELECT DISTINCT ON (place) id FROM item ORDER BY id
SELECT id FROM item LIMIT 'x'
SELECT id FROM item LIMIT id
SELECT FROM WHERE
SELEC 1
SELECT 1,
SELECT (1
SELECT 1)
SELECT 'unterminated
SELECT * FORM item
SELECT id FROM item WHERE
SELECT id FROM item WHERE id = = 1
SELECT 1 FROM
SELECT $1
SELECT *
SELECT item.* 
SELECT count(DISTINCT) FROM item
SELECT 1::nosuchtype
SELECT cast(1 AS nosuch)
SELECT id::uuid FROM item
SELECT 1::date
SELECT true::date
SELECT now()::int
SELECT 1::bytea
SELECT array_agg(DISTINCT id ORDER BY t) FROM item
SELECT string_agg(DISTINCT label, ',' ORDER BY id) FROM part
SELECT percentile_cont(1.5) WITHIN GROUP (ORDER BY id) FROM item
SELECT percentile_cont(0.5) FROM item
SELECT (SELECT 1, 2)
SELECT 1 IN (SELECT 1, 2)
SELECT (SELECT id FROM item) + 1
SELECT id FROM (SELECT 1 AS id, 2 AS id) x
WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT 1 FROM t, t) SELECT * FROM t LIMIT 1
WITH x AS (SELECT 1), x AS (SELECT 2) SELECT 1
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT 'x' FROM t) SELECT * FROM t
VALUES (1, 2), (3)
VALUES (1), ('x')
SELECT a FROM (VALUES (1, 2)) v(a, b, c)
SELECT row_number() FROM item
SELECT lag(id) FROM item
SELECT sum(id) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING) FROM item
SELECT sum(id) OVER nosuch FROM item
SELECT length(w) OVER () FROM words
SELECT generate_series(1, 10, 0)
SELECT * FROM generate_series(1, 3) WHERE generate_series(1, 2) = 1
SELECT format('%d', 1)
SELECT format('%s')
SELECT format('%')
SELECT to_char(1, 'x')
SELECT set_byte('\x01', 5, 1)
SELECT get_byte('\x01', 1)
SELECT set_masklen('10.0.0.1', 40)
SELECT inet '10.0.0.1'
SELECT '1 day'::interval / 0
SELECT current_setting('no.such')
SELECT pg_typeof(nosuch)
SELECT 'abc'::regclass
SELECT 'item'::regclass
SELECT 'int4'::regtype, 'integer'::regtype, 'nosuch'::regtype
SELECT 1.5::numeric(3,3)
SELECT 12345.678::numeric(5,2)
SELECT 'abc'::varchar(2), 'abc'::char(2), 'a'::char(3) || '|'
SELECT 'abc'::varchar(0)
SELECT 1 AS a, a + 1
SELECT id AS a FROM item WHERE a = 1
SELECT interval '1 day' > 5
SELECT max(id, 1) FROM item
SELECT lower()
SELECT lower('a', 'b')
SELECT substring('abc', 'x', 'y', 'z')
SELECT position('a', 'b')
SELECT extract(year, now())
SELECT ARRAY[1,2] + 1
SELECT ARRAY[1,2] = ARRAY['a','b']
SELECT ARRAY[1,2] || 'x'
SELECT (ARRAY[1,2])['a']
SELECT ('{"a":1}'::jsonb)['a'], ('{"a":[5,6]}'::jsonb)['a'][1]
SELECT t[1] FROM words
SELECT (id).x FROM item
SELECT 1 WHERE 1 = ANY (2)
SELECT 1 = ANY (ARRAY['a'])
SELECT id FROM item FOR UPDATE OF nosuch
SELECT nextval('nosuch')
SELECT has_table_privilege('nosuch', 'select')
SELECT 'a' COLLATE "nosuch"
SELECT id FROM place TABLESAMPLE nosuch (10)
