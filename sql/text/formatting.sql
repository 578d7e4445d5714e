-- format(), quoting, and numbers as text.
SELECT format('Hello %s', 'world'), format('%s %s', 'a', 'b'), format('%2$s %1$s', 'a', 'b'), format('%s'::text, NULL), format('100%%'), format('no marks', 'ignored');
SELECT format('%I', 'simple'), format('%I', 'Needs quotes'), format('%I.%I', 'my schema', 'select'), format('%L', 'it''s'), format('%L', NULL), format('%L', 42), format('%L', 'a\b');
SELECT format('%s', 1.50), format('%s', true), format('%s', date '2024-02-05'), format('%s', ARRAY[1, 2]), format('%s', '{"a": 1}'::jsonb), format('%s', NULL::int) || '|';
SELECT format('%s %s', 'only one');
SELECT format('%I', NULL);
SELECT format('%z', 1);
SELECT format('%', 1);
SELECT format('%0$s', 'a');
SELECT quote_ident('abc'), quote_ident('Abc'), quote_ident('a"b'), quote_ident(''), quote_ident('user'), quote_ident('1a'), quote_ident('_a1'), quote_ident('é');
SELECT quote_literal('abc'), quote_literal('it''s'), quote_literal(E'a\\b'), quote_literal(42), quote_literal(NULL), quote_nullable(NULL), quote_nullable('x'), quote_nullable(4.50);
SELECT to_char(1234.5, '9,999.99'), to_char(-7, '999'), to_char(0.5, '0.00'), to_char(42, 'FM0000'), to_char(1234567, 'FM9,999,999'), to_char(12.3, '99.99') || '|', to_char(5, 'RN') || '|';
SELECT to_char(99, '9'), to_char(-0.5, 'FM90.0'), to_char(1e6, '9.9EEEE'), to_char(12, '99th'), to_char(-12, '99PR'), to_char(12, 'S99'), to_char(12, '99S'), to_char(1234, 'L9999');
SELECT to_number('1,234.5', '9,999.9'), to_number('-12', '99'), to_number('12-', '99S'), to_number('<7>', '9PR'), to_number('$5', 'L9');
SELECT to_number('', '9');
SELECT encode('abc', 'rot13');
SELECT decode('zz', 'hex');
SELECT repeat('=', 10) || ' ' || to_char(3.14159, 'FM9.00') || ' ' || lpad(42::text, 6, '.');
