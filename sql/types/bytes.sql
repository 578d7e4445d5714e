-- bytea: input forms, output forms and functions over bytes.
SELECT '\xDEADbeef'::bytea, '\x'::bytea, 'abc'::bytea, 'a\\b'::bytea, 'a\001\377'::bytea, '\x de ad'::bytea;
SELECT 'a\b'::bytea;
SELECT 'a\400'::bytea;
SELECT '\x01'::bytea || '\x0203'::bytea, substring('\x01020304'::bytea FROM 2 FOR 2), substr('\x01020304'::bytea, 3), position('\x03'::bytea IN '\x01020304'::bytea);
SELECT get_byte('\x01'::bytea, 5);
SELECT reverse('abc'), md5('\x616263'::bytea), sha224('\x'::bytea), sha384('abc'::bytea);
SELECT encode('\x00ff10'::bytea, 'hex'), encode('\x00ff10'::bytea, 'base64'), encode('\x00ff10'::bytea, 'escape'), encode('', 'base64');
SELECT decode('AP8Q', 'base64'), decode('00ff10', 'hex'), decode('\000\377x', 'escape');
SELECT decode('not base64!', 'base64');
SELECT decode('abc', 'base64');
SELECT '\x01'::bytea < '\x02'::bytea, '\x01'::bytea < '\x0100'::bytea, '\xff'::bytea > '\x7f'::bytea, '\x61'::bytea = 'a'::bytea;
SELECT convert_from('\xc3a9'::bytea, 'UTF8'), convert_to('é', 'UTF8'), convert_from('\x61'::bytea, 'utf-8');
SELECT convert_from('\xff'::bytea, 'UTF8');
SET bytea_output = 'escape';
SELECT '\x00610a5cff'::bytea, 'é'::bytea, ''::bytea;
RESET bytea_output;
SELECT '\x00610a5cff'::bytea, pg_typeof('\x'::bytea), '\x61'::bytea::text, NULL::bytea;
