-- inet and cidr: spellings, output, parts, comparison.
SELECT '10.0.0'::inet;
SELECT '256.0.0.1'::inet;
SELECT '10.0.0.1/33'::inet;
SELECT '::g'::inet;
SELECT ''::inet;
SELECT set_masklen('10.0.0.1'::inet, 33);
SELECT '10.0.0.1'::inet = '10.0.0.1/32'::inet, '10.0.0.1'::inet = '10.0.0.1/24'::inet, '10.0.0.1'::inet < '10.0.0.2'::inet, '10.0.0.9'::inet < '10.0.0.10'::inet, '9.0.0.1'::inet < '::1'::inet, '10.0.0.0/8'::inet < '10.0.0.0/16'::inet, '10.0.0.1'::inet <> '10.0.0.1'::inet;
SELECT '10.1.2.3'::inet << '10.0.0.0/8'::inet, '10.0.0.0/8'::inet >> '10.1.2.3'::inet, '10.0.0.0/8'::inet <<= '10.0.0.0/8'::inet, '10.0.0.0/8'::inet << '10.0.0.0/8'::inet, '10.0.0.0/8'::inet >>= '10.0.0.0/8'::inet, '10.1.0.0/16'::inet && '10.0.0.0/8'::inet, '11.0.0.1'::inet && '10.0.0.0/8'::inet, '::1'::inet << '10.0.0.0/8'::inet;
SELECT '255.255.255.255'::inet + 1;
SELECT '10.0.0.1'::inet & '::1'::inet;
SELECT inet_same_family('10.0.0.1', '::1'), inet_merge('10.0.0.1/24', '10.0.3.1/24'), inet_merge('10.0.0.1', '10.0.0.2');
SELECT inet_merge('10.0.0.1', '::1');
SELECT x::text LIKE '10.%', x = '10.0.0.1', x IN ('10.0.0.1', '10.0.0.2'), x BETWEEN '10.0.0.0' AND '10.0.0.255', coalesce(x, '0.0.0.0') FROM (VALUES ('10.0.0.1'::inet)) AS v(x);
